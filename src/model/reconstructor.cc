// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cassert>
#include <deque>

#include "model/loss_tracker.h"
#include "model/pool_tracker.h"
#include "model/work_table.h"
#include "model/worker_table.h"
#include "wqprof/model.h"

// The algorithm of kernel.md §8.  Per work at most one queue event is open: PENDING admits
// one queued instance, so a second queue event proves that the first was taken from the
// worklist, be it by a worker whose start event is still to come (the "window" between
// clearing PENDING and tracing the start), or by a canceller (then it never starts).
namespace wqprof {
namespace {

// How far behind its start a queue event may be stamped by a skewed clock (rule 44).
constexpr Nanos kMaxSkew = std::chrono::milliseconds(1);

// A work that is re-queued in window after window starts again within this time of its last
// end; longer chains of doubt are cut, and called ambiguous.
constexpr Nanos kWindowChain = std::chrono::milliseconds(1);
constexpr size_t kMaxLinks = 64;

// A canceller that activates an inactive work (<= 6.9) and queues it anew does both in one
// critical section (rule 20c).
constexpr Nanos kSameSection = std::chrono::microseconds(50);

constexpr uint8_t kInterrupt = kFlagHardirq | kFlagSoftirq | kFlagNmi;

}  // namespace

struct Reconstructor::State {
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
  // A start without a queue event, held back for kMaxSkew in case that one follows.
  struct Orphan {
    SlabIndex work = SlabIndex::kNone;
    size_t context = 0;
    WorkItem item;
    bool open = true;  // its execution has not ended
  };

  State(const EventSource& s, Options o) : source(s), options(o), workers(s, pools) {}

  const EventSource& source;
  Options options;
  PoolTracker pools;
  WorkerTable workers;
  WorkTable works;
  LossTracker losses;
  Slab<QueueRecord> displaced;
  Slab<Provisional> provisionals;
  Slab<Orphan> orphans;
  std::deque<SlabIndex> orphan_queue;  // by time of start
  std::vector<WorkItem> items;
  std::vector<PoolGap> gaps;
  MatchQuality quality;
  uint64_t next_id = 1;
  Timestamp begin = kUnseen, now = kUnseen;
  // By CPU: the work whose queue event came last, if nothing else came since.
  std::vector<SlabIndex> just_queued;
  NameId bh_highpri = NameId::kUnknown;
  bool activations_seen = false;  // the recording has them
  bool finished = false;

  // --- Events ---------------------------------------------------------------------------

  void Handle(const Event& e) {
    switch (e.kind) {
      case EventKind::kQueueWork: OnQueue(e); break;
      case EventKind::kActivateWork: OnActivate(e); break;
      case EventKind::kExecuteStart: OnStart(e); break;
      case EventKind::kExecuteEnd: OnEnd(e); break;
      case EventKind::kLossBegin: losses.Begin(e.cpu); break;
      case EventKind::kLossEnd: losses.End(e.cpu, e.at); break;
      case EventKind::kSwitch: OnSwitch(e); break;
      case EventKind::kRename: workers.NoteComm(e.task.task, e.task.comm); break;
      case EventKind::kFork: workers.Renew(e.task.task); break;
      default: break;
    }
  }

  SlabIndex& JustQueued(Cpu cpu) {
    const size_t i = static_cast<size_t>(std::max(ToInt(cpu), 0));
    if (i >= just_queued.size()) just_queued.resize(i + 1, SlabIndex::kNone);
    return just_queued[i];
  }

  void OnSwitch(const Event& e) {
    workers.NoteComm(e.pid, e.sched_switch.prev_comm);
    workers.NoteComm(e.sched_switch.next, e.sched_switch.next_comm);
    // A worker that is switched in has not yet taken what was queued before (rule 4).
    if (ExecutionContext* w = workers.Find(e.sched_switch.next, e.cpu)) w->last_event = e.at;
  }

  Origin OriginOf(const Event& e, ExecutionContext* worker, ExecutionContext* softirq) {
    if (e.flags & kFlagNmi) return {Origin::Kind::kNmi, Pid::kNone, NameId::kUnknown};
    if (e.flags & kFlagHardirq) return {Origin::Kind::kHardirq, Pid::kNone, NameId::kUnknown};
    ExecutionContext* context = e.flags & kFlagSoftirq ? softirq : worker;
    if (context != nullptr && !context->stack.empty()) {
      return {Origin::Kind::kWork, e.pid, context->stack.back().item.function};
    }
    if (e.flags & kFlagSoftirq) return {Origin::Kind::kSoftirq, Pid::kNone, NameId::kUnknown};
    return {Origin::Kind::kTask, e.pid, NameId::kUnknown};
  }

