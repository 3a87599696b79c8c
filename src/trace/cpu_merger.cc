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
  cursor.at = 0;
  if (absl::Status s = pool_.Take(stream, cursor.batch); !s.ok()) return s;
  return !cursor.batch.empty();
}

void CpuMerger::SiftDown(size_t i) {
  const Head head = heap_[i];
  while (true) {
    size_t child = 2 * i + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && heap_[child + 1].Before(heap_[child])) ++child;
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
    const EventBatch& batch = cursors_[i].batch;
    heap_.push_back(HeadOf(batch[0], i));
    const auto first = std::find_if(batch.begin(), batch.end(), [](const Event& e) {
      return e.kind != EventKind::kLossBegin && e.kind != EventKind::kLossEnd;
    });
    if (first != batch.end()) latest_first_ = std::max(latest_first_, first->at);
  }
  for (size_t i = heap_.size() / 2; i-- > 0;) SiftDown(i);
  return absl::OkStatus();
}

absl::StatusOr<std::span<const Event>> CpuMerger::Next() {
  if (!started_) {
    if (absl::Status s = Start(); !s.ok()) return s;
  } else if (!heap_.empty()) {
    // Only now may the batch of the last run be given back.
    const uint32_t stream = heap_[0].stream;
    Cursor& cursor = cursors_[stream];
    cursor.at += handed_out_;
    bool more = true;
    if (cursor.at == cursor.batch.size()) {
      auto refilled = Refill(cursor, stream);
      if (!refilled.ok()) return refilled.status();
      more = *refilled;
    }
    if (more) {
      heap_[0] = HeadOf(cursor.batch[cursor.at], stream);
    } else {
      heap_[0] = heap_.back();
      heap_.pop_back();
    }
    if (!heap_.empty()) SiftDown(0);
  }
  handed_out_ = 0;
  if (heap_.empty()) return std::span<const Event>();
  const uint32_t stream = heap_[0].stream;
  const Cursor& cursor = cursors_[stream];
  const std::span<const Event> left = std::span(cursor.batch).subspan(cursor.at);
  if (heap_.size() == 1) {
    handed_out_ = left.size();
    return left;
  }
  // The run ends where the earliest of the other streams comes in.
  const bool second = heap_.size() > 2 && heap_[2].Before(heap_[1]);
  const Head& next = heap_[second ? 2 : 1];
  size_t n = 1;
  while (n < left.size() && left[n].at.time_since_epoch().count() < next.at) ++n;
  while (n < left.size() && HeadOf(left[n], stream).Before(next)) ++n;
  handed_out_ = n;
  return left.first(n);
}

}  // namespace wqprof
