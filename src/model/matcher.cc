// SPDX-License-Identifier: Apache-2.0
#include "model/matcher.h"

#include <algorithm>
#include <cassert>
#include <memory>

namespace wqprof {

void Matcher::Handle(const Event& e) {
  if (!recorded_.settled() && e.kind <= EventKind::kExecuteEnd) [[unlikely]]
    See(e.kind);
  if (e.kind != EventKind::kSwitch) sched_.OnTask(e);
  switch (e.kind) {
    case EventKind::kQueueWork:
      HasAddress(e) ? OnQueue(e) : QueueWithoutAddress(e);
      break;
    case EventKind::kActivateWork:
      if (HasAddress(e)) OnActivate(e);
      break;
    case EventKind::kExecuteStart:
      OnStart(e);
      break;
    case EventKind::kExecuteEnd:
      OnEnd(e);
      break;
    case EventKind::kLossBegin:
      losses_.Begin(e.cpu, e.at);
      softirq_vecs_[e.cpu] = Event::Softirq::kUnknown;
      first_after_loss_ = std::min(first_after_loss_, next_id_);
      activations_.Lost();
      sched_.OnLoss(e.at);
      timers_.OnLoss();
      stolen_.OnLoss(e.at);
      break;
    case EventKind::kLossEnd:
      losses_.End(e.cpu, e.at);
      sched_.OnLossEnd(e.at, losses_.open());
      activations_.Lost();
      break;
    case EventKind::kSwitch:
      // A worker that wakes up has not yet taken what was queued before (rule 4).
      if (sched_.OnSwitch(e)) {
        workers_.FindTaskOn(e.cpu, e.sched_switch.next, e.sched_switch.next_comm)->last_event =
            e.at;
      }
      if (stolen_.seen()) PreemptInterrupt(e.cpu);
      break;
    case EventKind::kWaking:
    case EventKind::kWakeup:
      sched_.OnWake(e);
      break;
    case EventKind::kRename:
      if (ExecutionContext* w = workers_.FindTask(e.task.task, e.task.comm))
        sched_.OnNamed(*w, e.at);
      break;
    case EventKind::kFork:
      workers_.Renew(e.task.task);
      if (const ExecutionContext* w = workers_.FindTask(e.task.task, e.task.comm))
        sched_.OnCreated(*w);
      break;
    case EventKind::kTimerStart:
      timers_.OnStart(e);
      break;
    case EventKind::kTimerExpire:
      timers_.OnExpire(e);
      break;
    case EventKind::kQueueStack:
      OnQueueStack(e);
      break;
    case EventKind::kIrqEntry:
    case EventKind::kIrqExit:
    case EventKind::kSoftirqEntry:
    case EventKind::kSoftirqExit:
      OnInterrupt(e);
      break;
    default:
      break;
  }
}

void Matcher::OnQueue(const Event& e) {
  const SlabIndex index = works_.Get(e.work.work);
  WorkState& work = works_[index];
  ExecutionContext* worker = workers_.Find(e.pid, e.cpu);
  ExecutionContext* softirq = e.flags & kFlagSoftirq ? workers_.FindSoftirq(e.cpu) : nullptr;
  if (worker != nullptr && (e.flags & kFlagsOfInterrupts) == 0) worker->last_event = e.at;
  if (work.orphan != SlabIndex::kNone) OrphanMeetsQueue(work, e);
  if (work.provisional != SlabIndex::kNone && ChainIsCut(work, e.at)) {
    Resolve(work.provisional, true);
  }
  if (work.early_activation != kUnseen) {
    work.early_activation = kUnseen;
    ++quality_.stray_activations;
  }
  if (work.queued) Displace(work, e);
  just_activated_ = WorkAddr{};

  // Made in place: a copy would wait for its own parts to be written.
  QueueRecord& q = *std::construct_at(&work.queue);
  q.id = next_id_++;
  q.work = e.work.work;
  q.queued = e.at;
  q.function = e.work.function;
  q.workqueue = e.work.workqueue;
  q.origin = OriginOf(e, worker, softirq);
  q.queue_cpu = e.cpu;
  q.queue_pid = e.pid;
  q.target_cpu = e.work.target_cpu;
  q.feed = pools_.Feed(q.workqueue, q.target_cpu,
                       e.work.requested_cpu != Cpu::kNone ? e.work.requested_cpu : e.cpu);
  if (timers_.seen()) NoteTimer(q, e);
  if (q.origin.kind == Origin::Kind::kWork) {
    const ExecutionContext& by = e.flags & kFlagSoftirq ? *softirq : *worker;
    q.requeued_by_self = by.stack.back().work == index;
    // After a gap the worker may have gone on to another item.
    if (!RunTouched(by.stack.back().item)) q.parent = by.stack.back().item.id;
  }
  q.collided = work.executing > 0;
  q.for_orphan = work.orphan != SlabIndex::kNone && !work.queued && MayBelong(work, e);
  work.queued = true;
  just_queued_[e.cpu] = index;
  if (activations_.TracksNew(q)) activations_.Queued(index, q);
}

// It follows the queue event at once, but on another CPU the work may have been queued anew
// meanwhile.
void Matcher::OnQueueStack(const Event& e) {
  const SlabIndex index = just_queued_[e.cpu];
  if (index == SlabIndex::kNone || !works_[index].queued) return;
  QueueRecord& q = works_[index].queue;
  if (q.queue_cpu == e.cpu && q.queue_pid == e.pid) q.stack = e.queue_stack.stack;
}

// The timer of a delayed work that queues it now.
void Matcher::NoteTimer(QueueRecord& q, const Event& e) {
  const auto armed = timers_.Take(e.cpu, e.work.work, e.at);
  if (!armed) return;
  q.armed = armed->at;
  q.due = armed->due;
  q.rearmed = armed->rearmed;
  if (q.origin.kind == Origin::Kind::kSoftirq) q.origin.function = NameId::kDelayedTimer;
}

// A new queue event while one was open.
void Matcher::Displace(WorkState& work, const Event& e) {
  QueueRecord& old = work.queue;
  if (recorded_.Lacks(EventKind::kExecuteStart)) {
    // Either of the two may be the one that ends next.
    Uncount(old, e.at);
    EmitSuperseded(old);
    work.unsure_end = true;
    return;
  }
  const bool by_canceller = just_activated_ == work.work && !old.activated_at_once &&
                            old.activate_pid == e.pid && old.activate_cpu == e.cpu &&
                            e.at - old.activated <= kSameSection && (e.flags & kFlagIrqsOff);
  Uncount(old, e.at);
  if (by_canceller) {
    old.activated = kUnseen;
    ++quality_.stray_activations;
  }
  // What was never activated was never taken by a worker.
  if (activations_seen_ && old.activated == kUnseen) {
    EmitSuperseded(old);
    return;
  }
  // Of three queue events without a start, only the last but one can be in the window.
  if (work.displaced != SlabIndex::kNone) {
    // Either of the two may have been taken, and the other one stolen.
    old.doubtful = true;
    EmitSuperseded(TakeDisplaced(work));
  }
  work.displaced = displaced_.Add(old);
}

void Matcher::OnActivate(const Event& e) {
  activations_seen_ = true;
  SlabIndex& just = just_queued_[e.cpu];
  const bool was_last = just != SlabIndex::kNone && works_[just].work == e.work.work;
  const bool at_once = was_last && works_[just].queued;
  const SlabIndex index = was_last ? just : works_.Get(e.work.work);
  just = SlabIndex::kNone;
  WorkState& work = works_[index];
  NoteActivation(work, index, e, at_once);
  if (!at_once && (e.flags & kFlagsOfInterrupts) == 0) {
    if (ExecutionContext* worker = workers_.Find(e.pid, e.cpu)) worker->last_event = e.at;
  }
  if (!work.queued) {
    if (!was_last || !ActivateStarted(work, e)) ActivateUnqueued(work, e);
    return;
  }
  QueueRecord& q = work.queue;
  if (q.activated != kUnseen) {
    ++quality_.stray_activations;
    return;
  }
  just_activated_ = e.work.work;
  q.activated = e.at;
  q.activated_at_once = at_once;
  // What waited behind its own execution for a slot of max_active did not collide (20b).
  if (!at_once) q.collided = work.executing > 0;
  q.activate_cpu = e.cpu;
  q.activate_pid = e.pid;
  q.counted = true;
  if (sched_.seen()) waits_.push_back({e.at, index, q.id});
  pools_.ItemWaits(q.feed, e.at);
}

// It is on no worklist any more.
void Matcher::Uncount(QueueRecord& q, Timestamp at) {
  if (q.counted) pools_.ItemGone(q.feed, at);
  q.counted = false;
}

// The activation follows its queue event on this CPU, but the clock of another one, some
// ten nanoseconds behind, has let the start come before it.
bool Matcher::ActivateStarted(WorkState& work, const Event& e) {
  for (OpenExecution& run : workers_[work.started_in].stack) {
    WorkItem& item = run.item;
    if (item.work != e.work.work || item.queue_cpu != e.cpu || item.activated != kUnseen) continue;
    item.activated = e.at;
    if (work.provisional == SlabIndex::kNone) return true;
    for (Link& link : provisionals_[work.provisional].links) {
      if (link.record.id == item.id) link.record.activated = e.at;
    }
    return true;
  }
  return false;
}

void Matcher::EmitSuperseded(const QueueRecord& q, bool ambiguous) {
  WorkItem item = FromQueue(q);
  item.state = ItemState::kSuperseded;
  item.ambiguous = ambiguous;
  Emit(item);
}

WorkItem Matcher::FromQueue(const QueueRecord& q) {
  WorkItem item;
  CopyQueuePart(q, item);
  item.wait_tainted = losses_.Touches(q.queued);
  return item;
}

void Matcher::Emit(const WorkItem& item) {
  if (recorded_.settled()) [[likely]] {
    Tell(item);
    return;
  }
  held_.push_back(item);
  if (held_.size() >= kMostHeld) Decide();
}

// Counts an item, and hands it out.  REQUIRES: it is known which events were recorded.
void Matcher::Tell(const WorkItem& told) {
  WorkItem& item = items_.emplace_back(told);
  Name(item);
  switch (item.state) {
    case ItemState::kSuperseded:
      ++quality_.superseded;
      break;
    case ItemState::kBarrier:
      ++quality_.barriers;
      break;
    case ItemState::kBeforeTrace:
      ++quality_.before_trace;
      break;
    case ItemState::kPending:
      ++quality_.pending_at_end;
      break;
    case ItemState::kRunning:
      ++quality_.running_at_end;
      break;
    case ItemState::kDone:
    case ItemState::kUnmatched:
    case ItemState::kQueued:
    case ItemState::kStarted:
      break;
  }
  // What is unseen is before everything.
  const bool negative =
      item.started != kUnseen && (item.started < item.queued || item.started < item.activated);
  quality_.negative_latencies += negative ? 1 : 0;
  quality_.tainted += item.tainted() ? 1 : 0;
  quality_.ambiguous += item.ambiguous ? 1 : 0;
}

void Matcher::FinishWork(WorkState& work, std::vector<WorkItem>& pending) {
  if (work.provisional != SlabIndex::kNone) Resolve(work.provisional, true);
  if (work.orphan != SlabIndex::kNone) {
    EmitOrphan(work.orphan, work.queued && work.queue.for_orphan);
  }
  if (work.displaced != SlabIndex::kNone) {
    EmitSuperseded(TakeDisplaced(work));
  }
  if (work.early_activation != kUnseen) {
    ++quality_.stray_activations;
    if (!recorded_.Has(EventKind::kQueueWork)) {
      pending.push_back(FromActivation(work, ItemState::kPending));
      pending.back().id = next_id_++;
      --quality_.stray_activations;
    }
  }
  if (!work.queued) return;
  WorkItem item = FromQueue(work.queue);
  item.state = ItemState::kPending;
  item.waited_in = pools_.PoolOf(work.queue.feed);
  const bool waits = item.activated != kUnseen && recorded_.Has(EventKind::kExecuteStart);
  if (waits) {
    pools_.CountWaiting(waiting_at_end_, work.queue.feed, item.activated);
    // One that collided is on the list of the worker that executes it.
    item.overtaken = work.executing == 0 && pools_.Overtaken(work.queue.feed, item.activated);
  }
  work.queued = false;
  pending.push_back(item);
}

void Matcher::Add(std::span<const Event> events) {
  assert(!finished_);
  if (begin_ == kUnseen && !events.empty() && events[0].kind != EventKind::kLossBegin) {
    begin_ = events[0].at;
  }
  pools_.SetCovered(source_.stats().covered_from);
  for (const Event& event : events) {
    ++events_;
    now_ = std::max(now_, event.at);
    Handle(event);
    // Whatever is done now and then is done at the same events however they are handed in.
    if (!orphan_queue_.empty()) [[unlikely]]
      ExpireOrphans();
    if (++since_trim_ >= kTrimEvery) [[unlikely]] {
      since_trim_ = 0;
      if (sched_.wants_trim()) TrimHistories();
      if (forgets_workers_ && workers_.wants_forget()) {
        sched_.Forget(
            workers_.Forget(std::max(now_, Timestamp::min() + kLongIdleWorker) - kLongIdleWorker));
      }
    }
  }
}

void Matcher::Finish() {
  assert(!finished_);
  finished_ = true;
  now_ = std::max(now_, source_.stats().end);
  losses_.Finish(now_);
  std::vector<WorkItem> rest;
  for (const SlabIndex index : works_.Active()) FinishWork(works_[index], rest);
  const bool queues = recorded_.Has(EventKind::kQueueWork);
  workers_.ForEach([&](ExecutionContext& context) {
    for (OpenExecution& run : context.stack) {
      run.item.run_tainted |= RunTouched(run.item);
      const bool runs = run.item.state == ItemState::kDone ||
                        (!queues && run.item.state == ItemState::kBeforeTrace);
      if (runs) run.item.state = ItemState::kRunning;
      rest.push_back(run.item);
    }
  });
  std::sort(rest.begin(), rest.end(),
            [](const WorkItem& a, const WorkItem& b) { return a.id < b.id; });
  if (!recorded_.settled()) {
    held_.insert(held_.end(), rest.begin(), rest.end());
    Decide();
  } else {
    for (const WorkItem& item : rest) Tell(item);
  }
  for (size_t i = 0; i < waiting_at_end_.size(); ++i) {
    const PoolId pool = static_cast<PoolId>(i);
    auto gap = pools_.OpenGap(pool, waiting_at_end_[i], now_, gap_floor_);
    if (!gap || !TrimToWhole(*gap)) continue;
    DescribeGap(*gap, Look(pool), nullptr, false);
    AddGap(*std::move(gap));
  }
  FinishQuality();
}

void Matcher::Take(Completed& out) {
  out.items.clear();
  out.splits.clear();
  out.gaps.clear();
  std::swap(out.items, items_);
  std::swap(out.gaps, gaps_);
  pools_.TakeSteps(out.pool_steps);
  out.losses = losses_.TakeSpans();
  out.run_parts.clear();
  std::swap(out.run_parts, run_parts_);
  out.trace_begin = source_.stats().begin;
  if (splits_.size() == 0) return;
  // Items that are held back keep theirs here.
  for (WorkItem& item : out.items) {
    if (item.split == SplitId::kNone) continue;
    const SlabIndex index = static_cast<SlabIndex>(item.split);
    out.splits.push_back(splits_[index]);
    splits_.Remove(index);
    item.split = static_cast<SplitId>(out.splits.size());
  }
}

}  // namespace wqprof