  void OnQueue(const Event& e) {
    const SlabIndex index = works.Get(e.work.work);
    WorkState& work = works[index];
    ExecutionContext* worker = workers.Find(e.pid, e.cpu);
    ExecutionContext* softirq = e.flags & kFlagSoftirq ? workers.FindSoftirq(e.cpu) : nullptr;
    if (worker != nullptr && (e.flags & kInterrupt) == 0) worker->last_event = e.at;
    if (work.orphan != SlabIndex::kNone) OrphanMeetsQueue(work, e);
    if (work.provisional != SlabIndex::kNone && ChainIsCut(work, e.at)) {
      Resolve(work.provisional, true);
    }
    if (work.early_activation != kUnseen) {
      work.early_activation = kUnseen;
      ++quality.stray_activations;
    }
    if (work.queued) Displace(work, e);

    QueueRecord& q = work.queue;
    q = QueueRecord();
    q.id = next_id++;
    q.work = e.work.work;
    q.queued = e.at;
    q.function = e.work.function;
    q.workqueue = e.work.workqueue;
    q.origin = OriginOf(e, worker, softirq);
    q.queue_cpu = e.cpu;
    q.queue_pid = e.pid;
    q.target_cpu = e.work.target_cpu;
    q.feed = pools.Feed(q.workqueue, q.target_cpu,
                        e.work.requested_cpu != Cpu::kNone ? e.work.requested_cpu : e.cpu);
    if (q.origin.kind == Origin::Kind::kWork) {
      const ExecutionContext& by = e.flags & kFlagSoftirq ? *softirq : *worker;
      q.requeued_by_self = by.stack.back().work == index;
    }
    q.collided = work.executing > 0;
    q.for_orphan = work.orphan != SlabIndex::kNone && !work.queued && MayBelong(work, e);
    work.queued = true;
    JustQueued(e.cpu) = index;
  }

  // A new queue event while one was open.
  void Displace(WorkState& work, const Event& e) {
    QueueRecord& old = work.queue;
    const bool by_canceller = old.activated != kUnseen && !old.activated_at_once &&
                              old.activate_pid == e.pid && old.activate_cpu == e.cpu &&
                              e.at - old.activated <= kSameSection && (e.flags & kFlagIrqsOff);
    Uncount(old, e.at);
    if (by_canceller) {
      old.activated = kUnseen;
      ++quality.stray_activations;
    }
    // Of three queue events without a start, only the last but one can be in the window.
    if (work.displaced != SlabIndex::kNone) {
      EmitSuperseded(TakeDisplaced(work));
    }
    work.displaced = displaced.Add(old);
  }

  void OnActivate(const Event& e) {
    activations_seen = true;
    SlabIndex& just = JustQueued(e.cpu);
    const bool was_last = just != SlabIndex::kNone && works[just].work == e.work.work;
    const bool at_once = was_last && works[just].queued;
    const SlabIndex index = was_last ? just : works.Get(e.work.work);
    just = SlabIndex::kNone;
    WorkState& work = works[index];
    if (!at_once && (e.flags & kInterrupt) == 0) {
      if (ExecutionContext* worker = workers.Find(e.pid, e.cpu)) worker->last_event = e.at;
    }
    if (!work.queued) {
      if (!was_last || !ActivateStarted(work, e)) work.early_activation = e.at;
      return;
    }
    QueueRecord& q = work.queue;
    if (q.activated != kUnseen) {
      ++quality.stray_activations;
      return;
    }
    q.activated = e.at;
    q.activated_at_once = at_once;
    // What waited behind its own execution for a slot of max_active did not collide (20b).
    if (!at_once) q.collided = work.executing > 0;
    q.activate_cpu = e.cpu;
    q.activate_pid = e.pid;
    q.counted = true;
    pools.ItemWaits(q.feed, e.at);
  }

  // It is on no worklist any more.
  void Uncount(QueueRecord& q, Timestamp at) {
    if (q.counted) pools.ItemGone(q.feed, at);
    q.counted = false;
  }

