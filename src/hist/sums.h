// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_HIST_SUMS_H_
#define WQPROF_HIST_SUMS_H_

#include <cstdint>
#include <vector>

#include "hist/record.h"
#include "wqprof/histogram.h"

namespace wqprof {

// Histograms of lines, added up at kHistScale.  What does not fit in 64 bits stays at the largest
// number, whatever the order.
class HistSums {
 public:
  // REQUIRES: IsCoherent(record), of a kind with a histogram.
  void Add(const HistRecord& record);
  Histogram ToHistogram() const;
  // Whether a number is the largest one, which stands for all beyond it as well.
  bool too_large() const;

 private:
  uint64_t count_ = 0, zero_ = 0, sum_ = 0;
  uint64_t min_ = UINT64_MAX, max_ = 0;
  // Counts of the buckets from first_ on.
  int32_t first_ = 0;
  std::vector<uint64_t> buckets_;
};

}  // namespace wqprof

#endif  // WQPROF_HIST_SUMS_H_
