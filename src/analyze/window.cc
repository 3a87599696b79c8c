// SPDX-License-Identifier: Apache-2.0
#include "wqprof/window.h"

#include <algorithm>
#include <deque>
#include <map>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "analyze/sliced.h"
#include "analyze/stall_collector.h"
#include "analyze/window_rows.h"
#include "wqprof/name_table.h"

namespace wqprof {
namespace {

constexpr size_t kMostFunctionsOfWorker = 3;

uint64_t KeyOf(uint32_t high, uint32_t low) { return static_cast<uint64_t>(high) << 32 | low; }
uint32_t High(uint64_t key) { return static_cast<uint32_t>(key >> 32); }
uint32_t Low(uint64_t key) { return static_cast<uint32_t>(key); }

uint64_t FunctionKey(NameId workqueue, NameId function) {
  return KeyOf(ToInt(workqueue), ToInt(function));
}
uint64_t WorkerKey(PoolId pool, Pid pid) {
  return KeyOf(static_cast<uint32_t>(pool), static_cast<uint32_t>(ToInt(pid)));
}

double Share(Nanos part, Nanos whole) {
  return whole > Nanos(0) ? static_cast<double>(part.count()) / static_cast<double>(whole.count())
                          : 0;
}

// How the accounts of all pools stood at one time.
struct Sample {
  // Integrals of one pool.
  struct Sums {
    Nanos busy{0}, backlog{0};
  };
  Timestamp at = kUnseen;
  uint64_t events = 0;
  absl::flat_hash_map<uint32_t, Sums> pools;
};

// What is open of one function, or on one worker, and lies in the window.
struct OpenPart {
  uint64_t count = 0;
  Nanos wall{0}, on_cpu{0};
  const OpenState::Execution* newest = nullptr;
};

}  // namespace

struct WindowCollector::State {
  State(const EventSource& s, const Reconstructor& m, const ItemFilter& filter, Nanos t,
        const WindowLimits& limits)
      : source(s),
        model(m),
        threshold(t),
        matcher(filter, s, m),
        stalls(s, m, filter, t, limits.stalls),
        most_stalls(limits.stalls),
        functions(limits.functions),
        workers(limits.workers) {}

  const EventSource& source;
  const Reconstructor& model;
  const Nanos threshold;
  ItemMatcher matcher;
  StallCollector stalls;
  const size_t most_stalls;
  SliceClock clock{kSlice, kSlices};
  TrackTable<FunctionTrack> functions;
  TrackTable<WorkerTrack> workers;
  std::deque<Sample> samples;  // by time, a slice or more apart

  std::string Name(NameId id) const { return std::string(source.names().Get(id)); }
  std::string FunctionText(NameId id) const {
    return std::string(SplitFunction(source.names().Get(id)).name);
  }

  void Reach(Timestamp at) {
    if (!clock.IsOver(at)) return;
    const size_t before = clock.newest();
    clock.MoveTo(at);
    // Of a pause longer than the window all slices begin once.
    const size_t from = std::max(before + 1, clock.oldest());
    functions.MoveTo(clock.newest(), from, clock.oldest());
    workers.MoveTo(clock.newest(), from, clock.oldest());
  }

  void Add(const WorkItem& item, const ItemSplit* split) {
    stalls.AddItem(item);
    const std::optional<Nanos> wall = item.Execution();
    if (item.state == ItemState::kSuperseded || item.state == ItemState::kPending) return;
    Reach(std::max(item.started, item.ended));
    const bool has_cpu = split != nullptr && split->run.has_value();
    const double cpu = has_cpu && wall ? Share(split->run->on_cpu, *wall) : 0;
    if (!item.softirq && item.worker != Pid::kNone) AddToWorker(item, cpu);
    if (item.state == ItemState::kBarrier || !matcher.Matches(item)) return;
    FunctionTrack& track = functions.At(FunctionKey(item.workqueue, item.function), clock.newest());
    ++track.work[clock.newest()].ended;
    Spread(item, cpu, track.work, [](size_t, Nanos) {});
    if (!item.executed()) return;
    const std::optional<Nanos> latency = SpecOf(Measure::kLatency).Of(item);
    if (!latency) return;
    track.latency.Add(*latency);
    track.slowest.Add(clock.newest(), item, *latency);
  }

