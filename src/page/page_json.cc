// SPDX-License-Identifier: Apache-2.0
#include "page/page_json.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "page/cells.h"
#include "wqprof/measure.h"
#include "wqprof/number_text.h"
#include "wqprof/split.h"
#include "wqprof/words.h"

namespace wqprof {
namespace {

using Json = nlohmann::ordered_json;

// How much of each there may be, so that the page stays below its limit.
constexpr size_t kMaxBins = 1024;
constexpr size_t kMaxPools = 16, kLanesOfPool = 8, kMaxLanes = 56;
constexpr size_t kHeatBytes = 130'000, kDistributionBytes = 80'000;
constexpr size_t kMaxStalls = 300;
// Functions that lanes name; those beyond have one place in common.
constexpr size_t kLaneFunctions = 200;
constexpr uint8_t kOtherFunction = 254, kNoFunction = 255;
constexpr size_t kNameColumns = 64;

constexpr double kQuantiles[] = {0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9999, 0.99999, 1};

std::string Name(std::string_view name) {
  constexpr size_t kMost = 1 << 12;
  return Shortened(Escaped(name.substr(0, kMost)), kNameColumns, true);
}

// Times as the script counts them.
struct Clock {
  Timestamp begin;
  int64_t operator()(Timestamp at) const { return Elapsed(begin, at).count(); }
};

Json QuantilesOf(const Histogram& histogram) {
  Json out = Json::array();
  for (const double q : kQuantiles) out.push_back(histogram.Quantile(q).value_or(Nanos(0)).count());
  return out;
}

// {"n", "q", "i", "c"}: buckets at scale 2.
Json Distribution(const Histogram& histogram) {
  constexpr int kScale = 2;
  Json index = Json::array(), count = Json::array();
  for (const Histogram::Bucket& bucket : histogram.Buckets(kScale)) {
    index.push_back(bucket.index);
    count.push_back(bucket.count);
  }
  return {{"n", histogram.count()},
          {"zero", histogram.zero_count()},
          {"q", QuantilesOf(histogram)},
          {"i", std::move(index)},
          {"c", std::move(count)}};
}

template <class Split, size_t kParts>
Json PartsOf(const std::array<SplitPart<Split>, kParts>& parts, const Split& split) {
  Json out = Json::array();
  for (const SplitPart<Split>& part : parts) out.push_back((split.*part.value).count());
  return out;
}

Json FunctionJson(const FunctionRow& row) {
  Json out = {{"f", Name(row.function)}, {"w", Name(row.workqueue)}};
  for (const auto& [key, measure] :
       {std::pair("lat", Measure::kLatency), std::pair("act", Measure::kActivationWait),
        std::pair("exe", Measure::kExecution)}) {
    const Histogram& histogram = row.measures[measure];
    if (histogram.count() > 0) out[key] = Distribution(histogram);
  }
  const SplitSums& split = row.measures.split;
  if (split.waits > 0) out["wait"] = PartsOf(kWaitParts, split.wait);
  if (split.runs > 0) out["run"] = PartsOf(kRunParts, split.run);
  return out;
}

// Distributions of the first functions of the table, as many as fit.
Json FunctionsJson(std::span<const FunctionRow* const> functions) {
  Json out = Json::array();
  size_t bytes = 0;
  for (const FunctionRow* const row : functions) {
    Json one = FunctionJson(*row);
    bytes += one.dump(-1, ' ', false, Json::error_handler_t::replace).size();
    if (bytes > kDistributionBytes) break;
    out.push_back(std::move(one));
  }
  return out;
}

Json HeatJson(const HeatMap& map, size_t bins) {
  size_t first = HeatMap::kRows, last = 0;
  for (size_t row = 0; row < HeatMap::kRows; ++row) {
    if (map.rows[row].empty()) continue;
    first = std::min(first, row);
    last = row;
  }
  std::vector<uint8_t> cells;
  for (size_t row = first; row <= last && row < HeatMap::kRows; ++row) {
    for (size_t bin = 0; bin < bins; ++bin) {
      cells.push_back(CountByte(map.rows[row].empty() ? 0 : map.rows[row][bin]));
    }
  }
  return {{"w", Name(map.workqueue)},
          {"f", Name(map.function)},
          {"row", first},
          {"cells", Base64(cells)}};
}

Json HeatMapsJson(const Report& report, const PageData& data, TimelineLeftOut& left_out) {
  Json maps = Json::array();
  size_t bytes = 0;
  for (const HeatMap& map : data.heat) {
    Json one = HeatJson(map, data.bins);
    const size_t size = one["cells"].get_ref<const std::string&>().size();
    // That of all is always there.
    if (!maps.empty() && bytes + size > kHeatBytes) break;
    if (!maps.empty()) bytes += size + 2 * kNameColumns;
    maps.push_back(std::move(one));
  }
  const auto with_latency = static_cast<size_t>(std::count_if(
      report.functions.begin(), report.functions.end(),
      [](const FunctionRow& row) { return row.measures[Measure::kLatency].count() > 0; }));
  left_out.heat_maps = with_latency - std::min(with_latency, maps.size() - 1);
  return {{"bin", data.bin.count()},
          {"bins", data.bins},
          {"first", HeatMap::kFirstRow},
          {"maps", std::move(maps)}};
}

// Makes one of each `by` neighbours.
template <class T, class Merge>
std::vector<T> Folded(const std::vector<T>& in, size_t by, Merge merge) {
  std::vector<T> out;
  out.reserve(in.size() / by + 1);
  for (size_t i = 0; i < in.size(); ++i) {
    if (i % by == 0) {
      out.push_back(in[i]);
    } else {
      merge(out.back(), in[i]);
    }
  }
  return out;
}

std::vector<uint8_t> ShareBytes(const std::vector<double>& values, double whole) {
  std::vector<uint8_t> out;
  out.reserve(values.size());
  for (const double value : values) out.push_back(ShareByte(value, whole));
  return out;
}

// A timeline in at most kMaxBins bins, as JSON.
class TimelineJson {
 public:
  TimelineJson(const Timeline& timeline, TimelineLeftOut& left_out)
      : timeline_(timeline),
        left_out_(left_out),
        by_(timeline.bins > kMaxBins ? (timeline.bins + kMaxBins - 1) / kMaxBins : 1),
        bin_(timeline.bin * static_cast<int64_t>(by_)) {}

