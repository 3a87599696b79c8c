// SPDX-License-Identifier: Apache-2.0
#include "wqprof/timeline.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "wqprof/name_table.h"
#include "wqprof/time_bins.h"

namespace wqprof {
namespace {

// Executions on a lane within one bin.  Of functions the one that leads is kept as in a vote: each
// other one takes from its lead, and one that has more than half of the time always wins.
struct LaneBin {
  Nanos busy{0}, lead{0};
  NameId function = NameId::kUnknown;

  void Add(NameId name, Nanos time) {
    busy += time;
    Vote(name, time);
  }
  void Merge(const LaneBin& other) {
    busy += other.busy;
    Vote(other.function, other.lead);
  }

 private:
  void Vote(NameId name, Nanos time) {
    if (name == function) {
      lead += time;
    } else if (time <= lead) {
      lead -= time;
    } else {
      function = name;
      lead = time - lead;
    }
  }
};

// A pool within one bin; integrals over time.
struct PoolBin {
  double backlog = 0, busy = 0;
  Nanos stalled{0};
  uint32_t backlog_most = 0;

  void Merge(const PoolBin& other) {
    backlog += other.backlog;
    busy += other.busy;
    stalled += other.stalled;
    backlog_most = std::max(backlog_most, other.backlog_most);
  }
};

struct Lane {
  Pid pid = Pid::kNone;
  uint64_t executions = 0;
  Nanos busy{0};
  std::vector<LaneBin> bins = std::vector<LaneBin>(TimelineCollector::kBins);
};

struct PoolSeries {
  PoolStep last;  // its levels hold from then on
  Nanos stalled{0};
  std::map<Pid, Lane> lanes;
  uint64_t lanes_left_out = 0;
  std::vector<PoolBin> bins = std::vector<PoolBin>(TimelineCollector::kBins);
};

// A window whose ends are known is cut into bins at once.
Nanos FirstWidth(const TimelineOptions& options) {
  constexpr int64_t kBins = TimelineCollector::kBins;
  if (options.from == kUnseen || options.to == kUnseen || options.to <= options.from) {
    return Nanos(1000);
  }
  return Nanos(std::max<int64_t>(1, ((options.to - options.from).count() + kBins - 1) / kBins));
}

}  // namespace

struct TimelineCollector::State {
  State(const EventSource& s, const Reconstructor& m, const TimelineOptions& o)
      : source(s), model(m), options(o), bins(kBins, FirstWidth(o)) {}

  const EventSource& source;
  const Reconstructor& model;
  const TimelineOptions options;
  TimeBins bins;
  Timestamp end = kUnseen;  // of the time that is drawn, once it is known
  size_t lane_count = 0;
  std::map<PoolId, PoolSeries> pools;
  std::vector<Nanos> lost = std::vector<Nanos>(kBins);
  absl::flat_hash_map<uint32_t, Nanos> functions;

  // Null: there are too many.
  PoolSeries* At(PoolId pool) {
    const auto it = pools.find(pool);
    if (it != pools.end()) return &it->second;
    return pools.size() < kMaxPools ? &pools[pool] : nullptr;
  }
  Lane* LaneOf(PoolSeries& pool, Pid pid) {
    const auto it = pool.lanes.find(pid);
    if (it != pool.lanes.end()) return &it->second;
    if (lane_count >= kMaxLanes) {
      ++pool.lanes_left_out;
      return nullptr;
    }
    ++lane_count;
    Lane& lane = pool.lanes[pid];
    lane.pid = pid;
    return &lane;
  }

  void Reach(Timestamp at) {
    if (options.to != kUnseen) at = std::min(at, options.to - Nanos(1));
    for (int doublings = bins.Reach(at); doublings > 0; --doublings) {
      const auto merge = [](auto& into, const auto& other) { into.Merge(other); };
      for (auto& [id, pool] : pools) {
        TimeBins::Fold(pool.bins, merge);
        for (auto& [pid, lane] : pool.lanes) TimeBins::Fold(lane.bins, merge);
      }
      TimeBins::Fold(lost, [](Nanos& into, Nanos other) { into += other; });
    }
  }