  // The activation follows its queue event on this CPU, but the clock of another one, some
  // ten nanoseconds behind, has let the start come before it.
  bool ActivateStarted(WorkState& work, const Event& e) {
    for (OpenExecution& run : workers[work.started_in].stack) {
      WorkItem& item = run.item;
      if (item.work != e.work.work || item.queue_cpu != e.cpu || item.activated != kUnseen) continue;
      item.activated = e.at;
      if (work.provisional == SlabIndex::kNone) return true;
      for (Link& link : provisionals[work.provisional].links) {
        if (link.record.id == item.id) link.record.activated = e.at;
      }
      return true;
    }
    return false;
  }

  // --- Start ----------------------------------------------------------------------------

  bool IsBhHighpri(NameId workqueue) {
    if (workqueue == NameId::kUnknown) return false;
    if (bh_highpri == workqueue) return true;
    if (source.names().Get(workqueue) != "events_bh_highpri") return false;
    bh_highpri = workqueue;
    return true;
  }

  void OnStart(const Event& e) {
    JustQueued(e.cpu) = SlabIndex::kNone;
    const bool softirq = (e.flags & kFlagSoftirq) != 0;
    const bool barrier = e.work.function == NameId::kBarrier;
    const SlabIndex index = barrier ? SlabIndex::kNone : works.Get(e.work.work);
    WorkState* work = barrier ? nullptr : &works[index];
    const bool highpri = softirq && work && work->queued && IsBhHighpri(work->queue.workqueue);
    ExecutionContext& context =
        softirq ? workers.Softirq(e.cpu, highpri) : workers.Worker(e.pid, e.cpu);
    // Works do not nest in a worker: the end of the one before was lost (rule 24).
    if (!softirq && !context.stack.empty()) CloseWithoutEnd(context, e.at);

    OpenExecution run;
    run.work = index;
    WorkItem& item = run.item;
    item.work = e.work.work;
    item.function = e.work.function;
    item.started = e.at;
    item.run_cpu = e.cpu;
    item.worker = e.pid;
    item.pool = context.pool;
    item.softirq = softirq;
    if (barrier) {
      item.id = next_id++;
      item.state = ItemState::kBarrier;
      item.workqueue = NameId::kUnknown;
      pools.OtherStarts(context.pool, e.at);
    } else {
      MatchStart(*work, index, context, run);
      item.reentrant = work->executing > 0;
      if (item.reentrant) item.collided = false;
      ++work->executing;
      work->started_in = workers.IndexOf(context);
    }
    if (!softirq && !context.seen) pools.NoteWorker(context.pool);
    context.seen = true;
    context.last_event = e.at;
    ++context.executions;
    context.stack.push_back(std::move(run));
  }

  static bool IsFromTask(const Origin& origin) {
    return origin.kind == Origin::Kind::kTask || origin.kind == Origin::Kind::kWork;
  }

  void MatchStart(WorkState& work, SlabIndex index, ExecutionContext& context,
                  OpenExecution& run) {
    if (work.orphan != SlabIndex::kNone) EmitOrphan(work.orphan, false);
    if (work.queued && !MayStart(work, index, run.item.started)) {
      StartOfEarlier(work, index, context, run);
    } else if (work.queued) {
      StartOfNewest(work, index, context, run);
    } else if (!ShiftWindow(work, context, run)) {
      StartWithoutQueue(work, index, context, run);
    }
  }

  // An inactive item cannot start; only a clock that is behind may bring the start before
  // the activation.
  bool MayStart(const WorkState& work, SlabIndex index, Timestamp at) {
    const QueueRecord& q = work.queue;
    if (q.activated != kUnseen || !activations_seen) return true;
    return JustQueued(q.queue_cpu) == index && at - q.queued <= kSameSection;
  }

  void StartOfNewest(WorkState& work, SlabIndex index, ExecutionContext& context,
                     OpenExecution& run) {
    QueueRecord& q = work.queue;
    if (context.provisional != SlabIndex::kNone) FollowUp(context, q);
    // The worker gave a sign of life after the queueing, or did it itself: it had not yet
    // taken the work then, so that the one queued before was taken by nobody (rule 4).
    const bool no_window = context.last_event > q.queued ||
                           (q.queue_pid == context.pid && IsFromTask(q.origin));
    if (work.provisional != SlabIndex::kNone) {
      no_window ? Resolve(work.provisional, false) : AddLink(work.provisional, q, context, run);
    }
    if (work.displaced != SlabIndex::kNone) {
      const QueueRecord old = TakeDisplaced(work);
      no_window ? EmitSuperseded(old) : MakeProvisional(index, context, old, run);
    }
    work.queued = false;
    TakeQueueRecord(q, context, run);
  }

