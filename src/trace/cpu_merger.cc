// SPDX-License-Identifier: Apache-2.0
#include "trace/cpu_merger.h"

#include <algorithm>
#include <utility>

namespace wqprof {

CpuMerger::Head CpuMerger::HeadOf(const Event& event, uint32_t stream) {
  // Streams stand in the order of their CPUs, and there are fewer than 2^24 of them.
  return {event.at.time_since_epoch().count(), static_cast<uint32_t>(event.kind) << 24 | stream,
          stream};
}

absl::StatusOr<bool> CpuMerger::Refill(Cursor& cursor, size_t stream) {
  auto batch = streams_.Next(stream);
  if (!batch.ok()) return batch.status();
  cursor = {*batch};
  leads_[stream].ended = cursor.ended();
  if (cursor.ended()) return false;
  leads_[stream].head = HeadOf(cursor.batch.front(), static_cast<uint32_t>(stream));
  leads_[stream].last = cursor.batch.back().at.time_since_epoch().count();
  return true;
}

inline void CpuMerger::SiftDown(size_t i) {
  const Head head = heap_[i];
  while (true) {
    size_t child = 2 * i + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size()) child += heap_[child + 1].Before(heap_[child]);
    if (!heap_[child].Before(head)) break;
    heap_[i] = heap_[child];
    i = child;
  }
  heap_[i] = head;
}

absl::Status CpuMerger::Start() {
  started_ = true;
  for (uint32_t i = 0; i < cursors_.size(); ++i) {
    auto more = Refill(cursors_[i], i);
    if (!more.ok()) return more.status();
    if (!*more) continue;
    const std::span<const Event> batch = cursors_[i].batch;
    const auto first = std::find_if(batch.begin(), batch.end(), [](const Event& e) {
      return e.kind != EventKind::kLossBegin && e.kind != EventKind::kLossEnd;
    });
    if (first != batch.end()) latest_first_ = std::max(latest_first_, first->at);
  }
  MakeHeap();
  return absl::OkStatus();
}

void CpuMerger::MakeHeap() {
  heap_.clear();
  for (const Lead& lead : leads_) {
    if (!lead.ended) heap_.push_back(lead.head);
  }
  for (size_t i = heap_.size() / 2; i-- > 0;) SiftDown(i);
}

absl::Status CpuMerger::NextBatch() {
  const uint32_t stream = heap_[0].stream;
  auto more = Refill(cursors_[stream], stream);
  if (!more.ok()) return more.status();
  if (*more) {
    heap_[0] = leads_[stream].head;
  } else {
    heap_[0] = heap_.back();
    heap_.pop_back();
  }
  if (!heap_.empty()) SiftDown(0);
  return absl::OkStatus();
}

absl::StatusOr<std::span<const Event>> CpuMerger::Next() {
  if (!started_) {
    if (absl::Status s = Start(); !s.ok()) return s;
  }
  if (heap_.size() < 2) return MergeRuns();
  if (short_runs_ && heap_.size() >= kManyStreams) {
    if (const auto sorted = SortWindow(); !sorted.empty()) return sorted;
  }
  MakeHeap();
  const auto merged = MergeRuns();
  for (const Head& head : heap_) leads_[head.stream].head = head;
  return merged;
}

std::optional<CpuMerger::Gathered> CpuMerger::Gather(int64_t to) {
  Gathered out;
  for (Lead& lead : leads_) {
    if (lead.ended || lead.head.at >= to) continue;
    Cursor& cursor = cursors_[lead.head.stream];
    // The batch's last event is not before `to`.
    const Event* const first = cursor.batch.data() + cursor.at;
    const Event* e = first;
    for (; e->at.time_since_epoch().count() < to; ++e) {
      if (out.n == kWindow) return std::nullopt;
      gathered_[out.n++] = *e;
    }
    cursor.gathered = static_cast<size_t>(e - first);
    out.last = std::max(out.last, e[-1].at.time_since_epoch().count());
  }
  return out;
}

