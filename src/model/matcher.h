// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_MODEL_MATCHER_H_
#define WQPROF_MODEL_MATCHER_H_

#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "model/activation_tracker.h"
#include "model/by_cpu.h"
#include "model/loss_tracker.h"
#include "model/pool_tracker.h"
#include "model/recorded_so_far.h"
#include "model/sched_tracker.h"
#include "model/slab_list.h"
#include "model/stolen_tracker.h"
#include "model/timer_tracker.h"
#include "model/work_table.h"
#include "model/worker_table.h"
#include "wqprof/model.h"

namespace wqprof {

// Early in the boot a text has "(ptrval)" for all works: no two of its events are of the same work
// for certain, but the start and the end on one worker.
inline bool HasAddress(const Event& e) { return e.work.work != WorkAddr{}; }

// A worker that is preempted in the window (below) may stay there for some milliseconds.
inline constexpr Nanos kLongestWindow = std::chrono::milliseconds(10);

// Queue and activate events of one critical section lie this close.  (A canceller that activates
// an inactive work, up to 6.9, and queues it anew does both in one: rule 20c.)
inline constexpr Nanos kSameSection = std::chrono::microseconds(50);

// A worker that showed no sign of life for so long may be forgotten.  The kernel ends one that was
// idle for five minutes, but less is enough to know what an item waited for.
inline constexpr Nanos kLongIdleWorker = std::chrono::seconds(10);

// So many items are held back until it is known which events were recorded.
inline constexpr size_t kMostHeld = 100'000;

// After so many events it is asked whether what is long over can be forgotten.
inline constexpr uint32_t kTrimEvery = 512;

// The algorithm of doc/kernel.md §8.  Per work at most one queue event is open: PENDING admits
// one queued instance, so a second queue event proves that the first was taken from the
// worklist, be it by a worker whose start event is still to come (the "window" between
// clearing PENDING and tracing the start), or by a canceller (then it never starts).
class Matcher {
 public:
  Matcher(const EventSource& source, const Reconstructor::Options& options)
      : source_(source),
        gap_floor_(options.gap_floor),
        workers_(source, pools_),
        sched_(source, workers_),
        recorded_(source.info().noted_events) {
    Want(options);
  }

  void Want(const Reconstructor::Options& options) {
    gap_floor_ = std::min(gap_floor_, options.gap_floor);
    if (options.pool_steps) pools_.ReportSteps();
    forgets_workers_ |= options.forget_workers;
    run_part_floor_ = std::min(run_part_floor_, options.run_part_floor);
    wait_splits_ |= options.wait_splits;
    run_splits_ |= options.run_splits;
    if (options.picture_of != kUnseen) {
      picture_of_ = options.picture_of;
      sched_.KeepRuns(picture_of_);
    }
  }
  void Add(std::span<const Event> events);
  void Finish();
  void Take(Completed& out);

  const MatchQuality& quality() const { return quality_; }
  const PoolTracker& pools() const { return pools_; }
  const WorkerTable& workers() const { return workers_; }
  const ActivationTracker& activations() const { return activations_; }
  const IdleWaits& idle_waits() const { return idle_waits_; }
  Timestamp now() const { return now_; }
  OpenState Open(Timestamp since) const;

 private:
  // One match of a Provisional.
  struct Link {
    QueueRecord record;
    size_t context = 0;  // where the start was
    WorkItem held;       // the item, once it has ended
    bool ended = false;
  };
  // Matches that the window may yet turn around.  `first` was displaced by the record of the
  // first link before the start that this one got; each further link was queued where it may
  // have been in the window of its start, too.  If one more start follows without a queue
  // event, then every start was that of the record before (rule 3).
  struct Provisional {
    SlabIndex work = SlabIndex::kNone;
    QueueRecord first;
    std::vector<Link> links;
    bool certain = false;  // but for a start without a queue event, `first` never started
  };
  // A start without a queue event, held back for a while in case that one follows.
  struct Orphan {
    SlabIndex work = SlabIndex::kNone;
    size_t context = 0;
    WorkItem item;
    bool open = true;  // its execution has not ended
    SlabLinks links;
  };
  // An item that began to wait.
  struct Wait {
    Timestamp since;
    SlabIndex work;
    uint64_t id;
  };

