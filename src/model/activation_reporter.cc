// SPDX-License-Identifier: Apache-2.0
#include "model/activation_reporter.h"

namespace wqprof {

void ActivationReporter::OnActivate(const WorkState& work, SlabIndex index, const Event& e,
                                    bool follows) {
  const QueueRecord& q = work.queue;
  // On a CPU where nothing else happens, a thaw may be the next event as well.
  const bool at_once = follows && q.queue_pid == e.pid && e.at - q.queued <= kLongestWindow;
  const bool ends_wait = !at_once && work.queued && q.activated == kUnseen;
  if (!ends_wait) {
    if (tracker_.Tracks(q)) tracker_.Activated(index, e.at, at_once, {});
    return;
  }
  const ExecutionContext* context = nullptr;
  const ActivationTracker::Releaser releaser = ReleaserOf(e, q, context);
  if (!tracker_.Tracks(q)) {
    if (!tracker_.MayTrack()) return;
    tracker_.Track(q, HoldingOf(q, releaser.by_end ? context : nullptr), e.at);
  }
  tracker_.Activated(index, e.at, at_once, releaser);
}

// Who let the inactive item of `q` go: a worker that has just ended an item of its workqueue, or
// any other task, which changed the limit, thawed or cancelled.
ActivationTracker::Releaser ActivationReporter::ReleaserOf(const Event& e, const QueueRecord& q,
                                                           const ExecutionContext*& context) {
  const bool softirq = (e.flags & kFlagSoftirq) != 0;
  context = softirq ? tables_.workers.FindSoftirq(e.cpu) : tables_.workers.Find(e.pid, e.cpu);
  if (context != nullptr && context->stack.empty() && context->last_run.ended >= q.queued &&
      context->last_run.workqueue == q.workqueue) {
    return {true, context->pool, NameId::kUnknown};
  }
  const bool in_task = (e.flags & kFlagsOfInterrupts) == 0;
  return {false, PoolId::kUnknown, in_task ? tables_.source.CommOf(e.pid) : NameId::kUnknown};
}

// The items that the owner of `q` has, and the one that `ended` it has just ended.
ActivationTracker::Holding ActivationReporter::HoldingOf(const QueueRecord& q,
                                                         const ExecutionContext* ended) {
  ActivationTracker::Holding holding;
  if (ended != nullptr) holding.ended = ended->last_run.function;
  for (const SlabIndex index : tables_.works.Active()) {
    const QueueRecord& other = tables_.works[index].queue;
    if (!tables_.works[index].queued || other.workqueue != q.workqueue ||
        other.target_cpu != q.target_cpu || tables_.losses.Touches(other.queued)) {
      continue;
    }
    holding.items.push_back(
        {index, other.function, other.activated == kUnseen ? other.queued : kUnseen, false});
  }
  tables_.workers.ForEach([&](ExecutionContext& context) {
    for (OpenExecution& run : context.stack) {
      const WorkItem& item = run.item;
      if (run.work == SlabIndex::kNone || item.queued == kUnseen || item.workqueue != q.workqueue ||
          item.target_cpu != q.target_cpu) {
        continue;
      }
      run.has_slot = true;
      holding.items.push_back({run.work, item.function, kUnseen, true});
    }
  });
  return holding;
}

}  // namespace wqprof