void CpuMerger::TakeGathered(int64_t to) {
  for (Lead& lead : leads_) {
    if (lead.ended || lead.head.at >= to) continue;
    Cursor& cursor = cursors_[lead.head.stream];
    cursor.at += cursor.gathered;
    const Event* const next = cursor.batch.data() + cursor.at;
    __builtin_prefetch(next + 3);
    lead.head = HeadOf(*next, lead.head.stream);
  }
}

std::span<const Event> CpuMerger::SortWindow() {
  int64_t from = INT64_MAX, limit = INT64_MAX;
  for (const Lead& lead : leads_) {
    if (lead.ended) continue;
    from = std::min(from, lead.head.at);
    limit = std::min(limit, lead.last);
  }
  bool shrunk = false;
  while (from < limit) {
    const uint64_t most = static_cast<uint64_t>(limit) - static_cast<uint64_t>(from);
    const int64_t to = window_ < most ? from + static_cast<int64_t>(window_) : limit;
    const std::optional<Gathered> found = Gather(to);
    if (!found) {
      if (window_ == 1) break;
      window_ = std::max<uint64_t>(std::min(window_, most) / 4, 1);
      shrunk = true;
      continue;
    }
    if (to < limit && found->n < kWindow / 4 && !shrunk) window_ *= 2;
    if (found->n < kLeastOfWindow) {
      if (to < limit && !shrunk) continue;
      break;
    }
    TakeGathered(to);
    // The window may be far longer than what lies in it.
    sorter_.Sort({gathered_.data(), found->n}, Timestamp(Nanos(from)),
                 Timestamp(Nanos(found->last)), merged_);
    return {merged_.data(), found->n};
  }
  return {};
}

absl::StatusOr<std::span<const Event>> CpuMerger::MergeRuns() {
  if (lent_ > 0) {
    // Only now may their batch be given back.
    lent_ = 0;
    if (absl::Status s = NextBatch(); !s.ok()) return s;
  }
  Event* out = merged_.data();
  Event* const full = out + kMerged;
  ptrdiff_t runs = 0;
  while (heap_.size() > 1 && out < full) {
    ++runs;
    Cursor& cursor = cursors_[heap_[0].stream];
    const Event* const first = cursor.batch.data() + cursor.at;
    const Event* const last =
        first + std::min<ptrdiff_t>(full - out, cursor.batch.data() + cursor.batch.size() - first);
    // The run ends where the earliest of the other streams comes in.
    const bool second = heap_.size() > 2 && heap_[2].Before(heap_[1]);
    const Head next = heap_[second ? 2 : 1];
    const Event* e = first;
    do {
      *out++ = *e++;
    } while (e != last && e->at.time_since_epoch().count() < next.at);
    while (e != last && HeadOf(*e, heap_[0].stream).Before(next)) *out++ = *e++;
    cursor.at += static_cast<size_t>(e - first);
    if (cursor.at < cursor.batch.size()) [[likely]] {
      // With many streams it is long until this one's turn comes again.
      __builtin_prefetch(e + 3);
      heap_[0] = HeadOf(*e, heap_[0].stream);
      SiftDown(0);
    } else {
      if (absl::Status s = NextBatch(); !s.ok()) return s;
      // Each call looks at all streams, of which thousands may have a batch of one event.
      if (out - merged_.data() >= static_cast<ptrdiff_t>(kLeastOfWindow)) break;
    }
  }
  short_runs_ = out - merged_.data() < kShortRun * runs;
  if (out != merged_.data()) return std::span<const Event>(merged_.data(), out);
  if (heap_.empty()) return std::span<const Event>();
  const Cursor& cursor = cursors_[heap_[0].stream];
  const std::span<const Event> left = cursor.batch.subspan(cursor.at);
  lent_ = left.size();
  return left;
}

}  // namespace wqprof
