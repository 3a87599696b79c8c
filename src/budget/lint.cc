// SPDX-License-Identifier: Apache-2.0
#include "budget/lint.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>

#include "budget/metric.h"
#include "budget/statistics.h"

namespace wqprof {
namespace {

bool SelectsItems(const ItemSelector& s) {
  return !s.workqueues.empty() || !s.functions.empty() || !s.origins.empty();
}

bool SelectsPools(const ItemSelector& s) { return !s.pools.empty() || !s.cpus.empty(); }

// What the limit asks that its quantity does not have; "" when it has all.
std::string WhyMeaningless(const Rule& rule, const Limit& limit) {
  const std::string& name = limit.metric.name;
  switch (limit.metric.quantity) {
    case Quantity::kBusyFraction:
    case Quantity::kBacklog:
      if (SelectsItems(rule.selector)) {
        return fmt::format("{} is a pool's: select by pool or cpu only", name);
      }
      if (rule.for_each != ForEach::kNone && rule.for_each != ForEach::kPool) {
        return fmt::format("{} is a pool's: write for_each = \"pool\"", name);
      }
      return "";
    case Quantity::kLostEvents:
    case Quantity::kUnmatched:
      if (SelectsItems(rule.selector) || SelectsPools(rule.selector) ||
          rule.for_each != ForEach::kNone) {
        return fmt::format("{} is the whole trace's: write it in a rule that selects nothing",
                           name);
      }
      return "";
    case Quantity::kStalls:
    case Quantity::kStall:
      if (!rule.selector.origins.empty() || rule.for_each == ForEach::kOrigin) {
        return fmt::format("{} has no origin: select by pool, cpu, workqueue or function", name);
      }
      return "";
    default:
      return "";
  }
}

void LintLimit(const Rule& rule, const Limit& limit, std::vector<BudgetProblem>& problems) {
  if (const std::string why = WhyMeaningless(rule, limit); !why.empty()) {
    problems.push_back({limit.place, why, false});
    return;
  }
  if (limit.metric.statistic == Metric::Statistic::kQuantile && rule.settings.min_samples) {
    const uint64_t needed = SamplesNeeded(limit.metric.quantile);
    if (*rule.settings.min_samples < needed) {
      problems.push_back({limit.place,
                          fmt::format("min_samples = {} is too few for {}, which needs {}; "
                                      "below that the rule is hardly ever conclusive",
                                      *rule.settings.min_samples, limit.metric.name, needed),
                          true});
    }
  }
  if (limit.metric.quantity == Quantity::kBusyFraction && limit.value >= 1) {
    problems.push_back(
        {limit.place, "a busy_fraction is never above 1: this limit cannot fail", true});
  }
}

void LintRegression(const Rule& rule, std::vector<BudgetProblem>& problems) {
  const RegressionTest& test = *rule.regression;
  const std::string why = WhyNeverFails(rule, test.min_runs, test.min_runs, 1);
  if (!why.empty()) problems.push_back({rule.place, why, false});
  if (test.max_ratio == 1 && test.min_delta == 0) {
    problems.push_back({rule.place,
                        "without max_ratio or min_delta any proven change fails, however small",
                        true});
  }
}

}  // namespace

std::string WhyNeverFails(const Rule& rule, size_t base_runs, size_t new_runs, size_t instances) {
  const double alpha = 1 - rule.settings.confidence;
  // Benjamini-Hochberg lets all instances fail at once, and then asks no more than `alpha`.
  const double needed = rule.settings.benjamini_hochberg
                            ? alpha
                            : alpha / static_cast<double>(std::max<size_t>(1, instances));
  // A p value that is the bound itself may be off in its last digit.
  constexpr double kSlack = 1e-9;
  if (base_runs == 0 || new_runs == 0 ||
      SmallestPOneSided(base_runs, new_runs) <= needed + kSlack) {
    return "";
  }
  size_t runs = 2;
  while (SmallestPOneSided(runs, runs) > needed + kSlack && runs < 30) ++runs;
  if (instances <= 1) {
    return fmt::format(
        "this rule can never fail: {} v {} runs reach p = {:.2g} at best, and "
        "confidence = {} needs {:.2g}; use {} runs a side",
        base_runs, new_runs, SmallestPOneSided(base_runs, new_runs), rule.settings.confidence,
        needed, runs);
  }
  return fmt::format(
      "this rule can never fail: {} v {} runs reach p = {:.2g} at best, and Holm's "
      "correction over {} instances needs {:.2g}; use {} runs a side, or "
      "correction = \"bh\"",
      base_runs, new_runs, SmallestPOneSided(base_runs, new_runs), instances, needed, runs);
}

void LintBudget(const Budget& budget, std::vector<BudgetProblem>& problems) {
  std::map<std::string, uint32_t> lines;
  for (const Rule& rule : budget.rules) {
    const auto [first, added] = lines.try_emplace(rule.name, rule.place.line);
    if (added) continue;
    problems.push_back({rule.place,
                        fmt::format("the rule in line {} has this name as well: results and JUnit "
                                    "cannot keep them apart",
                                    first->second),
                        true});
  }
  for (const Rule& rule : budget.rules) {
    for (const Limit& limit : rule.limits) LintLimit(rule, limit, problems);
    if (rule.regression) LintRegression(rule, problems);
  }
}

}  // namespace wqprof
