// SPDX-License-Identifier: Apache-2.0
// Starts and ends of executions.
#include <algorithm>
#include <utility>

#include "model/matcher.h"

namespace wqprof {
namespace {

// A drain of a dead CPU's BH works executes them nested, and more than that does not nest.
constexpr size_t kDeepestNesting = 16;

bool IsFromTask(const Origin& origin) {
  return origin.kind == Origin::Kind::kTask || origin.kind == Origin::Kind::kWork;
}

}  // namespace

// A BH work runs in the softirq that says which pool it is of; without events of softirqs the
// pools of the kernel's own two workqueues are known, and no others (rule 22a).
PoolId Matcher::BhPoolOf(Cpu cpu, NameId workqueue) {
  const uint64_t vec = softirq_vecs_[cpu];
  if (vec == Event::Softirq::kHi || vec == Event::Softirq::kTasklet) {
    return pools_.Bh(cpu, vec == Event::Softirq::kHi);
  }
  if (workqueue == NameId::kUnknown) return PoolId::kUnknown;
  if (workqueue != events_bh_ && workqueue != events_bh_highpri_) {
    const std::string_view name = source_.names().Get(workqueue);
    if (name == "events_bh") events_bh_ = workqueue;
    if (name == "events_bh_highpri") events_bh_highpri_ = workqueue;
  }
  if (workqueue == events_bh_) return pools_.Bh(cpu, false);
  return workqueue == events_bh_highpri_ ? pools_.Bh(cpu, true) : PoolId::kUnknown;
}

void Matcher::OnStart(const Event& e) {
  just_queued_[e.cpu] = SlabIndex::kNone;
  just_activated_ = WorkAddr{};
  const bool softirq = (e.flags & kFlagSoftirq) != 0;
  const bool barrier = e.work.function == NameId::kBarrier;
  // It has no queue event, or none that could be found.
  const bool alone = barrier || !HasAddress(e);
  const SlabIndex index = alone ? SlabIndex::kNone : works_.Get(e.work.work);
  WorkState* work = alone ? nullptr : &works_[index];
  ExecutionContext& context = softirq ? workers_.Softirq(e.cpu) : workers_.Worker(e.pid, e.cpu);
  if (softirq) {
    const bool queued = work != nullptr && work->queued;
    context.pool = BhPoolOf(e.cpu, queued ? work->queue.workqueue : NameId::kUnknown);
  }
  // Works do not nest in a worker: the end of the one before was lost (rule 24).  Those of softirqs
  // nest in a drain only.
  const size_t deepest = softirq ? kDeepestNesting : 0;
  if (context.stack.size() > deepest) [[unlikely]] {
    while (!context.stack.empty()) CloseWithoutEnd(context, e.at);
  }

  if (!softirq && sched_.OnRuns(context, e.at)) [[unlikely]]
    ++quality_.unseen_switches;
  OpenExecution& run = context.stack.emplace_back();
  run.work = index;
  WorkItem& item = run.item;
  item.work = e.work.work;
  item.function = e.work.function;
  item.started = e.at;
  item.run_cpu = e.cpu;
  item.worker = e.pid;
  item.pool = context.pool;
  item.softirq = softirq;
  if (alone) {
    item.id = next_id_++;
    item.state = barrier ? ItemState::kBarrier : ItemState::kDone;
    item.workqueue = NameId::kUnknown;
    pools_.OtherStarts(context.pool, e.at);
  } else {
    MatchStart(*work, index, context, run);
    if (activations_.Tracks(work->queue)) {
      item.inactive_behind = activations_.Started(index, e.at, context.pool);
      run.has_slot = true;
    }
    item.reentrant = work->executing > 0;
    if (item.reentrant) item.collided = false;
    ++work->executing;
    work->started_in = context.index;
    // What a gap may have touched says nothing of what was before it.
    if (!item.wait_tainted && !item.ambiguous) work->last_start = e.at;
  }
  if (!softirq && !context.seen) pools_.NoteWorker(context.pool);
  context.seen = true;
  context.last_event = e.at;
  ++context.executions;
  if (softirq) {
    stolen_.Enter(StolenTracker::Level::kBhWork, e);
  } else {
    sched_.OnExecuting(context, e.at, true);
    if (stolen_.seen()) stolen_.Begin(context.index);
  }
  // There is nothing to wait for.
  if (recorded_.Lacks(EventKind::kExecuteEnd)) CloseWithoutEnd(context, e.at);
}

void Matcher::MatchStart(WorkState& work, SlabIndex index, ExecutionContext& context,
                         OpenExecution& run) {
  if (work.orphan != SlabIndex::kNone) EmitOrphan(work.orphan, false);
  const bool inactive = activations_seen_ && work.queue.activated == kUnseen;
  if (work.queued && inactive) {
    StartWhileInactive(work, index, context, run);
  } else if (work.queued) {
    StartOfNewest(work, index, context, run);
  } else if (!ShiftWindow(work, context, run)) {
    StartWithoutQueue(work, index, context, run);
  }
}

void Matcher::StartOfNewest(WorkState& work, SlabIndex index, ExecutionContext& context,
                            OpenExecution& run) {
  QueueRecord& q = work.queue;
  if (context.provisional != SlabIndex::kNone) FollowUp(context, q);
  // The worker gave a sign of life after the queueing, or did it itself: it had not yet
  // taken the work then, so that the one queued before was taken by nobody (rule 4).
  const bool no_window =
      context.last_event > q.queued || (q.queue_pid == context.pid && IsFromTask(q.origin));
  if (work.provisional != SlabIndex::kNone) {
    no_window ? Resolve(work.provisional, false) : AddLink(work.provisional, q, context, run);
  }
  if (work.displaced != SlabIndex::kNone) {
    const QueueRecord old = TakeDisplaced(work);
    no_window ? EmitSuperseded(old) : MakeProvisional(index, context, old, run);
  }
  // After a gap a work may be in the window of a queue event that was lost.
  const bool first = q.queued < Timestamp::min() + kLongestWindow;  // a hostile stamp
  const Timestamp known =
      first ? work.last_start : std::max(work.last_start, q.queued - kLongestWindow);
  const bool doubtful = !no_window && losses_.Touches(known);
  work.queued = false;
  TakeQueueRecord(q, context, run);
  run.item.wait_tainted |= doubtful;
}

// The newest queueing is inactive and cannot start: the start is that of the one before, which
// a worker had taken when the newest came.
void Matcher::StartWhileInactive(WorkState& work, SlabIndex index, ExecutionContext& context,
                                 OpenExecution& run) {
  if (work.displaced != SlabIndex::kNone && displaced_[work.displaced].activated != kUnseen) {
    QueueRecord old = TakeDisplaced(work);
    const bool doubtful = old.doubtful && context.last_event <= old.queued;
    TakeQueueRecord(old, context, run);
    run.item.ambiguous = doubtful;
    return;
  }
  if (ShiftWindow(work, context, run)) return;
  // With none before it, its activation was lost, or a clock is behind and it comes next.
  const QueueRecord& q = work.queue;
  const bool comes_next =
      just_queued_[q.queue_cpu] == index && run.item.started - q.queued <= kSameSection;
  losses_.any() || comes_next ? StartOfNewest(work, index, context, run)
                              : StartWithoutQueue(work, index, context, run);
}

QueueRecord Matcher::TakeDisplaced(WorkState& work) {
  const QueueRecord old = displaced_[work.displaced];
  displaced_.Remove(work.displaced);
  work.displaced = SlabIndex::kNone;
  return old;
}

void Matcher::CopyQueuePart(const QueueRecord& q, WorkItem& item) {
  item.id = q.id;
  item.work = q.work;
  item.queued = q.queued;
  item.activated = q.activated;
  item.armed = q.armed;
  item.due = q.due;
  item.rearmed = q.rearmed;
  item.workqueue = q.workqueue;
  item.origin = q.origin;
  item.stack = q.stack;
  item.parent = q.parent;
  item.queue_cpu = q.queue_cpu;
  item.target_cpu = q.target_cpu;
  item.requeued_by_self = q.requeued_by_self;
  item.collided = q.collided;
  if (item.function == NameId::kUnknown) item.function = q.function;
}

void Matcher::TakeQueueRecord(QueueRecord& q, ExecutionContext& context, OpenExecution& run) {
  CopyQueuePart(q, run.item);
  if (context.pool == PoolId::kUnknown && workers_.NameIsCut(context)) {
    // Of the latency layout: a bound item shows the worker's CPU.
    if (q.target_cpu != Cpu::kNone) context.pool = pools_.PerCpu(q.target_cpu, false);
    run.item.pool = context.pool;
  }
  run.item.state = ItemState::kDone;
  run.item.wait_tainted = losses_.Touches(q.queued);
  ++quality_.executed;
  const PoolTracker::Started started =
      pools_.ItemStarts(context.pool, q.feed, q.activated, run.item.started, gap_floor_);
  run.item.waited_in = started.waited_in;
  if (sched_.seen()) {
    SplitWait(context, run.item);
    // What later events may yet turn around is not counted.
    if (!run.item.wait_tainted && run.provisional == SlabIndex::kNone) {
      idle_waits_.Started(pools_.pool(started.waited_in), run.item.run_cpu, q.activated,
                          run.item.started, sched_.idle());
    }
  }
  if (started.gap_begin != kUnseen) [[unlikely]] {
    PoolGap gap = pools_.GapOf(started.waited_in, started.gap_begin, run.item.started);
    if (TrimToWhole(gap)) {
      DescribeGap(gap, Look(gap.pool), &context, run.item.collided);
      AddGap(std::move(gap));
    }
  }
  Uncount(q, run.item.started);
}

void Matcher::StartWithoutQueue(WorkState& work, SlabIndex index, ExecutionContext& context,
                                OpenExecution& run) {
  WorkItem& item = run.item;
  item.id = next_id_++;
  item.wait_tainted = losses_.any();
  const bool from_before = IsFromBefore(context, work, item);
  item.state = from_before ? ItemState::kBeforeTrace : ItemState::kUnmatched;
  item.activated = work.early_activation;
  work.early_activation = kUnseen;
  if (recorded_.Has(EventKind::kQueueWork)) {
    pools_.OtherStarts(context.pool, item.started);
  } else {
    StartOfActivated(context, run);
  }
  if (recorded_.Lacks(EventKind::kQueueWork)) {
    item.state = ItemState::kDone;
    return;
  }
  work.orphan = orphans_.Add({index, context.index, item, true, {}});
  orphan_queue_.PushBack(orphans_, work.orphan);
}

// Whether a start without a queue event is of an item that was queued before the trace began.
bool Matcher::IsFromBefore(const ExecutionContext& context, const WorkState& work,
                           const WorkItem& item) const {
  const Timestamp covered = source_.stats().covered_from;
  return work.early_activation != kUnseen || (covered != kUnseen && item.started < covered) ||
         !pools_.started_known(context.pool) ||
         // It may have taken the item before the first known one started.
         (context.seen && work.last_start == kUnseen &&
          context.last_event <= pools_.first_known_start(context.pool)) ||
         (!context.seen && work.last_start == kUnseen && !losses_.any() &&
          item.started - pools_.first_known_start(context.pool) <= kLongestWindow);
}

void Matcher::OnEnd(const Event& e) {
  just_queued_[e.cpu] = SlabIndex::kNone;
  just_activated_ = WorkAddr{};
  const bool softirq = (e.flags & kFlagSoftirq) != 0;
  ExecutionContext& context = softirq ? workers_.Softirq(e.cpu) : workers_.Worker(e.pid, e.cpu);
  auto& stack = context.stack;
  if (!softirq && sched_.OnRuns(context, e.at)) [[unlikely]]
    ++quality_.unseen_switches;
  size_t depth = stack.size();
  while (depth > 0 && stack[depth - 1].item.work != e.work.work) --depth;
  if (depth == 0) {
    EndWithoutStart(e, context, softirq);
  } else {
    while (stack.size() > depth) CloseWithoutEnd(context, e.at);
    Complete(context, stack.back(), e);
    stack.pop_back();
  }
  context.seen = true;
  context.last_event = e.at;
  if (softirq) LeaveInterrupt(StolenTracker::Level::kBhWork, e);
}

void Matcher::EndWithoutStart(const Event& e, ExecutionContext& context, bool softirq) {
  // What is open on the worker ended unseen before this.
  while (!context.stack.empty()) CloseWithoutEnd(context, e.at);
  WorkItem item;
  item.id = next_id_++;
  item.work = e.work.work;
  item.function = e.work.function;
  item.ended = e.at;
  item.end_cpu = e.cpu;
  item.worker = e.pid;
  item.pool = context.pool;
  item.softirq = softirq;
  item.run_tainted = losses_.any();
  item.state = context.seen ? ItemState::kUnmatched : ItemState::kBeforeTrace;
  if (item.function == NameId::kBarrier) item.state = ItemState::kBarrier;
  if (!context.seen && !losses_.any()) {
    // It kept its worker busy ever since the trace began (rule 25).
    pools_.RanBefore(context.pool, begin_, e.at);
    context.busy += e.at - begin_;
  }
  if (!softirq && !context.seen) pools_.NoteWorker(context.pool);
  if (item.state == ItemState::kUnmatched && !item.run_tainted) ++quality_.unmatched_ends;
  if (recorded_.Lacks(EventKind::kExecuteStart)) EndOfQueued(item);
  Emit(item);
}

// The end of the innermost execution was not seen; it was over by `at` at the latest.
void Matcher::CloseWithoutEnd(ExecutionContext& context, Timestamp at) {
  OpenExecution& run = context.stack.back();
  run.item.run_tainted = true;
  ++quality_.lost_ends;
  pools_.Ends(run.item.pool, at);
  if (!run.item.softirq) sched_.OnExecuting(context, at, context.stack.size() > 1);
  if (run.has_slot) activations_.Ended(run.work, at);
  Close(run);
  context.stack.pop_back();
}

void Matcher::Complete(ExecutionContext& context, OpenExecution& run, const Event& e) {
  WorkItem& item = run.item;
  item.ended = e.at;
  item.end_cpu = e.cpu;
  // What ran is what the end event names; a start reads work->func anew (rule 11).
  const bool named = e.work.function != NameId::kUnknown && item.state != ItemState::kBarrier;
  const NameId function = named ? e.work.function : item.function;
  item.function = function;
  item.run_tainted |= RunTouched(item);
  const bool outermost = context.stack.size() == 1;
  if (outermost) {
    context.busy += item.ended - item.started;
    // Field by field, and what was just written from where it came: a copy would wait for it.
    LastRun& last = context.last_run;
    last.function = function;
    last.workqueue = item.workqueue;
    last.stack = item.stack;
    last.started = item.started;
    last.ended = item.ended;
    if (sched_.seen()) last.preempted_by = sched_.PreemptedBy(context);
  }
  if (sched_.seen()) {
    SplitRun(context, item);
    if (!item.softirq) sched_.OnExecuting(context, item.ended, !outermost);
  }
  pools_.Ends(item.pool, e.at);
  if (run.has_slot) activations_.Ended(run.work, e.at);
  Close(run);
}

// A worker that is bound to its CPU emits nothing elsewhere.
bool Matcher::RunTouched(const WorkItem& item) const {
  const Pool& pool = pools_.pool(item.pool);
  const bool bound = item.softirq || (pool.cpu != Cpu::kNone && pool.cpu == item.run_cpu);
  return bound ? losses_.TouchesCpu(item.run_cpu, item.started) : losses_.Touches(item.started);
}

void Matcher::Close(OpenExecution& run) {
  if (run.work != SlabIndex::kNone) {
    WorkState& work = works_[run.work];
    if (work.executing > 0) --work.executing;
    if (work.orphan != SlabIndex::kNone && orphans_[work.orphan].item.id == run.item.id) {
      Orphan& orphan = orphans_[work.orphan];
      orphan.item = run.item;
      orphan.open = false;
      return;
    }
  }
  if (run.provisional != SlabIndex::kNone) {
    for (Link& link : provisionals_[run.provisional].links) {
      if (link.record.id != run.item.id) continue;
      link.held = run.item;
      link.ended = true;
      return;
    }
  }
  Emit(run.item);
}

}  // namespace wqprof
