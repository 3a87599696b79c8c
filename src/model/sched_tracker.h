// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_MODEL_SCHED_TRACKER_H_
#define WQPROF_MODEL_SCHED_TRACKER_H_

#include "model/cpu_tasks.h"
#include "model/worker_table.h"
#include "model/worker_tracks.h"
#include "wqprof/event.h"
#include "wqprof/event_source.h"

namespace wqprof {

// Follows the workers through the scheduler's events.  Costs nothing until the first one comes.
//
// A worker's first event shows what it did before, back to the beginning of the trace or the last
// loss, as any change would have been recorded: one that leaves its CPU had it, one that gets a CPU
// without being woken waited for it, one that is woken slept, unless it had not left its CPU yet,
// which its next event shows.
class SchedTracker {
 public:
  SchedTracker(const EventSource& source, WorkerTable& workers)
      : source_(source), workers_(workers), cpus_(source) {}

  // Whether the task that is switched in slept before: a preempted worker may have taken an
  // item already, and its event be about to come.
  bool OnSwitch(const Event& e);
  void OnWake(const Event& e);
  // A task was made that has a worker's name: until then it was waited for.
  void OnCreated(const ExecutionContext& worker);
  // A new task took a worker's name: the same, on kernels that name it late.
  void OnNamed(const ExecutionContext& worker, Timestamp at);
  // From here on events of some CPU are missing: nobody's state is known.
  void OnLoss(Timestamp at);
  // ... to here; of another CPU they may still be.
  void OnLossEnd(Timestamp at, bool others_open) {
    last_loss_ = at;
    losing_ = others_open;
  }
  // An event comes from the worker itself, so that it has a CPU.  Whether its events say that it
  // has none: a switch to it is missing, and no loss explains that.
  bool OnRuns(const ExecutionContext& worker, Timestamp at) { return seen() && Runs(worker, at); }
  // A worker began or ended its outermost execution.
  void OnExecuting(const ExecutionContext& worker, Timestamp at, bool executing) {
    if (seen()) tracks_.SetExecuting(tracks_.Of(worker), at, executing);
  }

  // Whether histories have grown so long that Trim() pays.
  bool wants_trim() const { return tracks_.wants_trim() || cpus_.idle().wants_trim(); }
  // No item waits since before `oldest`: what was before it may be forgotten, but for executions
  // that are open.
  void Trim(Timestamp oldest);

  bool seen() const { return tracks_.seen(); }
  WorkerTracks& tracks() { return tracks_; }
  const WorkerTracks& tracks() const { return tracks_; }
  CpuTasks& cpus() { return cpus_; }
  const CpuTasks& cpus() const { return cpus_; }

 private:
  [[gnu::noinline]] bool Runs(const ExecutionContext& worker, Timestamp at);
  Timestamp KnownSince() const;
  bool Contradict(SchedTrack& track);
  void WasAsleep(SchedTrack& track, Timestamp until);
  void WasRunnable(SchedTrack& track);
  void WasOnCpu(const ExecutionContext& worker, SchedTrack& track);
  void NoteWait(SchedTrack& track, const Event& e);

  const EventSource& source_;
  WorkerTable& workers_;
  bool wakes_seen_ = false;
  bool losing_ = false;            // events of some CPU are missing now
  Timestamp last_loss_ = kUnseen;  // its end, if that is known yet
  CpuTasks cpus_;
  WorkerTracks tracks_;
};

}  // namespace wqprof

#endif  // WQPROF_MODEL_SCHED_TRACKER_H_
