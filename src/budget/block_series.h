// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_BUDGET_BLOCK_SERIES_H_
#define WQPROF_BUDGET_BLOCK_SERIES_H_

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "wqprof/histogram.h"

namespace wqprof {

// Durations of one kind in one run, together and by stretches of its time.  Items that are
// near in time are alike, so that only stretches show how far a value can be trusted.
// Memory is bounded by the buckets in use times kMaxBlocks; a stretch without any costs none.
class BlockSeries {
 public:
  static constexpr size_t kMaxBlocks = 128;

  // What happened in one stretch: counts by bucket of Histogram::kScale.
  struct Block {
    size_t index = 0;  // the stretch begins at index * width()
    absl::flat_hash_map<int32_t, uint64_t> counts;
    uint64_t n = 0;
    double sum_ns = 0;
    void Add(Nanos value, uint64_t times);
    void Merge(const Block& other);
  };
  // The bucket of durations of 0.
  static constexpr int32_t kZeroBucket = INT32_MIN;

  // REQUIRES: since_begin >= 0, value >= 0.
  void Add(Nanos since_begin, Nanos value);
  // What was summed up elsewhere, and is in no stretch.
  void AddSum(const Histogram& sum) { all_.Merge(sum); }
  // Counts `value` at the end of a run of this length `times` times.
  void AddAtEnd(Nanos duration, Nanos value, uint64_t times);

  const Histogram& all() const { return all_; }
  // Those that hold any, in order; all indices are below kMaxBlocks.
  const std::vector<Block>& blocks() const { return blocks_; }
  Nanos width() const { return width_; }

 private:
  Block& At(Nanos since_begin);
  void Halve();
  Histogram all_;
  Nanos width_{1 << 22};  // doubled as the run gets longer
  std::vector<Block> blocks_;
};

}  // namespace wqprof

#endif  // WQPROF_BUDGET_BLOCK_SERIES_H_