  // Queueing and activation.
  void Handle(const Event& e);
  void OnQueue(const Event& e);
  void OnQueueStack(const Event& e);
  void NoteTimer(QueueRecord& q, const Event& e);
  void Displace(WorkState& work, const Event& e);
  // Of a work without an address: nothing is known of what becomes of it.
  void QueueWithoutAddress(const Event& e);
  void OnActivate(const Event& e);
  void Uncount(QueueRecord& q, Timestamp at);
  bool ActivateStarted(WorkState& work, const Event& e);
  void ActivateUnqueued(WorkState& work, const Event& e);

  // Waits for activation.
  void NoteActivation(const WorkState& work, SlabIndex index, const Event& e, bool follows);
  ActivationTracker::Releaser ReleaserOf(const Event& e, const QueueRecord& q,
                                         ExecutionContext*& context);
  ActivationTracker::Holding HoldingOf(const QueueRecord& q, const ExecutionContext* ended);

  // Starts and ends.
  PoolId BhPoolOf(Cpu cpu, NameId workqueue);
  void OnStart(const Event& e);
  void MatchStart(WorkState& work, SlabIndex index, ExecutionContext& context, OpenExecution& run);
  void StartOfNewest(WorkState& work, SlabIndex index, ExecutionContext& context,
                     OpenExecution& run);
  void StartWhileInactive(WorkState& work, SlabIndex index, ExecutionContext& context,
                          OpenExecution& run);
  void StartWithoutQueue(WorkState& work, SlabIndex index, ExecutionContext& context,
                         OpenExecution& run);
  void StartOfActivated(ExecutionContext& context, OpenExecution& run);
  bool IsFromBefore(const ExecutionContext& context, const WorkState& work,
                    const WorkItem& item) const;
  QueueRecord TakeDisplaced(WorkState& work);
  static void CopyQueuePart(const QueueRecord& q, WorkItem& item);
  void TakeQueueRecord(QueueRecord& q, ExecutionContext& context, OpenExecution& run);
  void OnEnd(const Event& e);
  void EndWithoutStart(const Event& e, ExecutionContext& context, bool softirq);
  void EndOfQueued(WorkItem& item);
  void CloseWithoutEnd(ExecutionContext& context, Timestamp at);
  void Complete(ExecutionContext& context, OpenExecution& run, const Event& e);
  bool RunTouched(const WorkItem& item) const;
  void Close(OpenExecution& run);

  // What interrupts its workers.
  void OnInterrupt(const Event& e);
  void LeaveInterrupt(StolenTracker::Level level, const Event& e);
  void PreemptInterrupt(Cpu cpu);

  // The window, and starts before their queue event.
  bool ShiftWindow(WorkState& work, ExecutionContext& context, OpenExecution& run);
  void MakeProvisional(SlabIndex index, ExecutionContext& context, const QueueRecord& old,
                       OpenExecution& run);
  void AddLink(SlabIndex index, const QueueRecord& record, ExecutionContext& context,
               OpenExecution& run);
  bool ChainIsCut(const WorkState& work, Timestamp at);
  void FollowUp(ExecutionContext& context, const QueueRecord& next);
  WorkItem* ItemOf(SlabIndex index, Link& link);
  void Drop(SlabIndex index);
  void Resolve(SlabIndex index, bool ambiguous);
  void Shift(SlabIndex index);
  bool MayBelong(const WorkState& work, const Event& e);
  void OrphanMeetsQueue(WorkState& work, const Event& e);
  void EmitOrphan(SlabIndex index, bool with_queue);
  void ExpireOrphans();

