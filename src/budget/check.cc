// SPDX-License-Identifier: Apache-2.0
// Verdicts on limits.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "budget/evidence.h"
#include "budget/item_collector.h"
#include "budget/regression.h"
#include "wqprof/did_you_mean.h"
#include "wqprof/glob.h"
#include "wqprof/number_text.h"

namespace wqprof {
namespace {

bool SelectsPool(const ItemSelector& s, const std::string& pool) {
  if (!PassesGlobs(s.pools, {pool})) return false;
  return s.cpus.empty() || std::find(s.cpus.begin(), s.cpus.end(), CpuOfPool(pool)) != s.cpus.end();
}

// Whether the stall delayed any item of the instance.
bool Delayed(const Stall& stall, const Rule& rule, const std::string& instance) {
  const ItemSelector& s = rule.selector;
  if (!SelectsPool(s, stall.pool)) return false;
  if (rule.for_each == ForEach::kPool && stall.pool != instance) return false;
  if (rule.for_each == ForEach::kCpu &&
      fmt::format("cpu{}", ToInt(CpuOfPool(stall.pool))) != instance) {
    return false;
  }
  const bool by_item = !s.workqueues.empty() || !s.functions.empty() ||
                       rule.for_each == ForEach::kFunction || rule.for_each == ForEach::kWorkqueue;
  if (!by_item) return true;
  return std::any_of(stall.delayed.begin(), stall.delayed.end(), [&](const DelayedRow& row) {
    if (rule.for_each == ForEach::kWorkqueue && row.workqueue != instance) return false;
    if (rule.for_each == ForEach::kFunction &&
        fmt::format("{}/{}", row.workqueue, row.function) != instance) {
      return false;
    }
    return PassesGlobs(s.workqueues, {row.workqueue}) && PassesGlobs(s.functions, {row.function});
  });
}

// Facts of one run, of which no estimate is needed.  Absent: the run has nothing of the kind.
std::optional<double> FactOf(const RunData& run, const Budget& budget, const Rule& rule,
                             const std::string& instance, const Metric& metric) {
  std::optional<double> out;
  const auto consider = [&](double value) { out = std::max(out.value_or(0), value); };
  const Report& report = run.report;
  if (!WhyUntold(report, metric.quantity).empty()) return std::nullopt;
  const bool mean = metric.statistic == Metric::Statistic::kMean;
  switch (metric.quantity) {
    case Quantity::kStalls:
    case Quantity::kStall:
      out = 0;
      for (const Stall& stall : report.stalls) {
        if (!Delayed(stall, rule, instance)) continue;
        if (metric.quantity == Quantity::kStall) {
          consider(static_cast<double>(stall.duration.count()));
        } else if (stall.duration >= budget.stall_threshold) {
          *out += 1;
        }
      }
      return out;
    case Quantity::kBusyFraction:
    case Quantity::kBacklog:
      for (const PoolRow& row : report.pools) {
        const std::string& name = row.occupancy.pool.name;
        if (!SelectsPool(rule.selector, name)) continue;
        if (rule.for_each == ForEach::kPool && name != instance) continue;
        if (metric.quantity == Quantity::kBusyFraction) {
          consider(row.busy_fraction);
        } else {
          consider(mean ? row.backlog_mean : static_cast<double>(row.occupancy.backlog_max));
        }
      }
      return out;
    case Quantity::kLostEvents:
      if (!report.quality.lost_events) return std::nullopt;
      return static_cast<double>(*report.quality.lost_events);
    case Quantity::kUnmatched:
      return static_cast<double>(report.quality.match.unmatched_starts +
                                 report.quality.match.unmatched_ends);
    default:
      return std::nullopt;
  }
}

// Names that a glob could have meant.
std::vector<std::string> NamesOf(const RunSet::State& runs, std::string FunctionRow::*name) {
  std::set<std::string> out;
  for (const RunData& run : runs.runs) {
    for (const FunctionRow& row : run.report.functions) out.insert(row.*name);
  }
  return {out.begin(), out.end()};
}

std::vector<std::string> PoolNames(const RunSet::State& runs) {
  std::set<std::string> out;
  for (const RunData& run : runs.runs) {
    for (const PoolRow& row : run.report.pools) out.insert(row.occupancy.pool.name);
  }
  return {out.begin(), out.end()};
}

// The first glob of a list that matches none of `names`, in words.
std::string Unmatched(std::string_view what, const std::vector<std::string>& globs,
                      const std::vector<std::string>& names) {
  for (const std::string& glob : globs) {
    const bool any = std::any_of(names.begin(), names.end(),
                                 [&](const std::string& name) { return MatchesGlob(glob, name); });
    // What nothing is excluded by is no mistake.
    if (any || IsExclusion(glob)) continue;
    std::string word = glob;
    std::erase_if(word, [](char c) { return c == '*' || c == '?'; });
    return fmt::format("{} '{}' matches nothing in these runs{}", what, glob,
                       DidYouMean(word, names));
  }
  return "";
}

// Puts limits to what was measured.
class Checker {
 public:
  Checker(const Budget& budget, const RunSet::State& runs, CheckResult& out)
      : budget_(budget), runs_(runs), out_(out) {}

