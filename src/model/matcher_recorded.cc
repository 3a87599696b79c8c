// SPDX-License-Identifier: Apache-2.0
// What items are called, and what is known of them, when not all four events were recorded: what
// was not recorded did not "not happen".
#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "model/matcher.h"

namespace wqprof {
namespace {

Timestamp FirstSeen(const WorkItem& item) {
  for (const Timestamp at : {item.queued, item.activated, item.started}) {
    if (at != kUnseen) return at;
  }
  return item.ended;
}

}  // namespace

void Matcher::See(EventKind kind) {
  const bool first_queue = kind == EventKind::kQueueWork && !recorded_.Has(EventKind::kQueueWork);
  recorded_.See(kind);
  if (first_queue) {
    // Activations and waits of before are those of works that were queued before the trace began.
    std::erase_if(held_, [](const WorkItem& item) { return item.id == 0; });
    held_gaps_.clear();
  }
  if (recorded_.settled()) Release();
}

void Matcher::Decide() {
  recorded_.Decide();
  if (recorded_.Lacks(EventKind::kExecuteStart)) {
    // Ends of what is open now may be among the items that were held back.
    for (const SlabIndex index : works_.Active()) works_[index].unsure_end = true;
  }
  Release();
}

// Tells what was held back.
void Matcher::Release() {
  if (recorded_.Lacks(EventKind::kExecuteStart)) {
    std::stable_sort(held_.begin(), held_.end(), [](const WorkItem& a, const WorkItem& b) {
      return FirstSeen(a) < FirstSeen(b);
    });
    if (recorded_.Has(EventKind::kExecuteEnd)) PairEnds();
  }
  for (WorkItem& item : held_) {
    if (item.id == 0) item.id = next_id_++;
    Tell(item);
  }
  held_ = {};
  for (PoolGap& gap : held_gaps_) AddGap(std::move(gap));
  held_gaps_ = {};
}

// Without start events, an end is that of the item that was queued since the last end of its
// work, if it was one.
void Matcher::PairEnds() {
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

// The same as events come.
void Matcher::EndOfQueued(WorkItem& item) {
  item.run_tainted = false;
  WorkState& work = works_[works_.Get(item.work)];
  if (!work.queued) return;
  if (work.unsure_end) {
    EmitSuperseded(work.queue);
  } else {
    CopyQueuePart(work.queue, item);
    item.wait_tainted = losses_.Touches(item.queued);
  }
  Uncount(work.queue, item.ended);
  work.queued = work.unsure_end = false;
}

void Matcher::QueueWithoutAddress(const Event& e) {
  just_queued_[e.cpu] = SlabIndex::kNone;
  just_activated_ = WorkAddr{};
  ExecutionContext* const worker = workers_.Find(e.pid, e.cpu);
  ExecutionContext* const softirq = e.flags & kFlagSoftirq ? workers_.FindSoftirq(e.cpu) : nullptr;
  WorkItem item;
  item.id = next_id_++;
  item.queued = e.at;
  item.function = e.work.function;
  item.workqueue = e.work.workqueue;
  item.origin = OriginOf(e, worker, softirq);
  item.queue_cpu = e.cpu;
  item.target_cpu = e.work.target_cpu;
  item.state = ItemState::kQueued;
  Emit(item);
}

// Without queue events this is all that is known of the item.
void Matcher::ActivateUnqueued(WorkState& work, const Event& e) {
  if (!recorded_.Has(EventKind::kQueueWork) && work.early_activation != kUnseen) {
    WorkItem item = FromActivation(work, ItemState::kSuperseded);
    // As long as queue events may come, it may yet turn out to be none.
    if (recorded_.Lacks(EventKind::kQueueWork)) item.id = next_id_++;
    Emit(item);
  }
  work.early_activation = e.at;
  work.early_function = e.work.function;
}

WorkItem Matcher::FromActivation(const WorkState& work, ItemState state) {
  WorkItem item;
  item.work = work.work;
  item.activated = work.early_activation;
  item.function = work.early_function;
  item.state = state;
  item.wait_tainted = losses_.Touches(item.activated);
  return item;
}

// Without queue events: what its activation alone shows.
void Matcher::StartOfActivated(ExecutionContext& context, OpenExecution& run) {
  WorkItem& item = run.item;
  item.wait_tainted = item.activated != kUnseen && losses_.Touches(item.activated);
  const PoolKind kind = pools_.pool(context.pool).kind;
  if (item.activated == kUnseen || kind == PoolKind::kRescuer || kind == PoolKind::kUnknown) {
    pools_.OtherStarts(context.pool, item.started);
  } else {
    item.waited_in = context.pool;
    const Timestamp begin =
        pools_.ActivatedStarts(context.pool, item.activated, item.started, gap_floor_);
    if (begin != kUnseen && !item.wait_tainted) {
      PoolGap gap = pools_.GapOf(context.pool, begin, item.started);
      if (TrimToWhole(gap)) {
        DescribeGap(gap, Look(gap.pool), &context, false);
        AddGap(std::move(gap));
      }
    }
  }
  if (sched_.seen()) SplitWait(context, item);
}

bool Matcher::TrimToWhole(PoolGap& gap) const {
  gap.begin = std::max(gap.begin, losses_.WholeSince(pools_.pool(gap.pool).cpu));
  return gap.begin < gap.end && gap.end - gap.begin >= gap_floor_;
}

void Matcher::AddGap(PoolGap gap) {
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

void Matcher::DropSplit(WorkItem& item, bool wait, bool run) {
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
void Matcher::Name(WorkItem& item) {
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
  if (queues && starts && ends) [[likely]]
    return;
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

// Counts that rest on events that were not recorded are none.
void Matcher::FinishQuality() {
  const bool queues = recorded_.Has(EventKind::kQueueWork);
  const bool starts = recorded_.Has(EventKind::kExecuteStart);
  const bool ends = recorded_.Has(EventKind::kExecuteEnd);
  if (!queues) quality_.stray_activations = 0;
  if (!queues || !starts) quality_.unmatched_starts = 0;
  if (!queues || !starts || !ends) quality_.unmatched_ends = 0;
  if (!starts || !ends) quality_.lost_ends = 0;
}

}  // namespace wqprof
