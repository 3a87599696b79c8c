// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_KLOG_BOOT_TRACKER_H_
#define WQPROF_KLOG_BOOT_TRACKER_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "klog/wall_time.h"
#include "wqprof/kernel_log.h"

namespace wqprof::klog {

// Tells the boots of a log apart: by the journal's marks, by the kernel's first line, and by stamps
// that begin anew.  A piece of the same boot that stands behind a later one is no new boot.
class BootTracker {
 public:
  // Takes the next line; returns whether it belongs to another boot than the one before.
  bool Add(const LogLine& line);
  // The boot of the line added last.  Boots beyond the limit of rows are one.
  uint32_t current() const { return static_cast<uint32_t>(boots_.empty() ? 0 : boots_.size() - 1); }
  // The line's wall time, parsed.
  const std::optional<WallTime>& wall() const { return wall_; }
  std::vector<LoggedBoot> Take() { return std::move(boots_); }

 private:
  bool BeginsAnew(const LogLine& line) const;
  bool StampsBeginAnew(Nanos stamp) const;
  std::vector<LoggedBoot> boots_;
  std::optional<WallTime> wall_;
  std::optional<WallTime> zero_;  // wall time of this boot's stamp 0, where lines have both
  bool fresh_ = true;             // no line of the kernel yet
};

}  // namespace wqprof::klog

#endif  // WQPROF_KLOG_BOOT_TRACKER_H_