  Nanos bin() const { return bin_; }

  Json Functions() const {
    Json out = Json::array();
    for (size_t i = 0; i < std::min(timeline_.functions.size(), kLaneFunctions); ++i) {
      out.push_back(Name(timeline_.functions[i].name));
    }
    return out;
  }

  // Null: nothing was lost.
  Json Losses() const {
    const auto lost =
        Folded(timeline_.lost_in, by_, [](Nanos& into, Nanos other) { into += other; });
    std::vector<double> values;
    double most = 0;
    for (const Nanos value : lost) {
      values.push_back(static_cast<double>(value.count()));
      most = std::max(most, values.back());
    }
    return most > 0 ? Json(Base64(ShareBytes(values, most))) : Json();
  }

  Json Pools() {
    Json out = Json::array();
    size_t lanes = 0;
    for (const TimelinePool& pool : timeline_.pools) {
      if (out.size() == kMaxPools) break;
      out.push_back(Pool(pool, std::min(kLanesOfPool, kMaxLanes - lanes)));
      lanes += out.back()["lanes"].size();
    }
    left_out_.pools = timeline_.pools.size() - out.size();
    return out;
  }

 private:
  // Sums over each bin, divided by its length, are means.
  std::vector<double> Means(const std::vector<double>& means) const {
    auto out = Folded(means, by_, [](double& into, double other) { into += other; });
    for (double& value : out) value /= static_cast<double>(by_);
    return out;
  }

  Json Lane(const TimelineLane& lane) const {
    const double length = static_cast<double>(bin_.count());
    std::vector<uint8_t> busy, function;
    for (size_t i = 0; i < lane.busy_in.size(); i += by_) {
      Nanos sum{0}, most{0};
      uint32_t place = UINT32_MAX;
      for (size_t k = i; k < std::min(i + by_, lane.busy_in.size()); ++k) {
        sum += lane.busy_in[k];
        if (lane.busy_in[k] <= most) continue;
        most = lane.busy_in[k];
        place = lane.function[k];
      }
      busy.push_back(ShareByte(static_cast<double>(sum.count()), length));
      function.push_back(sum == Nanos(0)          ? kNoFunction
                         : place < kLaneFunctions ? static_cast<uint8_t>(place)
                                                  : kOtherFunction);
    }
    return {{"name", lane.worker.empty() ? "unknown" : Name(lane.worker)},
            {"pid", lane.pid == Pid::kNone ? Json() : Json(ToInt(lane.pid))},
            {"n", lane.executions},
            {"busy", lane.busy.count()},
            {"share", Base64(busy)},
            {"fn", Base64(function)}};
  }

