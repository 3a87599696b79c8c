// SPDX-License-Identifier: Apache-2.0
#include "budget/regression.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "budget/lint.h"
#include "wqprof/number_text.h"

namespace wqprof {
namespace {

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  return (values[(n - 1) / 2] + values[n / 2]) / 2;
}

// Logarithms turn ratios into differences; one added keeps 0 apart from the rest.
std::vector<double> Logs(const std::vector<double>& values) {
  std::vector<double> out;
  for (const double value : values) out.push_back(std::log(value + 1));
  return out;
}

RuleOutcome Begin(const Budget& budget, size_t index, const RunSet::State& runs,
                  const RunSet::State* baseline) {
  const Rule& rule = budget.rules[index];
  RuleOutcome out;
  out.rule = index;
  out.name = rule.name;
  out.metric = rule.regression->metric;
  out.place = rule.place;
  out.warn_only = rule.warn_only;
  out.is_regression = true;
  out.limit = rule.regression->max_ratio;
  out.runs = runs.runs.size();
  out.base_runs = baseline != nullptr ? baseline->runs.size() : 0;
  return out;
}

// Why so many runs decide nothing; "" when they may.
std::string WhyTooFewRuns(const Rule& rule, size_t base_runs, size_t new_runs) {
  const size_t needed = rule.regression->min_runs;
  if (base_runs >= needed && new_runs >= needed) return "";
  return fmt::format("{} v {} runs, needs {} v {}", base_runs, new_runs, needed, needed);
}

// Why the groups cannot be compared; "" when they can.
std::string WhyTooFew(const Rule& rule, const Comparison& c, const RuleOutcome& o) {
  std::string few = WhyTooFewRuns(rule, o.base_runs, o.runs);
  if (!few.empty()) return few;
  const size_t needed = rule.regression->min_runs;
  if (c.base_samples == 0) return "not in the baseline";
  if (c.new_samples == 0) return "not in the new runs";
  if (c.base.size() >= needed && c.now.size() >= needed) return "";
  return fmt::format("only {} v {} runs have the {} items that {} needs", c.base.size(),
                     c.now.size(), CountText(NeededSamples(rule.settings, rule.regression->metric)),
                     rule.regression->metric.name);
}

void Judge(const Rule& rule, const Comparison& c, RuleOutcome& o) {
  const RegressionTest& test = *rule.regression;
  const bool too_large = c.ratio > test.max_ratio && c.now_median - c.base_median > test.min_delta;
  const double alpha = 1 - rule.settings.confidence + 1e-9;
  if (!too_large) {
    o.verdict = Verdict::kPass;
  } else if (*o.corrected_p <= alpha) {
    o.verdict = Verdict::kFail;
  } else if (*o.p <= alpha) {
    o.verdict = Verdict::kInconclusive;
    o.why = "slower, were it alone; among so many instances that is no proof: use more runs";
  } else {
    o.verdict = Verdict::kPass;
    o.why = "no evidence: single runs of one side differ as much";
  }
}

// What was compared, with its outcome.
struct Case {
  RuleOutcome outcome;
  Comparison comparison;
};

void Decide(const Budget& budget, size_t index, const std::string& not_whole,
            std::vector<Case>& cases) {
  const Rule& rule = budget.rules[index];
  std::vector<double> p;
  for (Case& c : cases) {
    // Each bound alone holds at this confidence, as the test is one-sided: the lower one lies
    // above no change exactly when the test proves one.
    Compare(c.comparison, 1 - 2 * (1 - rule.settings.confidence));
    p.push_back(c.comparison.test.greater);
  }
  const std::vector<double> corrected = Corrected(
      p, rule.settings.benjamini_hochberg ? Correction::kBenjaminiHochberg : Correction::kHolm);
  for (size_t i = 0; i < cases.size(); ++i) {
    RuleOutcome& o = cases[i].outcome;
    const Comparison& c = cases[i].comparison;
    o.base = c.base_median;
    o.now = c.now_median;
    o.value = c.ratio;
    if (std::isfinite(c.low)) o.low = c.low;
    if (std::isfinite(c.high)) o.high = c.high;
    o.p = p[i];
    o.corrected_p = corrected[i];
    Judge(rule, c, o);
    if (o.verdict == Verdict::kFail) continue;
    const std::string never = WhyNeverFails(rule, c.base.size(), c.now.size(), cases.size());
    if (!never.empty() || (!not_whole.empty() && o.verdict == Verdict::kPass)) {
      o.verdict = Verdict::kInconclusive;
      o.why = never.empty() ? not_whole : never;
    }
  }
}

}  // namespace

