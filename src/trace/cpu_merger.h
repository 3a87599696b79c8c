// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TRACE_CPU_MERGER_H_
#define WQPROF_TRACE_CPU_MERGER_H_

#include <memory>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "trace/decode_pool.h"
#include "trace/event_batch.h"

namespace wqprof {

// Merges the streams of all CPUs by time.  Equal times go by EventKind (a work is queued
// before it starts, kernel.md §7), then by CPU; within a CPU the order of the buffer stays.
class CpuMerger {
 public:
  explicit CpuMerger(DecodePool& pool) : pool_(pool), cursors_(pool.size()), merged_(kMerged) {}

  // The next run of events; empty at the end.  Valid until the next call.
  absl::StatusOr<std::span<const Event>> Next();
  // The first event of the CPU that began last; known after the first Next().
  Timestamp latest_first() const { return latest_first_; }

 private:
  // Where one stream stands.
  struct Cursor {
    const EventBatch* batch = nullptr;
    size_t at = 0;
  };
  // A stream in the heap, by what decides its turn.
  struct Head {
    int64_t at;
    uint32_t rank;
    uint32_t stream;
    // Without a branch: which of two streams comes next cannot be foretold.
    bool Before(const Head& other) const {
      return (at < other.at) | ((at == other.at) & (rank < other.rank));
    }
  };

  // So many are merged at a time: few enough to stay in the nearest cache until they are used.
  static constexpr size_t kMerged = 512;

  absl::Status Start();
  // Takes the next batch of a stream whose batch is used up; false at its end.
  absl::StatusOr<bool> Refill(Cursor& cursor, size_t stream);
  // The foremost stream's batch is used up.
  absl::Status NextBatch();
  static Head HeadOf(const Event& event, uint32_t stream);
  void SiftDown(size_t i);

  DecodePool& pool_;
  std::vector<Cursor> cursors_;
  std::vector<Head> heap_;  // smallest first
  EventBatch merged_;
  bool started_ = false;
  Timestamp latest_first_ = kUnseen;
  size_t lent_ = 0;  // events given from where they lie, of the only stream left
};

}  // namespace wqprof

#endif  // WQPROF_TRACE_CPU_MERGER_H_
