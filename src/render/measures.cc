// SPDX-License-Identifier: Apache-2.0
#include "render/measures.h"

#include <algorithm>
#include <cmath>

#include "render/cells.h"

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

Cell QuantileCell(const Histogram& histogram, double q) {
  const std::optional<Nanos> value = histogram.Quantile(q);
  if (!value) return {};
  return Estimate{*value, histogram.count() < SamplesNeeded(q), false};
}

Cell SumCell(const Histogram& histogram) {
  return histogram.count() == 0 ? Cell() : Cell(histogram.sum());
}

// How much of the time from queue to start went by before activation.
Cell InactiveShare(const Measures& measures) {
  const auto latency = static_cast<double>(measures.latency.sum().count());
  if (measures.activation_wait.count() == 0 || latency <= 0) return {};
  return Share{
      std::min(1.0, static_cast<double>(measures.activation_wait.sum().count()) / latency)};
}

}  // namespace

MeasureColumns::MeasureColumns(std::span<const Measures* const> all) {
  int64_t low = INT64_MAX, high = 1;
  for (const Measures* measures : all) {
    timers_ |= measures->timer_slack.count() > 0;
    if (measures->latency.count() == 0) continue;
    low = std::min(low, std::max<int64_t>(1, measures->latency.min()->count()));
    high = std::max(high, measures->latency.max()->count());
  }
  low = std::min(low, high);
  low_ = Nanos(RoundDown(low));
  high_ = Nanos(std::max(RoundUp(high),
                         RoundUp(low_.count() < INT64_MAX / 10 ? low_.count() * 10 : INT64_MAX)));
}

void MeasureColumns::AppendColumns(std::vector<Column>& columns) const {
  const std::string range = fmt::format("{}..{}", RoundText(low_), RoundText(high_));
  for (Column& column :
       std::vector<Column>{{"queued", "", kMachine},
                           {"executed", "COUNT"},
                           {"superseded", "", kMachine},
                           {"total_wait", "WAITED", kText, 0, 3},
                           {"p50", "p50", kText, 0, 1},
                           {"p95", "p95", kText},
                           {"p99", "p99", kText},
                           {"max", "max", kText},
                           {"inactive", "INACT", kText, 0, 2},
                           {"exec", "EXEC", kText},
                           {"total_exec", "TOTAL", kText, 0, 1},
                           {"distribution", range, kText, std::max<size_t>(8, range.size()), 4},
                           {"mean", "", kSortOnly},
                           {"p90", "", kSortOnly},
                           {"p999", "", kSortOnly},
                           {"exec_max", "", kSortOnly},
                           {"latency", "", kMachine, 0, 0, true},
                           {"activation_wait", "", kMachine, 0, 0, true},
                           {"dispatch_wait", "", kMachine, 0, 0, true},
                           {"execution", "", kMachine, 0, 0, true},
                           {"total", "", kMachine, 0, 0, true}}) {
    columns.push_back(std::move(column));
  }
  if (timers_) columns.push_back({"timer_slack", "", kMachine, 0, 0, true});
}

void MeasureColumns::AppendCells(std::vector<Cell>& cells, const Measures& measures) const {
  const Histogram& latency = measures.latency;
  const Histogram& execution = measures.execution;
  for (Cell& cell : std::vector<Cell>{measures.queued,
                                      measures.executed,
                                      measures.superseded,
                                      SumCell(latency),
                                      QuantileCell(latency, 0.50),
                                      QuantileCell(latency, 0.95),
                                      QuantileCell(latency, 0.99),
                                      OptionalCell(latency.max()),
                                      InactiveShare(measures),
                                      QuantileCell(execution, 0.99),
                                      SumCell(execution),
                                      Picture(latency),
                                      OptionalCell(latency.mean()),
                                      QuantileCell(latency, 0.90),
                                      QuantileCell(latency, 0.999),
                                      OptionalCell(execution.max()),
                                      &latency,
                                      &measures.activation_wait,
                                      &measures.dispatch_wait,
                                      &execution,
                                      &measures.total}) {
    cells.push_back(std::move(cell));
  }
  if (timers_) cells.emplace_back(&measures.timer_slack);
}

Spark MeasureColumns::Picture(const Histogram& histogram) const {
  Spark spark{std::vector<uint64_t>(kPictureBins)};
  const double low = std::log2(static_cast<double>(low_.count()));
  const double span = std::log2(static_cast<double>(high_.count())) - low;
  const auto bin_of = [&](double log2_ns) {
    const double at = (log2_ns - low) / span * kPictureBins;
    return static_cast<size_t>(std::clamp(at, 0.0, kPictureBins - 1.0));
  };
  spark.bins[0] += histogram.zero_count();
  for (const Histogram::Bucket& bucket : histogram.Buckets()) {
    const double middle = (bucket.index + 0.5) / (1 << Histogram::kScale);
    spark.bins[bin_of(middle)] += bucket.count;
  }
  return spark;
}

}  // namespace wqprof
