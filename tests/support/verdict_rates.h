// SPDX-License-Identifier: Apache-2.0
// How often gates are wrong, and how often they see what is there, by simulation.
#ifndef WQPROF_TESTS_SUPPORT_VERDICT_RATES_H_
#define WQPROF_TESTS_SUPPORT_VERDICT_RATES_H_

#include <cstdint>

#include "support/load.h"

namespace wqprof::testing {

// Shares of the trials.
struct BudgetRates {
  double false_fail = 0;  // FAIL, though the limit is the load's true quantile
  double false_pass = 0;  // PASS, though the truth lies just above the limit
  double power = 0;       // FAIL when the load is 30 % slower than the limit
  double keeps = 0;       // PASS when the limit has twice the room
};
// A budget on one run.
BudgetRates RatesOfOneRun(const Load& load, int trials, uint64_t seed);
// The same with the percentile bootstrap over stretches of one second, which is usual.
BudgetRates RatesOfPlainBootstrap(const Load& load, int trials, uint64_t seed);

// Comparisons of two groups of runs at max_ratio 1.15.
struct RegressionRates {
  double false_alarm = 0;        // of a load with itself
  double power = 0;              // of a load with one 30 % slower
  double naive_false_alarm = 0;  // "a run's quantile is 10 % above another's"
};
RegressionRates RatesOfRegression(const Load& load, int runs, int trials, uint64_t seed);

}  // namespace wqprof::testing

#endif  // WQPROF_TESTS_SUPPORT_VERDICT_RATES_H_
