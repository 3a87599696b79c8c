// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <queue>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "export/perfetto_writer.h"
#include "wqprof/export.h"
#include "wqprof/name_table.h"

namespace wqprof {
namespace {

// Pids that no task has.
constexpr uint32_t kFirstPid = 1'000'000;
// A wait for activation from that length on is drawn inside its wait, and a part of an execution
// without its CPU inside that.
constexpr Nanos kLongInside = std::chrono::microseconds(5);
// A counter that changes more often is thinned out to about so many points, or twice as many.
constexpr int64_t kCounterPoints = 4000;

using Track = PerfettoWriter::Track;

// A span on a track.
struct Slice {
  Timestamp begin, end;
  size_t item = 0;  // its place, or that of a part or a stall
  enum class Kind : uint8_t { kExecution, kPart, kWait, kInactive, kStall } kind = Kind::kExecution;
  Track track = 0;
};

// Puts spans that overlap on different lanes, each on the first that is free.
class Lanes {
 public:
  // REQUIRES: begins in order.
  size_t Place(Timestamp begin, Timestamp end) {
    for (; !busy_.empty() && busy_.top().first <= begin; busy_.pop()) {
      free_.insert(busy_.top().second);
    }
    if (free_.empty()) free_.insert(count_++);
    const size_t lane = *free_.begin();
    free_.erase(free_.begin());
    busy_.emplace(end, lane);
    return lane;
  }
  size_t count() const { return count_; }

 private:
  using Busy = std::pair<Timestamp, size_t>;
  std::priority_queue<Busy, std::vector<Busy>, std::greater<>> busy_;
  std::set<size_t> free_;
  size_t count_ = 0;
};

std::string_view NameOf(RunPart::Kind kind) {
  switch (kind) {
    case RunPart::Kind::kPreempted:
      return "preempted";
    case RunPart::Kind::kBlocked:
      return "blocked";
    case RunPart::Kind::kBlockedInD:
      return "blocked in D";
    case RunPart::Kind::kRunnable:
      return "runnable";
  }
  return "?";
}

// Which lanes a slice may lie on: those of a worker, of a workqueue's waits, of a pool's stalls.
struct Group {
  Slice::Kind kind;
  uint32_t owner;  // a pool, or a workqueue's name
  Pid worker;
  auto operator<=>(const Group&) const = default;
};

}  // namespace

struct PerfettoExport::State {
  State(const EventSource& s, const Reconstructor& m, const PerfettoOptions& o)
      : source(s), model(m), options(o) {}

  const EventSource& source;
  const Reconstructor& model;
  const PerfettoOptions options;
  Timestamp begin = kUnseen, end = kUnseen;  // of what is exported
  uint64_t count = 0;
  std::vector<WorkItem> items;
  std::vector<PoolGap> gaps;
  std::vector<PoolStep> steps;
  std::vector<RunPart> parts;
  uint64_t parts_left_out = 0;
  std::map<PoolId, PoolStep> before;  // the last ones before the window

  bool Touches(Timestamp from, Timestamp to) const {
    return (options.to == kUnseen || from < options.to) &&
           (options.from == kUnseen || to > options.from);
  }
  // The span in which an item waited or executed.
  static std::pair<Timestamp, Timestamp> SpanOf(const WorkItem& item) {
    Timestamp from = Timestamp::max(), to = kUnseen;
    for (const Timestamp at : {item.queued, item.activated, item.started, item.ended}) {
      if (at == kUnseen) continue;
      from = std::min(from, at);
      to = std::max(to, at);
    }
    const bool open = item.state == ItemState::kPending || item.state == ItemState::kRunning;
    return {from, open ? Timestamp::max() : to};
  }

  bool Wants(const WorkItem& item, Timestamp from, Timestamp to) const {
    if (item.state == ItemState::kSuperseded || !Touches(from, to)) return false;
    if (!options.only || options.only->Holds(item.id)) return true;
    // Others only by what they executed.
    return item.started != kUnseen && options.only->Touches(item.pool, item.started, to);
  }
  bool Wants(PoolId pool, Timestamp from, Timestamp to) const {
    return Touches(from, to) && (!options.only || options.only->Touches(pool, from, to));
  }

  std::string FunctionOf(const WorkItem& item) const {
    const std::string_view name = SplitFunction(source.names().Get(item.function)).name;
    return name.empty() ? "?" : std::string(name);
  }
  std::string OriginOf(const Origin& origin) const {
    const NameTable& names = source.names();
    if (origin.kind == Origin::Kind::kTask) {
      return fmt::format("{}-{}", names.Get(source.CommOf(origin.pid)), ToInt(origin.pid));
    }
    const std::string_view function = SplitFunction(names.Get(origin.function)).name;
    return function.empty() ? std::string(ToString(origin.kind))
                            : fmt::format("{} {}", ToString(origin.kind), function);
  }