  void AddToWorker(const WorkItem& item, double cpu) {
    WorkerTrack& track = workers.At(WorkerKey(item.pool, item.worker), clock.newest());
    ++track.work[clock.newest()].ended;
    Spread(item, cpu, track.work,
           [&](size_t slice, Nanos time) { track.AddTime(item.function, slice, time); });
  }

  // Adds the execution to each slice in which it was, and calls f(slice, time).
  template <typename F>
  void Spread(const WorkItem& item, double cpu, SlicedWork& work, F&& f) const {
    if (item.started == kUnseen || item.ended == kUnseen) return;
    clock.Spread(item.started, item.ended, [&](size_t slice, Nanos time) {
      const Nanos on_cpu(static_cast<int64_t>(static_cast<double>(time.count()) * cpu));
      SlicedWork::Sum& sum = work[slice];
      sum.wall = AddSaturated(sum.wall, time);
      sum.on_cpu = AddSaturated(sum.on_cpu, on_cpu);
      f(slice, time);
    });
  }

  // --- A look ------------------------------------------------------------------------------

  // The window as it is cut: whole slices and the one that grows.
  struct Cut {
    size_t first = 0;  // slice
    Timestamp begin = kUnseen, end = kUnseen;
    Nanos length{0};
    OpenState open;
  };

  static void Extend(OpenPart& part, const OpenState::Execution& run, const Cut& cut) {
    ++part.count;
    const Nanos wall = std::max(Nanos(0), Elapsed(std::max(run.begin, cut.begin), cut.end));
    part.wall = AddSaturated(part.wall, wall);
    if (run.split) part.on_cpu = AddSaturated(part.on_cpu, run.split->on_cpu);
    if (part.newest == nullptr || run.begin > part.newest->begin) part.newest = &run;
  }

  void FillFunctions(Window& window, const Cut& cut) {
    std::map<uint64_t, OpenPart> open;
    for (const OpenState::Execution& run : cut.open.executions) {
      WorkItem item;
      item.state = ItemState::kRunning;
      item.function = run.function;
      item.workqueue = run.workqueue;
      item.run_cpu = run.cpu;
      item.started = run.begin;
      if (run.function == NameId::kBarrier || !matcher.Matches(item)) continue;
      const uint64_t key = FunctionKey(run.workqueue, run.function);
      functions.At(key, clock.newest());
      Extend(open[functions.Has(key) ? key : functions.kOthers], run, cut);
    }
    functions.ForEach([&](uint64_t key, const FunctionTrack& track) {
      const auto it = open.find(key);
      WindowFunction row = ToRow(track, it != open.end() ? it->second : OpenPart(), cut);
      row.others = key == functions.kOthers;
      if (row.ended == 0 && row.running == 0) return;
      if (!row.others) {
        row.workqueue = Name(static_cast<NameId>(High(key)));
        row.function = FunctionText(static_cast<NameId>(Low(key)));
      }
      window.started_per_second += row.per_second;
      window.functions.push_back(std::move(row));
    });
    std::sort(window.functions.begin(), window.functions.end(), [](const auto& a, const auto& b) {
      return std::tie(a.others, a.workqueue, a.function) <
             std::tie(b.others, b.workqueue, b.function);
    });
  }

  WindowFunction ToRow(const FunctionTrack& track, const OpenPart& open, const Cut& cut) const {
    WindowFunction row;
    const SlicedWork::Sum work = track.work.SumFrom(cut.first);
    row.ended = work.ended;
    row.running = open.count;
    row.per_second = static_cast<double>(work.ended) / Seconds(cut);
    row.executing = Share(AddSaturated(work.wall, open.wall), cut.length);
    if (source.info().has_sched) {
      row.cpu = Share(AddSaturated(work.on_cpu, open.on_cpu), cut.length);
    }
    const SlicedLatency::Sum latency = track.latency.SumFrom(cut.first);
    row.samples = latency.count;
    row.p50 = latency.Quantile(0.5);
    row.p99 = latency.Quantile(0.99);
    if (latency.count > 0) row.worst = latency.worst;
    for (size_t slice = clock.oldest(); slice <= clock.newest(); ++slice) {
      row.worst_by_second.push_back(static_cast<uint64_t>(track.latency.WorstIn(slice).count()));
    }
    for (const auto& [span, item] : track.slowest.All()) {
      if (row.slowest.size() == SlowestItems::kPerGroup) break;
      row.slowest.push_back(ToSlowItem(item, span));
    }
    return row;
  }

