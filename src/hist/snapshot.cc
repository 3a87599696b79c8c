// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "wqprof/hist.h"

namespace wqprof {
namespace {

// A hash of what a recording holds, the same wherever and whenever it is made.
class ContentHash {
 public:
  void Add(std::string_view text) {
    for (const char c : text) Mix(static_cast<uint8_t>(c));
    Mix(0xff);  // in no UTF-8
  }
  void Add(int64_t number) {
    for (int i = 0; i < 64; i += 8) Mix(static_cast<uint8_t>(static_cast<uint64_t>(number) >> i));
  }
  void Add(const Histogram& histogram) {
    Add(static_cast<int64_t>(histogram.count()));
    if (histogram.count() == 0) return;
    Add(histogram.sum().count());
    Add(histogram.min()->count());
    Add(histogram.max()->count());
  }
  // In the form of a boot id.
  std::string Text() const {
    const std::string hex = fmt::format("{:016x}{:016x}", a_, b_);
    return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4),
                       hex.substr(16, 4), hex.substr(20));
  }

 private:
  // FNV-1a, twice, from two places.
  void Mix(uint8_t byte) {
    constexpr uint64_t kPrime = 0x100000001b3;
    a_ = (a_ ^ byte) * kPrime;
    b_ = ((b_ ^ byte) * kPrime) ^ (b_ >> 29);
  }
  uint64_t a_ = 0xcbf29ce484222325, b_ = 0x9ae16a3b2f90404f;
};

// Of the boot and the first stamp; where the boot is not known, of what the recording holds.
std::string SegmentId(const Report& report) {
  const int64_t begin = report.read.begin.time_since_epoch().count();
  if (!report.source.boot_id.empty()) return fmt::format("{}-{}", report.source.boot_id, begin);
  ContentHash hash;
  hash.Add(report.source.kernel);
  hash.Add(report.source.machine);
  hash.Add(begin);
  hash.Add(report.read.end.time_since_epoch().count());
  hash.Add(static_cast<int64_t>(report.read.events));
  for (const FunctionRow& row : report.functions) {
    hash.Add(row.workqueue);
    hash.Add(row.function);
    for (const Histogram& histogram : row.measures.durations) hash.Add(histogram);
  }
  return fmt::format("{}-{}", hash.Text(), begin);
}

// Whatever stands for one set of lines, with what they hold.
struct FunctionSeries {
  std::string workqueue, function;
  Measures measures;

  size_t lines() const {
    size_t out = 1;  // the latency, for its counts
    for (const MeasureSpec& measure : kMeasures) {
      out += measure.id != Measure::kLatency && measures[measure.id].count() > 0;
    }
    return out;
  }
  // The time that its items waited and executed.
  Nanos weight() const {
    return AddSaturated(measures[Measure::kLatency].sum(), measures[Measure::kExecution].sum());
  }
};

std::string KeyOf(std::string_view workqueue, std::string_view function) {
  return fmt::format("{}/{}", workqueue, function);
}

std::vector<FunctionSeries> FunctionsOf(const Report& report, const HistOptions& options) {
  std::map<std::pair<std::string, std::string>, Measures> by_name;
  const auto name = [&](const std::string& text) {
    return options.original_names ? text : NormalisedName(text);
  };
  for (const FunctionRow& row : report.functions) {
    // An address is no name, whatever was asked for.
    const std::string function =
        row.function.starts_with("0x") ? NormalisedName(row.function) : row.function;
    by_name[{name(row.workqueue), function}].Merge(row.measures);
  }
  std::vector<FunctionSeries> out;
  for (auto& [key, measures] : by_name) out.push_back({key.first, key.second, std::move(measures)});
  return out;
}

// Leaves as many of the largest as `top` lines hold; all others become one.
std::vector<FunctionSeries> Largest(std::vector<FunctionSeries> all, const HistOptions& options) {
  const auto weight = [&](const FunctionSeries& series) {
    const bool kept = options.kept.contains(KeyOf(series.workqueue, series.function));
    return kept ? AddSaturated(series.weight(), series.weight()) : series.weight();
  };
  std::stable_sort(all.begin(), all.end(), [&](const FunctionSeries& a, const FunctionSeries& b) {
    return weight(a) > weight(b);
  });
  std::vector<FunctionSeries> out;
  size_t lines = 0;
  auto it = all.begin();
  for (; it != all.end() && lines + it->lines() <= options.top_series.value_or(kTopSeries); ++it) {
    lines += it->lines();
    out.push_back(std::move(*it));
  }
  if (it == all.end()) return out;
  FunctionSeries others{std::string(kAllOthers), std::string(kAllOthers), {}};
  for (; it != all.end(); ++it) others.measures.Merge(it->measures);
  out.push_back(std::move(others));
  return out;
}

void AppendFunctions(std::vector<FunctionSeries> functions, std::vector<HistLine>& out) {
  for (FunctionSeries& series : functions) {
    for (const MeasureSpec& measure : kMeasures) {
      const bool first = measure.id == Measure::kLatency;
      Histogram& values = series.measures[measure.id];
      if (!first && values.count() == 0) continue;
      HistLine line;
      line.workqueue = series.workqueue;
      line.function = series.function;
      line.metric = measure.name;
      line.values = std::move(values);
      if (first) {
        line.counts = {series.measures.queued, series.measures.executed,
                       series.measures.superseded};
      }
      out.push_back(std::move(line));
    }
  }
}

