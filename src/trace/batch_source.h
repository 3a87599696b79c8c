// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TRACE_BATCH_SOURCE_H_
#define WQPROF_TRACE_BATCH_SOURCE_H_

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "wqprof/event.h"

namespace wqprof {

// Streams of events, one a CPU and in the order of the CPUs, that are to be merged.
class BatchSource {
 public:
  virtual ~BatchSource() = default;
  virtual size_t size() const = 0;
  // The next batch of stream `i`, in order of time; empty at the end of the stream, after which no
  // other may be asked for.  It stays valid until the next call for that stream.
  virtual absl::StatusOr<std::span<const Event>> Next(size_t i) = 0;
};

// One batch of each stream, as they are given: what is certain of all of them by now.
class GivenBatches : public BatchSource {
 public:
  void Clear() { batches_.clear(); }
  void Add(std::span<const Event> batch) { batches_.push_back(batch); }
  size_t size() const override { return batches_.size(); }
  absl::StatusOr<std::span<const Event>> Next(size_t i) override {
    return std::exchange(batches_[i], {});
  }

 private:
  std::vector<std::span<const Event>> batches_;
};

}  // namespace wqprof

#endif  // WQPROF_TRACE_BATCH_SOURCE_H_