  SlowItem ToSlowItem(const WorkItem& item, Nanos latency) const {
    SlowItem out;
    out.id = item.id;
    out.started = item.started;
    out.latency = latency;
    out.activation_wait = item.ActivationWait();
    out.execution = item.Execution();
    out.origin = OriginName(source, item.origin);
    out.worker = item.softirq ? "softirq" : Name(source.CommOf(item.worker));
    out.worker_pid = item.softirq ? Pid::kNone : item.worker;
    out.pool = model.pool(item.pool).name;
    return out;
  }

  static double Seconds(const Cut& cut) {
    return std::max(1e-3, std::chrono::duration<double>(cut.length).count());
  }

  void FillWorkers(Window& window, const Cut& cut) {
    std::map<uint64_t, OpenPart> open;
    for (const OpenState::Execution& run : cut.open.executions) {
      if (run.softirq || run.worker == Pid::kNone) continue;
      const uint64_t key = WorkerKey(run.pool, run.worker);
      workers.At(key, clock.newest());
      Extend(open[workers.Has(key) ? key : workers.kOthers], run, cut);
    }
    workers.ForEach([&](uint64_t key, const WorkerTrack& track) {
      const auto it = open.find(key);
      WindowWorker row = ToRow(track, it != open.end() ? it->second : OpenPart(), cut);
      row.others = key == workers.kOthers;
      if (row.ended == 0 && row.running.empty()) return;
      if (!row.others) {
        row.pid = static_cast<Pid>(static_cast<int32_t>(Low(key)));
        row.comm = Name(source.CommOf(row.pid));
        row.pool = model.pool(static_cast<PoolId>(High(key))).name;
      }
      window.workers.push_back(std::move(row));
    });
    std::sort(window.workers.begin(), window.workers.end(), [](const auto& a, const auto& b) {
      return std::tie(a.others, a.pool, a.pid) < std::tie(b.others, b.pool, b.pid);
    });
  }

  WindowWorker ToRow(const WorkerTrack& track, const OpenPart& open, const Cut& cut) const {
    WindowWorker row;
    const SlicedWork::Sum work = track.work.SumFrom(cut.first);
    row.ended = work.ended;
    row.per_second = static_cast<double>(work.ended) / Seconds(cut);
    row.busy = Share(AddSaturated(work.wall, open.wall), cut.length);
    if (source.info().has_sched) {
      row.cpu = Share(AddSaturated(work.on_cpu, open.on_cpu), cut.length);
    }
    std::vector<std::pair<NameId, Nanos>> times;
    for (const WorkerTrack::OfFunction& of : track.functions) {
      times.emplace_back(of.function, of.Sum());
    }
    if (open.newest != nullptr) {
      row.running = FunctionText(open.newest->function);
      row.running_for = std::max(Nanos(0), Elapsed(open.newest->begin, cut.end));
      const NameId function = open.newest->function;
      const auto it = std::find_if(times.begin(), times.end(),
                                   [&](const auto& time) { return time.first == function; });
      if (it == times.end()) {
        times.emplace_back(function, open.wall);
      } else {
        it->second = AddSaturated(it->second, open.wall);
      }
    }
    std::sort(times.begin(), times.end(),
              [](const auto& a, const auto& b) { return a.second > b.second; });
    Nanos all{0};
    for (const auto& [function, time] : times) all = AddSaturated(all, time);
    for (const auto& [function, time] : times) {
      if (row.functions.size() == kMostFunctionsOfWorker || time <= Nanos(0)) break;
      row.functions.emplace_back(FunctionText(function), Share(time, all));
    }
    return row;
  }

  // The accounts as they were when the window began, or as far back as is known.
  const Sample& BaseOf(const Cut& cut) const {
    const Sample* base = &samples.front();
    for (const Sample& sample : samples) {
      if (sample.at <= cut.begin) base = &sample;
    }
    return *base;
  }

