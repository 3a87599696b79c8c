// SPDX-License-Identifier: Apache-2.0
#include "model/executions.h"

#include <algorithm>
#include <utility>

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
PoolId Executions::BhPoolOf(Cpu cpu, NameId workqueue) {
  const uint64_t vec = interrupts_.SoftirqOn(cpu);
  if (vec == Event::Softirq::kHi || vec == Event::Softirq::kTasklet) {
    return tables_.pools.Bh(cpu, vec == Event::Softirq::kHi);
  }
  if (workqueue == NameId::kUnknown) return PoolId::kUnknown;
  if (workqueue != events_bh_ && workqueue != events_bh_highpri_) {
    const std::string_view name = tables_.source.names().Get(workqueue);
    if (name == "events_bh") events_bh_ = workqueue;
    if (name == "events_bh_highpri") events_bh_highpri_ = workqueue;
  }
  if (workqueue == events_bh_) return tables_.pools.Bh(cpu, false);
  return workqueue == events_bh_highpri_ ? tables_.pools.Bh(cpu, true) : PoolId::kUnknown;
}

void Executions::OnStart(const Event& e) {
  last_.Other(e.cpu);
  const bool softirq = (e.flags & kFlagSoftirq) != 0;
  const bool barrier = e.work.function == NameId::kBarrier;
  // It has no queue event, or none that could be found.
  const bool alone = barrier || !HasAddress(e);
  const SlabIndex index = alone ? SlabIndex::kNone : tables_.works.Get(e.work.work);
  ExecutionContext& context = ContextOf(e);
  if (softirq) {
    const bool queued = !alone && tables_.works[index].queued;
    context.pool =
        BhPoolOf(e.cpu, queued ? tables_.works[index].queue.workqueue : NameId::kUnknown);
  }
  // Works do not nest in a worker: the end of the one before was lost (rule 24).  Those of softirqs
  // nest in a drain only.
  if (!context.stack.empty() && (!softirq || context.stack.size() > kDeepestNesting)) [[unlikely]] {
    while (!context.stack.empty()) CloseWithoutEnd(context, e.at);
  }

  if (!softirq && tables_.sched.OnRuns(context, e.at)) [[unlikely]]
    ++outlet_.quality().unseen_switches;
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
    item.id = outlet_.NewId();
    item.state = barrier ? ItemState::kBarrier : ItemState::kDone;
    item.workqueue = NameId::kUnknown;
    tables_.occupancy.OtherStarts(context.pool, e.at);
  } else {
    StartOfWork(index, context, run);
  }
  if (!softirq && !context.seen) tables_.occupancy.NoteWorker(context.pool);
  context.seen = true;
  context.last_event = e.at;
  ++context.executions;
  if (softirq) {
    interrupts_.EnterBhWork(e);
  } else {
    tables_.sched.OnExecuting(context, e.at, true);
    interrupts_.BeginRun(context.index);
  }
  // There is nothing to wait for.
  if (outlet_.recorded().Lacks(EventKind::kExecuteEnd)) CloseWithoutEnd(context, e.at);
}

void Executions::StartOfWork(SlabIndex index, ExecutionContext& context, OpenExecution& run) {
  WorkState& work = tables_.works[index];
  WorkItem& item = run.item;
  MatchStart(work, index, context, run);
  if (activations_.Tracks(work.queue)) {
    item.inactive_behind = activations_.Started(index, item.started, context.pool);
    run.has_slot = true;
  }
  item.reentrant = work.executing > 0;
  if (item.reentrant) item.collided = false;
  ++work.executing;
  work.started_in = context.index;
  // What a gap may have touched says nothing of what was before it.
  if (!item.wait_tainted && !item.ambiguous) work.last_start = item.started;
}

void Executions::MatchStart(WorkState& work, SlabIndex index, ExecutionContext& context,
                            OpenExecution& run) {
  if (work.orphan != SlabIndex::kNone) orphans_.Settle(work.orphan, false);
  const bool inactive = tables_.activations_seen && work.queue.activated == kUnseen;
  if (work.queued && inactive) {
    StartWhileInactive(work, index, context, run);
  } else if (work.queued) {
    StartOfNewest(work, index, context, run);
  } else if (!TakeShifted(work, context, run)) {
    StartWithoutQueue(work, index, context, run);
  }
}

