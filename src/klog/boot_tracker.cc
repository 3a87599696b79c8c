// SPDX-License-Identifier: Apache-2.0
#include "klog/boot_tracker.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "klog/records.h"

namespace wqprof::klog {
namespace {

using std::chrono::seconds;

// Stamps of one boot go back by less: CPUs write at the same time, people paste in any order.
constexpr Nanos kDisorder = seconds(10);
// A boot whose first lines were left out (grep) begins somewhere here.
constexpr Nanos kEarly = seconds(120);
// What two wall times of one boot's begin may differ by.
constexpr int64_t kSameBegin = 60;
constexpr size_t kMaxBoots = 1000;

// Not of a daemon beside the kernel.
bool IsOfKernel(const LogLine& line) {
  return line.stamp.has_value() || line.tag == "kernel" || (line.tag.empty() && !line.wall.empty());
}

int64_t WholeSeconds(Nanos stamp) {
  return std::chrono::duration_cast<std::chrono::seconds>(stamp).count();
}

}  // namespace

bool BootTracker::StampsBeginAnew(Nanos stamp) const {
  const std::optional<Nanos>& last = boots_.back().last;
  if (!last || stamp + kDisorder >= *last) return false;
  if (wall_ && zero_) {
    WallTime zero = *wall_;
    zero.seconds -= WholeSeconds(stamp);
    return std::abs(SecondsBetween(*zero_, zero)) > kSameBegin;
  }
  return stamp < kEarly || stamp < *last / 2;
}

bool BootTracker::BeginsAnew(const LogLine& line) const {
  if (boots_.empty()) return true;
  if (fresh_) return false;
  if (line.boot_mark || ReadLinuxVersion(line.text)) return true;
  return line.stamp && StampsBeginAnew(*line.stamp);
}

bool BootTracker::Add(const LogLine& line) {
  wall_ = ParseWallTime(line.wall);
  const bool anew = BeginsAnew(line);
  if (anew && boots_.size() < kMaxBoots) boots_.emplace_back();
  if (anew) {
    fresh_ = true;
    zero_.reset();
  }
  LoggedBoot& boot = boots_.back();
  if (line.boot_mark) return anew;
  if (IsOfKernel(line)) fresh_ = false;
  if (const auto release = ReadLinuxVersion(line.text); release && boot.kernel.empty()) {
    boot.kernel = *release;
  }
  if (wall_ && boot.begin.empty()) boot.begin = line.wall;
  if (line.stamp) {
    if (!boot.first) boot.first = line.stamp;
    boot.last = anew ? *line.stamp : std::max(*line.stamp, boot.last.value_or(*line.stamp));
    if (wall_ && !zero_) {
      zero_ = wall_;
      zero_->seconds -= WholeSeconds(*line.stamp);
    }
  }
  return anew;
}

}  // namespace wqprof::klog