  void FillPools(Window& window, const Cut& cut, const Sample& now, const Sample& base) {
    std::map<PoolId, WindowPool> rows;
    const Nanos length = std::max(Nanos(0), Elapsed(base.at, now.at));
    for (const auto& [id, sums] : now.pools) {
      const auto before = base.pools.find(id);
      const Sample::Sums was = before != base.pools.end() ? before->second : Sample::Sums();
      const double busy = Share(sums.busy - was.busy, length);
      const double backlog = Share(sums.backlog - was.backlog, length);
      if (busy <= 0 && backlog <= 0) continue;
      WindowPool& row = rows[static_cast<PoolId>(id)];
      row.busy_mean = busy;
      row.backlog_mean = backlog;
    }
    for (const OpenState::InPool& open : cut.open.pools) {
      WindowPool& row = rows[open.pool];
      row.busy = open.busy;
      row.backlog = open.backlog;
      if (!open.gap || Elapsed(open.gap->begin, open.gap->end) < threshold) continue;
      row.stall = stalls.StallOf(*open.gap);
      if (open.on_cpu.seen()) {
        row.on_cpu = ToTask(open.on_cpu, source.names());
        row.on_cpu_for = Between(open.on_cpu_since, cut.end);
      }
    }
    for (auto& [id, row] : rows) {
      row.pool = model.pool(id);
      window.pools.push_back(std::move(row));
    }
    std::sort(window.pools.begin(), window.pools.end(), [](const auto& a, const auto& b) {
      const auto order = [](const Pool& pool) {
        return std::tuple(pool.kind, pool.cpu, pool.name.size(), pool.name);
      };
      return order(a.pool) < order(b.pool);
    });
  }

  Sample SampleNow(Timestamp now) const {
    Sample sample;
    sample.at = now;
    sample.events = source.stats().events;
    for (const PoolOccupancy& pool : model.Pools()) {
      sample.pools[static_cast<uint32_t>(pool.pool.id)] = {pool.busy_sum, pool.backlog_sum};
    }
    return sample;
  }

  void Keep(Sample sample) {
    if (!samples.empty() && Elapsed(samples.back().at, sample.at) < kSlice) return;
    samples.push_back(std::move(sample));
    if (samples.size() > kSlices + 1) samples.pop_front();
  }
};

WindowCollector::WindowCollector(const EventSource& source, const Reconstructor& model,
                                 const ItemFilter& filter, Nanos stall_threshold,
                                 const WindowLimits& limits)
    : state_(std::make_unique<State>(source, model, filter, stall_threshold, limits)) {}
WindowCollector::~WindowCollector() = default;

Reconstructor::Options WindowCollector::wants() const {
  return {.gap_floor = state_->threshold, .forget_workers = true, .wait_splits = false};
}

void WindowCollector::Add(const Completed& completed) {
  State& state = *state_;
  if (!state.clock.begun()) {
    if (completed.trace_begin == kUnseen) return;
    state.clock.Begin(completed.trace_begin);
    state.Keep({completed.trace_begin, 0, {}});
  }
  for (const PoolGap& gap : completed.gaps) state.stalls.AddGap(gap);
  for (const WorkItem& item : completed.items) state.Add(item, completed.SplitOf(item));
}

Window WindowCollector::Look(Timestamp now, Nanos span) {
  State& state = *state_;
  Window window;
  const ReadStats& stats = state.source.stats();
  window.lost = stats.lost_events;
  if (!state.clock.begun() || now == kUnseen) return window;
  const auto slices = static_cast<size_t>(std::clamp<int64_t>(span / kSlice, 1, kSlices));
  State::Cut cut;
  state.Reach(now);
  cut.first = state.clock.newest() + 1 > slices ? state.clock.newest() + 1 - slices : 0;
  cut.begin = state.clock.BeginOf(cut.first);
  cut.end = now;
  cut.length = std::max(Nanos(0), Elapsed(cut.begin, cut.end));
  cut.open = state.model.Open(cut.begin);
  window.end = cut.end;
  window.length = cut.length;
  state.FillFunctions(window, cut);
  state.FillWorkers(window, cut);
  Sample sample = state.SampleNow(now);
  const Sample& base = state.BaseOf(cut);
  state.FillPools(window, cut, sample, base);
  const double seconds = std::chrono::duration<double>(Elapsed(base.at, now)).count();
  if (seconds > 0) {
    window.events_per_second = static_cast<double>(sample.events - base.events) / seconds;
  }
  state.Keep(std::move(sample));
  window.stalls = state.stalls.Latest(state.most_stalls);
  window.stalls_total = state.stalls.total();
  return window;
}

}  // namespace wqprof