inline void Executions::StartOfNewest(WorkState& work, SlabIndex index, ExecutionContext& context,
                                      OpenExecution& run) {
  QueueRecord& q = work.queue;
  if (context.provisional != SlabIndex::kNone) window_.FollowUp(context, q);
  // The worker gave a sign of life after the queueing, or did it itself: it had not yet
  // taken the work then, so that the one queued before was taken by nobody (rule 4).
  const bool no_window =
      context.last_event > q.queued || (q.queue_pid == context.pid && IsFromTask(q.origin));
  if (work.provisional != SlabIndex::kNone) {
    no_window ? window_.Resolve(work.provisional, false)
              : window_.AddLink(work.provisional, q, context, run);
  }
  if (work.displaced != SlabIndex::kNone) {
    const QueueRecord old = window_.TakeDisplaced(work);
    no_window ? outlet_.Emit(tables_.Superseded(old)) : window_.Open(index, context, old, run);
  }
  // After a gap a work may be in the window of a queue event that was lost.
  const bool first = q.queued < Timestamp::min() + kLongestWindow;  // a hostile stamp
  const Timestamp known =
      first ? work.last_start : std::max(work.last_start, q.queued - kLongestWindow);
  const bool doubtful = !no_window && tables_.losses.Touches(known);
  work.queued = false;
  TakeQueueRecord(q, context, run);
  run.item.wait_tainted |= doubtful;
}

// The newest queueing is inactive and cannot start: the start is that of the one before, which
// a worker had taken when the newest came.
void Executions::StartWhileInactive(WorkState& work, SlabIndex index, ExecutionContext& context,
                                    OpenExecution& run) {
  if (work.displaced != SlabIndex::kNone && window_.Displaced(work).activated != kUnseen) {
    QueueRecord old = window_.TakeDisplaced(work);
    const bool doubtful = old.doubtful && context.last_event <= old.queued;
    TakeQueueRecord(old, context, run);
    run.item.ambiguous = doubtful;
    return;
  }
  if (TakeShifted(work, context, run)) return;
  // With none before it, its activation was lost, or a clock is behind and it comes next.
  const QueueRecord& q = work.queue;
  const bool comes_next =
      last_.queued[q.queue_cpu] == index && run.item.started - q.queued <= kSameSection;
  tables_.losses.any() || comes_next ? StartOfNewest(work, index, context, run)
                                     : StartWithoutQueue(work, index, context, run);
}

// The matches of before were each one too late, and leave a record for this start.
bool Executions::TakeShifted(WorkState& work, ExecutionContext& context, OpenExecution& run) {
  if (work.provisional == SlabIndex::kNone) return false;
  std::optional<QueueRecord> left = window_.Shift(work);
  if (left) TakeQueueRecord(*left, context, run);
  return left.has_value();
}

inline void Executions::TakeQueueRecord(QueueRecord& q, ExecutionContext& context,
                                        OpenExecution& run) {
  CopyQueuePart(q, run.item);
  if (context.pool == PoolId::kUnknown && tables_.workers.NameIsCut(context)) {
    // Of the latency layout: a bound item shows the worker's CPU.
    if (q.target_cpu != Cpu::kNone) context.pool = tables_.pools.PerCpu(q.target_cpu, false);
    run.item.pool = context.pool;
  }
  run.item.state = ItemState::kDone;
  run.item.wait_tainted = tables_.losses.Touches(q.queued);
  ++outlet_.quality().executed;
  const PoolTracker::Started started = tables_.occupancy.ItemStarts(
      context.pool, q.pwq, q.activated, run.item.started, gaps_.floor());
  run.item.waited_in = started.waited_in;
  if (tables_.sched.seen()) SplitWait(context, run);
  if (started.gap_begin != kUnseen) [[unlikely]]
    ReportGap(started, context, run.item);
  tables_.Uncount(q, run.item.started);
}

void Executions::SplitWait(ExecutionContext& context, OpenExecution& run) {
  WorkItem& item = run.item;
  splitter_.SplitWait(context, item);
  // What later events may yet turn around is not counted.
  if (item.wait_tainted || run.provisional != SlabIndex::kNone) return;
  idle_waits_.Started(tables_.pools[item.waited_in], item.run_cpu, item.activated, item.started,
                      tables_.sched.cpus().idle());
}

