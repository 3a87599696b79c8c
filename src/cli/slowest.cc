// SPDX-License-Identifier: Apache-2.0
#include "cli/slowest.h"

#include <algorithm>

namespace wqprof {
namespace {

// Whether `a` goes before `b`: the longer wait, then the lower id.
bool WaitedLonger(const WorkItem& a, const WorkItem& b) {
  const Nanos wait_a = *a.Latency(), wait_b = *b.Latency();
  return wait_a != wait_b ? wait_a > wait_b : a.id < b.id;
}

bool QueuedEarlier(const WorkItem& a, const WorkItem& b) {
  return a.queued != b.queued ? a.queued < b.queued : a.id < b.id;
}

// Adds to a heap whose top goes last, and drops what exceeds `limit`.
template <class Before>
void AddLimited(std::vector<WorkItem>& heap, size_t limit, const WorkItem& item, Before before) {
  if (heap.size() == limit) {
    if (!before(item, heap.front())) return;
    std::pop_heap(heap.begin(), heap.end(), before);
    heap.pop_back();
  }
  heap.push_back(item);
  std::push_heap(heap.begin(), heap.end(), before);
}

}  // namespace

void SlowestItems::Add(const WorkItem& item) {
  if (limit_ == 0 || item.queued == kUnseen) return;
  if (item.Latency()) {
    AddLimited(started_, limit_, item, WaitedLonger);
  } else if (item.state == ItemState::kPending) {
    AddLimited(pending_, limit_, item, QueuedEarlier);
  }
}

std::vector<WorkItem> SlowestItems::Take(Timestamp trace_end) {
  std::vector<WorkItem> all = std::move(started_);
  all.insert(all.end(), pending_.begin(), pending_.end());
  const auto wait = [trace_end](const WorkItem& item) {
    return item.Latency() ? *item.Latency() : trace_end - item.queued;
  };
  std::sort(all.begin(), all.end(), [&](const WorkItem& a, const WorkItem& b) {
    return wait(a) != wait(b) ? wait(a) > wait(b) : a.id < b.id;
  });
  if (all.size() > limit_) all.resize(limit_);
  return all;
}

}  // namespace wqprof
