// SPDX-License-Identifier: Apache-2.0
#include "model/timer_tracker.h"

#include <array>

namespace wqprof {
namespace {

constexpr std::array<int64_t, 4> kHz = {100, 250, 300, 1000};
constexpr int64_t kSecond = Nanos(std::chrono::seconds(1)).count();

// The timer lies in struct delayed_work, behind a work_struct of 32 bytes, or more in kernels
// that are built for debugging.
constexpr uint64_t kLongestWork = 512;

// From the expiry to the queue event it takes less, also where timers are run by a task.
constexpr Nanos kLongestExpiry = std::chrono::milliseconds(10);

}  // namespace

void JiffyClock::Observe(uint32_t jiffies, Timestamp at) {
  if (!first_) first_ = {jiffies, at};
  const uint32_t elapsed = jiffies - first_->jiffies;
  const int64_t ns = (at - first_->at).count();
  // Jiffies go by steps: either reading may lag behind by less than one.  Beyond an hour nothing
  // is learnt, and sums might overflow.
  if (ns <= 0 || ns > 3600 * kSecond || elapsed < 2 || elapsed > UINT32_MAX / 2) return;
  int64_t only = 0;
  for (const int64_t hz : kHz) {
    const int64_t expected = ns / 1000 * hz / (kSecond / 1000);
    if (expected < elapsed - int64_t{2} || expected > elapsed + int64_t{2}) continue;
    if (only != 0) return;
    only = hz;
  }
  hz_ = only;
}

std::optional<Nanos> JiffyClock::Span(uint32_t jiffies) const {
  // A timer may be started for a time that is over already.
  if (hz_ == 0 || jiffies > INT32_MAX) return std::nullopt;
  return Nanos(static_cast<int64_t>(jiffies) * kSecond / hz_);
}

void TimerTracker::OnStart(const Event& e) {
  jiffies_.Observe(e.timer.now_jiffies, e.at);
  if (e.timer.function != NameId::kDelayedTimer) return;
  seen_ = true;
  // Those that were cancelled gather.
  if (pending_.size() >= kMaxPending) pending_.clear();
  Pending& timer = pending_[ToInt(e.timer.timer)];
  if (timer.at != kUnseen) ++timer.rearmed;
  timer.at = e.at;
  timer.timeout = e.timer.timeout_jiffies;
}

void TimerTracker::OnExpire(const Event& e) {
  if (e.timer.function != NameId::kDelayedTimer) return;
  seen_ = true;
  expired_[e.cpu] = {e.timer.timer, e.at};
}

void TimerTracker::OnLoss() {
  pending_.clear();
  for (Expired& expired : expired_) expired = {};
}

std::optional<TimerTracker::Armed> TimerTracker::Take(Cpu cpu, WorkAddr work, Timestamp at) {
  Expired& expired = expired_[cpu];
  const uint64_t distance = ToInt(expired.timer) - ToInt(work);
  if (expired.at == kUnseen || distance == 0 || distance > kLongestWork ||
      at - expired.at > kLongestExpiry) {
    return std::nullopt;
  }
  Armed armed;
  const auto it = pending_.find(ToInt(expired.timer));
  expired = {};
  if (it == pending_.end()) return armed;
  armed.at = it->second.at;
  armed.rearmed = it->second.rearmed;
  const auto delay = jiffies_.Span(it->second.timeout);
  int64_t due;
  if (delay && !__builtin_add_overflow(armed.at.time_since_epoch().count(), delay->count(), &due)) {
    armed.due = Timestamp(Nanos(due));
  }
  pending_.erase(it);
  return armed;
}

}  // namespace wqprof
