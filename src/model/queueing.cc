// SPDX-License-Identifier: Apache-2.0
#include "model/queueing.h"

#include <algorithm>
#include <memory>

namespace wqprof {

void Queueing::OnQueue(const Event& e) {
  if (!HasAddress(e)) {
    WithoutAddress(e);
    return;
  }
  const SlabIndex index = tables_.works.Get(e.work.work);
  WorkState& work = tables_.works[index];
  ExecutionContext* worker = tables_.workers.Find(e.pid, e.cpu);
  const ExecutionContext* softirq =
      e.flags & kFlagSoftirq ? tables_.workers.FindSoftirq(e.cpu) : nullptr;
  if (worker != nullptr && (e.flags & kFlagsOfInterrupts) == 0) worker->last_event = e.at;
  if (work.orphan != SlabIndex::kNone) orphans_.OnQueue(work, e);
  if (work.provisional != SlabIndex::kNone && window_.IsCut(work, e.at)) {
    window_.Resolve(work.provisional, true);
  }
  if (work.early_activation != kUnseen) {
    work.early_activation = kUnseen;
    ++outlet_.quality().stray_activations;
  }
  if (work.queued) Displace(work, e);
  last_.activated = WorkAddr{};

  // Made in place: a copy would wait for its own parts to be written.
  QueueRecord& q = *std::construct_at(&work.queue);
  q.id = outlet_.NewId();
  q.work = e.work.work;
  q.queued = e.at;
  q.function = e.work.function;
  q.workqueue = e.work.workqueue;
  q.origin = OriginOf(e, worker, softirq);
  q.queue_cpu = e.cpu;
  q.queue_pid = e.pid;
  q.target_cpu = e.work.target_cpu;
  q.pwq = tables_.occupancy.pwqs().Of(
      q.workqueue, q.target_cpu, e.work.requested_cpu != Cpu::kNone ? e.work.requested_cpu : e.cpu);
  if (timers_.seen()) NoteTimer(q, e);
  if (q.origin.kind == Origin::Kind::kWork) {
    const ExecutionContext& by = e.flags & kFlagSoftirq ? *softirq : *worker;
    q.requeued_by_self = by.stack.back().work == index;
    // After a gap the worker may have gone on to another item.
    if (!tables_.RunTouched(by.stack.back().item)) q.parent = by.stack.back().item.id;
  }
  q.collided = work.executing > 0;
  q.for_orphan = work.orphan != SlabIndex::kNone && !work.queued && orphans_.MayBelong(work, e);
  work.queued = true;
  last_.queued[e.cpu] = index;
  if (activations_.TracksNew(q)) activations_.Queued(index, q);
}

// It follows the queue event at once, but on another CPU the work may have been queued anew
// meanwhile.
void Queueing::OnStack(const Event& e) {
  const SlabIndex index = last_.queued[e.cpu];
  if (index == SlabIndex::kNone || !tables_.works[index].queued) return;
  QueueRecord& q = tables_.works[index].queue;
  if (q.queue_cpu == e.cpu && q.queue_pid == e.pid) q.stack = e.queue_stack.stack;
}

// The timer of a delayed work that queues it now.
void Queueing::NoteTimer(QueueRecord& q, const Event& e) {
  const auto armed = timers_.Take(e.cpu, e.work.work, e.at);
  if (!armed) return;
  q.armed = armed->at;
  q.due = armed->due;
  q.rearmed = armed->rearmed;
  if (q.origin.kind == Origin::Kind::kSoftirq) q.origin.function = NameId::kDelayedTimer;
}

// A new queue event while one was open.
void Queueing::Displace(WorkState& work, const Event& e) {
  QueueRecord& old = work.queue;
  if (outlet_.recorded().Lacks(EventKind::kExecuteStart)) {
    // Either of the two may be the one that ends next.
    tables_.Uncount(old, e.at);
    outlet_.Emit(tables_.Superseded(old));
    work.unsure_end = true;
    return;
  }
  const bool by_canceller = last_.activated == work.work && !old.activated_at_once &&
                            old.activate_pid == e.pid && old.activate_cpu == e.cpu &&
                            e.at - old.activated <= kSameSection && (e.flags & kFlagIrqsOff);
  tables_.Uncount(old, e.at);
  if (by_canceller) {
    old.activated = kUnseen;
    ++outlet_.quality().stray_activations;
  }
  // What was never activated was never taken by a worker.
  if (tables_.activations_seen && old.activated == kUnseen) {
    outlet_.Emit(tables_.Superseded(old));
    return;
  }
  window_.Displace(work, old);
}

// Nothing is known of what becomes of it.
void Queueing::WithoutAddress(const Event& e) {
  last_.Other(e.cpu);
  ExecutionContext* const worker = tables_.workers.Find(e.pid, e.cpu);
  const ExecutionContext* const softirq =
      e.flags & kFlagSoftirq ? tables_.workers.FindSoftirq(e.cpu) : nullptr;
  WorkItem item;
  item.id = outlet_.NewId();
  item.queued = e.at;
  item.function = e.work.function;
  item.workqueue = e.work.workqueue;
  item.origin = OriginOf(e, worker, softirq);
  item.queue_cpu = e.cpu;
  item.target_cpu = e.work.target_cpu;
  item.state = ItemState::kQueued;
  outlet_.Emit(item);
}

void Queueing::OnActivate(const Event& e) {
  if (!HasAddress(e)) return;
  tables_.activations_seen = true;
  SlabIndex& just = last_.queued[e.cpu];
  const bool was_last = just != SlabIndex::kNone && tables_.works[just].work == e.work.work;
  const bool at_once = was_last && tables_.works[just].queued;
  const SlabIndex index = was_last ? just : tables_.works.Get(e.work.work);
  just = SlabIndex::kNone;
  WorkState& work = tables_.works[index];
  reporter_.OnActivate(work, index, e, at_once);
  if (!at_once && (e.flags & kFlagsOfInterrupts) == 0) {
    if (ExecutionContext* worker = tables_.workers.Find(e.pid, e.cpu)) worker->last_event = e.at;
  }
  if (!work.queued) {
    if (!was_last || !ActivateStarted(work, e)) ActivateUnqueued(work, e);
    return;
  }
  QueueRecord& q = work.queue;
  if (q.activated != kUnseen) {
    ++outlet_.quality().stray_activations;
    return;
  }
  last_.activated = e.work.work;
  q.activated = e.at;
  q.activated_at_once = at_once;
  // What waited behind its own execution for a slot of max_active did not collide (20b).
  if (!at_once) q.collided = work.executing > 0;
  q.activate_cpu = e.cpu;
  q.activate_pid = e.pid;
  q.counted = true;
  if (tables_.sched.seen()) waits_.push_back({e.at, index, q.id});
  tables_.occupancy.ItemWaits(q.pwq, e.at);
}

// The activation follows its queue event on this CPU, but the clock of another one, some
// ten nanoseconds behind, has let the start come before it.
bool Queueing::ActivateStarted(WorkState& work, const Event& e) {
  for (OpenExecution& run : tables_.workers[work.started_in].stack) {
    WorkItem& item = run.item;
    if (item.work != e.work.work || item.queue_cpu != e.cpu || item.activated != kUnseen) continue;
    item.activated = e.at;
    if (work.provisional != SlabIndex::kNone) window_.Activated(work, item.id, e.at);
    return true;
  }
  return false;
}

// Without queue events this is all that is known of the item.
void Queueing::ActivateUnqueued(WorkState& work, const Event& e) {
  if (!outlet_.recorded().Has(EventKind::kQueueWork) && work.early_activation != kUnseen) {
    WorkItem item = FromActivation(work, ItemState::kSuperseded);
    // As long as queue events may come, it may yet turn out to be none.
    if (outlet_.recorded().Lacks(EventKind::kQueueWork)) item.id = outlet_.NewId();
    outlet_.Emit(item);
  }
  work.early_activation = e.at;
  work.early_function = e.work.function;
}

WorkItem Queueing::FromActivation(const WorkState& work, ItemState state) const {
  WorkItem item;
  item.work = work.work;
  item.activated = work.early_activation;
  item.function = work.early_function;
  item.state = state;
  item.wait_tainted = tables_.losses.Touches(item.activated);
  return item;
}

Timestamp Queueing::OldestWait() {
  while (!waits_.empty()) {
    const Wait& oldest = waits_.front();
    const WorkState& work = tables_.works[oldest.work];
    if (work.queued && work.queue.id == oldest.id) return oldest.since;
    waits_.pop_front();
  }
  return tables_.now;
}

void Queueing::Finish(WorkState& work, std::vector<WorkItem>& pending,
                      std::vector<PoolTracker::Waiting>& waiting) {
  if (work.provisional != SlabIndex::kNone) window_.Resolve(work.provisional, true);
  if (work.orphan != SlabIndex::kNone) {
    orphans_.Settle(work.orphan, work.queued && work.queue.for_orphan);
  }
  if (work.displaced != SlabIndex::kNone) {
    outlet_.Emit(tables_.Superseded(window_.TakeDisplaced(work)));
  }
  if (work.early_activation != kUnseen) {
    ++outlet_.quality().stray_activations;
    if (!outlet_.recorded().Has(EventKind::kQueueWork)) {
      pending.push_back(FromActivation(work, ItemState::kPending));
      pending.back().id = outlet_.NewId();
      --outlet_.quality().stray_activations;
    }
  }
  if (!work.queued) return;
  WorkItem item = tables_.FromQueue(work.queue);
  item.state = ItemState::kPending;
  item.waited_in = tables_.occupancy.pwqs()[work.queue.pwq].pool;
  const bool waits = item.activated != kUnseen && outlet_.recorded().Has(EventKind::kExecuteStart);
  if (waits) {
    tables_.occupancy.CountWaiting(waiting, work.queue.pwq, item.activated);
    // One that collided is on the list of the worker that executes it.
    item.overtaken =
        work.executing == 0 && tables_.occupancy.Overtaken(work.queue.pwq, item.activated);
  }
  work.queued = false;
  pending.push_back(item);
}

}  // namespace wqprof
