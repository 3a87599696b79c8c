// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_BUDGET_BOUNDS_H_
#define WQPROF_BUDGET_BOUNDS_H_

#include <optional>
#include <span>

#include "budget/block_series.h"

namespace wqprof {

// One run's durations, and how long the run was.
struct RunSeries {
  const BlockSeries* series;
  Nanos duration;
};

// Between what a value lies, with the asked confidence.  An absent end is not known.
struct Bounds {
  std::optional<Nanos> low, high;
};

// Bounds of the quantile `q` of what the runs were drawn from.
//
// The share of items beyond a duration x varies between stretches of a run (or between runs)
// more than if items were independent.  That variance gives the number of independent items
// that would say as much; for these, Clopper and Pearson's bounds hold (Korn and Graubard).
// x lies below the quantile when the share beyond it is proven to be above 1 - q.  Stretches
// of several lengths are tried, as bursts are of any length, and the widest bounds count.
Bounds QuantileBounds(std::span<const RunSeries> runs, double q, double confidence);

// Bounds of the mean, by a studentised bootstrap over stretches of one run or over runs.
// The seed is fixed: the same runs have the same bounds.
inline constexpr uint64_t kBootstrapSeed = 20240229;
Bounds MeanBounds(std::span<const RunSeries> runs, double confidence);

}  // namespace wqprof

#endif  // WQPROF_BUDGET_BOUNDS_H_
