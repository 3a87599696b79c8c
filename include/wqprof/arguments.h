// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_ARGUMENTS_H_
#define WQPROF_ARGUMENTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "wqprof/types.h"

namespace wqprof {

// "250us", "10ms", "2s", "1.5s", "3m", "100ns"; a number without a unit is refused with the
// units that exist.  Never negative.
absl::StatusOr<Nanos> ParseDuration(std::string_view text);

// The same, and a number without a unit is seconds, as for sleep(1).
absl::StatusOr<Nanos> ParseSeconds(std::string_view text);

// "4096B", "64k", "16M", "2G" (powers of 1024), in bytes; a number without a unit is refused.
absl::StatusOr<uint64_t> ParseSize(std::string_view text);

// "0-3,5".
absl::StatusOr<std::vector<Cpu>> ParseCpuList(std::string_view text);

// A program and its arguments, split at white space as a shell does: quotes hold together, a
// backslash takes the next character as it is.  No shell runs it: what only a shell understands is
// refused.
absl::StatusOr<std::vector<std::string>> ParseCommand(std::string_view text);

// A point in a trace as users write it: a stamp of the trace's clock, a time since the trace's
// first event, a length after the begin of a range, or a time of day.
struct TimeBound {
  Nanos at{0};
  bool since_begin = false;
  bool is_length = false;    // not since the trace's begin, but since that of the range
  bool time_of_day = false;  // `at` is since midnight
};

// An end that was left out is open.
struct TimeRange {
  std::optional<TimeBound> from, to;
};

// "1234.567890" (seconds, as trace-cmd prints stamps), "+1.5" or "+250ms" since the begin, or
// "14:02", "14:02:10.5".
absl::StatusOr<TimeBound> ParseTimeBound(std::string_view text);

// "A,B", "A,", ",B".  In a B like "+5s", with a unit, it is a length after A.
absl::StatusOr<TimeRange> ParseTimeRange(std::string_view text);

}  // namespace wqprof

#endif  // WQPROF_ARGUMENTS_H_
