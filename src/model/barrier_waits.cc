// SPDX-License-Identifier: Apache-2.0
#include "model/barrier_waits.h"

#include <utility>

namespace wqprof {
namespace {

bool IsBarrier(const Event& e) { return e.work.function == NameId::kBarrier; }

}  // namespace

void BarrierWaits::OnSwitch(const Event& e) {
  const Event::Switch& s = e.sched_switch;
  if (!s.preempted && s.prev_state == 'D') {
    asleep_[e.pid] = e.at;
  } else if (!asleep_.empty()) {
    asleep_.erase(e.pid);
  }
  if (!asleep_.empty()) asleep_.erase(s.next);
  // A worker that sleeps takes what it executes next from its pool, not from behind that.
  const bool sleeps = !s.preempted && s.prev_state != 'R';
  if (sleeps && !ended_.empty()) ended_.erase(e.pid);
  if (unsure_.empty()) return;
  // It was awake, and waited next to nothing; or it slept all the time.
  unsure_.erase(e.pid);
  if (const auto slept = unsure_.find(s.next); slept != unsure_.end()) {
    waits_.push_back(slept->second);
    unsure_.erase(slept);
  }
}

BarrierWait BarrierWaits::WaitOf(const Event& waking, Timestamp since) const {
  BarrierWait wait;
  wait.begin = since;
  wait.end = waking.at;
  wait.task = waking.wake.target;
  wait.comm = waking.wake.comm;
  // What ended before it slept is not what it waited for.
  const auto last = ended_.find(waking.pid);
  if (last != ended_.end() && last->second.ended > since) wait.behind = last->second;
  return wait;
}

void BarrierWaits::OnWaking(const Event& e, Timestamp covered) {
  if ((e.flags & kFlagsOfInterrupts) != 0 || !in_barrier_.contains(e.pid)) return;
  const auto sleeper = asleep_.find(e.wake.target);
  const bool known =
      sleeper != asleep_.end() && !losing_ && covered != kUnseen && sleeper->second >= covered;
  if (!known) {
    unsure_[e.wake.target] = WaitOf(e, kUnseen);
    return;
  }
  waits_.push_back(WaitOf(e, sleeper->second));
  asleep_.erase(sleeper);
}

void BarrierWaits::OnStart(const Event& e) {
  if ((e.flags & kFlagSoftirq) != 0) return;
  if (IsBarrier(e)) {
    in_barrier_.insert(e.pid);
    return;
  }
  if (!in_barrier_.empty()) in_barrier_.erase(e.pid);
  if (!ended_.empty()) ended_.erase(e.pid);
}

void BarrierWaits::OnEnd(const WorkItem& item, bool sure) {
  if (item.state == ItemState::kBarrier) {
    in_barrier_.erase(item.worker);
    return;
  }
  WorkItem& last = ended_[item.worker];
  last = item;
  last.split = SplitId::kNone;
  if (sure && item.state == ItemState::kDone) return;
  last.id = 0;
  last.queued = last.activated = kUnseen;
}

void BarrierWaits::OnLoss(bool open) {
  losing_ = open;
  asleep_.clear();
  ended_.clear();
  in_barrier_.clear();
  unsure_.clear();
}

void BarrierWaits::Take(std::vector<BarrierWait>& out) {
  out.clear();
  std::swap(out, waits_);
}

}  // namespace wqprof
