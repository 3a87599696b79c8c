// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_MODEL_CPU_RUNS_H_
#define WQPROF_MODEL_CPU_RUNS_H_

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>

#include "model/idle_tracker.h"
#include "wqprof/model.h"

namespace wqprof {

// Which tasks one CPU ran lately: the last few runs that were long enough to matter, whatever
// short ones lay between them.
class CpuRuns {
 public:
  // A task's run ends, and the next one's begins.  That of the idle task is none.
  void Switch(Timestamp at, const TaskSeen& outgoing, bool idle, const TaskSeen& incoming) {
    if (!idle && whole_ && at - since_ >= kShortest)
      runs_[next_++ % kKept] = {outgoing, since_, at};
    since_ = at;
    whole_ = true;
    now_ = incoming;
  }
  // The task has the CPU although the switch to it is not in the trace.
  void Found(Timestamp at, const TaskSeen& task) {
    now_ = task;
    since_ = at;
  }
  // Events are missing: whoever runs now need not have run since the last switch.
  void OnLoss() { whole_ = false; }

  // The task that has the CPU since last_switch(); none when that is not known.
  TaskSeen now() const { return whole_ ? now_ : TaskSeen(); }
  // kUnseen before the first.
  Timestamp last_switch() const { return since_; }
  // The task of the longest run in [from, to), the one that goes on included; `otherwise` when none
  // is kept.
  TaskSeen LongestIn(Timestamp from, Timestamp to, TaskSeen otherwise) const {
    Nanos longest{0};
    const auto take = [&](const Run& run) {
      const Nanos overlap = std::min(run.end, to) - std::max(run.begin, from);
      if (overlap <= longest) return;
      longest = overlap;
      otherwise = run.task;
    };
    for (const Run& run : runs_) {
      if (run.begin != kUnseen) take(run);
    }
    if (now().seen() && now().pid != kIdleTask) take({now(), since_, to});
    return otherwise;
  }

 private:
  struct Run {
    TaskSeen task;
    Timestamp begin = kUnseen, end = kUnseen;
  };
  static constexpr Nanos kShortest = std::chrono::microseconds(100);
  static constexpr size_t kKept = 8;

  Timestamp since_ = kUnseen;
  TaskSeen now_;
  bool whole_ = false;  // the run that goes on now was seen to begin
  std::array<Run, kKept> runs_;
  size_t next_ = 0;
};

}  // namespace wqprof

#endif  // WQPROF_MODEL_CPU_RUNS_H_
