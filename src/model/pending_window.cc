// SPDX-License-Identifier: Apache-2.0
#include "model/pending_window.h"

#include <utility>

namespace wqprof {
namespace {

// A work that is re-queued in window after window starts again within this time of its last
// end; longer chains of doubt are cut, and called ambiguous.
constexpr Nanos kWindowChain = std::chrono::milliseconds(1);
constexpr size_t kMaxLinks = 64;
constexpr size_t kMaxProvisionals = 4096;

}  // namespace

void PendingWindow::Displace(WorkState& work, QueueRecord& old) {
  // Of three queue events without a start, only the last but one can be in the window.
  if (work.displaced != SlabIndex::kNone) {
    // Either of the two may have been taken, and the other one stolen.
    old.doubtful = true;
    outlet_.Emit(tables_.Superseded(TakeDisplaced(work)));
  }
  work.displaced = displaced_.Add(old);
}

QueueRecord PendingWindow::TakeDisplaced(WorkState& work) {
  const QueueRecord old = displaced_[work.displaced];
  displaced_.Remove(work.displaced);
  work.displaced = SlabIndex::kNone;
  return old;
}

std::optional<QueueRecord> PendingWindow::Shift(WorkState& work) {
  const QueueRecord last = provisionals_[work.provisional].links.back().record;
  if (tables_.losses.Touches(last.queued)) {
    // A start too many came all the same: nothing of the chain is certain.
    provisionals_[work.provisional].certain = false;
    Resolve(work.provisional, true);
    return std::nullopt;
  }
  TurnAround(work.provisional);
  return last;
}

void PendingWindow::Open(SlabIndex work, ExecutionContext& context, const QueueRecord& old,
                         OpenExecution& run) {
  Provisional p;
  p.work = work;
  p.first = old;
  // A worker that gave a sign of life after `old` was queued had taken none before it.
  p.first.doubtful &= context.last_event <= old.queued;
  const SlabIndex made = provisionals_.Add(std::move(p));
  tables_.works[work].provisional = made;
  provisional_queue_.emplace_back(made, old.id);
  if (provisional_queue_.size() > kMaxProvisionals) {
    const auto [oldest, id] = provisional_queue_.front();
    provisional_queue_.pop_front();
    // Mostly it was resolved long ago, and its place perhaps taken again.
    const Provisional& first = provisionals_[oldest];
    const bool open = tables_.works[first.work].provisional == oldest && first.first.id == id;
    if (open && oldest != made) Resolve(oldest, true);
  }
  AddLink(made, tables_.works[work].queue, context, run);
}

void PendingWindow::AddLink(SlabIndex index, const QueueRecord& record, ExecutionContext& context,
                            OpenExecution& run) {
  provisionals_[index].links.push_back({record, context.index, {}, false});
  run.provisional = index;
  context.provisional = index;
}

bool PendingWindow::IsCut(const WorkState& work, Timestamp at) const {
  const Provisional& p = provisionals_[work.provisional];
  const Link& last = p.links.back();
  // An inactive item is no part of a chain.
  const bool displaces =
      work.queued && !(tables_.activations_seen && work.queue.activated == kUnseen);
  return displaces || p.links.size() >= kMaxLinks ||
         (last.ended && (last.held.ended == kUnseen || at - last.held.ended > kWindowChain));
}

// If that was activated after the last link: had the link been on the worklist still, it would have
// come first.  Another worker may have taken it, though; then its start is still to come.
void PendingWindow::FollowUp(ExecutionContext& context, const QueueRecord& next) {
  Provisional& p = provisionals_[context.provisional];
  const QueueRecord& last = p.links.back().record;
  p.certain |= next.work != last.work && last.activated != kUnseen && next.activated != kUnseen &&
               next.activated > last.activated;
}

// The item that a link made, wherever it is now.
WorkItem* PendingWindow::ItemOf(SlabIndex index, Link& link) {
  if (link.ended) return &link.held;
  for (OpenExecution& run : tables_.workers[link.context].stack) {
    if (run.provisional == index && run.item.id == link.record.id) return &run.item;
  }
  return nullptr;
}

void PendingWindow::Drop(SlabIndex index) {
  Provisional& p = provisionals_[index];
  tables_.works[p.work].provisional = SlabIndex::kNone;
  for (const Link& link : p.links) {
    ExecutionContext& context = tables_.workers[link.context];
    if (context.provisional == index) context.provisional = SlabIndex::kNone;
    for (OpenExecution& run : context.stack) {
      if (run.provisional == index) run.provisional = SlabIndex::kNone;
    }
    if (link.ended) outlet_.Emit(link.held);
  }
  provisionals_.Remove(index);
}

void PendingWindow::Activated(const WorkState& work, uint64_t id, Timestamp at) {
  for (Link& link : provisionals_[work.provisional].links) {
    if (link.record.id == id) link.record.activated = at;
  }
}

bool PendingWindow::Hold(const OpenExecution& run) {
  if (run.provisional == SlabIndex::kNone) return false;
  for (Link& link : provisionals_[run.provisional].links) {
    if (link.record.id != run.item.id) continue;
    link.held = run.item;
    link.ended = true;
    return true;
  }
  return false;
}

void PendingWindow::Resolve(SlabIndex index, bool ambiguous) {
  // What FollowUp() saw is proof only once the start that would turn the chain around is
  // overdue; and a gap may have swallowed that start.
  const Provisional& p = provisionals_[index];
  const Timestamp queued = p.links.back().record.queued;
  if (p.certain && tables_.now - queued > kLongestWindow) ambiguous = false;
  ambiguous |= tables_.losses.Touches(queued);
  outlet_.Emit(tables_.Superseded(provisionals_[index].first, ambiguous));
  for (Link& link : provisionals_[index].links) {
    if (WorkItem* item = ItemOf(index, link)) item->ambiguous = ambiguous;
  }
  Drop(index);
}

// Each start was that of the queueing before.
void PendingWindow::TurnAround(SlabIndex index) {
  Provisional& p = provisionals_[index];
  const QueueRecord* before = &p.first;
  for (Link& link : p.links) {
    if (WorkItem* item = ItemOf(index, link)) {
      CopyQueuePart(*before, *item);
      item->ambiguous |= before->doubtful;
      item->wait_tainted |= tables_.losses.Touches(item->queued);
      if (tables_.sched.seen()) splitter_.SplitWait(tables_.workers[link.context], *item);
    }
    before = &link.record;
  }
  Drop(index);
}

}  // namespace wqprof
