// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TEXT_EVENT_SORTER_H_
#define WQPROF_TEXT_EVENT_SORTER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "wqprof/event.h"
#include "wqprof/event_batch.h"
#include "wqprof/event_spool.h"

namespace wqprof {

// Brings the events of a text into the order of time.
//
// The kernel merges its CPUs by time as it prints, so that a window of some thousands of events is
// enough.  Of `cat per_cpu/*/trace` all of one CPU comes before all of the next: such a text goes
// through a temporary file, a run for each CPU, and the runs are merged at the end.  Which of both
// it is shows in the first events.  What comes too late for the window is moved to its end, and
// counted.
//
// REQUIRES of the caller: the events of one CPU come in order.
class EventSorter {
 public:
  static constexpr size_t kHeadEvents = 128 << 10;

  void Add(const Event& event) {
    Event& added = window_.emplace_back(event);
    if (added.at < emitted_until_) [[unlikely]] {
      added.at = emitted_until_;
      late_ += event.kind != EventKind::kLossBegin ? 1 : 0;
    }
    if (window_.size() == 1 || event.cpu != last_cpu_) NoteBlock(added);
    in_order_ &= added.at >= last_at_;
    last_at_ = added.at;
  }
  // Whether the window should be flushed now.
  bool full() const { return window_.size() >= limit_; }
  // Hands the window on, a part of it to Take().  `one_cpu`: the machine has no other one.
  absl::Status Flush(bool one_cpu);
  // The same for the last one.
  absl::Status Finish();
  // The next run of sorted events; empty when there is none yet, or any more.
  absl::StatusOr<std::span<const Event>> Take();

  uint64_t late() const { return late_; }

 private:
  enum class Mode : uint8_t { kHead, kStreams, kSpools };
  void NoteBlock(const Event& first);
  bool IsByCpu() const;
  void SortWindow();
  void MergeBlocks();
  absl::Status Spool();

  EventBatch window_, out_;
  size_t limit_ = kHeadEvents;
  Mode mode_ = Mode::kHead;
  bool taken_ = true;
  bool merges_ = false;
  bool in_order_ = true;
  Timestamp last_at_ = kUnseen;
  Timestamp emitted_until_ = kUnseen;
  uint64_t late_ = 0;
  // Where in the window another CPU begins, up to kMostBlocks of them.
  static constexpr size_t kMostBlocks = 4096;
  std::vector<size_t> blocks_;
  std::vector<bool> block_cpus_;
  bool cpus_return_ = false;  // one had two blocks
  Cpu last_cpu_ = Cpu::kNone;
  std::unique_ptr<EventSpool> spool_;
};

}  // namespace wqprof

#endif  // WQPROF_TEXT_EVENT_SORTER_H_
