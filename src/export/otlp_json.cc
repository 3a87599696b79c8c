// SPDX-License-Identifier: Apache-2.0
#include "wqprof/otlp_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "wqprof/anomaly.h"
#include "wqprof/measure.h"
#include "wqprof/wall_clock.h"

namespace wqprof {
namespace {

using Json = nlohmann::ordered_json;

// Numbers of 64 bits are strings, and members of enums numbers, in the JSON of protocol buffers.
constexpr int kDelta = 1;  // AGGREGATION_TEMPORALITY_DELTA

std::string Text64(uint64_t number) { return fmt::format("{}", number); }

Json Attribute(std::string_view key, std::string_view value) {
  return {{"key", key}, {"value", {{"stringValue", value}}}};
}
Json Attribute(std::string_view key, int value) {
  return {{"key", key}, {"value", {{"intValue", fmt::format("{}", value)}}}};
}

// What is not known is left out.
void AppendKnown(std::string_view key, std::string_view value, Json& attributes) {
  if (!value.empty()) attributes.push_back(Attribute(key, value));
}

// As OpenTelemetry calls architectures; what it has no word for as the kernel does.
std::string_view ArchitectureOf(std::string_view machine) {
  if (machine == "x86_64") return "amd64";
  if (machine == "aarch64") return "arm64";
  return machine;
}

Json ResourceOf(const HistSegment& segment) {
  Json attributes = Json::array({Attribute("service.name", "wqprof")});
  AppendKnown("host.name", segment.host, attributes);
  AppendKnown("host.arch", ArchitectureOf(segment.machine), attributes);
  attributes.push_back(Attribute("os.type", "linux"));
  AppendKnown("os.version", segment.kernel, attributes);
  if (segment.cpus > 0) attributes.push_back(Attribute("wqprof.cpus", segment.cpus));
  attributes.push_back(Attribute("wqprof.segment", segment.id));
  for (const auto& [key, value] : segment.labels) attributes.push_back(Attribute(key, value));
  return {{"attributes", std::move(attributes)}};
}

// The metrics of one recording.
class Metrics {
 public:
  explicit Metrics(const HistSegment& segment) {
    constexpr Timestamp kBegin{};
    const std::optional<WallClock> clock = WallClock::Of(segment.ts, kBegin, true);
    if (!clock) return;
    const auto begin = clock->SinceEpoch(kBegin),
               end = clock->SinceEpoch(kBegin + segment.duration);
    if (!begin || !end) return;
    times_ = {{"startTimeUnixNano", Text64(static_cast<uint64_t>(begin->count()))},
              {"timeUnixNano", Text64(static_cast<uint64_t>(end->count()))}};
  }

  Json PointOf(Json attributes) const {
    Json out = {{"attributes", std::move(attributes)}};
    out.update(times_);
    return out;
  }
  Json PointOf(Json attributes, uint64_t count) const {
    Json out = PointOf(std::move(attributes));
    out["asInt"] = Text64(std::min(count, static_cast<uint64_t>(INT64_MAX)));
    return out;
  }
  // REQUIRES: it holds a value.
  Json PointOf(Json attributes, const Histogram& values) const;

  void AddHistograms(std::string_view name, std::string_view about, Json points) {
    Add(name, about, "ns", "exponentialHistogram",
        {{"dataPoints", std::move(points)}, {"aggregationTemporality", kDelta}});
  }
  void AddSums(std::string_view name, std::string_view about, std::string_view unit, Json points) {
    Add(name, about, unit, "sum",
        {{"dataPoints", std::move(points)},
         {"aggregationTemporality", kDelta},
         {"isMonotonic", true}});
  }
  Json Take() && { return std::move(all_); }

 private:
  void Add(std::string_view name, std::string_view about, std::string_view unit,
           std::string_view kind, Json data) {
    if (data["dataPoints"].empty()) return;
    Json metric = {{"name", name}};
    if (!about.empty()) metric["description"] = about;
    metric["unit"] = unit;
    metric[std::string(kind)] = std::move(data);
    all_.push_back(std::move(metric));
  }