  Json Pool(const TimelinePool& pool, size_t most_lanes) const {
    const auto backlog = Means(pool.backlog_mean);
    const auto backlog_most = Folded(pool.backlog_most, by_, [](uint32_t& into, uint32_t other) {
      into = std::max(into, other);
    });
    const auto stalled =
        Folded(pool.stalled_in, by_, [](Nanos& into, Nanos other) { into += other; });
    std::vector<double> most, stalled_ns;
    for (const uint32_t value : backlog_most) most.push_back(value);
    for (const Nanos value : stalled) stalled_ns.push_back(static_cast<double>(value.count()));
    Json lanes = Json::array();
    for (size_t i = 0; i < std::min(most_lanes, pool.lanes.size()); ++i) {
      lanes.push_back(Lane(pool.lanes[i]));
    }
    const uint64_t all = pool.lanes.size() + pool.lanes_left_out;
    left_out_.lanes += all - lanes.size();
    const double top = pool.backlog_max;
    return {{"name", Name(pool.pool.name)},
            {"kind", ToString(pool.pool.kind)},
            {"busy", pool.busy.count()},
            {"stalled", pool.stalled.count()},
            {"max", pool.backlog_max},
            {"backlog", Base64(ShareBytes(backlog, top))},
            {"most", Base64(ShareBytes(most, top))},
            {"stall", Base64(ShareBytes(stalled_ns, static_cast<double>(bin_.count())))},
            {"workers", all},
            {"lanes", std::move(lanes)}};
  }

  const Timeline& timeline_;
  TimelineLeftOut& left_out_;
  const size_t by_;
  const Nanos bin_;
};

// [from, length, function, pool, pid] of each execution; the names of both as places in lists.
Json SlicesJson(const PageData& data, const Timeline& timeline, const Clock& clock) {
  std::map<std::string_view, size_t> functions, pools;
  for (size_t i = 0; i < std::min(timeline.functions.size(), kLaneFunctions); ++i) {
    functions.emplace(timeline.functions[i].name, i);
  }
  for (size_t i = 0; i < std::min(timeline.pools.size(), kMaxPools); ++i) {
    pools.emplace(timeline.pools[i].pool.name, i);
  }
  Json out = Json::array();
  for (const PageSlice& slice : data.slices) {
    const auto pool = pools.find(slice.pool);
    if (pool == pools.end()) continue;
    const auto function = functions.find(slice.function);
    out.push_back({clock(slice.from), Elapsed(slice.from, slice.to).count(),
                   function == functions.end() ? size_t{kOtherFunction} : function->second,
                   pool->second, slice.worker == Pid::kNone ? -1 : ToInt(slice.worker)});
  }
  return out;
}

Json StallsJson(const Report& report, const Clock& clock) {
  std::vector<const Stall*> longest;
  for (const Stall& stall : report.stalls) longest.push_back(&stall);
  std::stable_sort(longest.begin(), longest.end(),
                   [](const Stall* a, const Stall* b) { return a->duration > b->duration; });
  if (longest.size() > kMaxStalls) longest.resize(kMaxStalls);
  Json out = Json::array();
  for (const Stall* const stall : longest) {
    out.push_back({stall->id, Name(stall->pool), clock(stall->begin), stall->duration.count(),
                   ToString(stall->cause), stall->delayed_items});
  }
  return out;
}

Json ItemsJson(const PageData& data, const Clock& clock) {
  Json out = Json::array();
  for (const PageItem& item : data.item_places) {
    out.push_back(
        {item.id, clock(item.from), clock(item.to), Name(item.function), Name(item.pool)});
  }
  return out;
}

template <class Parts>
Json Keys(const Parts& parts) {
  Json out = Json::array();
  for (const auto& part : parts) out.push_back(part.key);
  return out;
}

}  // namespace

std::string PageJson(const Report& report, const Timeline& timeline, const PageData& data,
                     std::span<const FunctionRow* const> functions, TimelineLeftOut& left_out) {
  Json out;
  out["quantiles"] = kQuantiles;
  out["waitParts"] = Keys(kWaitParts);
  out["runParts"] = Keys(kRunParts);
  out["functions"] = FunctionsJson(functions);
  if (timeline.bins > 0 && data.bins > 0) {
    const Clock clock{timeline.begin};
    TimelineJson lanes(timeline, left_out);
    out["span"] = Elapsed(timeline.begin, timeline.end).count();
    out["bin"] = lanes.bin().count();
    out["names"] = lanes.Functions();
    out["pools"] = lanes.Pools();
    out["lost"] = lanes.Losses();
    out["heat"] = HeatMapsJson(report, data, left_out);
    out["slices"] = SlicesJson(data, timeline, clock);
    out["allSlices"] = data.slices.size() == data.executions;
    out["stalls"] = StallsJson(report, clock);
    out["items"] = ItemsJson(data, clock);
  }
  std::string text = out.dump(-1, ' ', false, Json::error_handler_t::replace);
  for (size_t at = 0; (at = text.find('<', at)) != std::string::npos; at += 6) {
    text.replace(at, 1, "\\u003c");
  }
  return text;
}

}  // namespace wqprof
