// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_MODEL_BARRIER_WAITS_H_
#define WQPROF_MODEL_BARRIER_WAITS_H_

#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "model/worker_table.h"
#include "wqprof/event.h"
#include "wqprof/model.h"

namespace wqprof {

// Who waited for works to end, by what the barriers of flushes show: a worker executes one right
// behind the work that is flushed, and wakes whoever flushes (doc/kernel.md, rules 51 and 52).
// Only workers: BH works have no task that could be known by its name.
//
// Does nothing until it is wanted.  Memory grows with the tasks that sleep uninterruptibly and the
// workers that are awake.
class BarrierWaits {
 public:
  void Want() { wanted_ = true; }
  bool wanted() const { return wanted_; }

  // Workqueue, switch and waking events of all tasks, but for what lies in a softirq.
  void OnSwitch(const Event& e);
  // `covered` is since when all CPUs are; kUnseen: not yet.
  void OnWaking(const Event& e, Timestamp covered);
  [[gnu::noinline]] void OnStart(const Event& e);
  // A worker's outermost execution ended.  `sure`: no later event changes what it was.
  [[gnu::noinline]] void OnEnd(const WorkItem& item, bool sure);
  // Events of some CPU are missing from here on, or (not `open`) up to here: what a task did
  // meanwhile is not known.
  void OnLoss(bool open);
  // Moves the waits since the last call into `out`, whose memory is used again.
  void Take(std::vector<BarrierWait>& out);

 private:
  BarrierWait WaitOf(const Event& waking, Timestamp since) const;

  bool wanted_ = false;
  bool losing_ = false;                           // events of some CPU are missing now
  absl::flat_hash_map<Pid, Timestamp> asleep_;    // in TASK_UNINTERRUPTIBLE, since when
  absl::flat_hash_map<Pid, WorkItem> ended_;      // what workers that are awake ended last
  absl::flat_hash_set<Pid> in_barrier_;           // workers that execute a barrier
  absl::flat_hash_map<Pid, BarrierWait> unsure_;  // of tasks that may not have slept
  std::vector<BarrierWait> waits_;
};

}  // namespace wqprof

#endif  // WQPROF_MODEL_BARRIER_WAITS_H_
