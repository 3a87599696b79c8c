// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_MODEL_WORKER_HISTORY_H_
#define WQPROF_MODEL_WORKER_HISTORY_H_

#include <algorithm>
#include <array>
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

// The partition of [activate, start) by the state of the worker that took the item, and that
// of [start, end): doc/kernel.md §5.  The parts add up to the whole by construction.
WaitSplit WaitSplitOf(const WorkerTime& time);
RunSplit RunSplitOf(const WorkerTime& time);

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

  // REQUIRES: from <= to.  Fast when few changes lie behind `from`.
  WorkerTime Between(Timestamp from, Timestamp to) const;

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

  std::vector<StateStep> steps_;  // the first one is since ever
  std::vector<WorkerTime> sums_;  // Until(i * kStepsPerSum)
};

}  // namespace wqprof

#endif  // WQPROF_MODEL_WORKER_HISTORY_H_
