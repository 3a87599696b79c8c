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
  const StateStep last = steps_.back();
  if (last.state == state && last.executing == executing) return;
  // Clocks of two CPUs may disagree by some nanoseconds.
  at = std::max(at, last.since);
  if (last.since == at && steps_.size() > 1) {
    steps_.back() = {at, state, executing};
    return;
  }
  if (steps_.size() % kStepsPerSum == 0) {
    WorkerTime sum = Until(steps_.size() - 1);
    if (last.since != kUnseen) PartOf(sum, last) += at - last.since;
    sums_.push_back(sum);
  }
  steps_.push_back({at, state, executing});
}

void WorkerHistory::Rewrite(Timestamp from, TaskState idle, TaskState executing) {
  size_t first = steps_.size();
  while (first > 1 && steps_[first - 1].since >= from) --first;
  const std::vector<StateStep> old(steps_.begin() + static_cast<ptrdiff_t>(first), steps_.end());
  const bool executed = steps_[first - 1].executing;
  steps_.resize(first);
  sums_.resize((first - 1) / kStepsPerSum + 1);
  Step(from, executed ? executing : idle, executed);
  for (const StateStep& s : old) Step(s.since, s.executing ? executing : idle, s.executing);
}

WorkerTime WorkerHistory::Until(size_t index) const {
  const size_t block = index / kStepsPerSum;
  WorkerTime sum = sums_[block];
  for (size_t i = std::max<size_t>(block * kStepsPerSum, 1); i < index; ++i) {
    PartOf(sum, steps_[i]) += steps_[i + 1].since - steps_[i].since;
  }
  return sum;
}

WorkerTime WorkerHistory::Between(Timestamp from, Timestamp to) const {
  assert(from <= to);
  WorkerTime time;
  size_t i = steps_.size() - 1;
  while (i > 0 && steps_[i].since > to) --i;
  for (size_t walked = 0; i > 0 && steps_[i].since > from; --i) {
    if (++walked > kStepsPerSum) break;
    PartOf(time, steps_[i]) += to - steps_[i].since;
    to = steps_[i].since;
  }
  if (i > 0 && steps_[i].since > from) {
    const auto next =
        std::upper_bound(steps_.begin() + 1, steps_.begin() + static_cast<ptrdiff_t>(i), from,
                         [](Timestamp t, const StateStep& s) { return t < s.since; });
    const size_t first = static_cast<size_t>(next - steps_.begin());
    const WorkerTime begin = Until(first), end = Until(i);
    for (size_t s = 0; s < kTaskStates; ++s) {
      time.idle[s] += end.idle[s] - begin.idle[s];
      time.executing[s] += end.executing[s] - begin.executing[s];
    }
    PartOf(time, steps_[i]) += to - steps_[i].since;
    to = next->since;
    i = first - 1;
  }
  PartOf(time, steps_[i]) += to - from;
  return time;
}

void WorkerHistory::Trim(Timestamp time) {
  auto keep = std::upper_bound(steps_.begin() + 1, steps_.end(), time,
                               [](Timestamp t, const StateStep& s) { return t < s.since; });
  if (keep - steps_.begin() <= 2) return;
  --keep;  // the state at `time`
  std::vector<StateStep> kept(keep, steps_.end());
  *this = WorkerHistory();
  for (const StateStep& step : kept) Step(step.since, step.state, step.executing);
}

}  // namespace wqprof
