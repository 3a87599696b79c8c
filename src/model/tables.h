// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_MODEL_TABLES_H_
#define WQPROF_MODEL_TABLES_H_

#include <chrono>

#include "model/by_cpu.h"
#include "model/loss_tracker.h"
#include "model/pool_table.h"
#include "model/pool_tracker.h"
#include "model/sched_tracker.h"
#include "model/work_table.h"
#include "model/worker_table.h"
#include "wqprof/event_source.h"
#include "wqprof/model.h"

namespace wqprof {

// A worker that is preempted in the window (PendingWindow) may stay there for some milliseconds.
inline constexpr Nanos kLongestWindow = std::chrono::milliseconds(10);

// Queue and activate events of one critical section lie this close.  (A canceller that activates
// an inactive work, up to 6.9, and queues it anew does both in one: rule 20c.)
inline constexpr Nanos kSameSection = std::chrono::microseconds(50);

// Early in the boot a text has "(ptrval)" for all works: no two of its events are of the same work
// for certain, but the start and the end on one worker.
inline bool HasAddress(const Event& e) { return e.work.work != WorkAddr{}; }

// The events of works that came last, by which one knows the events of one critical section.
struct LastWorkEvents {
  // By CPU: the work whose queue event came last, if no other workqueue event came since.
  ByCpu<SlabIndex> queued;
  // The work that was activated last, if no other event of a work came since.
  WorkAddr activated{};

  // An event other than of queueing or activation came.
  void Other(Cpu cpu) {
    queued[cpu] = SlabIndex::kNone;
    activated = WorkAddr{};
  }
};

// What the pieces of the matcher know in common: works, workers and pools, what is missing, and how
// far the trace has come.
struct Tables {
  explicit Tables(const EventSource& from)
      : source(from), workers(from, pools), sched(from, workers) {}

  // The record is on no worklist any more.
  [[gnu::always_inline]] void Uncount(QueueRecord& q, Timestamp at) {
    if (q.counted) occupancy.ItemGone(q.pwq, at);
    q.counted = false;
  }
  // An item of which nothing is known but its queueing.
  WorkItem FromQueue(const QueueRecord& q) const {
    WorkItem item;
    CopyQueuePart(q, item);
    item.wait_tainted = losses.Touches(q.queued);
    return item;
  }
  // One that never came to a start.
  WorkItem Superseded(const QueueRecord& q, bool ambiguous = false) const {
    WorkItem item = FromQueue(q);
    item.state = ItemState::kSuperseded;
    item.ambiguous = ambiguous;
    return item;
  }
  // Whether a loss may have hidden a part of the execution of `item`.  A worker that is bound to
  // its CPU emits nothing elsewhere.
  bool RunTouched(const WorkItem& item) const {
    const Pool& pool = pools[item.pool];
    const bool bound = item.softirq || (pool.cpu != Cpu::kNone && pool.cpu == item.run_cpu);
    return bound ? losses.TouchesCpu(item.run_cpu, item.started) : losses.Touches(item.started);
  }

  const EventSource& source;
  PoolTable pools;
  PoolTracker occupancy{pools};
  WorkerTable workers;
  SchedTracker sched;
  WorkTable works;
  LossTracker losses;
  Timestamp begin = kUnseen, now = kUnseen;
  bool activations_seen = false;  // the recording has them
};

}  // namespace wqprof

#endif  // WQPROF_MODEL_TABLES_H_
