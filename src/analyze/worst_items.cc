// SPDX-License-Identifier: Apache-2.0
#include "wqprof/worst_items.h"

#include <algorithm>
#include <utility>

namespace wqprof {
namespace {

using Kept = WorstItems::Kept;

// Adds `kept` to a heap of the `limit` first by `before`.
template <typename Before>
void AddLimited(std::vector<Kept>& heap, size_t limit, const Kept& kept, Before before) {
  if (heap.size() == limit) {
    if (!before(kept, heap.front())) return;
    std::pop_heap(heap.begin(), heap.end(), before);
    heap.pop_back();
  }
  heap.push_back(kept);
  std::push_heap(heap.begin(), heap.end(), before);
}

bool CutByTheEnd(const WorkItem& item) {
  return item.state == ItemState::kPending || item.state == ItemState::kRunning;
}

}  // namespace

std::optional<Nanos> LastedUntil(const MeasureSpec& measure, const WorkItem& item,
                                 Timestamp trace_end) {
  if (const std::optional<Nanos> span = measure.Seen(item)) return span;
  return CutByTheEnd(item) ? measure.AtLeast(item, trace_end) : std::nullopt;
}

void WorstItems::Add(const WorkItem& item, const ItemSplit* split) {
  if (limit_ == 0 || measure_->from(item) == kUnseen) return;
  const auto keep = [&](std::vector<Kept>& heap, auto rank) {
    ++seen_;
    const Kept kept{item, split != nullptr ? std::optional(*split) : std::nullopt};
    AddLimited(heap, limit_, kept, [&](const Kept& a, const Kept& b) {
      const auto of_a = rank(a.item), of_b = rank(b.item);
      return of_a != of_b ? of_a < of_b : a.item.id < b.item.id;
    });
  };
  if (measure_->Seen(item)) {
    keep(whole_, [&](const WorkItem& of) { return Nanos::max() - *measure_->Seen(of); });
  } else if (CutByTheEnd(item) && measure_->AtLeast(item, Timestamp::max())) {
    keep(open_, measure_->from);
  }
}

std::vector<Kept> WorstItems::Take(Timestamp trace_end) {
  std::vector<Kept> all = std::move(whole_);
  all.insert(all.end(), open_.begin(), open_.end());
  const auto lasted = [&](const Kept& kept) {
    return LastedUntil(*measure_, kept.item, trace_end).value_or(Nanos(0));
  };
  std::sort(all.begin(), all.end(), [&](const Kept& a, const Kept& b) {
    return lasted(a) != lasted(b) ? lasted(a) > lasted(b) : a.item.id < b.item.id;
  });
  if (all.size() > limit_) all.resize(limit_);
  return all;
}

}  // namespace wqprof