  // The newest queueing is inactive: the start is that of the one before, which a worker had
  // taken when the newest came.
  void StartOfEarlier(WorkState& work, SlabIndex index, ExecutionContext& context,
                      OpenExecution& run) {
    if (work.displaced != SlabIndex::kNone &&
        displaced[work.displaced].activated != kUnseen) {
      QueueRecord old = TakeDisplaced(work);
      TakeQueueRecord(old, context, run);
    } else if (!ShiftWindow(work, context, run)) {
      // Its activation was lost, or it was the queue event of the start.
      losses.any() ? StartOfNewest(work, index, context, run)
                   : StartWithoutQueue(work, index, context, run);
    }
  }

  QueueRecord TakeDisplaced(WorkState& work) {
    const QueueRecord old = displaced[work.displaced];
    displaced.Remove(work.displaced);
    work.displaced = SlabIndex::kNone;
    return old;
  }

  // One more start than queue events: those before it were each one too late (rule 3).
  bool ShiftWindow(WorkState& work, ExecutionContext& context, OpenExecution& run) {
    if (work.provisional == SlabIndex::kNone) return false;
    QueueRecord last = provisionals[work.provisional].links.back().record;
    if (losses.Touches(last.queued)) {
      Resolve(work.provisional, true);
      return false;
    }
    Shift(work.provisional);
    TakeQueueRecord(last, context, run);
    return true;
  }

  void CopyQueuePart(const QueueRecord& q, WorkItem& item) {
    item.id = q.id;
    item.work = q.work;
    item.queued = q.queued;
    item.activated = q.activated;
    item.workqueue = q.workqueue;
    item.origin = q.origin;
    item.queue_cpu = q.queue_cpu;
    item.target_cpu = q.target_cpu;
    item.requeued_by_self = q.requeued_by_self;
    item.collided = q.collided;
    if (item.function == NameId::kUnknown) item.function = q.function;
  }

  void TakeQueueRecord(QueueRecord& q, ExecutionContext& context, OpenExecution& run) {
    CopyQueuePart(q, run.item);
    run.item.state = ItemState::kDone;
    run.item.wait_tainted = losses.Touches(q.queued);
    ++quality.executed;
    const auto started = pools.ItemStarts(context.pool, q.feed, q.activated, run.item.started,
                                          options.gap_floor);
    Uncount(q, run.item.started);
    run.item.waited_in = started.waited_in;
    if (started.gap) gaps.push_back(*started.gap);
  }

  void StartWithoutQueue(WorkState& work, SlabIndex index, ExecutionContext& context,
                         OpenExecution& run) {
    WorkItem& item = run.item;
    item.id = next_id++;
    item.wait_tainted = losses.any();
    const bool early = work.early_activation != kUnseen;
    item.activated = work.early_activation;
    work.early_activation = kUnseen;
    const Timestamp covered = source.stats().covered_from;
    const bool before = early || (covered != kUnseen && item.started < covered) ||
                        !pools.started_known(context.pool);
    item.state = before ? ItemState::kBeforeTrace : ItemState::kUnmatched;
    work.orphan = orphans.Add({index, workers.IndexOf(context), item, true});
    orphan_queue.push_back(work.orphan);
    pools.OtherStarts(context.pool, item.started);
  }

  // --- End ------------------------------------------------------------------------------

  void OnEnd(const Event& e) {
    JustQueued(e.cpu) = SlabIndex::kNone;
    const bool softirq = (e.flags & kFlagSoftirq) != 0;
    ExecutionContext& context =
        softirq ? workers.Softirq(e.cpu, false) : workers.Worker(e.pid, e.cpu);
    auto& stack = context.stack;
    size_t depth = stack.size();
    while (depth > 0 && stack[depth - 1].item.work != e.work.work) --depth;
    if (depth == 0) {
      EndWithoutStart(e, context, softirq);
    } else {
      while (stack.size() > depth) CloseWithoutEnd(context, e.at);
      OpenExecution run = std::move(stack.back());
      stack.pop_back();
      Complete(context, std::move(run), &e);
    }
    context.seen = true;
    context.last_event = e.at;
  }

