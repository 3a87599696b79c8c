// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_MODEL_QUEUEING_H_
#define WQPROF_MODEL_QUEUEING_H_

#include <cstdint>
#include <deque>

#include "model/activation_reporter.h"
#include "model/item_outlet.h"
#include "model/orphan_starts.h"
#include "model/pending_window.h"
#include "model/tables.h"
#include "model/timer_tracker.h"

namespace wqprof {

// Queue and activate events: what becomes of a work before it starts.
//
// Per work at most one queue event is open: PENDING admits one queued instance, so that a second
// one proves that the first was taken from the worklist.
class Queueing {
 public:
  Queueing(Tables& tables, LastWorkEvents& last, ActivationTracker& activations,
           PendingWindow& window, OrphanStarts& orphans, ItemOutlet& outlet)
      : tables_(tables),
        last_(last),
        activations_(activations),
        reporter_(tables, activations),
        window_(window),
        orphans_(orphans),
        outlet_(outlet) {}

  [[gnu::noinline]] void OnQueue(const Event& e);
  [[gnu::noinline]] void OnActivate(const Event& e);
  // The stack of the queue event before it.
  [[gnu::noinline]] void OnStack(const Event& e);
  // Timers of delayed works.
  TimerTracker& timers() { return timers_; }

  // Since when the oldest item waits that is activated; now: none does.  Known with scheduler
  // events only.
  Timestamp OldestWait();
  // Nothing comes any more: what is open of `work` goes out, or into `pending` where its state is
  // of the end of the trace, and is counted in its pool.
  void Finish(WorkState& work, std::vector<WorkItem>& pending,
              std::vector<PoolTracker::Waiting>& waiting);

 private:
  // An item that began to wait.
  struct Wait {
    Timestamp since;
    SlabIndex work;
    uint64_t id;
  };

  [[gnu::noinline]] void WithoutAddress(const Event& e);
  [[gnu::noinline]] void NoteTimer(QueueRecord& q, const Event& e);
  [[gnu::noinline]] void Displace(WorkState& work, const Event& e);
  [[gnu::noinline]] bool ActivateStarted(WorkState& work, const Event& e);
  [[gnu::noinline]] void ActivateUnqueued(WorkState& work, const Event& e);
  WorkItem FromActivation(const WorkState& work, ItemState state) const;

  Tables& tables_;
  LastWorkEvents& last_;
  ActivationTracker& activations_;
  ActivationReporter reporter_;
  PendingWindow& window_;
  OrphanStarts& orphans_;
  ItemOutlet& outlet_;
  TimerTracker timers_;
  std::deque<Wait> waits_;  // by time
};

}  // namespace wqprof

#endif  // WQPROF_MODEL_QUEUEING_H_
