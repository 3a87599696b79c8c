// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_MODEL_WORKER_HISTORY_H_
#define WQPROF_MODEL_WORKER_HISTORY_H_

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdint>
#include <vector>

#include "wqprof/model.h"
#include "wqprof/types.h"

namespace wqprof {

// What the scheduler did with a worker, from its events.
enum class TaskState : uint8_t {
  kUnknown,  // before its first scheduler event, or after a loss
  kOnCpu,
  kPreempted,     // switched out while runnable (R, R+)
  kSleepingIdle,  // TASK_IDLE, or not yet created
  kSleeping,      // any other sleep
  kSleepingD,     // TASK_UNINTERRUPTIBLE
  kWoken,         // sched_waking seen, sched_wakeup not yet
  kRunnable,      // woken, waits for its CPU
};
inline constexpr size_t kTaskStates = 8;

// How long a worker was in each state, apart with and without an open execution.
struct WorkerTime {
  std::array<Nanos, kTaskStates> idle{}, executing{};
  Nanos Idle(TaskState s) const { return idle[static_cast<size_t>(s)]; }
  Nanos Executing(TaskState s) const { return executing[static_cast<size_t>(s)]; }
};

// A time in one state, as a part of the partition of [activate, start) by the state of the worker
// that took the item, and of that of [start, end): doc/kernel.md §5.  The parts add up to the whole
// by construction.
// The tables are in the order of TaskState.
inline void AddTo(WaitSplit& split, TaskState state, bool executing, Nanos time) {
  constexpr std::array<Nanos WaitSplit::*, kTaskStates> kParts = {
      &WaitSplit::unknown, &WaitSplit::pre_work,        &WaitSplit::runqueue,
      &WaitSplit::hold,    &WaitSplit::worker_creation, &WaitSplit::worker_creation,
      &WaitSplit::wakeup,  &WaitSplit::runqueue};
  split.*(executing ? &WaitSplit::head_of_line : kParts[static_cast<size_t>(state)]) += time;
}
inline void AddTo(RunSplit& split, TaskState state, bool executing, Nanos time) {
  constexpr std::array<Nanos RunSplit::*, kTaskStates> kParts = {
      &RunSplit::unknown, &RunSplit::on_cpu,  &RunSplit::preempted, &RunSplit::blocked,
      &RunSplit::blocked, &RunSplit::blocked, &RunSplit::runnable,  &RunSplit::runnable};
  split.*(executing ? kParts[static_cast<size_t>(state)] : &RunSplit::unknown) += time;
  if (!executing) return;
  if (state == TaskState::kSleepingD) split.blocked_in_d += time;
  if (state == TaskState::kSleepingIdle) split.blocked_in_i += time;
}

// The states of one worker over time.  Mostly a span holds a few changes, which are walked; with
// running sums of every so many the partition of any span costs little however much happened in it.
class WorkerHistory {
 public:
  // A worker whose creation was seen was waited for before; of others nothing is known.
  explicit WorkerHistory(bool created_in_trace = false) {
    steps_.push_back(
        {kUnseen, created_in_trace ? TaskState::kSleepingIdle : TaskState::kUnknown, false});
    sums_.emplace_back();
  }

  void SetState(Timestamp at, TaskState state) { Step(at, state, steps_.back().executing); }
  void SetExecuting(Timestamp at, bool executing) { Step(at, steps_.back().state, executing); }
  // Since `from` it was in these states after all, without and with an open execution.
  void Rewrite(Timestamp from, TaskState idle, TaskState executing);
  TaskState state() const { return steps_.back().state; }
  // When that state, or the execution in which it is, began.
  Timestamp since() const { return steps_.back().since; }

  // Calls add(state, executing, time) for the times that make up [from, to), in no order; a state
  // may come more than once.  REQUIRES: from <= to.  Fast when few changes lie behind `from`.
  template <typename F>
  void Sum(Timestamp from, Timestamp to, F&& add) const;
  // The same, by state.
  WorkerTime Between(Timestamp from, Timestamp to) const {
    WorkerTime time;
    Sum(from, to, [&](TaskState state, bool executing, Nanos part) {
      PartOf(time, {from, state, executing}) += part;
    });
    return time;
  }

  // Calls f(begin, end, state) for each state that the worker had in [from, to), with an open
  // execution, in order.
  template <typename F>
  void ForEach(Timestamp from, Timestamp to, F&& f) const {
    size_t first = steps_.size() - 1;
    while (first > 0 && steps_[first].since > from) --first;
    for (size_t i = first; i < steps_.size() && steps_[i].since < to; ++i) {
      const Timestamp end = i + 1 < steps_.size() ? std::min(to, steps_[i + 1].since) : to;
      const Timestamp begin = std::max(from, steps_[i].since);
      if (steps_[i].executing && begin < end) f(begin, end, steps_[i].state);
    }
  }

  // Forgets what was before `time`, which then counts as unknown.
  void Trim(Timestamp time);
  size_t size() const { return steps_.size(); }

 private:
  // A state from `since` on.
  struct StateStep {
    Timestamp since;
    TaskState state;
    bool executing;
  };
  static constexpr size_t kStepsPerSum = 32;

  void Step(Timestamp at, TaskState state, bool executing);
  static Nanos& PartOf(WorkerTime& time, const StateStep& step) {
    return (step.executing ? time.executing : time.idle)[static_cast<size_t>(step.state)];
  }
  // What there was until the step at `index` > 0, from the first change on: before, there is no
  // beginning to count from.
  WorkerTime Until(size_t index) const;
  // What there was between the steps at `first` and `last`.
  WorkerTime BetweenSteps(size_t first, size_t last) const;

  std::vector<StateStep> steps_;  // the first one is since ever
  std::vector<WorkerTime> sums_;  // Until(i * kStepsPerSum)
};

template <typename F>
void WorkerHistory::Sum(Timestamp from, Timestamp to, F&& add) const {
  assert(from <= to);
  size_t i = steps_.size() - 1;
  while (i > 0 && steps_[i].since > to) --i;
  const auto add_step = [&](const StateStep& step, Nanos time) {
    add(step.state, step.executing, time);
  };
  for (size_t walked = 0; i > 0 && steps_[i].since > from; --i) {
    if (++walked > kStepsPerSum) [[unlikely]]
      break;
    add_step(steps_[i], to - steps_[i].since);
    to = steps_[i].since;
  }
  if (i > 0 && steps_[i].since > from) [[unlikely]] {
    const auto next =
        std::upper_bound(steps_.begin() + 1, steps_.begin() + static_cast<ptrdiff_t>(i), from,
                         [](Timestamp t, const StateStep& s) { return t < s.since; });
    const size_t first = static_cast<size_t>(next - steps_.begin());
    const WorkerTime time = BetweenSteps(first, i);
    for (size_t s = 0; s < kTaskStates; ++s) {
      add(static_cast<TaskState>(s), false, time.idle[s]);
      add(static_cast<TaskState>(s), true, time.executing[s]);
    }
    add_step(steps_[i], to - steps_[i].since);
    to = next->since;
    i = first - 1;
  }
  add_step(steps_[i], to - from);
}

}  // namespace wqprof

#endif  // WQPROF_MODEL_WORKER_HISTORY_H_