  void EndWithoutStart(const Event& e, ExecutionContext& context, bool softirq) {
    // What is open on the worker ended unseen before this.
    while (!context.stack.empty()) CloseWithoutEnd(context, e.at);
    WorkItem item;
    item.id = next_id++;
    item.work = e.work.work;
    item.function = e.work.function;
    item.ended = e.at;
    item.end_cpu = e.cpu;
    item.worker = e.pid;
    item.pool = context.pool;
    item.softirq = softirq;
    item.run_tainted = losses.any();
    item.state = context.seen ? ItemState::kUnmatched : ItemState::kBeforeTrace;
    if (item.function == NameId::kBarrier) item.state = ItemState::kBarrier;
    if (!context.seen && !losses.any()) {
      // It kept its worker busy ever since the trace began (rule 25).
      pools.RanBefore(context.pool, begin, e.at);
      context.busy += e.at - begin;
    }
    if (!softirq && !context.seen) pools.NoteWorker(context.pool);
    if (item.state == ItemState::kUnmatched && !item.run_tainted) ++quality.unmatched_ends;
    Emit(item);
  }

  // The end of the innermost execution was not seen; it was over by `at` at the latest.
  void CloseWithoutEnd(ExecutionContext& context, Timestamp at) {
    OpenExecution run = std::move(context.stack.back());
    context.stack.pop_back();
    run.item.run_tainted = true;
    ++quality.lost_ends;
    pools.Ends(run.item.pool, at);
    Close(std::move(run));
  }

  void Complete(ExecutionContext& context, OpenExecution run, const Event* e) {
    WorkItem& item = run.item;
    item.ended = e->at;
    item.end_cpu = e->cpu;
    // What ran is what the end event names; a start reads work->func anew (rule 11).
    if (e->work.function != NameId::kUnknown && item.state != ItemState::kBarrier) {
      item.function = e->work.function;
    }
    item.run_tainted |= RunTouched(item);
    if (context.stack.empty()) context.busy += item.ended - item.started;
    pools.Ends(item.pool, e->at);
    Close(std::move(run));
  }

  // A worker that is bound to its CPU emits nothing elsewhere.
  bool RunTouched(const WorkItem& item) const {
    const Pool& pool = pools.pool(item.pool);
    const bool bound = item.softirq || (pool.cpu != Cpu::kNone && pool.cpu == item.run_cpu);
    return bound ? losses.TouchesCpu(item.run_cpu, item.started) : losses.Touches(item.started);
  }

  void Close(OpenExecution run) {
    if (run.work != SlabIndex::kNone) {
      WorkState& work = works[run.work];
      if (work.executing > 0) --work.executing;
      if (work.orphan != SlabIndex::kNone && orphans[work.orphan].item.id == run.item.id) {
        Orphan& orphan = orphans[work.orphan];
        orphan.item = run.item;
        orphan.open = false;
        return;
      }
    }
    if (run.provisional != SlabIndex::kNone) {
      for (Link& link : provisionals[run.provisional].links) {
        if (link.record.id != run.item.id) continue;
        link.held = run.item;
        link.ended = true;
        return;
      }
    }
    Emit(run.item);
  }

  // --- The window -----------------------------------------------------------------------

  void MakeProvisional(SlabIndex index, ExecutionContext& context, const QueueRecord& old,
                       OpenExecution& run) {
    Provisional p;
    p.work = index;
    p.first = old;
    const SlabIndex made = provisionals.Add(std::move(p));
    works[index].provisional = made;
    AddLink(made, works[index].queue, context, run);
  }

  void AddLink(SlabIndex index, const QueueRecord& record, ExecutionContext& context,
               OpenExecution& run) {
    if (context.provisional != SlabIndex::kNone && context.provisional != index) {
      Resolve(context.provisional, true);
    }
    provisionals[index].links.push_back({record, workers.IndexOf(context), {}, false});
    run.provisional = index;
    context.provisional = index;
  }

  // Whether a queueing now cannot, for all practical purposes, be in the window of a start
  // that follows upon the last link.
  bool ChainIsCut(const WorkState& work, Timestamp at) {
    const Provisional& p = provisionals[work.provisional];
    const Link& last = p.links.back();
    return work.queued || p.certain || p.links.size() >= kMaxLinks ||
           (last.ended && at - last.held.ended > kWindowChain);
  }

