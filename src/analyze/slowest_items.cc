// SPDX-License-Identifier: Apache-2.0
#include "wqprof/slowest_items.h"

#include <algorithm>
#include <utility>

namespace wqprof {
namespace {

using Kept = SlowestItems::Kept;

// Whether `a` goes before `b`: the longer wait, then the lower id.
bool WaitedLonger(const Kept& a, const Kept& b) {
  const Nanos wait_a = *a.item.Latency(), wait_b = *b.item.Latency();
  return wait_a != wait_b ? wait_a > wait_b : a.item.id < b.item.id;
}

bool QueuedEarlier(const Kept& a, const Kept& b) {
  return a.item.queued != b.item.queued ? a.item.queued < b.item.queued : a.item.id < b.item.id;
}

// Adds to a heap whose top goes last, and drops what exceeds `limit`.
template <class Before>
void AddLimited(std::vector<Kept>& heap, size_t limit, const Kept& kept, Before before) {
  if (heap.size() == limit) {
    if (!before(kept, heap.front())) return;
    std::pop_heap(heap.begin(), heap.end(), before);
    heap.pop_back();
  }
  heap.push_back(kept);
  std::push_heap(heap.begin(), heap.end(), before);
}

}  // namespace

void SlowestItems::Add(const WorkItem& item, const ItemSplit* split) {
  if (limit_ == 0 || item.queued == kUnseen) return;
  const Kept kept{item, split != nullptr ? std::optional(*split) : std::nullopt};
  if (item.Latency()) {
    AddLimited(started_, limit_, kept, WaitedLonger);
  } else if (item.state == ItemState::kPending) {
    AddLimited(pending_, limit_, kept, QueuedEarlier);
  }
}

std::vector<Kept> SlowestItems::Take(Timestamp trace_end) {
  std::vector<Kept> all = std::move(started_);
  all.insert(all.end(), pending_.begin(), pending_.end());
  const auto wait = [trace_end](const Kept& kept) {
    return kept.item.Latency().value_or(Elapsed(kept.item.queued, trace_end));
  };
  std::sort(all.begin(), all.end(), [&](const Kept& a, const Kept& b) {
    return wait(a) != wait(b) ? wait(a) > wait(b) : a.item.id < b.item.id;
  });
  if (all.size() > limit_) all.resize(limit_);
  return all;
}

}  // namespace wqprof
