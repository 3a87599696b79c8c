// SPDX-License-Identifier: Apache-2.0
#include "model/item_outlet.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"

namespace wqprof {
namespace {

// So many items are held back until it is known which events were recorded.
constexpr size_t kMostHeld = 100'000;

Timestamp FirstSeen(const WorkItem& item) {
  for (const Timestamp at : {item.queued, item.activated, item.started}) {
    if (at != kUnseen) return at;
  }
  return item.ended;
}

}  // namespace

void ItemOutlet::See(EventKind kind) {
  const bool first_queue = kind == EventKind::kQueueWork && !recorded_.Has(EventKind::kQueueWork);
  recorded_.See(kind);
  if (first_queue) {
    // Activations and waits of before are those of works that were queued before the trace began.
    std::erase_if(held_, [](const WorkItem& item) { return item.id == 0; });
    held_gaps_.clear();
  }
  if (recorded_.settled()) Release();
}

void ItemOutlet::Decide() {
  recorded_.Decide();
  Release();
}

// Hands out what was held back.
void ItemOutlet::Release() {
  if (recorded_.Lacks(EventKind::kExecuteStart)) {
    std::stable_sort(held_.begin(), held_.end(), [](const WorkItem& a, const WorkItem& b) {
      return FirstSeen(a) < FirstSeen(b);
    });
    if (recorded_.Has(EventKind::kExecuteEnd)) PairEnds();
  }
  for (WorkItem& item : held_) {
    if (item.id == 0) item.id = next_id_++;
    HandOut(item);
  }
  held_ = {};
  for (PoolGap& gap : held_gaps_) AddGap(std::move(gap));
  held_gaps_ = {};
}

// Without start events, an end is that of the item that was queued since the last end of its
// work, if it was one.
void ItemOutlet::PairEnds() {
  constexpr size_t kSeveral = SIZE_MAX;
  absl::flat_hash_map<uint64_t, size_t> open;
  std::vector<bool> gone(held_.size());
  for (size_t i = 0; i < held_.size(); ++i) {
    WorkItem& item = held_[i];
    if (item.ended == kUnseen) {
      const auto [it, added] = open.try_emplace(ToInt(item.work), i);
      if (!added) it->second = kSeveral;
      continue;
    }
    const auto it = open.find(ToInt(item.work));
    if (it == open.end()) continue;
    if (it->second != kSeveral) {
      const WorkItem end = item;
      item = held_[it->second];
      gone[it->second] = true;
      if (end.function != NameId::kUnknown) item.function = end.function;
      item.ended = end.ended;
      item.end_cpu = end.end_cpu;
      item.worker = end.worker;
      item.pool = end.pool;
      item.softirq = end.softirq;
      item.state = ItemState::kDone;
    }
    open.erase(it);
  }
  size_t i = 0;
  std::erase_if(held_, [&](const WorkItem&) { return gone[i++]; });
}

void ItemOutlet::Emit(const WorkItem& item) {
  if (recorded_.settled()) [[likely]] {
    HandOut(item);
    return;
  }
  held_.push_back(item);
  if (held_.size() >= kMostHeld) Decide();
}

// Counts an item, and hands it out.  REQUIRES: it is known which events were recorded.
void ItemOutlet::HandOut(const WorkItem& complete) {
  if (complete.state == ItemState::kBarrier && !wants_barriers_) {
    CountBarrier(complete);
    return;
  }
  WorkItem& item = items_.emplace_back(complete);
  if (item.queued == kUnseen || !recorded_.HasLives()) Name(item);
  if (item.state != ItemState::kDone) CountState(item.state);
  // What is unseen is before everything.
  const bool negative =
      item.started != kUnseen && (item.started < item.queued || item.started < item.activated);
  quality_.negative_latencies += negative ? 1 : 0;
  quality_.tainted += item.tainted() ? 1 : 0;
  quality_.ambiguous += item.ambiguous ? 1 : 0;
}

// One that nobody wants.  An end that was not recorded is no loss.
void ItemOutlet::CountBarrier(const WorkItem& item) {
  ++quality_.barriers;
  quality_.tainted += item.run_tainted && recorded_.Has(EventKind::kExecuteEnd) ? 1 : 0;
  if (item.split != SplitId::kNone) splits_.Remove(static_cast<SlabIndex>(item.split));
}

void ItemOutlet::CountState(ItemState state) {
  switch (state) {
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
}

void ItemOutlet::AddGap(PoolGap gap) {
  if (!recorded_.settled()) {
    held_gaps_.push_back(std::move(gap));
    return;
  }
  if (recorded_.Lacks(EventKind::kExecuteEnd)) {
    // What a worker did between two starts is not known.
    gap.holders.clear();
    gap.starter.reset();
    gap.creation = Nanos(0);
  }
  gaps_.push_back(std::move(gap));
}

ItemSplit& ItemOutlet::SplitFor(WorkItem& item) {
  if (item.split == SplitId::kNone) item.split = static_cast<SplitId>(splits_.Add());
  return splits_[static_cast<SlabIndex>(item.split)];
}

void ItemOutlet::DropSplit(WorkItem& item, bool wait, bool run) {
  if (item.split == SplitId::kNone) return;
  const SlabIndex index = static_cast<SlabIndex>(item.split);
  ItemSplit& split = splits_[index];
  if (wait) split.wait.reset();
  if (run) split.run.reset();
  if (split.wait || split.run) return;
  splits_.Remove(index);
  item.split = SplitId::kNone;
}

// Gives an item the state that the recorded events can show: an item whose end was seen is done,
// whatever else was not recorded; of what comes after the last recorded event nothing is known.
void ItemOutlet::Name(WorkItem& item) {
  const bool queues = recorded_.Has(EventKind::kQueueWork);
  const bool starts = recorded_.Has(EventKind::kExecuteStart);
  const bool ends = recorded_.Has(EventKind::kExecuteEnd);
  if (item.state == ItemState::kBarrier) {
    if (!ends) item.run_tainted = false;
    return;
  }
  if (queues && item.queued == kUnseen && item.started != kUnseen) {
    // What was made of it before the first queue event came.
    item.wait_tainted = item.id >= first_after_loss_;
    item.waited_in = PoolId::kUnknown;
    DropSplit(item, true, false);
  }
  if (recorded_.HasLives()) return;
  if (!ends) {
    item.run_tainted = false;
    DropSplit(item, true, true);
  }
  if (!starts) item.run_tainted = false;
  const bool odd = item.state == ItemState::kBeforeTrace || item.state == ItemState::kUnmatched;
  if (item.ended != kUnseen) {
    if (odd && !(queues && starts)) item.state = ItemState::kDone;
  } else if (item.started == kUnseen) {
    if (!starts) item.state = ItemState::kQueued;
  } else if (!odd || !queues) {
    if (!ends) item.state = ItemState::kStarted;
    if (odd && ends) item.state = ItemState::kDone;
  }
}

void ItemOutlet::Finish(std::span<const WorkItem> rest) {
  if (recorded_.settled()) {
    for (const WorkItem& item : rest) HandOut(item);
  } else {
    held_.insert(held_.end(), rest.begin(), rest.end());
    Decide();
  }
  FinishQuality();
}

// Counts that rest on events that were not recorded are none.
void ItemOutlet::FinishQuality() {
  const bool queues = recorded_.Has(EventKind::kQueueWork);
  const bool starts = recorded_.Has(EventKind::kExecuteStart);
  const bool ends = recorded_.Has(EventKind::kExecuteEnd);
  if (!queues) quality_.stray_activations = 0;
  if (!queues || !starts) quality_.unmatched_starts = 0;
  if (!queues || !starts || !ends) quality_.unmatched_ends = 0;
  if (!starts || !ends) quality_.lost_ends = 0;
}

void ItemOutlet::Take(Completed& out) {
  out.items.clear();
  out.splits.clear();
  out.gaps.clear();
  std::swap(out.items, items_);
  std::swap(out.gaps, gaps_);
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