  void Check(size_t index) {
    const Rule& rule = budget_.rules[index];
    const std::string not_whole = WhyNotWhole(rule.settings, runs_);
    const size_t before = out_.outcomes.size();
    for (const std::string& instance : InstancesFor(index)) {
      for (const Limit& limit : rule.limits) {
        RuleOutcome outcome = Begin(index, limit);
        outcome.instance = instance;
        Judge(rule, limit, outcome);
        const std::string untold = WhyUntold(runs_, rule, limit.metric);
        // Items that still wait may be of no known pool, which then has nothing to limit.
        const bool no_pool = !outcome.value && outcome.metric.quantity >= Quantity::kBusyFraction &&
                             rule.for_each == ForEach::kPool && untold.empty();
        if (no_pool) continue;
        // How much may be lost is what that limit is about.
        const bool gated = limit.metric.quantity != Quantity::kLostEvents && !not_whole.empty();
        if (outcome.verdict == Verdict::kPass && gated) Unproven(not_whole, outcome);
        if (outcome.verdict != Verdict::kFail && !untold.empty()) Unproven(untold, outcome);
        out_.outcomes.push_back(std::move(outcome));
      }
    }
    if (out_.outcomes.size() == before) NothingMatched(index);
  }

 private:
  RuleOutcome Begin(size_t index, const Limit& limit) const {
    const Rule& rule = budget_.rules[index];
    RuleOutcome out;
    out.rule = index;
    out.name = rule.name;
    out.metric = limit.metric;
    out.place = limit.place;
    out.warn_only = rule.warn_only;
    out.limit = limit.value;
    out.runs = runs_.runs.size();
    return out;
  }

  static void Unproven(const std::string& why, RuleOutcome& out) {
    out.verdict = Verdict::kInconclusive;
    out.why = why;
  }

  // Those with items; pools also when only barriers ran there.
  std::set<std::string> InstancesFor(size_t index) const {
    const Rule& rule = budget_.rules[index];
    std::set<std::string> out = InstancesOf(runs_, index);
    const bool pools = std::any_of(rule.limits.begin(), rule.limits.end(), [](const Limit& l) {
      return !IsDurationOfItems(l.metric.quantity);
    });
    if (!pools || !rule.selector.workqueues.empty() || !rule.selector.functions.empty()) return out;
    const ForEach each = rule.for_each;
    for (const std::string& pool : PoolNames(runs_)) {
      if (!SelectsPool(rule.selector, pool)) continue;
      if (each == ForEach::kPool) out.insert(pool);
      if (each == ForEach::kNone) out.insert("");
    }
    // What is known of a trace as a whole needs no items.
    if (rule.selector.pools.empty() && rule.selector.cpus.empty() && each == ForEach::kNone) {
      out.insert("");
    }
    return out;
  }

  void NothingMatched(size_t index) {
    const Rule& rule = budget_.rules[index];
    const ItemSelector& s = rule.selector;
    RuleOutcome out = Begin(index, rule.limits.front());
    out.verdict = rule.match_required ? Verdict::kInconclusive : Verdict::kSkipped;
    out.why = "nothing matched";
    const auto blame = [&](std::string why, Place place) {
      if (why.empty() || out.why != "nothing matched") return;
      out.why = std::move(why);
      out.place = place;
    };
    blame(Unmatched("workqueue", s.workqueues, NamesOf(runs_, &FunctionRow::workqueue)),
          s.places.workqueues);
    blame(Unmatched("function", s.functions, NamesOf(runs_, &FunctionRow::function)),
          s.places.functions);
    blame(Unmatched("pool", s.pools, PoolNames(runs_)), s.places.pools);
    // What was not recorded may have matched all the same.
    for (const Limit& limit : rule.limits) {
      const std::string untold = WhyUntold(runs_, rule, limit.metric);
      if (!untold.empty()) Unproven(untold, out);
    }
    out_.outcomes.push_back(std::move(out));
  }

  void Judge(const Rule& rule, const Limit& limit, RuleOutcome& out) const {
    if (IsDurationOfItems(limit.metric.quantity)) return JudgeItems(rule, limit, out);
    for (const RunData& run : runs_.runs) {
      const auto fact = FactOf(run, budget_, rule, out.instance, limit.metric);
      if (!fact && limit.metric.quantity == Quantity::kLostEvents) {
        out.why = "events were lost, nobody knows how many";
        out.verdict = Verdict::kFail;
        return;
      }
      if (fact && *fact > out.value.value_or(0)) NoteWorst(rule, limit.metric, run, out);
      if (fact) out.value = std::max(out.value.value_or(0), *fact);
      ++out.samples;
    }
    out.low = out.high = out.value;
    if (!out.value) {
      out.why = "no such pool executed anything";
      return;
    }
    out.verdict = *out.value > limit.value ? Verdict::kFail : Verdict::kPass;
  }

