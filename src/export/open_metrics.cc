// SPDX-License-Identifier: Apache-2.0
#include "wqprof/open_metrics.h"

#include <fmt/format.h>

#include <cmath>
#include <string_view>
#include <utility>
#include <vector>

namespace wqprof {
namespace {

// Upper edges of the buckets: powers of two in ns, from 1 us to 17 s, so that each is an edge of
// ours.
constexpr int kFirstEdge = 10, kLastEdge = 34, kEdgeStep = 2;

double Seconds(Nanos span) { return std::chrono::duration<double>(span).count(); }

// A label's value, quoted.
std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) {
      // Bytes that are no ASCII may be no UTF-8, which nobody would read.
      out += fmt::format("\\\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

using Labels = std::vector<std::pair<std::string_view, std::string_view>>;

std::string Text(const Labels& labels, std::string_view edge = "") {
  std::string out;
  const auto add = [&](std::string_view key, std::string_view value) {
    out += fmt::format("{}{}={}", out.empty() ? "{" : ",", key, Quoted(value));
  };
  for (const auto& [key, value] : labels) add(key, value);
  if (!edge.empty()) add("le", edge);
  return out.empty() ? out : out + '}';
}

// Writes one family of metrics after the other.
class MetricsWriter {
 public:
  void Begin(std::string_view name, std::string_view type, std::string_view help) {
    name_ = name;
    out_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
  }
  void Add(const Labels& labels, double value) {
    out_ += fmt::format("{}{} {}\n", name_, Text(labels), value);
  }
  void Add(const Labels& labels, uint64_t value) {
    out_ += fmt::format("{}{} {}\n", name_, Text(labels), value);
  }
  void Add(const Labels& labels, const Histogram& histogram) {
    const std::vector<Histogram::Bucket> buckets = histogram.Buckets(kHistScale);
    uint64_t below = histogram.zero_count();
    auto at = buckets.begin();
    for (int edge = kFirstEdge; edge <= kLastEdge; edge += kEdgeStep) {
      // Of bucket i the upper edge is 2^((i+1)/2^scale).
      for (; at != buckets.end() && at->index + 1 <= edge << kHistScale; ++at) below += at->count;
      const std::string text = fmt::format("{}", std::ldexp(1e-9, edge));
      out_ += fmt::format("{}_bucket{} {}\n", name_, Text(labels, text), below);
    }
    out_ += fmt::format("{}_bucket{} {}\n", name_, Text(labels, "+Inf"), histogram.count());
    out_ += fmt::format("{}_sum{} {}\n", name_, Text(labels), Seconds(histogram.sum()));
    out_ += fmt::format("{}_count{} {}\n", name_, Text(labels), histogram.count());
  }
  std::string Take() && {
    out_ += "# EOF\n";  // the end, where that is asked for; elsewhere a comment
    return std::move(out_);
  }

 private:
  std::string name_, out_;
};

void AppendFunctions(const HistSnapshot& total, Measure measure, std::string_view name,
                     std::string_view help, MetricsWriter& out) {
  out.Begin(name, "histogram", help);
  for (const HistLine& line : total.lines) {
    if (line.kind != HistKind::kFunction || line.metric != SpecOf(measure).name) continue;
    out.Add({{"workqueue", line.workqueue}, {"function", line.function}}, line.values);
  }
}

void AppendPools(const HistSnapshot& total, std::string_view metric, std::string_view name,
                 std::string_view help, MetricsWriter& out) {
  out.Begin(name, "counter", help);
  for (const HistLine& line : total.lines) {
    if (line.kind != HistKind::kPool || line.metric != metric) continue;
    out.Add({{"pool", line.pool}}, Seconds(line.values.sum()));
  }
}

void AppendStalls(const HistSnapshot& total, MetricsWriter& out) {
  out.Begin("wqprof_pool_stalls_total", "counter",
            "Times in which a pool had work and started none.");
  for (const HistStalls& stalls : total.stalls) {
    out.Add({{"pool", stalls.pool}, {"cause", stalls.cause}}, stalls.count);
  }
  out.Begin("wqprof_pool_stalled_seconds_total", "counter", "How long they lasted.");
  for (const HistStalls& stalls : total.stalls) {
    out.Add({{"pool", stalls.pool}, {"cause", stalls.cause}}, Seconds(stalls.total));
  }
}

void AppendQuality(const HistSnapshot& total, MetricsWriter& out) {
  const auto count = [&out](std::string_view name, std::string_view help, uint64_t value) {
    out.Begin(name, "counter", help);
    out.Add({}, value);
  };
  count("wqprof_lost_events_total", "Events that the ring buffers lost.",
        total.quality.lost_events.value_or(0));
  count("wqprof_matched_starts_total", "Starts that were matched to their queue event.",
        total.quality.match.executed);
  count("wqprof_unmatched_starts_total", "Starts without a queue event, which no loss explains.",
        total.quality.match.unmatched_starts);
  out.Begin("wqprof_measured_seconds_total", "counter",
            "Time that was measured; rates are per second of it.");
  out.Add({}, Seconds(total.segment.duration));
}

}  // namespace

std::string ToMetrics(const HistSnapshot& total) {
  MetricsWriter out;
  AppendFunctions(total, Measure::kLatency, "wqprof_latency_seconds",
                  "From queue to start of a work.", out);
  AppendFunctions(total, Measure::kExecution, "wqprof_execution_seconds",
                  "From start to end of a work.", out);
  AppendPools(total, kPoolMetrics[0], "wqprof_pool_busy_seconds_total",
              "Time in which at least one worker of the pool executed.", out);
  AppendPools(total, kPoolMetrics[1], "wqprof_pool_backlog_seconds_total",
              "Time in which at least one item waited for a worker of the pool.", out);
  AppendStalls(total, out);
  AppendQuality(total, out);
  return std::move(out).Take();
}

}  // namespace wqprof
