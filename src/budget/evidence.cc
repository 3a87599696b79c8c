// SPDX-License-Identifier: Apache-2.0
#include "budget/evidence.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <deque>

#include "budget/metric.h"
#include "wqprof/number_text.h"

namespace wqprof {
namespace {

using S = Metric::Statistic;

double Seconds(Nanos span) { return std::chrono::duration<double>(span).count(); }

// A mean of so few values says nothing of its own error.
constexpr uint64_t kSamplesForMean = 30;

// `series` with the cut items that lasted longer than `limit`.
BlockSeries WithCut(const Series& series, Nanos duration, double limit) {
  BlockSeries out = series.done;
  for (const Histogram::Bucket& bucket : series.cut.Buckets()) {
    const double low = std::exp2(static_cast<double>(bucket.index) / (1 << Histogram::kScale));
    const auto value = Nanos(static_cast<int64_t>(std::ceil(low)));
    // The bucket's lower end: an item that may be within the limit is not held against it.
    if (static_cast<double>(value.count()) > limit) out.AddAtEnd(duration, value, bucket.count);
  }
  return out;
}

Estimated EstimateMax(const std::vector<RunOf>& runs, double limit) {
  Estimated out;
  const auto consider = [&](std::optional<Nanos> max) {
    if (max) out.value = std::max(out.value.value_or(0), static_cast<double>(max->count()));
  };
  for (const RunOf& run : runs) {
    out.samples += run.series->done.all().count();
    consider(run.series->done.all().max());
    const auto cut = run.series->cut.max();
    if (cut && static_cast<double>(cut->count()) > limit) {
      consider(cut);
      ++out.samples;
    }
  }
  out.low = out.high = out.value;
  return out;
}

Estimated EstimateCount(const std::vector<RunOf>& runs, const Metric& metric) {
  Estimated out;
  for (const RunOf& run : runs) {
    out.samples += run.series->done.all().count();
    out.value = std::max(out.value.value_or(0), ValueOf(run, metric).value_or(0));
  }
  out.low = out.high = out.value;
  return out;
}

constexpr EventKind kQueue = EventKind::kQueueWork, kActivate = EventKind::kActivateWork,
                    kStart = EventKind::kExecuteStart, kEnd = EventKind::kExecuteEnd;

// The events that a quantity rests on.
WorkqueueEvents EventsOf(Quantity quantity) {
  if (IsPart(quantity)) {
    // A worker's other executions are a part of the wait.
    const bool of_wait = static_cast<size_t>(quantity) < kMeasures.size() + kWaitParts.size();
    return of_wait ? WorkqueueEvents{kActivate, kStart, kEnd} : WorkqueueEvents{kStart, kEnd};
  }
  switch (quantity) {
    case Quantity::kLatency:
      return {kQueue, kStart};
    case Quantity::kActivationWait:
      return {kQueue, kActivate};
    case Quantity::kDispatchWait:
    case Quantity::kStalls:
    case Quantity::kStall:
      return {kActivate, kStart};
    case Quantity::kExecution:
    case Quantity::kBusyFraction:
      return {kStart, kEnd};
    case Quantity::kTotal:
      return {kQueue, kEnd};
    case Quantity::kBacklog:
      return {kQueue, kActivate, kStart};
    case Quantity::kUnmatched:
      return {kQueue, kActivate, kStart, kEnd};
    case Quantity::kLostEvents:
      return {};
  }
  return {kQueue};  // known from the timers of delayed works
}

// Those that show which items the rule is about: only queue events name workqueues and origins.
WorkqueueEvents EventsOf(const Rule& rule) {
  const ItemSelector& s = rule.selector;
  const bool by_queue = !s.workqueues.empty() || !s.origins.empty() ||
                        rule.for_each == ForEach::kWorkqueue || rule.for_each == ForEach::kOrigin;
  return by_queue ? WorkqueueEvents{kQueue} : WorkqueueEvents{};
}

std::string WhyMissing(const Report& run, WorkqueueEvents needed, std::string_view what) {
  std::vector<std::string> missing;
  for (const EventKind kind : kWorkqueueEventKinds) {
    if (!needed.Has(kind) || run.recorded.Has(kind)) continue;
    missing.push_back(fmt::format("workqueue_{}", WorkqueueEventName(kind)));
  }
  if (missing.empty()) return "";
  return fmt::format("no {} events, which {} needs", fmt::join(missing, " and "), what);
}

// Whether limits on it are in units of time, or of the share of it.
bool IsTime(Quantity quantity) {
  return IsDurationOfItems(quantity) || quantity == Quantity::kStalls ||
         quantity == Quantity::kStall || quantity == Quantity::kBusyFraction;
}

}  // namespace

std::string WhyUntold(const Report& run, Quantity quantity) {
  std::string why = WhyMissing(run, EventsOf(quantity), NameOf(quantity));
  if (why.empty() && IsPart(quantity) && !run.source.has_sched) {
    why = fmt::format("no scheduler events, which {} needs: record without --no-sched",
                      NameOf(quantity));
  }
  const MeasureSpec* const measure = MeasureOf(quantity);
  if (why.empty() && measure != nullptr && measure->of_timers && !run.source.has_timers) {
    why = fmt::format("no timers of delayed works, which {} needs: record without --no-timers",
                      NameOf(quantity));
  }
  if (why.empty() && IsTime(quantity) && !run.source.clock_is_ns) {
    why = fmt::format("its clock '{}' does not count nanoseconds", run.source.clock);
  }
  return why;
}

std::string WhyUntold(const RunSet::State& runs, const Rule& rule, const Metric& metric) {
  for (const RunData& run : runs.runs) {
    std::string why = WhyUntold(run.report, metric.quantity);
    if (why.empty()) why = WhyMissing(run.report, EventsOf(rule), "this rule");
    if (!why.empty()) return fmt::format("{}: {}", run.report.source.path, why);
  }
  return "";
}

uint64_t NeededSamples(const RuleSettings& settings, const Metric& metric) {
  if (!metric.is_estimated()) return 1;
  if (settings.min_samples) return std::max<uint64_t>(1, *settings.min_samples);
  return metric.statistic == S::kMean ? kSamplesForMean : SamplesNeeded(metric.quantile);
}

std::string WhyNotWhole(const RuleSettings& settings, const Report& report) {
  const Quality& q = report.quality;
  if (!q.lost_events) return "events were lost, nobody knows how many";
  if (*q.lost_events > settings.max_lost_events) {
    return fmt::format("{} lost", CountOf(*q.lost_events, "event was", "events were"));
  }
  if (q.truncated || q.unfinished) return "the recording is cut off";
  if (q.incomplete) return "the recording lacks events, as its recorder noted";
  if (q.disturbances > 0) {
    return fmt::format("somebody else changed the trace instance: {}",
                       report.source.disturbances[0]);
  }
  if (q.corrupt_pages > 0)
    return fmt::format("{} damaged", CountOf(q.corrupt_pages, "page is", "pages are"));
  if (report.read.time_reversals > 0) {
    return fmt::format("{} backwards on a CPU",
                       CountOf(report.read.time_reversals, "stamp goes", "stamps go"));
  }
  if (q.match.negative_latencies > 0) {
    return fmt::format("{} before it was queued: its CPUs' clocks disagree",
                       CountOf(q.match.negative_latencies, "item starts", "items start"));
  }
  const double unmatched = 1 - q.paired_fraction.value_or(1);
  if (unmatched > settings.max_unmatched) {
    return fmt::format("{} of the starts have no queue event", PercentText(unmatched));
  }
  return "";
}

std::string WhyNotWhole(const RuleSettings& settings, const RunSet::State& runs) {
  for (const RunData& run : runs.runs) {
    const std::string why = WhyNotWhole(settings, run.report);
    if (!why.empty()) return fmt::format("{}: {}", run.report.source.path, why);
  }
  return "";
}

std::vector<RunOf> SeriesOf(const RunSet::State& runs, size_t wanted, const std::string& instance,
                            Quantity quantity) {
  std::vector<RunOf> out;
  const auto& quantities = runs.wanted[wanted].quantities;
  const auto at = std::find(quantities.begin(), quantities.end(), quantity);
  if (at == quantities.end()) return out;
  for (const RunData& run : runs.runs) {
    const InstanceData* const data = Find(run, wanted, instance);
    if (data == nullptr || !WhyUntold(run.report, quantity).empty()) continue;
    out.push_back({&run, &data->series[static_cast<size_t>(at - quantities.begin())]});
  }
  return out;
}

std::optional<double> ValueOf(const RunOf& run, const Metric& metric) {
  const Histogram& all = run.series->done.all();
  const auto number = [](std::optional<Nanos> time) {
    return time ? std::optional(static_cast<double>(time->count())) : std::nullopt;
  };
  const double seconds = Seconds(run.run->report.duration);
  switch (metric.statistic) {
    case S::kQuantile:
      return number(all.Quantile(metric.quantile));
    case S::kMean:
      return all.count() == 0 ? std::nullopt
                              : std::optional(static_cast<double>(all.sum().count()) /
                                              static_cast<double>(all.count()));
    case S::kMax:
      return number(all.max());
    case S::kCount:
      return static_cast<double>(all.count());
    case S::kRate:
      if (seconds <= 0) return std::nullopt;
      return static_cast<double>(all.count()) / seconds;
  }
  return std::nullopt;
}

Estimated Estimate(const std::vector<RunOf>& runs, const Metric& metric, double limit,
                   double confidence) {
  if (metric.statistic == S::kMax) return EstimateMax(runs, limit);
  if (!metric.is_estimated()) return EstimateCount(runs, metric);
  std::deque<BlockSeries> with_cut;
  std::vector<RunSeries> all;
  Histogram merged;
  for (const RunOf& run : runs) {
    const BlockSeries* series = &run.series->done;
    const Nanos duration = run.run->report.duration;
    if (run.series->cut_count() > 0) {
      series = &with_cut.emplace_back(WithCut(*run.series, duration, limit));
    }
    merged.Merge(series->all());
    if (series->all().count() > 0) all.push_back({series, duration});
  }
  Estimated out;
  out.samples = merged.count();
  if (out.samples == 0) return out;
  const bool mean = metric.statistic == S::kMean;
  out.value = mean ? static_cast<double>(merged.sum().count()) / static_cast<double>(out.samples)
                   : static_cast<double>(merged.Quantile(metric.quantile)->count());
  const Bounds bounds =
      mean ? MeanBounds(all, confidence) : QuantileBounds(all, metric.quantile, confidence);
  if (bounds.low) out.low = static_cast<double>(bounds.low->count());
  if (bounds.high) out.high = static_cast<double>(bounds.high->count());
  return out;
}

std::set<std::string> InstancesOf(const RunSet::State& runs, size_t wanted) {
  std::set<std::string> out;
  for (const RunData& run : runs.runs) {
    for (const auto& [name, data] : run.instances[wanted]) out.insert(name);
  }
  return out;
}

}  // namespace wqprof