  void AddSlice(std::vector<std::pair<Group, Slice>>& out, const Group& group, Timestamp from,
                Timestamp to, size_t item) const {
    if (from == kUnseen || to == kUnseen) return;
    from = std::max(from, begin);
    to = std::min(to, end);
    if (from > to) return;
    out.push_back({group, {from, to, item, group.kind, 0}});
  }
  std::vector<std::pair<Group, Slice>> Slices() const;
  std::vector<Slice> PartsOf(std::span<const Slice> executions) const;
  std::vector<PoolStep> CounterPoints() const;
  void WriteSlice(PerfettoWriter& writer, const Slice& slice) const;
};

// Executions, waits and stalls, by their begins; the longer first, which holds the shorter.
std::vector<std::pair<Group, Slice>> PerfettoExport::State::Slices() const {
  std::vector<std::pair<Group, Slice>> out;
  for (size_t i = 0; i < items.size(); ++i) {
    const WorkItem& item = items[i];
    const bool runs_on = item.state == ItemState::kRunning && item.ended == kUnseen;
    const bool waits_on = item.state == ItemState::kPending;
    const Pid worker = item.softirq ? Pid::kNone : item.worker;
    const auto pool = static_cast<uint32_t>(item.pool);
    AddSlice(
        out, {Slice::Kind::kExecution, pool, worker},
        item.state == ItemState::kBeforeTrace && item.started == kUnseen ? begin : item.started,
        runs_on ? end : item.ended, i);
    AddSlice(out, {Slice::Kind::kWait, ToInt(item.workqueue), Pid::kNone}, item.queued,
             waits_on ? end : item.started, i);
  }
  for (size_t i = 0; i < gaps.size(); ++i) {
    AddSlice(out, {Slice::Kind::kStall, static_cast<uint32_t>(gaps[i].pool), Pid::kNone},
             gaps[i].begin, gaps[i].end, i);
  }
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    return a.second.begin != b.second.begin ? a.second.begin < b.second.begin
                                            : a.second.end > b.second.end;
  });
  return out;
}

// The parts of executions that were drawn, each on the track of its execution.
std::vector<Slice> PerfettoExport::State::PartsOf(std::span<const Slice> slices) const {
  absl::flat_hash_map<std::pair<int32_t, int64_t>, Track> tracks;  // by worker and start
  for (const Slice& slice : slices) {
    if (slice.kind != Slice::Kind::kExecution) continue;
    const WorkItem& item = items[slice.item];
    tracks[{ToInt(item.worker), item.started.time_since_epoch().count()}] = slice.track;
  }
  std::vector<Slice> out;
  for (size_t i = 0; i < parts.size(); ++i) {
    const RunPart& part = parts[i];
    const auto found = tracks.find({ToInt(part.worker), part.started.time_since_epoch().count()});
    if (found == tracks.end()) continue;
    const Timestamp from = std::max(part.begin, begin), to = std::min(part.end, end);
    if (from < to) out.push_back({from, to, i, Slice::Kind::kPart, found->second});
  }
  return out;
}

// Of pools that change very often, the highest backlog and the last state of each short time.
std::vector<PoolStep> PerfettoExport::State::CounterPoints() const {
  std::map<PoolId, int64_t> counts;
  for (const PoolStep& step : steps) ++counts[step.pool];
  struct Pending {
    std::optional<PoolStep> highest, last;
    Timestamp until = kUnseen;
  };
  std::map<PoolId, Pending> pools;
  std::vector<PoolStep> out;
  const auto flush = [&](Pending& pending) {
    if (!pending.last) return;
    if (pending.highest->at != pending.last->at) out.push_back(*pending.highest);
    out.push_back(*pending.last);
    pending = {};
  };
  for (const PoolStep& step : steps) {
    Pending& pending = pools[step.pool];
    if (step.at >= pending.until) {
      flush(pending);
      const bool many = counts[step.pool] > kCounterPoints;
      pending.until = step.at + (many ? (end - begin) / kCounterPoints : Nanos(0));
    }
    if (!pending.highest || step.backlog > pending.highest->backlog) pending.highest = step;
    pending.last = step;
  }
  for (auto& [id, pending] : pools) flush(pending);
  std::stable_sort(out.begin(), out.end(),
                   [](const PoolStep& a, const PoolStep& b) { return a.at < b.at; });
  return out;
}