Comparison Gather(const RunSet::State& base, const RunSet::State& now, size_t wanted,
                  const std::string& instance, const Metric& metric, uint64_t needed) {
  Comparison out;
  const auto gather = [&](const RunSet::State& runs, std::vector<double>& values,
                          uint64_t& samples) {
    for (const RunOf& run : SeriesOf(runs, wanted, instance, metric.quantity)) {
      const uint64_t n = run.series->done.all().count();
      samples += n;
      const auto value = ValueOf(run, metric);
      if (n >= needed && value) values.push_back(*value);
    }
  };
  gather(base, out.base, out.base_samples);
  gather(now, out.now, out.new_samples);
  return out;
}

void Compare(Comparison& c, double confidence) {
  c.test = MannWhitney(c.base, c.now);
  c.base_median = Median(c.base);
  c.now_median = Median(c.now);
  const Shift shift = HodgesLehmann(Logs(c.base), Logs(c.now), 1 - confidence);
  c.ratio = std::exp(shift.estimate);
  c.low = std::exp(shift.low);
  c.high = std::exp(shift.high);
}

std::vector<BudgetProblem> ProblemsOfRuns(const Budget& budget, size_t base_runs, size_t new_runs) {
  std::vector<BudgetProblem> out;
  for (const Rule& rule : budget.rules) {
    if (!rule.regression) continue;
    const std::string why = WhyTooFewRuns(rule, base_runs, new_runs);
    if (why.empty()) continue;
    const bool fails = !rule.warn_only && rule.match_required &&
                       rule.settings.on_inconclusive == RuleSettings::OnInconclusive::kFail;
    out.push_back({rule.place,
                   fmt::format("this rule would be inconclusive: {}; give it runs of a known good "
                               "kernel with --baseline, and as many new ones with --runs {}",
                               why, rule.regression->min_runs),
                   !fails});
  }
  return out;
}

namespace {

// `others`: the instances, none of which could be compared.
std::string WhyNothingCompared(const std::vector<RuleOutcome>& others) {
  if (others.empty()) return "nothing matched";
  if (others.size() == 1) return others.front().why;
  const auto nearest = std::max_element(
      others.begin(), others.end(),
      [](const RuleOutcome& a, const RuleOutcome& b) { return a.samples < b.samples; });
  return fmt::format("no instance could be compared; the nearest, {}: {}", nearest->instance,
                     nearest->why);
}

}  // namespace

void CheckRegression(const Budget& budget, size_t index, const RunSet::State& runs,
                     const RunSet::State* baseline, CheckResult& out) {
  const Rule& rule = budget.rules[index];
  RuleOutcome whole = Begin(budget, index, runs, baseline);
  if (baseline == nullptr) {
    whole.why = "there is no --baseline to compare with";
    out.outcomes.push_back(std::move(whole));
    return;
  }
  std::set<std::string> instances = InstancesOf(runs, index);
  instances.merge(InstancesOf(*baseline, index));
  const uint64_t needed = NeededSamples(rule.settings, rule.regression->metric);
  std::vector<Case> cases;
  std::vector<RuleOutcome> others;
  for (const std::string& instance : instances) {
    Case c{whole, Gather(*baseline, runs, index, instance, rule.regression->metric, needed)};
    c.outcome.instance = instance;
    c.outcome.samples = c.comparison.base_samples + c.comparison.new_samples;
    c.outcome.why = WhyTooFew(rule, c.comparison, c.outcome);
    if (c.outcome.why.empty()) {
      cases.push_back(std::move(c));
      continue;
    }
    const bool few_runs = std::min(c.outcome.runs, c.outcome.base_runs) < rule.regression->min_runs;
    const bool skip =
        rule.settings.skip_few_samples && rule.for_each != ForEach::kNone && !few_runs;
    if (skip) c.outcome.verdict = Verdict::kSkipped;
    others.push_back(std::move(c.outcome));
  }
  std::string untold = WhyNotApart(*baseline, runs);
  if (untold.empty()) untold = WhyUntold(*baseline, rule, rule.regression->metric);
  if (untold.empty()) untold = WhyUntold(runs, rule, rule.regression->metric);
  if (!untold.empty()) {
    whole.why = std::move(untold);
    out.outcomes.push_back(std::move(whole));
    return;
  }
  std::string not_whole = WhyNotWhole(rule.settings, *baseline);
  if (not_whole.empty()) not_whole = WhyNotWhole(rule.settings, runs);
  Decide(budget, index, not_whole, cases);
  // Nothing compared is no pass, unless the rule may match nothing.
  if (cases.empty() && rule.match_required) {
    whole.why = WhyNothingCompared(others);
    others.insert(others.begin(), std::move(whole));
    if (others.size() > 1 && others[1].verdict == Verdict::kInconclusive) others.resize(1);
  }
  for (Case& c : cases) out.outcomes.push_back(std::move(c.outcome));
  for (RuleOutcome& o : others) out.outcomes.push_back(std::move(o));
}

}  // namespace wqprof
