// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "render/text.h"
#include "wqprof/columns.h"
#include "wqprof/number_text.h"
#include "wqprof/render_interval.h"

namespace wqprof {
namespace {

// Time, events a second, items, three latencies, backlog, busiest pool and its busy workers,
// stalls, losses.
constexpr std::string_view kLine =
    "{:>14} {:>9} {:>8} {:>7} {:>7} {:>7} {:>7} {:>10} {:>5} {:>6} {}\n";

std::string QuantileText(const Histogram& latency, double q) {
  const auto value = latency.Quantile(q);
  return value ? DurationText(*value) + (latency.count() < SamplesNeeded(q) ? "*" : "") : "-";
}

}  // namespace

Table IntervalTable(const Interval& interval) {
  const Columns<Interval> columns = {
      {{.key = "end_ns", .about = "On the trace's clock; null before the first event."},
       [](const Interval& i) { return i.end; }},
      {{"length_ns"}, [](const Interval& i) { return i.length; }},
      {{"events"}, [](const Interval& i) { return i.events; }},
      {{.key = "lost_events", .about = "null: some, number unknown."},
       [](const Interval& i) { return i.lost; }},
      {{.key = "started", .about = "Items that started."},
       [](const Interval& i) { return i.started; }},
      {{.key = "latency"}, [](const Interval& i) { return &i.latency; }},
      {{"stalls"}, [](const Interval& i) { return i.stalls; }},
      {{.key = "backlog_mean", .about = "Activated items that waited, over all pools."},
       [](const Interval& i) { return i.backlog; }},
      {{"busiest_pool"}, [](const Interval& i) { return Word{i.busiest}; }},
      {{.key = "busy_mean", .about = "Mean number of open executions of the busiest pool."},
       [](const Interval& i) { return i.busiest.empty() ? std::nullopt : std::optional(i.busy); }},
  };
  return MakeTable({.key = "intervals", .title = ""}, columns,
                   std::span<const Interval>(&interval, 1));
}

std::string IntervalHeading() {
  return fmt::format(fmt::runtime(kLine), "UNTIL", "EVENTS/s", "STARTED", "p50", "p99", "max",
                     "BACKLOG", "BUSIEST", "BUSY", "STALLS", "LOST");
}

std::string IntervalLine(const Interval& interval) {
  const double seconds = std::chrono::duration<double>(interval.length).count();
  const uint64_t rate =
      seconds > 0 ? static_cast<uint64_t>(static_cast<double>(interval.events) / seconds) : 0;
  const auto max = interval.latency.max();
  return fmt::format(fmt::runtime(kLine), interval.end == kUnseen ? "-" : StampText(interval.end),
                     CountText(rate), CountText(interval.started),
                     QuantileText(interval.latency, 0.5), QuantileText(interval.latency, 0.99),
                     max ? DurationText(*max) : "-", MeanText(interval.backlog),
                     interval.busiest.empty() ? "-" : Shortened(interval.busiest, 10, false),
                     interval.busiest.empty() ? "-" : MeanText(interval.busy),
                     CountText(interval.stalls),
                     interval.lost ? CountText(*interval.lost) : "some");
}

}  // namespace wqprof