void PerfettoExport::State::WriteSlice(PerfettoWriter& writer, const Slice& slice) const {
  using Arguments = std::vector<SliceArgument>;
  if (slice.kind == Slice::Kind::kStall) {
    const PoolGap& gap = gaps[slice.item];
    writer.Begin(slice.begin, slice.track, "stall", 0, 0, Arguments{{"waiting", "", gap.waiting}});
    return;
  }
  if (slice.kind == Slice::Kind::kPart) {
    writer.Begin(slice.begin, slice.track, NameOf(parts[slice.item].kind), 0, 0, Arguments{});
    return;
  }
  if (slice.kind == Slice::Kind::kInactive) {
    writer.Begin(slice.begin, slice.track, "inactive (max_active)", 0, 0, Arguments{});
    return;
  }
  const WorkItem& item = items[slice.item];
  const auto latency = item.Latency();
  // Long waits are connected with their execution.
  const bool both = latency && *latency >= kLongWait && item.queued >= begin && item.started <= end;
  const uint64_t flow = both ? item.id : 0;
  if (slice.kind == Slice::Kind::kWait) {
    const std::string origin = OriginOf(item.origin);
    writer.Begin(slice.begin, slice.track, FunctionOf(item), flow, 0,
                 Arguments{{"item", "", item.id}, {"queued by", origin, std::nullopt}});
    return;
  }
  writer.Begin(slice.begin, slice.track, FunctionOf(item), 0, flow,
               Arguments{{"item", "", item.id}});
}

PerfettoExport::PerfettoExport(const EventSource& source, const Reconstructor& model,
                               const PerfettoOptions& options)
    : state_(std::make_unique<State>(source, model, options)) {}
PerfettoExport::~PerfettoExport() = default;

Reconstructor::Options PerfettoExport::wants() const {
  return {.gap_floor = state_->options.stall_threshold,
          .pool_steps = true,
          .run_part_floor = kLongInside,
          .wait_splits = false,
          .run_splits = false};
}

void PerfettoExport::Add(const Completed& completed) {
  State& state = *state_;
  if (state.begin == kUnseen) {
    state.begin = std::max(state.options.from, completed.trace_begin);
  }
  for (const WorkItem& item : completed.items) {
    const auto [from, to] = State::SpanOf(item);
    if (!state.Wants(item, from, to)) continue;
    if (++state.count <= state.options.max_items) state.items.push_back(item);
  }
  if (too_many()) return;
  for (const PoolGap& gap : completed.gaps) {
    const bool stall = gap.end - gap.begin >= state.options.stall_threshold;
    if (stall && state.Wants(gap.pool, gap.begin, gap.end)) state.gaps.push_back(gap);
  }
  for (const RunPart& part : completed.run_parts) {
    if (!state.Wants(part.pool, part.begin, part.end)) continue;
    if (state.parts.size() < state.options.max_items) {
      state.parts.push_back(part);
    } else {
      ++state.parts_left_out;
    }
  }
  for (const PoolStep& step : completed.pool_steps) {
    if (step.at < state.begin) {
      state.before[step.pool] = step;
    } else if (state.Wants(step.pool, step.at, step.at + Nanos(1))) {
      state.steps.push_back(step);
    }
  }
}

void PerfettoExport::Finish() {
  State& state = *state_;
  state.end = std::max(state.begin, state.source.stats().end);
  if (state.options.to != kUnseen) state.end = std::min(state.end, state.options.to);
  std::vector<PoolStep> first;
  for (auto& [pool, step] : state.before) {
    first.push_back(step);
    first.back().at = state.begin;
  }
  state.steps.insert(state.steps.begin(), first.begin(), first.end());
}

uint64_t PerfettoExport::items() const { return state_->count; }
uint64_t PerfettoExport::parts_left_out() const { return state_->parts_left_out; }
bool PerfettoExport::too_many() const { return state_->count > state_->options.max_items; }

namespace {

// Makes the tracks, and puts each slice on its own.
class TrackMaker {
 public:
  TrackMaker(PerfettoWriter& writer, const EventSource& source, const Reconstructor& model)
      : writer_(writer), source_(source), model_(model) {}

  Track LaneOf(const Group& group, Timestamp from, Timestamp to) {
    Lanes& lanes = lanes_[group];
    std::vector<Track>& tracks = tracks_[group];
    const size_t lane = lanes.Place(from, to);
    if (lane == tracks.size()) tracks.push_back(Make(group));
    return tracks[lane];
  }
  // Backlog and busy workers.
  const std::array<Track, 2>& CountersOf(PoolId pool) {
    const auto it = counters_.find(pool);
    if (it != counters_.end()) return it->second;
    const Track parent = ProcessOf(pool);
    return counters_[pool] = {writer_.AddCounter(parent, "backlog"),
                              writer_.AddCounter(parent, "busy workers")};
  }

