// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TRACE_MERGE_AHEAD_H_
#define WQPROF_TRACE_MERGE_AHEAD_H_

#include <cstddef>
#include <span>

#include "absl/status/statusor.h"
#include "trace/cpu_merger.h"
#include "trace/decode_pool.h"
#include "wqprof/crew.h"
#include "wqprof/event_batch.h"
#include "wqprof/stream_copy.h"

namespace wqprof {

// Merges ahead of the one thread that consumes the events, as a job of the crew: what is left to
// that thread is the work that only it can do.  Without helpers it merges when it is asked.
class MergeAhead : public Crew::Job {
 public:
  // Both must outlive this object.
  MergeAhead(DecodePool& pool, Crew& crew) : merger_(pool), crew_(crew) {}
  ~MergeAhead() override { crew_.Forget(*this); }

  // As CpuMerger's.  REQUIRES: not after the end, or an error.
  absl::StatusOr<std::span<const Event>> Next();
  // Known after the first Next().
  Timestamp latest_first() const { return merger_.latest_first(); }

  // Merges one batch, if there is room.
  bool Step() override;

 private:
  // So many events at least are handed over at once, but at the end.
  static constexpr size_t kBatch = 2048;
  // The one that the consumer has, and those that wait for it.
  static constexpr size_t kBatches = 4;

  CpuMerger merger_;
  Crew& crew_;
  BatchRing<EventBatch, kBatches> batches_;
  absl::Status status_;      // of the last batch
  bool merged_all_ = false;  // the merger is at its end
  bool ended_ = false;       // the last batch made is the end, and empty
};

}  // namespace wqprof

#endif  // WQPROF_TRACE_MERGE_AHEAD_H_