  // Where the time of an item, or of a gap, went.
  void SplitWait(const ExecutionContext& context, WorkItem& item);
  void SplitRun(const ExecutionContext& context, WorkItem& item);
  void ReportParts(const ExecutionContext& context, const WorkItem& item);
  ItemSplit& SplitFor(WorkItem& item);
  size_t LooksAllowed() const;
  std::span<const uint32_t> Look(PoolId pool);
  void AddHolder(PoolGap& gap, const ExecutionContext& context) const;
  const ExecutionContext* WokenWorker(std::span<const uint32_t> workers) const;
  void DescribeGap(PoolGap& gap, std::span<const uint32_t> workers, const ExecutionContext* starter,
                   bool collided) const;
  GapPicture PictureOf(const PoolGap& gap, std::span<const uint32_t> workers,
                       const ExecutionContext* starter) const;
  void TrimHistories();

  // Results.
  void EmitSuperseded(const QueueRecord& q, bool ambiguous = false);
  WorkItem FromQueue(const QueueRecord& q);
  WorkItem FromActivation(const WorkState& work, ItemState state);
  void Emit(const WorkItem& item);
  void Tell(const WorkItem& item);
  void FinishWork(WorkState& work, std::vector<WorkItem>& pending);

  // What items are called when not all events were recorded.
  void See(EventKind kind);
  void Decide();
  void Name(WorkItem& item);
  void DropSplit(WorkItem& item, bool wait, bool run);
  void PairEnds();
  void Release();
  // Where events of its CPU are missing a pool may have started something: a gap begins behind
  // that. False: nothing is left that is long enough.
  bool TrimToWhole(PoolGap& gap) const;
  void AddGap(PoolGap gap);
  void FinishQuality();

  const EventSource& source_;
  Nanos gap_floor_;
  Timestamp picture_of_ = kUnseen;
  bool forgets_workers_ = false;
  Nanos run_part_floor_ = Nanos::max();
  bool wait_splits_ = false, run_splits_ = false;
  PoolTracker pools_;
  WorkerTable workers_;
  SchedTracker sched_;
  StolenTracker stolen_;
  IdleWaits idle_waits_;
  TimerTracker timers_;
  ActivationTracker activations_;
  WorkTable works_;
  LossTracker losses_;
  Slab<QueueRecord> displaced_;
  Slab<Provisional> provisionals_;
  Slab<Orphan> orphans_;
  SlabList<Orphan> orphan_queue_;  // by time of start
  // Provisionals by time, as slab index and id of the first item: the oldest are let go when
  // too many are open.
  std::deque<std::pair<SlabIndex, uint64_t>> provisional_queue_;
  std::deque<Wait> waits_;   // by time; kept with scheduler events only
  uint32_t since_trim_ = 0;  // events
  uint64_t events_ = 0;
  uint64_t looks_ = 0;  // at workers, by DescribeGap()
  Slab<ItemSplit> splits_;
  Completed::Batch<WorkItem> items_;
  Completed::Batch<RunPart> run_parts_;
  std::vector<PoolGap> gaps_;
  // Until it is known which events were recorded, what they decide is held back.
  RecordedSoFar recorded_;
  std::vector<WorkItem> held_;
  std::vector<PoolTracker::Waiting> waiting_at_end_;  // by pool
  std::vector<PoolGap> held_gaps_;
  uint64_t first_after_loss_ = UINT64_MAX;  // id of the first item that began after one
  MatchQuality quality_;
  uint64_t next_id_ = 1;
  Timestamp begin_ = kUnseen, now_ = kUnseen;
  // By CPU: the work whose queue event came last, if no other workqueue event came since.
  ByCpu<SlabIndex> just_queued_;
  // The work that was activated last, if no other event of a work came since.
  WorkAddr just_activated_{};
  NameId events_bh_ = NameId::kUnknown, events_bh_highpri_ = NameId::kUnknown;
  // The softirq that a CPU is in, where events of softirqs say it.
  ByCpu<uint64_t> softirq_vecs_{Event::Softirq::kUnknown};
  bool activations_seen_ = false;  // the recording has them
  bool finished_ = false;
};

}  // namespace wqprof

#endif  // WQPROF_MODEL_MATCHER_H_
