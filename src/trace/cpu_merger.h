// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TRACE_CPU_MERGER_H_
#define WQPROF_TRACE_CPU_MERGER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "trace/batch_source.h"
#include "trace/time_sorter.h"
#include "wqprof/event_batch.h"

namespace wqprof {

// Merges the streams of all CPUs by time.  Equal times go by EventKind (a work is queued
// before it starts, doc/kernel.md §7), then by CPU; within a CPU the order of the buffer stays.
// Streams that take turns seldom are merged by runs, from a heap.  Of several that take turns at
// every other event windows of time are sorted, as far as no stream needs its next batch.
class CpuMerger {
 public:
  explicit CpuMerger(BatchSource& streams)
      : streams_(streams),
        cursors_(streams.size()),
        merged_(kWindow),
        gathered_(kWindow),
        leads_(streams.size()) {}

  // The next run of events; empty at the end.  Valid until the next call.
  absl::StatusOr<std::span<const Event>> Next();
  // The first event of the CPU that began last; known after the first Next().
  Timestamp latest_first() const { return latest_first_; }

 private:
  // Where one stream stands.
  struct Cursor {
    std::span<const Event> batch;
    size_t at = 0;
    size_t gathered = 0;  // from there on, for a window
    bool ended() const { return batch.empty(); }
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

  // What a window asks of a stream.
  struct Lead {
    Head head;
    int64_t last = INT64_MIN;  // of its batch
    bool ended = true;
  };

  // So many are merged at a time: few enough to stay in the nearest cache until they are used.
  static constexpr size_t kMerged = 512;
  // So many events at most lie in a window, and so many at least.
  static constexpr size_t kWindow = 2048, kLeastOfWindow = 128;
  static_assert(kMerged <= kWindow);  // one buffer is for both
  // Of at least so many streams, that take turns at least every so many events.
  static constexpr size_t kManyStreams = 3;
  static constexpr ptrdiff_t kShortRun = 3;

  absl::Status Start();
  // Merged from the heap, at most until a stream has its next batch.
  absl::StatusOr<std::span<const Event>> MergeRuns();
  // What comes before any stream needs its next batch; empty if that is little.
  std::span<const Event> SortWindow();
  // What Gather() found.
  struct Gathered {
    size_t n = 0;
    int64_t last = INT64_MIN;  // the latest of their times
  };
  // The events before `to`, or nothing if they are too many.
  std::optional<Gathered> Gather(int64_t to);
  void TakeGathered(int64_t to);
  void MakeHeap();
  // Takes the next batch of a stream whose batch is used up; false at its end.
  absl::StatusOr<bool> Refill(Cursor& cursor, size_t stream);
  // The foremost stream's batch is used up.
  absl::Status NextBatch();
  static Head HeadOf(const Event& event, uint32_t stream);
  void SiftDown(size_t i);

  BatchSource& streams_;
  std::vector<Cursor> cursors_;
  std::vector<Head> heap_;  // smallest first
  EventBatch merged_;
  TimeSorter sorter_;
  EventBatch gathered_;
  std::vector<Lead> leads_;  // by stream; those of MergeRuns() are in the heap meanwhile
  uint64_t window_ = 1000;   // ns
  bool short_runs_ = false;  // when runs were last merged
  bool started_ = false;
  Timestamp latest_first_ = kUnseen;
  size_t lent_ = 0;  // events given from where they lie, of the only stream left
};

}  // namespace wqprof

#endif  // WQPROF_TRACE_CPU_MERGER_H_
