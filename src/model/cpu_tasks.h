// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_MODEL_CPU_TASKS_H_
#define WQPROF_MODEL_CPU_TASKS_H_

#include <deque>
#include <vector>

#include "model/by_cpu.h"
#include "model/cpu_runs.h"
#include "model/idle_tracker.h"
#include "wqprof/event.h"
#include "wqprof/event_source.h"
#include "wqprof/model.h"

namespace wqprof {

// Which task had each CPU, and when it idled, by what the scheduler switched to.
class CpuTasks {
 public:
  // The task that has a CPU, and since when; none: it idles, or that is not known.
  struct Run {
    TaskSeen task;
    Timestamp since = kUnseen;
  };

  explicit CpuTasks(const EventSource& source) : source_(source) {}

  void OnSwitch(const Event& e);
  // Any event but a switch, of whatever task: it has the CPU, also where the switch to it is
  // missing.
  void OnTask(const Event& e) {
    if (ToInt(e.pid) <= ToInt(kIdleTask)) return;
    CpuRuns& runs = runs_[e.cpu];
    if (runs.now().seen() && runs.now().pid != e.pid) [[unlikely]]
      SwitchIsMissing(e, runs);
  }
  void OnLoss();

  Run RunOn(Cpu cpu) const;
  // The task that had the CPU longest in [from, to); `otherwise` when that is not known, none when
  // the CPU mostly idled.
  TaskSeen LongestIn(Cpu cpu, Timestamp from, Timestamp to, const TaskSeen& otherwise) const;
  // Whether the CPU switched tasks after `since`.
  bool SwitchedSince(Cpu cpu, Timestamp since) const;
  // From now on the last runs of each CPU that end after `begin` are kept.
  void KeepRuns(Timestamp begin) { keep_from_ = begin; }
  // Those kept, as far as they lie between two times, the one that goes on too.
  std::vector<GapPicture::Run> RunsOn(Cpu cpu, Timestamp from, Timestamp to) const;
  IdleTracker& idle() { return idle_; }
  const IdleTracker& idle() const { return idle_; }

 private:
  static constexpr size_t kMostRuns = 1024;  // kept, of each CPU

  void SwitchIsMissing(const Event& e, CpuRuns& runs);
  void KeepRun(const Event& e, const CpuRuns& runs);

  const EventSource& source_;
  ByCpu<CpuRuns> runs_;
  Timestamp keep_from_ = Timestamp::max();
  ByCpu<std::deque<GapPicture::Run>> kept_runs_;
  IdleTracker idle_;
};

}  // namespace wqprof

#endif  // WQPROF_MODEL_CPU_TASKS_H_
