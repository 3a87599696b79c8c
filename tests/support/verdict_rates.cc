// SPDX-License-Identifier: Apache-2.0
#include "support/verdict_rates.h"

#include <algorithm>
#include <memory>
#include <vector>

#include "budget/bounds.h"
#include "budget/regression.h"

namespace wqprof::testing {
namespace {

constexpr double kConfidence = 0.95;
constexpr double kSlower = 1.3;
constexpr double kMaxRatio = 1.15;

Nanos Times(Nanos value, double factor) {
  return Nanos(static_cast<int64_t>(static_cast<double>(value.count()) * factor));
}

void Count(const Bounds& bounds, Nanos truth, BudgetRates& rates) {
  // A bucket's width is no error of the method.
  const Nanos above = Times(truth, 1.01), below = Times(truth, 0.99);
  if (bounds.low && *bounds.low > above) ++rates.false_fail;
  if (bounds.high && *bounds.high <= below) ++rates.false_pass;
  // Scaling all values scales the bounds: a load 30 % slower has bounds 30 % higher.
  if (bounds.low && Times(*bounds.low, kSlower) > truth) ++rates.power;
  if (bounds.high && *bounds.high <= Times(truth, 2)) ++rates.keeps;
}

BudgetRates Shares(BudgetRates counts, int trials) {
  for (double* value : {&counts.false_fail, &counts.false_pass, &counts.power, &counts.keeps}) {
    *value /= trials;
  }
  return counts;
}

Bounds PlainBootstrap(const std::vector<Histogram>& seconds, double q, std::mt19937_64& random) {
  std::vector<Nanos> drawn;
  for (int r = 0; r < 400; ++r) {
    Histogram sum;
    for (size_t i = 0; i < seconds.size(); ++i) sum.Merge(seconds[random() % seconds.size()]);
    drawn.push_back(sum.Quantile(q).value_or(Nanos(0)));
  }
  std::sort(drawn.begin(), drawn.end());
  return {drawn[9], drawn[389]};
}

double RunQuantile(const Load& load, std::mt19937_64& random) {
  Histogram all;
  load.play(random, [&](Nanos, Nanos latency) { all.Add(latency); });
  return static_cast<double>(all.Quantile(load.quantile).value_or(Nanos(0)).count());
}

}  // namespace

BudgetRates RatesOfOneRun(const Load& load, int trials, uint64_t seed) {
  std::mt19937_64 random(seed);
  BudgetRates rates;
  for (int i = 0; i < trials; ++i) {
    BlockSeries series;
    load.play(random, [&](Nanos at, Nanos latency) { series.Add(at, latency); });
    const RunSeries run{&series, load.duration};
    Count(QuantileBounds({&run, 1}, load.quantile, kConfidence), load.truth, rates);
  }
  return Shares(rates, trials);
}

BudgetRates RatesOfPlainBootstrap(const Load& load, int trials, uint64_t seed) {
  std::mt19937_64 random(seed), drawing(kBootstrapSeed);
  BudgetRates rates;
  for (int i = 0; i < trials; ++i) {
    std::vector<Histogram> seconds(static_cast<size_t>(load.duration / std::chrono::seconds(1)));
    load.play(random, [&](Nanos at, Nanos latency) {
      seconds[static_cast<size_t>(at / std::chrono::seconds(1))].Add(latency);
    });
    Count(PlainBootstrap(seconds, load.quantile, drawing), load.truth, rates);
  }
  return Shares(rates, trials);
}

RegressionRates RatesOfRegression(const Load& load, int runs, int trials, uint64_t seed) {
  std::mt19937_64 random(seed);
  RegressionRates rates;
  for (int i = 0; i < trials; ++i) {
    Comparison same;
    for (int r = 0; r < runs; ++r) same.base.push_back(RunQuantile(load, random));
    for (int r = 0; r < runs; ++r) same.now.push_back(RunQuantile(load, random));
    Comparison slower = same;
    for (double& value : slower.now) value *= kSlower;
    const auto alarms = [](Comparison& c) {
      Compare(c, kConfidence);
      return c.test.greater <= 1 - kConfidence && c.ratio > kMaxRatio;
    };
    rates.naive_false_alarm += same.now[0] > 1.1 * same.base[0] ? 1 : 0;
    rates.false_alarm += alarms(same) ? 1 : 0;
    rates.power += alarms(slower) ? 1 : 0;
  }
  rates.false_alarm /= trials;
  rates.power /= trials;
  rates.naive_false_alarm /= trials;
  return rates;
}

}  // namespace wqprof::testing
