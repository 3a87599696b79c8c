// SPDX-License-Identifier: Apache-2.0
// Verdicts are right as often as they claim, on loads, simulated and recorded, whose truth is
// known.  Seeds are fixed: the rates are the same every time.
#include "support/verdict_rates.h"

#include <gtest/gtest.h>

#include <cmath>

#include "support/bursty_load.h"
#include "support/recorded_load.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

constexpr int kTrials = 150;

TEST(OneRunTest, SeldomFailsALoadThatKeepsItsBudgetNorPassesOneThatDoesNot) {
  const BudgetRates rates = RatesOfOneRun(Simulated({}), kTrials, 11);
  EXPECT_LE(rates.false_fail, 0.05);
  EXPECT_LE(rates.false_pass, 0.05);
  EXPECT_GE(rates.power, 0.7);
  EXPECT_GE(rates.keeps, 0.9);
}

TEST(OneRunTest, IsAsCarefulWhenBurstsAreRare) {
  const BudgetRates rates = RatesOfOneRun(Simulated({.busy_share = 0.02}), kTrials, 12);
  EXPECT_LE(rates.false_fail, 0.05);
  EXPECT_LE(rates.false_pass, 0.05);
}

TEST(OneRunTest, SeesEvenLoadsSharply) {
  const BudgetRates rates = RatesOfOneRun(Simulated({.slow = 1}), kTrials, 13);
  EXPECT_LE(rates.false_fail, 0.05);
  EXPECT_LE(rates.false_pass, 0.05);
  EXPECT_GE(rates.power, 0.95);
}

// Why the bounds are not simply those of a bootstrap.
TEST(OneRunTest, IsMoreCarefulThanThePlainBootstrap) {
  const BudgetRates ours = RatesOfOneRun(Simulated({.busy_share = 0.02}), kTrials, 12);
  const BudgetRates plain = RatesOfPlainBootstrap(Simulated({.busy_share = 0.02}), kTrials, 12);
  EXPECT_LT(ours.false_pass + ours.false_fail, plain.false_pass + plain.false_fail);
  EXPECT_GT(plain.false_pass + plain.false_fail, 0.05);
}

TEST(RegressionTest, FiveAgainstFiveRunsSeldomAlarmAndSeeThirtyPercent) {
  const RegressionRates rates = RatesOfRegression(Simulated({}), 5, kTrials, 14);
  EXPECT_LE(rates.false_alarm, 0.05);
  EXPECT_GE(rates.power, 0.7);
}

TEST(RegressionTest, ComparingTwoSingleRunsByTheirNumbersCriesWolf) {
  const RegressionRates rates = RatesOfRegression(Simulated({.busy_share = 0.1}), 5, kTrials, 15);
  EXPECT_GT(rates.naive_false_alarm, 0.2);
  EXPECT_LE(rates.false_alarm, 0.05);
}

// Waits as a kernel had them, while other tasks took the CPUs in bursts.
Load Recorded(std::string_view function, double quantile) {
  return Replayed(ReadWaits(WQPROF_TEST_DATA "/loads/bursts.dat", function), 10s, 1s, quantile);
}

TEST(ReplayTest, DrawsRunsWithTheRecordingsOwnWaits) {
  const RecordedWaits waits = ReadWaits(WQPROF_TEST_DATA "/loads/bursts.dat", "flush_to_ldisc");
  ASSERT_GT(waits.waits.size(), 5000u);
  std::mt19937_64 random(1);
  Nanos last{-1};
  size_t works = 0;
  Replayed(waits, 90s, 1s, 0.99).play(random, [&](Nanos at, Nanos latency) {
    EXPECT_GE(at, last);
    EXPECT_LT(at, Nanos(90s));
    EXPECT_GE(latency, Nanos(0));
    last = at;
    ++works;
  });
  // As many a second as were recorded.
  const double expected = static_cast<double>(waits.waits.size()) *
                          std::chrono::duration<double>(90s).count() /
                          std::chrono::duration<double>(waits.duration).count();
  EXPECT_NEAR(static_cast<double>(works), expected, expected / 10);
}

TEST(ReplayTest, RecordedWaitsSeldomMisleadOneRun) {
  for (const Load& load : {Recorded("flush_to_ldisc", 0.99), Recorded("aio_fsync_work", 0.95),
                           Recorded("aio_fsync_work", 0.99)}) {
    const BudgetRates rates = RatesOfOneRun(load, kTrials, 16);
    EXPECT_LE(rates.false_fail, 0.05);
    EXPECT_LE(rates.false_pass, 0.05);
  }
}

TEST(ReplayTest, RecordedWaitsSeldomAlarmAComparisonAndShowThirtyPercent) {
  for (const Load& load : {Recorded("flush_to_ldisc", 0.99), Recorded("aio_fsync_work", 0.95)}) {
    const RegressionRates rates = RatesOfRegression(load, 5, kTrials, 17);
    EXPECT_LE(rates.false_alarm, 0.05);
    EXPECT_GE(rates.power, 0.7);
  }
}

// Where p99 lies between prompt items and rare ones that wait a hundred times as long, five runs
// see little, but they cry no wolf: 12 of the 252 orders of the runs prove something at 95 %.
TEST(ReplayTest, RareLateItemsSeldomAlarmAComparison) {
  constexpr int kManyTrials = 5000;
  const Load load = Recorded("aio_fsync_work", 0.99);
  constexpr double kLevel = 12.0 / 252;
  const double deviation = std::sqrt(kLevel * (1 - kLevel) / kManyTrials);
  EXPECT_LE(RatesOfRegression(load, 5, kManyTrials, 18).false_alarm, kLevel + 3 * deviation);
}

}  // namespace
}  // namespace wqprof::testing