// Of the gap that the start of `item` ended.
void Executions::ReportGap(const PoolTracker::Started& started, const ExecutionContext& context,
                           const WorkItem& item) {
  gaps_.Report(tables_.occupancy.GapOf(started.waited_in, started.gap_begin, item.started),
               &context, item.collided);
}

void Executions::StartWithoutQueue(WorkState& work, SlabIndex index, ExecutionContext& context,
                                   OpenExecution& run) {
  WorkItem& item = run.item;
  item.id = outlet_.NewId();
  item.wait_tainted = tables_.losses.any();
  const bool from_before = IsFromBefore(context, work, item);
  item.state = from_before ? ItemState::kBeforeTrace : ItemState::kUnmatched;
  item.activated = work.early_activation;
  work.early_activation = kUnseen;
  if (outlet_.recorded().Has(EventKind::kQueueWork)) {
    tables_.occupancy.OtherStarts(context.pool, item.started);
  } else {
    StartOfActivated(context, run);
  }
  if (outlet_.recorded().Lacks(EventKind::kQueueWork)) {
    item.state = ItemState::kDone;
    return;
  }
  orphans_.Add(index, context, item);
}

// Without queue events: what its activation alone shows.
void Executions::StartOfActivated(ExecutionContext& context, OpenExecution& run) {
  WorkItem& item = run.item;
  item.wait_tainted = item.activated != kUnseen && tables_.losses.Touches(item.activated);
  const PoolKind kind = tables_.pools[context.pool].kind;
  if (item.activated == kUnseen || kind == PoolKind::kRescuer || kind == PoolKind::kUnknown) {
    tables_.occupancy.OtherStarts(context.pool, item.started);
  } else {
    item.waited_in = context.pool;
    const Timestamp begin = tables_.occupancy.ActivatedStarts(context.pool, item.activated,
                                                              item.started, gaps_.floor());
    if (begin != kUnseen && !item.wait_tainted) {
      gaps_.Report(tables_.occupancy.GapOf(context.pool, begin, item.started), &context, false);
    }
  }
  if (tables_.sched.seen()) splitter_.SplitWait(context, item);
}

// Whether a start without a queue event is of an item that was queued before the trace began.
bool Executions::IsFromBefore(const ExecutionContext& context, const WorkState& work,
                              const WorkItem& item) const {
  const Timestamp covered = tables_.source.stats().covered_from;
  return work.early_activation != kUnseen || (covered != kUnseen && item.started < covered) ||
         tables_.occupancy.first_known_start(context.pool) == kUnseen ||
         // It may have taken the item before the first known one started.
         (context.seen && work.last_start == kUnseen &&
          context.last_event <= tables_.occupancy.first_known_start(context.pool)) ||
         (!context.seen && work.last_start == kUnseen && !tables_.losses.any() &&
          item.started - tables_.occupancy.first_known_start(context.pool) <= kLongestWindow);
}

void Executions::OnEnd(const Event& e) {
  last_.Other(e.cpu);
  const bool softirq = (e.flags & kFlagSoftirq) != 0;
  ExecutionContext& context = ContextOf(e);
  auto& stack = context.stack;
  if (!softirq && tables_.sched.OnRuns(context, e.at)) [[unlikely]]
    ++outlet_.quality().unseen_switches;
  if (stack.empty() || stack.back().item.work != e.work.work) [[unlikely]]
    CloseInner(context, e);
  if (stack.empty()) {
    EndWithoutStart(e, context, softirq);
  } else {
    Complete(context, stack.back(), e);
    stack.pop_back();
  }
  context.seen = true;
  context.last_event = e.at;
  if (softirq) interrupts_.LeaveBhWork(e);
}

// What is open within the execution that `e` ends, or all if that is none of the open ones, ended
// unseen before.
void Executions::CloseInner(ExecutionContext& context, const Event& e) {
  while (!context.stack.empty() && context.stack.back().item.work != e.work.work) {
    CloseWithoutEnd(context, e.at);
  }
}