  Json times_ = Json::object();
  Json all_ = Json::array();
};

Json Metrics::PointOf(Json attributes, const Histogram& values) const {
  Json out = PointOf(std::move(attributes));
  out["count"] = Text64(values.count());
  out["sum"] = values.sum().count();
  out["scale"] = kHistScale;
  out["zeroCount"] = Text64(values.zero_count());
  const std::vector<Histogram::Bucket> buckets = values.Buckets(kHistScale);
  if (!buckets.empty()) {
    // All from the first to the last, the empty ones included.
    Json counts = Json::array();
    int32_t next = buckets.front().index;
    for (const Histogram::Bucket& bucket : buckets) {
      for (; next < bucket.index; ++next) counts.push_back("0");
      counts.push_back(Text64(bucket.count));
      ++next;
    }
    out["positive"] = {{"offset", buckets.front().index}, {"bucketCounts", std::move(counts)}};
  }
  out["min"] = values.min()->count();
  out["max"] = values.max()->count();
  return out;
}

Json AttributesOf(const HistLine& line) {
  Json out = Json::array();
  AppendKnown("workqueue", line.workqueue, out);
  AppendKnown("function", line.function, out);
  AppendKnown("pool", line.pool, out);
  return out;
}

Json HistogramsOf(const HistSnapshot& snapshot, HistKind kind, std::string_view metric,
                  const Metrics& out) {
  Json points = Json::array();
  for (const HistLine& line : snapshot.lines) {
    if (line.kind != kind || line.metric != metric || line.values.count() == 0) continue;
    points.push_back(out.PointOf(AttributesOf(line), line.values));
  }
  return points;
}

void AddItems(const HistSnapshot& snapshot, Metrics& out) {
  using Counts = HistLine::Counts;
  const std::pair<std::string_view, uint64_t Counts::*> all[] = {
      {"queued", &Counts::queued},
      {"executed", &Counts::executed},
      {"superseded", &Counts::superseded}};
  for (const auto& [name, count] : all) {
    Json points = Json::array();
    for (const HistLine& line : snapshot.lines) {
      if (line.counts) points.push_back(out.PointOf(AttributesOf(line), (*line.counts).*count));
    }
    out.AddSums(fmt::format("wqprof.function.{}", name), "", "{item}", std::move(points));
  }
}

void AddStalls(const HistSnapshot& snapshot, Metrics& out) {
  Json counts = Json::array(), times = Json::array();
  for (const HistStalls& stalls : snapshot.stalls) {
    const Json of = Json::array({Attribute("pool", stalls.pool), Attribute("cause", stalls.cause)});
    counts.push_back(out.PointOf(of, stalls.count));
    times.push_back(out.PointOf(of, static_cast<uint64_t>(stalls.total.count())));
  }
  out.AddSums("wqprof.pool.stalls", "Times in which a pool had work and started none.", "{stall}",
              std::move(counts));
  out.AddSums("wqprof.pool.stalled", "How long they lasted.", "ns", std::move(times));
}

// A number that nobody knows has no point.
void AddQuality(const HistSnapshot& snapshot, Metrics& out) {
  const Json none = Json::array();
  out.AddSums(
      "wqprof.measured", "Time that was measured.", "ns",
      Json::array({out.PointOf(none, static_cast<uint64_t>(snapshot.segment.duration.count()))}));
  out.AddSums("wqprof.quality.matched", "Starts that were matched to their queue event.", "{start}",
              Json::array({out.PointOf(none, snapshot.quality.match.executed)}));
  for (const Anomaly& anomaly : kAnomalies) {
    const std::optional<uint64_t> count = anomaly.count(snapshot.quality);
    if (!count) continue;
    out.AddSums(fmt::format("wqprof.quality.{}", anomaly.name), anomaly.about, "1",
                Json::array({out.PointOf(none, *count)}));
  }
}

}  // namespace

std::string ToOtlpJson(const HistSnapshot& snapshot) {
  Metrics metrics(snapshot.segment);
  for (const MeasureSpec& measure : kMeasures) {
    metrics.AddHistograms(fmt::format("wqprof.function.{}", measure.name), measure.about,
                          HistogramsOf(snapshot, HistKind::kFunction, measure.name, metrics));
  }
  for (const std::string_view metric : kPoolMetrics) {
    metrics.AddHistograms(fmt::format("wqprof.pool.{}", metric), "",
                          HistogramsOf(snapshot, HistKind::kPool, metric, metrics));
  }
  AddItems(snapshot, metrics);
  AddStalls(snapshot, metrics);
  AddQuality(snapshot, metrics);
  const Json scope = {{"scope", {{"name", "wqprof"}}}, {"metrics", std::move(metrics).Take()}};
  const Json resource = {{"resource", ResourceOf(snapshot.segment)},
                         {"scopeMetrics", Json::array({scope})}};
  const Json request = {{"resourceMetrics", Json::array({resource})}};
  // Names may hold any byte: what is not UTF-8 becomes U+FFFD; all that is not ASCII is escaped.
  return request.dump(-1, ' ', true, Json::error_handler_t::replace) + '\n';
}

}  // namespace wqprof
