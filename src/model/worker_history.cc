// SPDX-License-Identifier: Apache-2.0
#include "model/worker_history.h"

#include <cassert>

namespace wqprof {

WaitSplit WaitSplitOf(const WorkerTime& t) {
  WaitSplit split;
  split.hold = t.Idle(TaskState::kSleepingIdle);
  split.worker_creation = t.Idle(TaskState::kSleeping) + t.Idle(TaskState::kSleepingD);
  split.wakeup = t.Idle(TaskState::kWoken);
  split.runqueue = t.Idle(TaskState::kRunnable) + t.Idle(TaskState::kPreempted);
  split.pre_work = t.Idle(TaskState::kOnCpu);
  for (const Nanos part : t.executing) split.head_of_line += part;
  split.unknown = t.Idle(TaskState::kUnknown);
  return split;
}

RunSplit RunSplitOf(const WorkerTime& t) {
  RunSplit split;
  split.on_cpu = t.Executing(TaskState::kOnCpu);
  split.preempted = t.Executing(TaskState::kPreempted);
  split.blocked_in_d = t.Executing(TaskState::kSleepingD);
  split.blocked_in_i = t.Executing(TaskState::kSleepingIdle);
  split.blocked = t.Executing(TaskState::kSleeping) + split.blocked_in_d + split.blocked_in_i;
  split.runnable = t.Executing(TaskState::kWoken) + t.Executing(TaskState::kRunnable);
  split.unknown = t.Executing(TaskState::kUnknown);
  for (const Nanos part : t.idle) split.unknown += part;
  return split;
}

void WorkerHistory::Step(Timestamp at, TaskState state, bool executing) {
  const StateStep& last = steps_.back();
  if (last.state == state && last.executing == executing) return;
  // Clocks of two CPUs may disagree by some nanoseconds.
  at = std::max(at, last.since);
  StateStep next{at, state, executing, last.sums};
  if (last.since != kUnseen) next.sums[SumOf(last)] += at - last.since;
  if (last.since == at && steps_.size() > 1) {
    steps_.back() = next;
  } else {
    steps_.push_back(next);
  }
}

std::array<Nanos, WorkerHistory::kSums> WorkerHistory::SumsAt(Timestamp at) const {
  auto it = std::upper_bound(steps_.begin(), steps_.end(), at,
                             [](Timestamp t, const StateStep& s) { return t < s.since; });
  --it;  // the first step is since ever
  std::array<Nanos, kSums> sums = it->sums;
  if (it->since != kUnseen) sums[SumOf(*it)] += at - it->since;
  return sums;
}

WorkerTime WorkerHistory::Between(Timestamp from, Timestamp to) const {
  assert(from <= to);
  WorkerTime time;
  std::array<Nanos, kSums> parts{};
  Timestamp since = from;
  if (steps_.size() == 1) {
    parts[SumOf(steps_[0])] = to - from;
  } else {
    // The state before the first known change has no beginning, hence no sum.
    const Timestamp first = std::min(steps_[1].since, to);
    if (from < first) {
      parts[SumOf(steps_[0])] += first - from;
      since = first;
    }
    if (since < to) {
      const auto begin = SumsAt(since), end = SumsAt(to);
      for (size_t i = 0; i < kSums; ++i) parts[i] += end[i] - begin[i];
    }
  }
  std::copy_n(parts.begin(), kTaskStates, time.idle.begin());
  std::copy_n(parts.begin() + kTaskStates, kTaskStates, time.executing.begin());
  return time;
}

void WorkerHistory::Trim(Timestamp time) {
  auto keep = std::upper_bound(steps_.begin() + 1, steps_.end(), time,
                               [](Timestamp t, const StateStep& s) { return t < s.since; });
  if (keep - steps_.begin() <= 2) return;
  --keep;  // the state at `time`
  steps_.erase(steps_.begin() + 1, keep);
  steps_[0] = {kUnseen, TaskState::kUnknown, false, {}};
}

}  // namespace wqprof