void Executions::EndWithoutStart(const Event& e, ExecutionContext& context, bool softirq) {
  WorkItem item;
  item.id = outlet_.NewId();
  item.work = e.work.work;
  item.function = e.work.function;
  item.ended = e.at;
  item.end_cpu = e.cpu;
  item.worker = e.pid;
  item.pool = context.pool;
  item.softirq = softirq;
  item.run_tainted = tables_.losses.any();
  item.state = context.seen ? ItemState::kUnmatched : ItemState::kBeforeTrace;
  if (item.function == NameId::kBarrier) item.state = ItemState::kBarrier;
  if (!context.seen && !tables_.losses.any()) {
    // It kept its worker busy ever since the trace began (rule 25).
    tables_.occupancy.levels().RanBefore(context.pool, tables_.begin, e.at);
    context.busy += e.at - tables_.begin;
  }
  if (!softirq && !context.seen) tables_.occupancy.NoteWorker(context.pool);
  if (item.state == ItemState::kUnmatched && !item.run_tainted) ++outlet_.quality().unmatched_ends;
  if (barriers_.wanted() && !softirq) barriers_.OnEnd(item, false);
  if (outlet_.recorded().Lacks(EventKind::kExecuteStart)) EndOfQueued(item);
  outlet_.Emit(item);
}

// The same as events come.
void Executions::EndOfQueued(WorkItem& item) {
  item.run_tainted = false;
  WorkState& work = tables_.works[tables_.works.Get(item.work)];
  if (!work.queued) return;
  if (work.unsure_end) {
    outlet_.Emit(tables_.Superseded(work.queue));
  } else {
    CopyQueuePart(work.queue, item);
    item.wait_tainted = tables_.losses.Touches(item.queued);
  }
  tables_.Uncount(work.queue, item.ended);
  work.queued = work.unsure_end = false;
}

// The end of the innermost execution was not seen; it was over by `at` at the latest.
void Executions::CloseWithoutEnd(ExecutionContext& context, Timestamp at) {
  OpenExecution& run = context.stack.back();
  run.item.run_tainted = true;
  ++outlet_.quality().lost_ends;
  tables_.occupancy.Ends(run.item.pool, at);
  if (!run.item.softirq) tables_.sched.OnExecuting(context, at, context.stack.size() > 1);
  if (run.has_slot) activations_.Ended(run.work, at);
  Close(run);
  context.stack.pop_back();
}

void Executions::Complete(ExecutionContext& context, OpenExecution& run, const Event& e) {
  WorkItem& item = run.item;
  item.ended = e.at;
  item.end_cpu = e.cpu;
  // What ran is what the end event names; a start reads work->func anew (rule 11).
  const bool named = e.work.function != NameId::kUnknown && item.state != ItemState::kBarrier;
  const NameId function = named ? e.work.function : item.function;
  item.function = function;
  item.run_tainted |= tables_.RunTouched(item);
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
    if (tables_.sched.seen()) last.preempted_by = tables_.sched.tracks().PreemptedBy(context);
  }
  if (tables_.sched.seen()) {
    splitter_.SplitRun(context, item);
    if (!item.softirq) tables_.sched.OnExecuting(context, item.ended, !outermost);
  }
  if (barriers_.wanted() && outermost && !item.softirq) {
    barriers_.OnEnd(item, run.provisional == SlabIndex::kNone);
  }
  tables_.occupancy.Ends(item.pool, e.at);
  if (run.has_slot) activations_.Ended(run.work, e.at);
  Close(run);
}

void Executions::Close(OpenExecution& run) {
  if (run.work != SlabIndex::kNone) {
    WorkState& work = tables_.works[run.work];
    if (work.executing > 0) --work.executing;
    if (orphans_.Hold(work, run)) return;
  }
  if (!window_.Hold(run)) outlet_.Emit(run.item);
}

void Executions::Finish(std::vector<WorkItem>& running) {
  const bool queues = outlet_.recorded().Has(EventKind::kQueueWork);
  tables_.workers.ForEach([&](ExecutionContext& context) {
    for (OpenExecution& run : context.stack) {
      run.item.run_tainted |= tables_.RunTouched(run.item);
      const bool runs = run.item.state == ItemState::kDone ||
                        (!queues && run.item.state == ItemState::kBeforeTrace);
      if (runs) run.item.state = ItemState::kRunning;
      running.push_back(run.item);
    }
  });
}

}  // namespace wqprof