  // The worker of the last link starts another item that was activated after that link:
  // had the link been on the worklist still, it would have come first.  Another worker may
  // have taken it, though; then its start is still to come.
  void FollowUp(ExecutionContext& context, const QueueRecord& next) {
    Provisional& p = provisionals[context.provisional];
    const QueueRecord& last = p.links.back().record;
    p.certain |= next.work != last.work && last.activated != kUnseen &&
                 next.activated != kUnseen && next.activated > last.activated;
  }

  // The item that a link made, wherever it is now.
  WorkItem* ItemOf(SlabIndex index, Link& link) {
    if (link.ended) return &link.held;
    for (OpenExecution& run : workers[link.context].stack) {
      if (run.provisional == index && run.item.id == link.record.id) return &run.item;
    }
    return nullptr;
  }

  void Drop(SlabIndex index) {
    Provisional& p = provisionals[index];
    works[p.work].provisional = SlabIndex::kNone;
    for (const Link& link : p.links) {
      ExecutionContext& context = workers[link.context];
      if (context.provisional == index) context.provisional = SlabIndex::kNone;
      for (OpenExecution& run : context.stack) {
        if (run.provisional == index) run.provisional = SlabIndex::kNone;
      }
      if (link.ended) Emit(link.held);
    }
    provisionals.Remove(index);
  }

  // The matches stand: the first queueing never came to a start.
  void Resolve(SlabIndex index, bool ambiguous) {
    ambiguous &= !provisionals[index].certain;
    EmitSuperseded(provisionals[index].first);
    for (Link& link : provisionals[index].links) {
      if (WorkItem* item = ItemOf(index, link)) item->ambiguous = ambiguous;
    }
    Drop(index);
  }

  // Each start was that of the queueing before.
  void Shift(SlabIndex index) {
    Provisional& p = provisionals[index];
    const QueueRecord* before = &p.first;
    for (Link& link : p.links) {
      if (WorkItem* item = ItemOf(index, link)) {
        CopyQueuePart(*before, *item);
        item->wait_tainted |= losses.Touches(item->queued);
      }
      before = &link.record;
    }
    Drop(index);
  }

  // --- Starts before their queue event --------------------------------------------------

  bool MayBelong(const WorkState& work, const Event& e) {
    const WorkItem& item = orphans[work.orphan].item;
    return e.at - item.started <= kMaxSkew && e.cpu != item.run_cpu &&
           !losses.Touches(item.started);
  }

  void OrphanMeetsQueue(WorkState& work, const Event& e) {
    if (work.queued && work.queue.for_orphan) {
      // Never started, though a new queue event came: it was the orphan's.
      EmitOrphan(work.orphan, true);
    } else if (!MayBelong(work, e) || work.queued) {
      EmitOrphan(work.orphan, false);
    }
  }

  // Gives the orphan up, or the open queue event of its work to it.
  void EmitOrphan(SlabIndex index, bool with_queue) {
    Orphan& orphan = orphans[index];
    WorkState& work = works[orphan.work];
    if (with_queue) {
      Uncount(work.queue, now);
      CopyQueuePart(work.queue, orphan.item);
      orphan.item.state = ItemState::kDone;
      work.queued = false;
      ++quality.executed;
    } else if (orphan.item.state == ItemState::kUnmatched && !orphan.item.wait_tainted) {
      ++quality.unmatched_starts;
    }
    work.orphan = SlabIndex::kNone;
    if (orphan.open) {
      // Told when it ends.
      for (OpenExecution& run : workers[orphan.context].stack) {
        if (run.item.started == orphan.item.started) run.item = orphan.item;
      }
    } else {
      Emit(orphan.item);
    }
    std::erase(orphan_queue, index);
    orphans.Remove(index);
  }

  void ExpireOrphans() {
    while (!orphan_queue.empty()) {
      const SlabIndex index = orphan_queue.front();
      const Orphan& orphan = orphans[index];
      const WorkState& work = works[orphan.work];
      if (now - orphan.item.started <= kMaxSkew || (work.queued && work.queue.for_orphan)) return;
      EmitOrphan(index, false);
    }
  }

  // --- Results --------------------------------------------------------------------------