  // The levels of a pool held until `at`.
  static void Advance(const TimeBins& bins, PoolSeries& pool, Timestamp at) {
    const PoolStep& level = pool.last;
    if (level.at == kUnseen || (level.backlog == 0 && level.busy == 0)) return;
    bins.Spread(level.at, at, [&](size_t bin, Nanos time) {
      PoolBin& there = pool.bins[bin];
      there.backlog += static_cast<double>(time.count()) * level.backlog;
      there.busy += static_cast<double>(time.count()) * level.busy;
      there.backlog_most = std::max(there.backlog_most, level.backlog);
    });
  }

  void AddStep(const PoolStep& step) {
    PoolSeries* const pool = At(step.pool);
    if (pool == nullptr) return;
    Reach(step.at);
    Advance(bins, *pool, step.at);
    pool->last = step;
  }

  void AddGap(const PoolGap& gap) {
    PoolSeries* const pool = At(gap.pool);
    if (pool == nullptr || gap.end - gap.begin < options.stall_threshold) return;
    Reach(gap.end);
    bins.Spread(gap.begin, gap.end, [&](size_t bin, Nanos time) {
      pool->bins[bin].stalled += time;
      pool->stalled += time;
    });
  }

  void AddLoss(const LossSpan& loss) {
    const Timestamp last = options.to != kUnseen ? options.to : Timestamp::max();
    if (loss.end <= bins.begin() || loss.begin >= last) return;
    Reach(loss.end);
    bins.Spread(std::max(loss.begin, bins.begin()), std::min(loss.end, last),
                [&](size_t bin, Nanos time) { lost[bin] += time; });
  }

  void AddItem(const WorkItem& item) {
    const bool begun_before = item.state == ItemState::kBeforeTrace && item.started == kUnseen;
    const bool runs_on = item.state == ItemState::kRunning && item.ended == kUnseen;
    if (item.started == kUnseen && !begun_before) return;
    if (item.ended == kUnseen && !runs_on) return;  // it never started, or its end was lost
    const Timestamp from = begun_before ? bins.begin() : item.started;
    // What runs on comes after the last event.
    const Timestamp to = runs_on ? source.stats().end : item.ended;
    const Timestamp last = options.to != kUnseen ? options.to : Timestamp::max();
    if (to <= bins.begin() || from >= last) return;
    PoolSeries* const pool = At(item.pool);
    if (pool == nullptr) return;
    Reach(to);
    Lane* const lane = LaneOf(*pool, item.softirq ? Pid::kNone : item.worker);
    bins.Spread(from, std::min(to, last), [&](size_t bin, Nanos time) {
      functions[ToInt(item.function)] += time;
      if (lane == nullptr) return;
      lane->bins[bin].Add(item.function, time);
      lane->busy += time;
    });
    if (lane != nullptr) ++lane->executions;
  }

