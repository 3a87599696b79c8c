// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_BUDGET_REGRESSION_H_
#define WQPROF_BUDGET_REGRESSION_H_

#include <optional>
#include <span>
#include <string>

#include "budget/evidence.h"
#include "budget/statistics.h"
#include "wqprof/budget.h"

namespace wqprof {

// The values of one metric in the runs of two groups, compared by ranks.  The run is what is
// replicated: items of one run are alike, and a test over items finds a difference nearly
// always.
struct Comparison {
  std::vector<double> base, now;  // by run
  uint64_t base_samples = 0, new_samples = 0;
  // Once compared.
  RankTest test;
  double base_median = 0, now_median = 0;
  double ratio = 1, low = 0, high = 0;
};
// The values of those runs that have `needed` samples of the instance.
Comparison Gather(const RunSet::State& base, const RunSet::State& now, size_t wanted,
                  const std::string& instance, const Metric& metric, uint64_t needed);
// The bounds are those of the two-sided test at `confidence`.
// REQUIRES: both groups have a value, at most kMaxRuns.
void Compare(Comparison& comparison, double confidence);

// Puts the outcomes of one [[regression]] into `out`.  `baseline` null: there is none.
void CheckRegression(const Budget& budget, size_t rule, const RunSet::State& runs,
                     const RunSet::State* baseline, CheckResult& out);

}  // namespace wqprof

#endif  // WQPROF_BUDGET_REGRESSION_H_