// The histograms of one pool, by kPoolMetrics.
using PoolSeries = std::array<Histogram, std::size(kPoolMetrics)>;

void Merge(const PoolSeries& from, PoolSeries& to) {
  for (size_t i = 0; i < from.size(); ++i) to[i].Merge(from[i]);
}

size_t LinesOf(const PoolSeries& pool) {
  return static_cast<size_t>(
      std::count_if(pool.begin(), pool.end(), [](const Histogram& h) { return h.count() > 0; }));
}

// The time that it was busy, or items waited.
Nanos WeightOf(const PoolSeries& pool) { return AddSaturated(pool[0].sum(), pool[1].sum()); }

void AppendPools(const Report& report, const std::vector<PoolTimes>& times,
                 const HistOptions& options, std::vector<HistLine>& out) {
  std::map<std::string, PoolSeries> by_name;
  const auto at = [&](const std::string& pool) -> PoolSeries& {
    return by_name[options.original_names ? pool : NormalisedPool(pool)];
  };
  for (const PoolTimes& pool : times) {
    PoolSeries& series = at(pool.pool);
    if (TellsOccupancy(report.recorded)) series[0].Merge(pool.busy);
    if (TellsBacklog(report.recorded)) series[1].Merge(pool.backlog);
    if (TellsStalls(report.recorded)) series[2].Merge(pool.stall);
  }
  for (const PoolRow& row : report.pools) at(row.occupancy.pool.name)[3].Merge(row.execution);
  std::vector<std::pair<std::string, PoolSeries>> pools(by_name.begin(), by_name.end());
  std::stable_sort(pools.begin(), pools.end(), [](const auto& a, const auto& b) {
    return WeightOf(a.second) > WeightOf(b.second);
  });
  std::vector<std::pair<std::string, PoolSeries>> shown;
  std::optional<PoolSeries> others;
  size_t lines = 0;
  for (auto& pool : pools) {
    lines += LinesOf(pool.second);
    if (!others && lines <= options.top_series.value_or(kTopSeries)) {
      shown.push_back(std::move(pool));
    } else {
      if (!others) others.emplace();
      Merge(pool.second, *others);
    }
  }
  if (others) shown.emplace_back(kAllOthers, std::move(*others));
  for (auto& [name, series] : shown) {
    for (size_t i = 0; i < series.size(); ++i) {
      if (series[i].count() == 0) continue;
      HistLine line;
      line.kind = HistKind::kPool;
      line.pool = name;
      line.metric = kPoolMetrics[i];
      line.values = std::move(series[i]);
      out.push_back(std::move(line));
    }
  }
}

// The longest stalls have causes; of the others there are counts and lengths.
std::vector<HistStalls> StallsOf(const Report& report, const std::vector<PoolTimes>& times,
                                 const HistOptions& options) {
  std::map<std::pair<std::string, std::string>, HistStalls> by_cause;
  const auto add = [&](const std::string& pool, std::string_view cause, uint64_t count,
                       Nanos total) {
    const std::string name = options.original_names ? pool : NormalisedPool(pool);
    HistStalls& stalls = by_cause[{name, std::string(cause)}];
    stalls.count += count;
    stalls.total = AddSaturated(stalls.total, total);
  };
  std::map<std::string, std::pair<uint64_t, Nanos>> with_cause;
  for (const Stall& stall : report.stalls) {
    add(stall.pool, ToString(stall.cause), 1, stall.duration);
    auto& [count, total] = with_cause[stall.pool];
    ++count;
    total = AddSaturated(total, stall.duration);
  }
  for (const PoolTimes& pool : times) {
    const auto& [count, total] = with_cause[pool.pool];
    if (pool.stall.count() <= count || pool.stall.sum() < total) continue;
    add(pool.pool, ToString(StallCause::kUnknown), pool.stall.count() - count,
        pool.stall.sum() - total);
  }
  std::vector<HistStalls> out;
  for (auto& [key, stalls] : by_cause) {
    stalls.pool = key.first;
    stalls.cause = key.second;
    out.push_back(std::move(stalls));
  }
  return out;
}

}  // namespace

std::string_view ToString(HistKind kind) {
  switch (kind) {
    case HistKind::kQuality:
      return "quality";
    case HistKind::kFunction:
      return "function";
    case HistKind::kPool:
      return "pool";
  }
  return "";
}

HistSnapshot MakeHistSnapshot(const Report& report, const std::vector<PoolTimes>& pools,
                              const HistOptions& options) {
  HistSnapshot out;
  out.segment = {
      SegmentId(report),    report.source.wall_begin, report.duration,    report.source.machine,
      report.source.kernel, report.source.arch,       report.source.cpus, options.labels};
  out.recorded = report.recorded;
  out.quality = report.quality;
  out.stalls = StallsOf(report, pools, options);
  AppendFunctions(Largest(FunctionsOf(report, options), options), out.lines);
  AppendPools(report, pools, options, out.lines);
  return out;
}

std::set<std::string> KeptFunctions(const HistSnapshot& snapshot) {
  std::set<std::string> out;
  for (const HistLine& line : snapshot.lines) {
    if (line.kind == HistKind::kFunction && line.function != kAllOthers) {
      out.insert(KeyOf(line.workqueue, line.function));
    }
  }
  return out;
}

}  // namespace wqprof
