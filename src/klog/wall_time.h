// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_KLOG_WALL_TIME_H_
#define WQPROF_KLOG_WALL_TIME_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wqprof::klog {

// A wall clock's time as a log writes it, to the second.
struct WallTime {
  enum class Style : uint8_t {
    kIso,     // "2026-11-28T18:04:17+0100"
    kSyslog,  // "May  7 18:23:21": without a year
    kCtime    // "Sat Nov 28 18:04:17 2026"
  };
  Style style = Style::kIso;
  int64_t seconds = 0;  // since 1970 in the log's own zone; without a year as if in 2000
  char separator = 'T';
  std::string zone;  // "Z", "+0100"; "" not known
};

std::optional<WallTime> ParseWallTime(std::string_view text);
// `time` + `seconds`, in the same style.
std::string WallText(const WallTime& time, int64_t seconds);
// From `a` to `b`; a turn of the year is none where no year is given.
int64_t SecondsBetween(const WallTime& a, const WallTime& b);

}  // namespace wqprof::klog

#endif  // WQPROF_KLOG_WALL_TIME_H_
