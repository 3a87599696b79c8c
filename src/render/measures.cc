// SPDX-License-Identifier: Apache-2.0
#include "render/measures.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "wqprof/number_text.h"

namespace wqprof {
namespace {

constexpr size_t kPictureBins = 16;

// The largest of 1, 2, 5, 10, 20, ... that is not above `ns` (>= 1).
int64_t RoundDown(int64_t ns) {
  int64_t decade = 1;
  while (decade <= ns / 10) decade *= 10;
  for (const int64_t factor : {5, 2}) {
    if (factor <= ns / decade) return decade * factor;
  }
  return decade;
}

// The smallest of them that is not below `ns`.
int64_t RoundUp(int64_t ns) {
  for (int64_t decade = 1;; decade *= 10) {
    for (const int64_t factor : {1, 2, 5}) {
      if (decade * factor >= ns) return decade * factor;
    }
    if (decade > INT64_MAX / 10) return INT64_MAX;
  }
}

// "1us", "50ms": a round number without the fraction that DurationText() gives it.
std::string RoundText(Nanos duration) {
  const int64_t ns = duration.count();
  if (ns >= 1'000'000'000) return fmt::format("{}s", ns / 1'000'000'000);
  if (ns >= 1'000'000) return fmt::format("{}ms", ns / 1'000'000);
  if (ns >= 1000) return fmt::format("{}us", ns / 1000);
  return fmt::format("{}ns", ns);
}

std::optional<Estimate> QuantileOf(const Histogram& histogram, double q) {
  const std::optional<Nanos> value = histogram.Quantile(q);
  if (!value) return std::nullopt;
  return Estimate{*value, histogram.count() < SamplesNeeded(q), false};
}

std::optional<Nanos> SumOf(const Histogram& histogram) {
  return histogram.count() == 0 ? std::nullopt : std::optional(histogram.sum());
}

// How much of the time from queue to start went by before activation.
std::optional<Share> InactiveShare(const Measures& measures) {
  const auto latency = static_cast<double>(measures[Measure::kLatency].sum().count());
  const Histogram& inactive = measures[Measure::kActivationWait];
  if (inactive.count() == 0 || latency <= 0) return std::nullopt;
  return Share{std::min(1.0, static_cast<double>(inactive.sum().count()) / latency)};
}

// The scale on which the latencies of all rows are drawn.
class Scale {
 public:
  explicit Scale(std::span<const Measures* const> all) {
    int64_t low = INT64_MAX, high = 1;
    for (const Measures* measures : all) {
      const Histogram& latency = (*measures)[Measure::kLatency];
      if (latency.count() == 0) continue;
      low = std::min(low, std::max<int64_t>(1, latency.min()->count()));
      high = std::max(high, latency.max()->count());
    }
    low_ = Nanos(RoundDown(std::min(low, high)));
    high_ = Nanos(std::max(RoundUp(high),
                           RoundUp(low_.count() < INT64_MAX / 10 ? low_.count() * 10 : INT64_MAX)));
  }

  // "1us..50ms".
  std::string Text() const { return fmt::format("{}..{}", RoundText(low_), RoundText(high_)); }

  Spark Picture(const Histogram& histogram) const {
    Spark spark{std::vector<uint64_t>(kPictureBins)};
    const double low = std::log2(static_cast<double>(low_.count()));
    const double span = std::log2(static_cast<double>(high_.count())) - low;
    const auto bin_of = [&](double log2_ns) {
      const double at = (log2_ns - low) / span * kPictureBins;
      return static_cast<size_t>(std::clamp(at, 0.0, kPictureBins - 1.0));
    };
    spark.bins[0] += histogram.zero_count();
    for (const Histogram::Bucket& bucket : histogram.Buckets()) {
      const double middle = (bucket.index + 0.5) / (1 << histogram.scale());
      spark.bins[bin_of(middle)] += bucket.count;
    }
    return spark;
  }

 private:
  Nanos low_{0}, high_{0};
};

// A number of one measure.
template <class F>
auto Of(Measure measure, F number) {
  return [measure, number](const Measures& measures) { return number(measures[measure]); };
}
auto Quantile(Measure measure, double q) {
  return Of(measure, [q](const Histogram& histogram) { return QuantileOf(histogram, q); });
}

bool HasTimers(const Measures& measures) {
  return std::any_of(kMeasures.begin(), kMeasures.end(), [&](const MeasureSpec& measure) {
    return measure.of_timers && measures[measure.id].count() > 0;
  });
}

}  // namespace

Columns<Measures> DurationColumns(bool timers) {
  Columns<Measures> columns;
  for (const MeasureSpec& measure : kMeasures) {
    Column column{std::string(measure.name), "", kMachine};
    column.about = measure.about;
    column.optional = measure.of_timers;
    if (measure.of_timers && !timers) column.audience = kSortOnly;
    columns.emplace_back(std::move(column),
                         [id = measure.id](const Measures& measures) { return &measures[id]; });
  }
  return columns;
}

Columns<Measures> MeasureColumns(std::span<const Measures* const> all) {
  constexpr Measure kLatency = Measure::kLatency, kExecution = Measure::kExecution;
  const Scale scale(all);
  const std::string range = scale.Text();
  Columns<Measures> columns = {
      {{"queued", "", kMachine, 0, 0, "Queue events."},
       [](const Measures& measures) { return measures.queued; }},
      {{"executed", "COUNT", kAll, 0, 0, "Starts that were matched to their queue event."},
       [](const Measures& measures) { return measures.executed; }},
      {{"superseded", "", kMachine, 0, 0, "Items that were taken back, or queued anew, first."},
       [](const Measures& measures) { return measures.superseded; }},
      {{"total_wait", "WAITED", kText, 0, 3}, Of(kLatency, SumOf)},
      {{"p50", "p50", kText, 0, 1}, Quantile(kLatency, 0.50)},
      {{"p95", "p95", kText}, Quantile(kLatency, 0.95)},
      {{"p99", "p99", kText}, Quantile(kLatency, 0.99)},
      {{"max", "max", kText}, Of(kLatency, std::mem_fn(&Histogram::max))},
      {{"inactive", "INACT", kText, 0, 2}, InactiveShare},
      {{"exec", "EXEC", kText}, Quantile(kExecution, 0.99)},
      {{"total_exec", "EXECUTED", kText, 0, 1}, Of(kExecution, SumOf)},
      {{"distribution", range, kText, std::max<size_t>(8, range.size()), 4},
       Of(kLatency, [scale](const Histogram& latency) { return scale.Picture(latency); })},
      {{"mean", "", kSortOnly}, Of(kLatency, std::mem_fn(&Histogram::mean))},
      {{"p90", "", kSortOnly}, Quantile(kLatency, 0.90)},
      {{"p999", "", kSortOnly}, Quantile(kLatency, 0.999)},
      {{"exec_max", "", kSortOnly}, Of(kExecution, std::mem_fn(&Histogram::max))},
  };
  const bool timers = std::any_of(all.begin(), all.end(),
                                  [](const Measures* measures) { return HasTimers(*measures); });
  for (auto& column : DurationColumns(timers)) columns.push_back(std::move(column));
  return columns;
}

}  // namespace wqprof