  void NoteWorst(const Rule& rule, const Metric& metric, const RunData& run,
                 RuleOutcome& out) const {
    out.worst_run = run.report.source.path;
    out.worst_stall = 0;
    out.worst_threshold = runs_.shortest_stall;
    if (metric.quantity != Quantity::kStalls && metric.quantity != Quantity::kStall) return;
    Nanos longest{0};
    for (const Stall& stall : run.report.stalls) {
      if (stall.duration <= longest || !Delayed(stall, rule, out.instance)) continue;
      longest = stall.duration;
      out.worst_stall = stall.id;
    }
  }

  static void NoteWorstItem(const std::vector<RunOf>& series, RuleOutcome& out) {
    Nanos longest{-1};
    for (const RunOf& run : series) {
      const Nanos here = std::max(run.series->done.all().max().value_or(Nanos(-1)),
                                  run.series->cut.max().value_or(Nanos(-1)));
      if (here <= longest) continue;
      longest = here;
      out.worst_run = run.run->report.source.path;
    }
  }

  void JudgeItems(const Rule& rule, const Limit& limit, RuleOutcome& out) const {
    const auto series = SeriesOf(runs_, out.rule, out.instance, limit.metric.quantity);
    const Estimated estimate =
        Estimate(series, limit.metric, limit.value, rule.settings.confidence);
    NoteWorstItem(series, out);
    out.samples = estimate.samples;
    out.value = estimate.value;
    out.low = estimate.low;
    out.high = estimate.high;
    const uint64_t needed = NeededSamples(rule.settings, limit.metric);
    const bool counts = limit.metric.statistic == Metric::Statistic::kCount ||
                        limit.metric.statistic == Metric::Statistic::kRate;
    if (estimate.samples < needed && !(counts && estimate.value)) {
      if (rule.settings.skip_few_samples) out.verdict = Verdict::kSkipped;
      out.why = fmt::format("n={}, needs {}", CountText(estimate.samples), CountText(needed));
      return;
    }
    if (estimate.low && *estimate.low > limit.value) {
      out.verdict = Verdict::kFail;
    } else if (estimate.high && *estimate.high <= limit.value) {
      out.verdict = Verdict::kPass;
    } else {
      out.why = estimate.low && estimate.high
                    ? "the bounds include the limit: more or longer runs decide"
                    : "the runs are too short, or too bursty, to bound it: more or longer ones "
                      "decide";
    }
  }

  const Budget& budget_;
  const RunSet::State& runs_;
  CheckResult& out_;
};

void NoteRuns(const RunSet::State& runs, bool baseline, CheckResult& out) {
  for (const RunData& run : runs.runs) {
    out.runs.push_back(
        {run.report.source.path, baseline, run.report.quality, run.report.duration, ""});
  }
}

}  // namespace

std::string_view ToString(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPass:
      return "pass";
    case Verdict::kFail:
      return "fail";
    case Verdict::kInconclusive:
      return "inconclusive";
    case Verdict::kSkipped:
      return "skipped";
  }
  return "";
}

size_t CheckResult::Count(Verdict verdict) const {
  return static_cast<size_t>(
      std::count_if(outcomes.begin(), outcomes.end(),
                    [verdict](const RuleOutcome& o) { return o.verdict == verdict; }));
}

size_t CheckResult::warnings() const {
  return static_cast<size_t>(std::count_if(
      outcomes.begin(), outcomes.end(),
      [](const RuleOutcome& o) { return o.verdict == Verdict::kFail && o.warn_only; }));
}

size_t CheckResult::failed_runs() const {
  return static_cast<size_t>(std::count_if(
      runs.begin(), runs.end(), [](const RunNote& run) { return !run.failure.empty(); }));
}

bool CheckResult::broken() const { return Count(Verdict::kFail) > warnings(); }

bool CheckResult::insufficient() const {
  if (failed_runs() > 0) return true;
  return std::any_of(outcomes.begin(), outcomes.end(), [this](const RuleOutcome& o) {
    return o.verdict == Verdict::kInconclusive && !o.warn_only &&
           budget.rules[o.rule].settings.on_inconclusive == RuleSettings::OnInconclusive::kFail;
  });
}

CheckResult CheckBudget(const Budget& budget, const RunSet& runs, const RunSet* baseline) {
  CheckResult out;
  out.budget = budget;
  out.seed = kBootstrapSeed;
  NoteRuns(runs.state(), false, out);
  if (runs.size() > 0) out.fingerprint = runs.fingerprint(0);
  if (baseline != nullptr) {
    NoteRuns(baseline->state(), true, out);
    out.differences = Differences(*baseline, runs);
    out.cautions = Cautions(*baseline, runs);
  }
  Checker checker(out.budget, runs.state(), out);
  for (size_t i = 0; i < budget.rules.size(); ++i) {
    if (budget.rules[i].regression) {
      CheckRegression(budget, i, runs.state(), baseline ? &baseline->state() : nullptr, out);
    } else {
      checker.Check(i);
    }
  }
  return out;
}

}  // namespace wqprof
