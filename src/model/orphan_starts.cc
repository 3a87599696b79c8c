// SPDX-License-Identifier: Apache-2.0
#include "model/orphan_starts.h"

namespace wqprof {
namespace {

// How far behind its start a queue event may be stamped by a skewed clock (rule 44).
constexpr Nanos kMaxSkew = std::chrono::milliseconds(1);

}  // namespace

void OrphanStarts::Add(SlabIndex work, const ExecutionContext& context, const WorkItem& item) {
  const SlabIndex index = orphans_.Add({work, context.index, item, true, {}});
  tables_.works[work].orphan = index;
  by_start_.PushBack(orphans_, index);
}

bool OrphanStarts::MayBelong(const WorkState& work, const Event& e) const {
  const WorkItem& item = orphans_[work.orphan].item;
  return e.at - item.started <= kMaxSkew && e.cpu != item.run_cpu &&
         !tables_.losses.Touches(item.started);
}

void OrphanStarts::OnQueue(WorkState& work, const Event& e) {
  if (work.queued && work.queue.for_orphan) {
    // Never started, though a new queue event came: it was the orphan's.
    Settle(work.orphan, true);
  } else if (!MayBelong(work, e) || work.queued) {
    Settle(work.orphan, false);
  }
}

bool OrphanStarts::Hold(const WorkState& work, const OpenExecution& run) {
  if (work.orphan == SlabIndex::kNone) return false;
  Orphan& orphan = orphans_[work.orphan];
  if (orphan.item.id != run.item.id) return false;
  orphan.item = run.item;
  orphan.open = false;
  return true;
}

void OrphanStarts::Settle(SlabIndex index, bool with_queue) {
  Orphan& orphan = orphans_[index];
  WorkState& work = tables_.works[orphan.work];
  const uint64_t id = orphan.item.id;  // as on the stack of its worker
  if (with_queue) {
    tables_.Uncount(work.queue, tables_.now);
    CopyQueuePart(work.queue, orphan.item);
    orphan.item.state = ItemState::kDone;
    work.queued = false;
    ++outlet_.quality().executed;
  } else if (orphan.item.state == ItemState::kUnmatched && !orphan.item.wait_tainted) {
    ++outlet_.quality().unmatched_starts;
  }
  work.orphan = SlabIndex::kNone;
  if (orphan.open) {
    // It goes out when it ends.
    for (OpenExecution& run : tables_.workers[orphan.context].stack) {
      if (run.item.id == id) run.item = orphan.item;
    }
  } else {
    outlet_.Emit(orphan.item);
  }
  by_start_.Remove(orphans_, index);
  orphans_.Remove(index);
}

void OrphanStarts::ExpireOldest() {
  while (!by_start_.empty()) {
    const SlabIndex index = by_start_.front();
    const Orphan& orphan = orphans_[index];
    const WorkState& work = tables_.works[orphan.work];
    if (tables_.now - orphan.item.started <= kMaxSkew || (work.queued && work.queue.for_orphan))
      return;
    Settle(index, false);
  }
}

}  // namespace wqprof
