// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_MODEL_EXECUTIONS_H_
#define WQPROF_MODEL_EXECUTIONS_H_

#include "model/activation_tracker.h"
#include "model/barrier_waits.h"
#include "model/gap_describer.h"
#include "model/idle_tracker.h"
#include "model/interrupts.h"
#include "model/item_outlet.h"
#include "model/item_splitter.h"
#include "model/orphan_starts.h"
#include "model/pending_window.h"
#include "model/tables.h"

namespace wqprof {

// Start and end events: which queue event a start belongs to, and what executes where.
class Executions {
 public:
  // The pieces that hear of starts and ends, or help to match them; all must outlive this object.
  struct Parts {
    LastWorkEvents& last;
    ActivationTracker& activations;
    Interrupts& interrupts;
    ItemSplitter& splitter;
    GapDescriber& gaps;
    PendingWindow& window;
    OrphanStarts& orphans;
    BarrierWaits& barriers;
  };
  Executions(Tables& tables, const Parts& parts, ItemOutlet& outlet)
      : tables_(tables),
        last_(parts.last),
        activations_(parts.activations),
        interrupts_(parts.interrupts),
        splitter_(parts.splitter),
        gaps_(parts.gaps),
        window_(parts.window),
        orphans_(parts.orphans),
        barriers_(parts.barriers),
        outlet_(outlet) {}

  [[gnu::noinline]] void OnStart(const Event& e);
  [[gnu::noinline]] void OnEnd(const Event& e);
  // Nothing comes any more: adds what executes to `running`.
  void Finish(std::vector<WorkItem>& running);

  const IdleWaits& idle_waits() const { return idle_waits_; }

 private:
  // What is rare stays out of line, so that it takes no registers from what is not.
  [[gnu::noinline]] PoolId BhPoolOf(Cpu cpu, NameId workqueue);
  ExecutionContext& ContextOf(const Event& e) {
    return e.flags & kFlagSoftirq ? tables_.workers.Softirq(e.cpu)
                                  : tables_.workers.Worker(e.pid, e.cpu);
  }
  void StartOfWork(SlabIndex index, ExecutionContext& context, OpenExecution& run);
  void MatchStart(WorkState& work, SlabIndex index, ExecutionContext& context, OpenExecution& run);
  // Nearly all starts are of this kind.
  [[gnu::always_inline]] void StartOfNewest(WorkState& work, SlabIndex index,
                                            ExecutionContext& context, OpenExecution& run);
  [[gnu::noinline]] void StartWhileInactive(WorkState& work, SlabIndex index,
                                            ExecutionContext& context, OpenExecution& run);
  [[gnu::noinline]] bool TakeShifted(WorkState& work, ExecutionContext& context,
                                     OpenExecution& run);
  [[gnu::always_inline]] void TakeQueueRecord(QueueRecord& q, ExecutionContext& context,
                                              OpenExecution& run);
  [[gnu::noinline]] void SplitWait(ExecutionContext& context, OpenExecution& run);
  [[gnu::noinline]] void ReportGap(const PoolTracker::Started& started,
                                   const ExecutionContext& context, const WorkItem& item);
  [[gnu::noinline]] void StartWithoutQueue(WorkState& work, SlabIndex index,
                                           ExecutionContext& context, OpenExecution& run);
  void StartOfActivated(ExecutionContext& context, OpenExecution& run);
  bool IsFromBefore(const ExecutionContext& context, const WorkState& work,
                    const WorkItem& item) const;
  [[gnu::noinline]] void CloseInner(ExecutionContext& context, const Event& e);
  [[gnu::noinline]] void EndWithoutStart(const Event& e, ExecutionContext& context, bool softirq);
  void EndOfQueued(WorkItem& item);
  void Complete(ExecutionContext& context, OpenExecution& run, const Event& e);
  [[gnu::noinline]] void CloseWithoutEnd(ExecutionContext& context, Timestamp at);
  void Close(OpenExecution& run);

  Tables& tables_;
  LastWorkEvents& last_;
  ActivationTracker& activations_;
  Interrupts& interrupts_;
  ItemSplitter& splitter_;
  GapDescriber& gaps_;
  PendingWindow& window_;
  OrphanStarts& orphans_;
  BarrierWaits& barriers_;
  ItemOutlet& outlet_;
  IdleWaits idle_waits_;
  NameId events_bh_ = NameId::kUnknown, events_bh_highpri_ = NameId::kUnknown;
};

}  // namespace wqprof

#endif  // WQPROF_MODEL_EXECUTIONS_H_
