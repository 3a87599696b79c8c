// SPDX-License-Identifier: Apache-2.0
// Matches that later events may yet turn around.
#include <algorithm>
#include <utility>

#include "model/matcher.h"

namespace wqprof {
namespace {

// How far behind its start a queue event may be stamped by a skewed clock (rule 44).
constexpr Nanos kMaxSkew = std::chrono::milliseconds(1);

// A work that is re-queued in window after window starts again within this time of its last
// end; longer chains of doubt are cut, and called ambiguous.
constexpr Nanos kWindowChain = std::chrono::milliseconds(1);
constexpr size_t kMaxLinks = 64;
constexpr size_t kMaxProvisionals = 4096;

}  // namespace

// One more start than queue events: those before it were each one too late (rule 3).
bool Matcher::ShiftWindow(WorkState& work, ExecutionContext& context, OpenExecution& run) {
  if (work.provisional == SlabIndex::kNone) return false;
  QueueRecord last = provisionals_[work.provisional].links.back().record;
  if (losses_.Touches(last.queued)) {
    // A start too many came all the same: nothing of the chain is certain.
    provisionals_[work.provisional].certain = false;
    Resolve(work.provisional, true);
    return false;
  }
  Shift(work.provisional);
  TakeQueueRecord(last, context, run);
  return true;
}

void Matcher::MakeProvisional(SlabIndex index, ExecutionContext& context, const QueueRecord& old,
                              OpenExecution& run) {
  Provisional p;
  p.work = index;
  p.first = old;
  // A worker that gave a sign of life after `old` was queued had taken none before it.
  p.first.doubtful &= context.last_event <= old.queued;
  const SlabIndex made = provisionals_.Add(std::move(p));
  works_[index].provisional = made;
  provisional_queue_.emplace_back(made, old.id);
  if (provisional_queue_.size() > kMaxProvisionals) {
    const auto [oldest, id] = provisional_queue_.front();
    provisional_queue_.pop_front();
    // Mostly it was resolved long ago, and its place perhaps taken again.
    const Provisional& first = provisionals_[oldest];
    const bool open = works_[first.work].provisional == oldest && first.first.id == id;
    if (open && oldest != made) Resolve(oldest, true);
  }
  AddLink(made, works_[index].queue, context, run);
}

void Matcher::AddLink(SlabIndex index, const QueueRecord& record, ExecutionContext& context,
                      OpenExecution& run) {
  provisionals_[index].links.push_back({record, context.index, {}, false});
  run.provisional = index;
  context.provisional = index;
}

// Whether a queueing now cannot, for all practical purposes, be in the window of a start
// that follows upon the last link.
bool Matcher::ChainIsCut(const WorkState& work, Timestamp at) {
  const Provisional& p = provisionals_[work.provisional];
  const Link& last = p.links.back();
  // An inactive item is no part of a chain.
  const bool displaces = work.queued && !(activations_seen_ && work.queue.activated == kUnseen);
  return displaces || p.links.size() >= kMaxLinks ||
         (last.ended && (last.held.ended == kUnseen || at - last.held.ended > kWindowChain));
}

// The worker of the last link starts another item that was activated after that link:
// had the link been on the worklist still, it would have come first.  Another worker may
// have taken it, though; then its start is still to come.
void Matcher::FollowUp(ExecutionContext& context, const QueueRecord& next) {
  Provisional& p = provisionals_[context.provisional];
  const QueueRecord& last = p.links.back().record;
  p.certain |= next.work != last.work && last.activated != kUnseen && next.activated != kUnseen &&
               next.activated > last.activated;
}

// The item that a link made, wherever it is now_.
WorkItem* Matcher::ItemOf(SlabIndex index, Link& link) {
  if (link.ended) return &link.held;
  for (OpenExecution& run : workers_[link.context].stack) {
    if (run.provisional == index && run.item.id == link.record.id) return &run.item;
  }
  return nullptr;
}

void Matcher::Drop(SlabIndex index) {
  Provisional& p = provisionals_[index];
  works_[p.work].provisional = SlabIndex::kNone;
  for (const Link& link : p.links) {
    ExecutionContext& context = workers_[link.context];
    if (context.provisional == index) context.provisional = SlabIndex::kNone;
    for (OpenExecution& run : context.stack) {
      if (run.provisional == index) run.provisional = SlabIndex::kNone;
    }
    if (link.ended) Emit(link.held);
  }
  provisionals_.Remove(index);
}

// The matches stand: the first queueing never came to a start.
void Matcher::Resolve(SlabIndex index, bool ambiguous) {
  // What FollowUp() saw is proof only once the start that would turn the chain around is
  // overdue; and a gap may have swallowed that start.
  const Provisional& p = provisionals_[index];
  const Timestamp queued = p.links.back().record.queued;
  if (p.certain && now_ - queued > kLongestWindow) ambiguous = false;
  ambiguous |= losses_.Touches(queued);
  EmitSuperseded(provisionals_[index].first, ambiguous);
  for (Link& link : provisionals_[index].links) {
    if (WorkItem* item = ItemOf(index, link)) item->ambiguous = ambiguous;
  }
  Drop(index);
}

// Each start was that of the queueing before.
void Matcher::Shift(SlabIndex index) {
  Provisional& p = provisionals_[index];
  const QueueRecord* before = &p.first;
  for (Link& link : p.links) {
    if (WorkItem* item = ItemOf(index, link)) {
      CopyQueuePart(*before, *item);
      item->ambiguous |= before->doubtful;
      item->wait_tainted |= losses_.Touches(item->queued);
      if (sched_.seen()) SplitWait(workers_[link.context], *item);
    }
    before = &link.record;
  }
  Drop(index);
}

bool Matcher::MayBelong(const WorkState& work, const Event& e) {
  const WorkItem& item = orphans_[work.orphan].item;
  return e.at - item.started <= kMaxSkew && e.cpu != item.run_cpu && !losses_.Touches(item.started);
}

void Matcher::OrphanMeetsQueue(WorkState& work, const Event& e) {
  if (work.queued && work.queue.for_orphan) {
    // Never started, though a new queue event came: it was the orphan's.
    EmitOrphan(work.orphan, true);
  } else if (!MayBelong(work, e) || work.queued) {
    EmitOrphan(work.orphan, false);
  }
}

// Gives the orphan up, or the open queue event of its work to it.
void Matcher::EmitOrphan(SlabIndex index, bool with_queue) {
  Orphan& orphan = orphans_[index];
  WorkState& work = works_[orphan.work];
  const uint64_t id = orphan.item.id;  // as on the stack of its worker
  if (with_queue) {
    Uncount(work.queue, now_);
    CopyQueuePart(work.queue, orphan.item);
    orphan.item.state = ItemState::kDone;
    work.queued = false;
    ++quality_.executed;
  } else if (orphan.item.state == ItemState::kUnmatched && !orphan.item.wait_tainted) {
    ++quality_.unmatched_starts;
  }
  work.orphan = SlabIndex::kNone;
  if (orphan.open) {
    // Told when it ends.
    for (OpenExecution& run : workers_[orphan.context].stack) {
      if (run.item.id == id) run.item = orphan.item;
    }
  } else {
    Emit(orphan.item);
  }
  orphan_queue_.Remove(orphans_, index);
  orphans_.Remove(index);
}

void Matcher::ExpireOrphans() {
  while (!orphan_queue_.empty()) {
    const SlabIndex index = orphan_queue_.front();
    const Orphan& orphan = orphans_[index];
    const WorkState& work = works_[orphan.work];
    if (now_ - orphan.item.started <= kMaxSkew || (work.queued && work.queue.for_orphan)) return;
    EmitOrphan(index, false);
  }
}

}  // namespace wqprof
