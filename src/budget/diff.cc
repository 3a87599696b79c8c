// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "budget/evidence.h"
#include "budget/regression.h"

namespace wqprof {
namespace {

// The executions per second of an instance, over all runs of a group.
struct Activity {
  uint64_t executed = 0;
  double seconds = 0;
  size_t runs = 0;  // that have it
  double rate() const { return seconds > 0 ? static_cast<double>(executed) / seconds : 0; }
};

Activity ActivityOf(const RunSet::State& runs, const std::string& instance) {
  Activity out;
  for (const RunData& run : runs.runs) {
    out.seconds += std::chrono::duration<double>(run.report.duration).count();
    const InstanceData* const data = Find(run, 0, instance);
    if (data == nullptr) continue;
    out.executed += data->executed;
    ++out.runs;
  }
  return out;
}

// The mean over all items of a group.
std::optional<double> MeanOf(const RunSet::State& runs, const std::string& instance,
                             Quantity quantity) {
  double sum = 0, count = 0;
  for (const RunOf& run : SeriesOf(runs, 0, instance, quantity)) {
    sum += static_cast<double>(run.series->done.all().sum().count());
    count += static_cast<double>(run.series->done.all().count());
  }
  return count > 0 ? std::optional(sum / count) : std::nullopt;
}

std::optional<double> DeltaOf(const RunSet::State& base, const RunSet::State& now,
                              const std::string& instance, Quantity quantity) {
  const auto before = MeanOf(base, instance, quantity), after = MeanOf(now, instance, quantity);
  return before && after ? std::optional(*after - *before) : std::nullopt;
}

double LoadOf(const RunSet::State& runs, const std::string& instance) {
  double out = 0;
  for (const RunOf& run : SeriesOf(runs, 0, instance, Quantity::kTotal)) {
    out += static_cast<double>(run.series->done.all().sum().count());
  }
  return out;
}

// Whether any run of a group has the events that the quantity takes.
bool IsKnown(const RunSet::State& runs, Quantity quantity) {
  return std::any_of(runs.runs.begin(), runs.runs.end(), [quantity](const RunData& run) {
    return WhyUntold(run.report, quantity).empty();
  });
}

// One metric of one row, not yet corrected for the other rows.
Change ChangeOf(const DiffOptions& options, const RunSet::State& base, const RunSet::State& now,
                const std::string& instance, const Metric& metric) {
  Change out;
  out.metric = metric;
  if (!IsKnown(base, metric.quantity) || !IsKnown(now, metric.quantity)) {
    out.verdict = Change::Verdict::kNotKnown;
    return out;
  }
  Comparison c = Gather(base, now, 0, instance, metric, NeededSamples({}, metric));
  if (c.base.empty() || c.now.empty()) return out;
  Compare(c, options.confidence);
  out.base = c.base_median;
  out.now = c.now_median;
  out.ratio = c.ratio;
  if (std::isfinite(c.low)) out.low = c.low;
  if (std::isfinite(c.high)) out.high = c.high;
  const double alpha = 1 - options.confidence;
  if (2 * SmallestPOneSided(c.base.size(), c.now.size()) > alpha + 1e-9) {
    out.verdict = Change::Verdict::kTooFewRuns;
    return out;
  }
  out.p = c.test.two_sided;
  out.verdict = Change::Verdict::kNoEvidence;
  return out;
}

// Rows of one metric are one family of hypotheses.  Few runs cannot prove anything of many
// rows at once, so that only as many as they can are tested: those with the most time in
// them, base and new together, which says nothing of the difference.
void Correct(std::vector<DiffRow>& rows, size_t metric, double alpha, size_t provable) {
  std::vector<double> p;
  std::vector<Change*> changes;
  for (DiffRow& row : rows) {
    if (row.changes.size() <= metric || !row.changes[metric].p) continue;
    Change& change = row.changes[metric];
    if (changes.size() == provable) {
      change.verdict = Change::Verdict::kTooFewRuns;
      change.p.reset();
      continue;
    }
    changes.push_back(&change);
    p.push_back(*change.p);
  }
  const std::vector<double> corrected = Corrected(p, Correction::kHolm);
  for (size_t i = 0; i < changes.size(); ++i) {
    changes[i]->p = corrected[i];
    if (corrected[i] > alpha + 1e-9) continue;
    changes[i]->verdict =
        *changes[i]->ratio > 1 ? Change::Verdict::kSlower : Change::Verdict::kFaster;
  }
}

// Proven changes first, then by how much time they are about.
bool Matters(const DiffRow& a, const DiffRow& b) {
  const auto proven = [](const DiffRow& row) {
    return !row.changes.empty() && (row.changes[0].verdict == Change::Verdict::kSlower ||
                                    row.changes[0].verdict == Change::Verdict::kFaster);
  };
  if (proven(a) != proven(b)) return proven(a);
  return a.weight != b.weight ? a.weight > b.weight : a.name < b.name;
}

// `metric`: the one shown.
void NoteLosses(const RunSet::State& runs, const Metric* metric, DiffResult& out) {
  for (const RunData& run : runs.runs) {
    std::string why = metric ? WhyUntold(run.report, metric->quantity) : "";
    if (why.empty()) why = WhyNotWhole({}, run.report);
    if (!why.empty()) out.losses.push_back(fmt::format("{}: {}", run.report.source.path, why));
  }
}

}  // namespace

std::string_view ToString(Change::Verdict verdict) {
  switch (verdict) {
    case Change::Verdict::kNoEvidence:
      return "no evidence";
    case Change::Verdict::kSlower:
      return "slower";
    case Change::Verdict::kFaster:
      return "faster";
    case Change::Verdict::kTooFewRuns:
      return "too few runs";
    case Change::Verdict::kTooFewSamples:
      return "too few items";
    case Change::Verdict::kNotKnown:
      return "not known";
  }
  return "";
}

std::vector<Wanted> WantedBy(const DiffOptions& options) {
  Wanted out{
      {},
      options.by,
      {Quantity::kActivationWait, Quantity::kDispatchWait, Quantity::kExecution, Quantity::kTotal}};
  for (const Metric& metric : options.metrics) {
    if (std::find(out.quantities.begin(), out.quantities.end(), metric.quantity) ==
        out.quantities.end()) {
      out.quantities.push_back(metric.quantity);
    }
  }
  return {out};
}

DiffResult Diff(const DiffOptions& options, const RunSet& base_runs, const RunSet& new_runs) {
  const RunSet::State& base = base_runs.state();
  const RunSet::State& now = new_runs.state();
  DiffResult out;
  out.base_runs = base.runs.size();
  out.new_runs = now.runs.size();
  out.by = options.by;
  out.confidence = options.confidence;
  out.differences = Differences(base_runs, new_runs);
  out.cautions = Cautions(base_runs, new_runs);
  const Metric* const shown = options.metrics.empty() ? nullptr : &options.metrics.front();
  if (std::string why = WhyNotApart(base, now); !why.empty()) out.losses.push_back(std::move(why));
  NoteLosses(base, shown, out);
  NoteLosses(now, shown, out);
  std::set<std::string> instances = InstancesOf(base, 0);
  instances.merge(InstancesOf(now, 0));
  for (const std::string& instance : instances) {
    const Activity before = ActivityOf(base, instance), after = ActivityOf(now, instance);
    DiffRow row;
    row.name = instance;
    row.base_samples = before.executed;
    row.new_samples = after.executed;
    row.base_rate = before.rate();
    row.new_rate = after.rate();
    row.load = LoadOf(base, instance) + LoadOf(now, instance);
    if (before.runs == 0) row.presence = DiffRow::Presence::kNew;
    if (after.runs == 0) row.presence = DiffRow::Presence::kVanished;
    if (row.presence == DiffRow::Presence::kBoth) {
      row.activation_wait_delta = DeltaOf(base, now, instance, Quantity::kActivationWait);
      row.dispatch_wait_delta = DeltaOf(base, now, instance, Quantity::kDispatchWait);
      row.execution_delta = DeltaOf(base, now, instance, Quantity::kExecution);
      const auto total = DeltaOf(base, now, instance, Quantity::kTotal);
      row.weight = std::fabs(total.value_or(0)) * std::max(row.base_rate, row.new_rate);
      for (const Metric& metric : options.metrics) {
        row.changes.push_back(ChangeOf(options, base, now, instance, metric));
      }
    }
    out.rows.push_back(std::move(row));
  }
  std::stable_sort(out.rows.begin(), out.rows.end(),
                   [](const DiffRow& a, const DiffRow& b) { return a.load > b.load; });
  const double alpha = 1 - options.confidence;
  const auto provable = static_cast<size_t>(
      (alpha + 1e-9) / (2 * SmallestPOneSided(base.runs.size(), now.runs.size())));
  if (provable < out.rows.size()) out.provable_rows = provable;
  for (size_t i = 0; i < options.metrics.size(); ++i) Correct(out.rows, i, alpha, provable);
  std::sort(out.rows.begin(), out.rows.end(), Matters);
  return out;
}

}  // namespace wqprof