  // Bins in use.
  size_t Used() const {
    return std::max<size_t>(1, bins.BinOf(std::max(end - Nanos(1), bins.begin())) + 1);
  }
  TimelinePool ToPool(PoolId id, const PoolSeries& series,
                      const absl::flat_hash_map<uint32_t, uint32_t>& places) const;
  TimelineLane ToLane(const Lane& lane,
                      const absl::flat_hash_map<uint32_t, uint32_t>& places) const;
};

TimelineLane TimelineCollector::State::ToLane(
    const Lane& lane, const absl::flat_hash_map<uint32_t, uint32_t>& places) const {
  TimelineLane out;
  out.pid = lane.pid;
  out.worker =
      lane.pid == Pid::kNone ? "softirq" : std::string(source.names().Get(source.CommOf(lane.pid)));
  out.executions = lane.executions;
  out.busy = lane.busy;
  for (size_t bin = 0; bin < Used(); ++bin) {
    const LaneBin& there = lane.bins[bin];
    out.busy_in.push_back(there.busy);
    const auto place = places.find(ToInt(there.function));
    const bool known = there.busy > Nanos(0) && place != places.end();
    out.function.push_back(known ? place->second : UINT32_MAX);
  }
  return out;
}

TimelinePool TimelineCollector::State::ToPool(
    PoolId id, const PoolSeries& series,
    const absl::flat_hash_map<uint32_t, uint32_t>& places) const {
  TimelinePool out;
  out.pool = model.pool(id);
  out.stalled = series.stalled;
  out.lanes_left_out = series.lanes_left_out;
  double busy = 0;
  for (size_t bin = 0; bin < Used(); ++bin) {
    const PoolBin& there = series.bins[bin];
    const Timestamp from = bins.begin() + bins.width() * static_cast<int64_t>(bin);
    const double length =
        static_cast<double>(std::max<int64_t>(1, std::min(bins.width(), end - from).count()));
    out.backlog_mean.push_back(there.backlog / length);
    out.busy_mean.push_back(there.busy / length);
    out.backlog_most.push_back(there.backlog_most);
    out.stalled_in.push_back(there.stalled);
    out.backlog_max = std::max(out.backlog_max, there.backlog_most);
    busy += there.busy;
  }
  out.busy = Nanos(static_cast<int64_t>(busy));
  for (const auto& [pid, lane] : series.lanes) out.lanes.push_back(ToLane(lane, places));
  std::stable_sort(out.lanes.begin(), out.lanes.end(),
                   [](const auto& a, const auto& b) { return a.busy > b.busy; });
  return out;
}

TimelineCollector::TimelineCollector(const EventSource& source, const Reconstructor& model,
                                     const TimelineOptions& options)
    : state_(std::make_unique<State>(source, model, options)) {}
TimelineCollector::~TimelineCollector() = default;

Reconstructor::Options TimelineCollector::wants() const {
  return {.gap_floor = state_->options.stall_threshold,
          .pool_steps = true,
          .wait_splits = false,
          .run_splits = false};
}

void TimelineCollector::Add(const Completed& completed) {
  State& state = *state_;
  if (!state.bins.begun()) {
    const Timestamp begin =
        state.options.from != kUnseen ? state.options.from : completed.trace_begin;
    if (begin == kUnseen) return;
    state.bins.Begin(begin);
  }
  for (const PoolStep& step : completed.pool_steps) state.AddStep(step);
  for (const PoolGap& gap : completed.gaps) state.AddGap(gap);
  for (const LossSpan& loss : completed.losses) state.AddLoss(loss);
  for (const WorkItem& item : completed.items) state.AddItem(item);
}

void TimelineCollector::Finish() {
  State& state = *state_;
  if (!state.bins.begun()) return;
  state.end = std::max(state.source.stats().end, state.bins.begin());
  if (state.options.to != kUnseen) state.end = std::min(state.end, state.options.to);
  state.Reach(state.end - Nanos(1));
  for (auto& [id, pool] : state.pools) State::Advance(state.bins, pool, state.end);
}

Timeline TimelineCollector::Take() const {
  const State& state = *state_;
  Timeline out;
  if (!state.bins.begun() || state.end <= state.bins.begin()) return out;
  out.begin = state.bins.begin();
  out.end = state.end;
  out.bin = state.bins.width();
  out.bins = state.Used();
  out.lost_in.assign(state.lost.begin(), state.lost.begin() + static_cast<ptrdiff_t>(out.bins));
  const NameTable& names = state.source.names();
  std::vector<std::pair<uint32_t, Nanos>> functions(state.functions.begin(), state.functions.end());
  const auto name = [&](uint32_t id) {
    return std::string(SplitFunction(names.Get(static_cast<NameId>(id))).name);
  };
  // Ids depend on the order of arrival: names decide.
  std::sort(functions.begin(), functions.end(), [&](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : name(a.first) < name(b.first);
  });
  absl::flat_hash_map<uint32_t, uint32_t> places;
  for (const auto& [id, execution] : functions) {
    places[id] = static_cast<uint32_t>(out.functions.size());
    out.functions.push_back({name(id), execution});
  }
  for (const auto& [id, series] : state.pools) {
    out.pools.push_back(state.ToPool(id, series, places));
  }
  std::sort(out.pools.begin(), out.pools.end(), [](const TimelinePool& a, const TimelinePool& b) {
    if (a.stalled != b.stalled) return a.stalled > b.stalled;
    return a.busy != b.busy ? a.busy > b.busy : a.pool.name < b.pool.name;
  });
  return out;
}

}  // namespace wqprof
