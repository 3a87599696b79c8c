// SPDX-License-Identifier: Apache-2.0
// The time of day of a recording.
#ifndef WQPROF_WALL_CLOCK_H_
#define WQPROF_WALL_CLOCK_H_

#include <optional>
#include <string>
#include <string_view>

#include "wqprof/types.h"

namespace wqprof {

// Turns stamps of one trace into times of day, and back.
class WallClock {
 public:
  // Of a trace whose first event came at `begin`, which was `begin_utc` (RFC 3339 in UTC, as
  // "2026-11-28T14:02:06.131Z").  Absent when that is no such time, or not known.  `utc`: times of
  // day in UTC, else in the zone of the process.
  static std::optional<WallClock> Of(std::string_view begin_utc, Timestamp begin, bool utc);

  // "14:02:10.039"; "" when it is too far away.
  std::string TimeOfDay(Timestamp at) const;
  // Since 1970; absent when it is before, or too far away.
  std::optional<Nanos> SinceEpoch(Timestamp at) const;
  // "2026-11-28", and "CET" or "UTC", of the begin.
  std::string Date() const;
  std::string Zone() const;
  // The stamp of a time of day, `since_midnight` on the day on which the trace began, or of the
  // next day if that is long before the begin.
  Timestamp At(Nanos since_midnight) const;

 private:
  WallClock(Timestamp begin, int64_t begin_ns, bool utc)
      : begin_(begin), begin_ns_(begin_ns), utc_(utc) {}
  // Since 1970, or before.
  std::optional<int64_t> NanosAt(Timestamp at) const;

  Timestamp begin_;
  int64_t begin_ns_;  // since 1970
  bool utc_;
};

}  // namespace wqprof

#endif  // WQPROF_WALL_CLOCK_H_
