// SPDX-License-Identifier: Apache-2.0
// Texts of tracefs and of uname(2) that the recorder meets live and readers meet in files.
#ifndef WQPROF_TRACEFS_TEXT_H_
#define WQPROF_TRACEFS_TEXT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "wqprof/types.h"

namespace wqprof {

// The `stats` file of one CPU's ring buffer.  Absent lines are absent, not zero.
struct CpuStats {
  Cpu cpu = Cpu::kNone;  // of a "CPU:" line, which recorders of files put before the others
  std::optional<uint64_t> entries;  // that wait to be read
  std::optional<uint64_t> bytes;    // that these take
  std::optional<uint64_t> overrun;  // overwritten before they were read
  // Refused, as an event came in while the buffer had no room for it, or none to begin with.
  std::optional<uint64_t> commit_overrun, dropped_events;
  std::optional<uint64_t> read_events;
  // The trace clock when the file was read: ns, to the microsecond; of clocks that do not count
  // ns their own number.
  std::optional<uint64_t> now;
};

// Lines that make no sense are left out.
CpuStats ParseCpuStats(std::string_view text);

// The clock in brackets: "mono" of "local global [mono]"; without brackets the first line.
std::string_view ClockInUse(std::string_view trace_clock);

// The parts of "Linux NODE RELEASE VERSION... MACHINE"; "" where there are none.  Bytes that are
// not printable become '?'.
struct UnameParts {
  std::string whole, node, release, machine;
};
UnameParts ParseUname(std::string_view uname);

}  // namespace wqprof

#endif  // WQPROF_TRACEFS_TEXT_H_