  void EmitSuperseded(const QueueRecord& q) {
    WorkItem item = FromQueue(q);
    item.state = ItemState::kSuperseded;
    Emit(item);
  }

  WorkItem FromQueue(const QueueRecord& q) {
    WorkItem item;
    CopyQueuePart(q, item);
    item.wait_tainted = losses.Touches(q.queued);
    return item;
  }

  void Emit(const WorkItem& item) {
    switch (item.state) {
      case ItemState::kSuperseded: ++quality.superseded; break;
      case ItemState::kBarrier: ++quality.barriers; break;
      case ItemState::kBeforeTrace: ++quality.before_trace; break;
      case ItemState::kPending: ++quality.pending_at_end; break;
      case ItemState::kRunning: ++quality.running_at_end; break;
      case ItemState::kDone:
      case ItemState::kUnmatched: break;
    }
    const Nanos zero{0};
    const bool negative = item.Latency().value_or(zero) < zero ||
                          item.DispatchWait().value_or(zero) < zero;
    quality.negative_latencies += negative ? 1 : 0;
    quality.tainted += item.tainted() ? 1 : 0;
    quality.ambiguous += item.ambiguous ? 1 : 0;
    items.push_back(item);
  }

  void FinishWork(WorkState& work, std::vector<WorkItem>& pending) {
    if (work.provisional != SlabIndex::kNone) Resolve(work.provisional, true);
    if (work.orphan != SlabIndex::kNone) {
      EmitOrphan(work.orphan, work.queued && work.queue.for_orphan);
    }
    if (work.displaced != SlabIndex::kNone) {
      EmitSuperseded(TakeDisplaced(work));
    }
    if (work.early_activation != kUnseen) ++quality.stray_activations;
    if (!work.queued) return;
    WorkItem item = FromQueue(work.queue);
    item.state = ItemState::kPending;
    item.waited_in = pools.PoolOf(work.queue.feed);
    if (item.activated != kUnseen) pools.WaitsAtEnd(work.queue.feed, item.activated);
    work.queued = false;
    pending.push_back(item);
  }
};

Reconstructor::Reconstructor(const EventSource& source, Options options)
    : state_(std::make_unique<State>(source, options)) {}
Reconstructor::~Reconstructor() = default;

void Reconstructor::Add(std::span<const Event> events) {
  assert(!state_->finished);
  if (state_->begin == kUnseen && !events.empty()) {
    const bool loss = events[0].kind == EventKind::kLossBegin;
    if (!loss) state_->begin = events[0].at;
  }
  for (const Event& event : events) {
    state_->now = std::max(state_->now, event.at);
    state_->Handle(event);
  }
  if (!state_->orphan_queue.empty()) state_->ExpireOrphans();
}

void Reconstructor::Finish() {
  State& s = *state_;
  assert(!s.finished);
  s.finished = true;
  s.now = std::max(s.now, s.source.stats().end);
  std::vector<WorkItem> rest;
  for (const SlabIndex index : s.works.Active()) s.FinishWork(s.works[index], rest);
  s.workers.ForEach([&](ExecutionContext& context) {
    for (OpenExecution& run : context.stack) {
      run.item.run_tainted |= s.RunTouched(run.item);
      if (run.item.state == ItemState::kDone) run.item.state = ItemState::kRunning;
      rest.push_back(run.item);
    }
  });
  std::sort(rest.begin(), rest.end(),
            [](const WorkItem& a, const WorkItem& b) { return a.id < b.id; });
  for (const WorkItem& item : rest) s.Emit(item);
  for (const PoolGap& gap : s.pools.GapsAtEnd(s.now, s.options.gap_floor)) s.gaps.push_back(gap);
}

void Reconstructor::TakeItems(std::vector<WorkItem>& out) {
  out.clear();
  std::swap(out, state_->items);
}
void Reconstructor::TakeGaps(std::vector<PoolGap>& out) {
  out.clear();
  std::swap(out, state_->gaps);
}
const MatchQuality& Reconstructor::quality() const { return state_->quality; }
const Pool& Reconstructor::pool(PoolId id) const { return state_->pools.pool(id); }
std::vector<PoolOccupancy> Reconstructor::Pools() const {
  return state_->pools.Occupancy(state_->now);
}
std::vector<WorkerOccupancy> Reconstructor::Workers() const {
  return state_->workers.Occupancy(state_->now);
}

}  // namespace wqprof
