// SPDX-License-Identifier: Apache-2.0
// Verdicts are right as often as they claim, on loads whose truth is known.  Seeds are fixed:
// the rates are the same every time.
#include "support/verdict_rates.h"

#include <gtest/gtest.h>

namespace wqprof::testing {
namespace {

constexpr int kTrials = 150;

TEST(OneRunTest, SeldomFailsALoadThatKeepsItsBudgetNorPassesOneThatDoesNot) {
  const BudgetRates rates = RatesOfOneRun({}, kTrials, 11);
  EXPECT_LE(rates.false_fail, 0.05);
  EXPECT_LE(rates.false_pass, 0.05);
  EXPECT_GE(rates.power, 0.7);
  EXPECT_GE(rates.keeps, 0.9);
}

TEST(OneRunTest, IsAsCarefulWhenBurstsAreRare) {
  const BudgetRates rates = RatesOfOneRun({.busy_share = 0.02}, kTrials, 12);
  EXPECT_LE(rates.false_fail, 0.05);
  EXPECT_LE(rates.false_pass, 0.05);
}

TEST(OneRunTest, SeesEvenLoadsSharply) {
  const BudgetRates rates = RatesOfOneRun({.slow = 1}, kTrials, 13);
  EXPECT_LE(rates.false_fail, 0.05);
  EXPECT_LE(rates.false_pass, 0.05);
  EXPECT_GE(rates.power, 0.95);
}

// Why the bounds are not simply those of a bootstrap.
TEST(OneRunTest, IsMoreCarefulThanThePlainBootstrap) {
  const BudgetRates ours = RatesOfOneRun({.busy_share = 0.02}, kTrials, 12);
  const BudgetRates plain = RatesOfPlainBootstrap({.busy_share = 0.02}, kTrials, 12);
  EXPECT_LT(ours.false_pass + ours.false_fail, plain.false_pass + plain.false_fail);
  EXPECT_GT(plain.false_pass + plain.false_fail, 0.05);
}

TEST(RegressionTest, FiveAgainstFiveRunsSeldomAlarmAndSeeThirtyPercent) {
  const RegressionRates rates = RatesOfRegression({}, 5, kTrials, 14);
  EXPECT_LE(rates.false_alarm, 0.05);
  EXPECT_GE(rates.power, 0.7);
}

TEST(RegressionTest, ComparingTwoSingleRunsByTheirNumbersCriesWolf) {
  const RegressionRates rates = RatesOfRegression({.busy_share = 0.1}, 5, kTrials, 15);
  EXPECT_GT(rates.naive_false_alarm, 0.2);
  EXPECT_LE(rates.false_alarm, 0.05);
}

}  // namespace
}  // namespace wqprof::testing
