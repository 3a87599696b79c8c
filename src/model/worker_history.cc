// SPDX-License-Identifier: Apache-2.0
#include "model/worker_history.h"

namespace wqprof {

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

WorkerTime WorkerHistory::BetweenSteps(size_t first, size_t last) const {
  const WorkerTime begin = Until(first);
  WorkerTime time = Until(last);
  for (size_t s = 0; s < kTaskStates; ++s) {
    time.idle[s] -= begin.idle[s];
    time.executing[s] -= begin.executing[s];
  }
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
