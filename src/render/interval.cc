// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "render/cells.h"
#include "render/text.h"
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
  Table table{.key = "intervals", .title = ""};
  table.columns = {{"end_ns", ""},       {"length_ns", ""}, {"events", ""}, {"lost_events", ""},
                   {"started", ""},      {"latency", ""},   {"stalls", ""}, {"backlog_mean", ""},
                   {"busiest_pool", ""}, {"busy_mean", ""}};
  table.columns[5].histogram = true;
  const Cell busy = interval.busiest.empty() ? Cell() : Cell(interval.busy);
  table.rows = {{TimeCell(interval.end), interval.length, interval.events,
                 OptionalCell(interval.lost), interval.started, &interval.latency, interval.stalls,
                 interval.backlog, WordCell(interval.busiest), busy}};
  return table;
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