 private:
  static uint32_t PidOf(PoolId pool) { return kFirstPid + static_cast<uint32_t>(pool); }
  Track ProcessOf(PoolId pool) {
    const auto [it, added] = processes_.try_emplace(pool, 0);
    if (added) it->second = writer_.AddProcess(PidOf(pool), "pool " + model_.pool(pool).name);
    return it->second;
  }
  Track Make(const Group& group) {
    const NameTable& names = source_.names();
    if (group.kind == Slice::Kind::kWait) {
      const std::string_view name = names.Get(static_cast<NameId>(group.owner));
      const std::string title = fmt::format("waits: {}", name.empty() ? "?" : name);
      const auto [it, added] = workqueues_.try_emplace(group.owner, 0);
      if (added) it->second = writer_.AddTrack(std::nullopt, title);
      return writer_.AddTrack(it->second, title);
    }
    const auto pool = static_cast<PoolId>(group.owner);
    const Track parent = ProcessOf(pool);
    if (group.kind == Slice::Kind::kStall) return writer_.AddTrack(parent, "stalls");
    const bool softirq = group.worker == Pid::kNone;
    const std::string comm =
        softirq ? "softirq" : std::string(names.Get(source_.CommOf(group.worker)));
    const uint32_t tid =
        softirq ? 2 * kFirstPid + group.owner : static_cast<uint32_t>(ToInt(group.worker));
    return writer_.AddThread(PidOf(pool), tid, comm.empty() ? fmt::format("{}", tid) : comm);
  }

  PerfettoWriter& writer_;
  const EventSource& source_;
  const Reconstructor& model_;
  std::map<Group, Lanes> lanes_;
  std::map<Group, std::vector<Track>> tracks_;
  std::map<PoolId, Track> processes_;
  std::map<uint32_t, Track> workqueues_;
  std::map<PoolId, std::array<Track, 2>> counters_;
};

}  // namespace

std::string PerfettoExport::Take() {
  const State& state = *state_;
  PerfettoWriter writer(state.begin);
  TrackMaker tracks(writer, state.source, state.model);
  std::vector<Slice> slices;
  for (auto& [group, slice] : state.Slices()) {
    slice.track = tracks.LaneOf(group, slice.begin, slice.end);
    slices.push_back(slice);
    if (slice.kind != Slice::Kind::kWait) continue;
    const WorkItem& item = state.items[slice.item];
    // What is inactive to the end has no activation; nor has anything where none were recorded.
    const bool to_the_end = item.state == ItemState::kPending && state.source.info().has_activate;
    if (item.activated == kUnseen && !to_the_end) continue;
    const Timestamp until =
        item.activated != kUnseen ? std::min(item.activated, slice.end) : slice.end;
    if (until - slice.begin < kLongInside) continue;
    Slice inactive = slice;
    inactive.kind = Slice::Kind::kInactive;
    inactive.end = until;
    slices.push_back(inactive);
  }
  const std::vector<Slice> parts = state.PartsOf(slices);
  slices.insert(slices.end(), parts.begin(), parts.end());
  // A part comes after its execution, as that begins before it or lasts longer; else in this order.
  std::stable_sort(slices.begin(), slices.end(), [](const Slice& a, const Slice& b) {
    return a.begin != b.begin ? a.begin < b.begin : a.end > b.end;
  });
  const std::vector<PoolStep> counters = state.CounterPoints();
  for (const PoolStep& step : counters) tracks.CountersOf(step.pool);

  // By time; ends before begins, and at one time the inner end first.
  using Open = std::pair<Timestamp, Track>;
  std::priority_queue<Open, std::vector<Open>, std::greater<>> open;
  size_t counter = 0;
  const auto advance = [&](Timestamp at) {
    while (true) {
      const bool slice = !open.empty() && open.top().first <= at;
      const bool count = counter < counters.size() && counters[counter].at <= at;
      if (count && (!slice || counters[counter].at <= open.top().first)) {
        const PoolStep& step = counters[counter++];
        const auto& [backlog, busy] = tracks.CountersOf(step.pool);
        writer.Count(std::max(step.at, state.begin), backlog, step.backlog);
        writer.Count(std::max(step.at, state.begin), busy, step.busy);
      } else if (slice) {
        writer.End(open.top().first, open.top().second);
        open.pop();
      } else {
        break;
      }
    }
  };
  for (const Slice& slice : slices) {
    advance(slice.begin);
    state.WriteSlice(writer, slice);
    open.emplace(slice.end, slice.track);
  }
  advance(Timestamp::max());
  return std::move(writer).Take();
}

}  // namespace wqprof
