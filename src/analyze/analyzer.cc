// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <tuple>

#include "absl/container/flat_hash_map.h"
#include "analyze/activation.h"
#include "analyze/findings.h"
#include "analyze/flush_collector.h"
#include "analyze/long_waits.h"
#include "analyze/loop_collector.h"
#include "analyze/stall_collector.h"
#include "analyze/worker_functions.h"
#include "wqprof/analyze.h"

namespace wqprof {
namespace {

// Measures by a 64-bit key.  The last few keys are remembered by position: a busy box has
// thousands of items in a row of a handful of functions.
class MeasureTable {
 public:
  Measures& At(uint64_t key) {
    Recent& recent = recent_[(key * 0x9e3779b97f4a7c15) >> 58];
    if (recent.measures == nullptr || recent.key != key) {
      auto& slot = rows_[key];
      if (!slot) slot = std::make_unique<Measures>();
      recent = {key, slot.get()};
    }
    return *recent.measures;
  }
  // Null: there are none.
  const Measures* Find(uint64_t key) const {
    const auto it = rows_.find(key);
    return it == rows_.end() ? nullptr : it->second.get();
  }
  template <typename F>
  void ForEach(F&& f) const {
    for (const auto& [key, measures] : rows_) f(key, *measures);
  }
  size_t size() const { return rows_.size(); }

 private:
  struct Recent {
    uint64_t key = 0;
    Measures* measures = nullptr;
  };
  absl::flat_hash_map<uint64_t, std::unique_ptr<Measures>> rows_;
  std::array<Recent, 64> recent_;
};

uint64_t KeyOf(uint32_t high, uint32_t low) { return static_cast<uint64_t>(high) << 32 | low; }
uint32_t High(uint64_t key) { return static_cast<uint32_t>(key >> 32); }
uint32_t Low(uint64_t key) { return static_cast<uint32_t>(key); }

double Ratio(Nanos part, Nanos whole) {
  return whole > Nanos(0) ? static_cast<double>(part.count()) / static_cast<double>(whole.count())
                          : 0.0;
}

// Since when a pending item is known to wait: its activation where its queue event is not recorded.
Timestamp PendingSince(const WorkItem& item) {
  return item.queued != kUnseen ? item.queued : item.activated;
}

// "u8" before "u10".
auto PoolOrder(const Pool& pool) {
  return std::tuple(pool.kind, pool.cpu, pool.name.size(), pool.name);
}

}  // namespace

struct Analyzer::State {
  State(const EventSource& s, const Reconstructor& m, AnalyzeOptions o)
      : source(s),
        model(m),
        options(std::move(o)),
        matcher(options.filter, s, m),
        stalls(s, m, options.filter, options.stall_threshold, options.max_stalls),
        long_waits(s, m),
        flushes(s, options.filter, options.stall_threshold),
        worker_functions(s) {}

  const EventSource& source;
  const Reconstructor& model;
  const AnalyzeOptions options;
  // Ticks of another clock are no durations, and must not be shown as such (rule 48).
  const bool has_durations = source.info().clock_is_ns;
  ItemMatcher matcher;
  StallCollector stalls;
  LongWaitCollector long_waits;
  FlushCollector flushes;
  LoopCollector loops;
  WorkerFunctions worker_functions;
  MeasureTable functions;  // workqueue, function
  MeasureTable origins;    // kind, comm or function
  MeasureTable stacks;     // name
  MeasureTable pools, cpus, workers;
  std::vector<Histogram> pool_executions;  // by PoolId
  std::map<std::pair<uint64_t, PoolId>, LongExecution> long_executions;
  // Time of executions of kWorthWaitingFor or more, by pool and function.
  absl::flat_hash_map<std::pair<uint64_t, PoolId>, Nanos> pool_work;
  std::vector<WorkItem> oldest_pending;  // none or one

  void Note(Measures& measures, const WorkItem& item, const ItemSplit* split) const {
    has_durations ? measures.Add(item, split, options.measures) : measures.Count(item);
  }

  void AddToPool(const WorkItem& item) {
    const auto execution = item.Execution();
    if (!has_durations || item.state != ItemState::kDone || !execution || item.run_tainted) return;
    const size_t pool = static_cast<size_t>(item.pool);
    if (pool >= pool_executions.size()) pool_executions.resize(pool + 1);
    pool_executions[pool].Add(*execution);
  }

  void Add(const WorkItem& item, const ItemSplit* split) {
    const bool stalled = has_durations && stalls.AddItem(item);
    if (options.pool_executions) AddToPool(item);
    // Whoever flushes waits for all, whatever the filter.
    if (item.state != ItemState::kBarrier) flushes.Add(item);
    // Those have no queue event, and no measure.
    if (item.state == ItemState::kBarrier || !matcher.Matches(item)) return;
    const uint64_t function = KeyOf(ToInt(item.workqueue), ToInt(item.function));
    Note(functions.At(function), item, split);
    if (options.by_origin) Note(origins.At(OriginKey(item.origin)), item, split);
    if (options.by_stack) Note(stacks.At(ToInt(item.stack)), item, split);
    if (options.by_pool) Note(pools.At(static_cast<uint64_t>(item.pool)), item, split);
    if (options.by_worker && !item.softirq && item.worker != Pid::kNone) {
      const uint64_t worker =
          KeyOf(static_cast<uint32_t>(item.pool), static_cast<uint32_t>(ToInt(item.worker)));
      Note(workers.At(worker), item, split);
      if (has_durations) worker_functions.Add(worker, item, split);
    }
    if (options.by_cpu && item.run_cpu != Cpu::kNone) {
      Note(cpus.At(static_cast<uint64_t>(ToInt(item.run_cpu))), item, split);
    }
    if (!has_durations) return;
    long_waits.Add(item, split, stalled);
    loops.Add(item);
    NoteExtremes(item, split, function);
  }

  void NoteExtremes(const WorkItem& item, const ItemSplit* split, uint64_t function) {
    if (item.overtaken) return;
    if (item.state == ItemState::kPending) {
      if (oldest_pending.empty()) oldest_pending.push_back(item);
      if (PendingSince(item) < PendingSince(oldest_pending[0])) oldest_pending[0] = item;
      return;
    }
    const Nanos wall = item.Execution().value_or(Nanos(0));
    static_assert(kWorthWaitingFor <= kLongOnCpu);
    if (wall < kWorthWaitingFor) return;
    if (!item.run_tainted) {
      Nanos& sum = pool_work[{function, item.pool}];
      sum = AddSaturated(sum, wall);
    }
    const bool told = split != nullptr && split->run;
    const auto length = told ? std::optional(split->run->on_cpu) : item.Execution();
    if (!length || *length < kLongOnCpu || item.run_tainted) return;
    LongExecution& longest = long_executions[{function, item.pool}];
    ++longest.times;
    if (*length <= longest.length) return;
    longest.length = *length;
    longest.item = item.id;
  }

  uint64_t OriginKey(const Origin& origin) const {
    return KeyOf(static_cast<uint32_t>(origin.kind), ToInt(origin.NameIn(source)));
  }

  std::string Name(uint32_t id) const {
    return std::string(source.names().Get(static_cast<NameId>(id)));
  }

  // --- The report -----------------------------------------------------------------------

  void FillFunctions(Report& report) const {
    std::map<std::string, Measures> workqueues;
    report.functions.reserve(functions.size());
    functions.ForEach([&](uint64_t key, const Measures& measures) {
      const std::string text = Name(Low(key));
      const FunctionName function = SplitFunction(text);
      workqueues[Name(High(key))].Merge(measures);
      report.functions.push_back(
          {Name(High(key)), std::string(function.name), std::string(function.module), measures});
    });
    std::sort(report.functions.begin(), report.functions.end(),
              [](const FunctionRow& a, const FunctionRow& b) {
                return std::tie(a.workqueue, a.function, a.module) <
                       std::tie(b.workqueue, b.function, b.module);
              });
    for (auto& [name, measures] : workqueues) {
      report.workqueues.push_back({name, std::move(measures)});
    }
  }

  void FillOrigins(Report& report) const {
    origins.ForEach([&](uint64_t key, const Measures& measures) {
      const auto kind = static_cast<Origin::Kind>(High(key));
      report.origins.push_back(
          {std::string(ToString(kind)), std::string(SplitFunction(Name(Low(key))).name), measures});
    });
    std::sort(report.origins.begin(), report.origins.end(),
              [](const OriginRow& a, const OriginRow& b) {
                return std::tie(a.kind, a.name) < std::tie(b.kind, b.name);
              });
    cpus.ForEach([&](uint64_t key, const Measures& measures) {
      report.cpus.push_back({static_cast<Cpu>(key), measures});
    });
    std::sort(report.cpus.begin(), report.cpus.end(),
              [](const CpuRow& a, const CpuRow& b) { return a.cpu < b.cpu; });
  }

  void FillStacks(Report& report) const {
    if (report.read.queue_stacks == 0) return;
    stacks.ForEach([&](uint64_t key, const Measures& measures) {
      report.stacks.push_back({Name(Low(key)), measures});
    });
    std::sort(report.stacks.begin(), report.stacks.end(),
              [](const StackRow& a, const StackRow& b) { return a.stack < b.stack; });
  }

  void FillPools(Report& report) const {
    const std::vector<IdleWaitAccount> idle_waits = model.IdleWaits();
    for (PoolOccupancy& occupancy : model.Pools()) {
      PoolRow row;
      if (source.info().has_sched && has_durations) {
        const auto it = std::find_if(idle_waits.begin(), idle_waits.end(), [&](const auto& waits) {
          return waits.pool == occupancy.pool.id;
        });
        row.idle_waits = it != idle_waits.end() ? *it : IdleWaitAccount{occupancy.pool.id};
      }
      const size_t id = static_cast<size_t>(occupancy.pool.id);
      row.busy_known = TellsOccupancy(report.recorded);
      row.backlog_known = TellsBacklog(report.recorded);
      const auto share = [&](bool known, Nanos part) {
        return known && has_durations ? Ratio(part, report.duration) : std::nan("");
      };
      row.busy_mean = share(row.busy_known, occupancy.busy_sum);
      row.busy_fraction = share(row.busy_known, occupancy.busy_any);
      row.backlog_mean = share(row.backlog_known, occupancy.backlog_sum);
      if (TellsStalls(report.recorded) && has_durations) {
        row.stalled = stalls.StalledIn(occupancy.pool.id);
      }
      if (id < pool_executions.size()) row.execution = pool_executions[id];
      if (!has_durations) {
        occupancy.busy_sum = occupancy.busy_any = occupancy.backlog_sum = Nanos(0);
      }
      row.occupancy = std::move(occupancy);
      report.pools.push_back(std::move(row));
    }
    pools.ForEach([&](uint64_t key, const Measures& measures) {
      for (PoolRow& row : report.pools) {
        if (static_cast<uint64_t>(row.occupancy.pool.id) == key) row.measures = measures;
      }
    });
    std::sort(report.pools.begin(), report.pools.end(), [](const PoolRow& a, const PoolRow& b) {
      return PoolOrder(a.occupancy.pool) < PoolOrder(b.occupancy.pool);
    });
  }

  void FillWorkers(Report& report) const {
    std::vector<std::pair<WorkerRow, Pool>> rows;
    for (const WorkerOccupancy& occupancy : model.Workers()) {
      const Pool& pool = model.pool(occupancy.pool);
      WorkerRow row;
      row.occupancy = occupancy;
      row.comm = Name(ToInt(occupancy.comm));
      row.pool = pool.name;
      row.busy_known = TellsOccupancy(report.recorded);
      row.busy_fraction =
          has_durations && row.busy_known ? Ratio(occupancy.busy, report.duration) : std::nan("");
      if (!has_durations) row.occupancy.busy = Nanos(0);
      const uint64_t key =
          KeyOf(static_cast<uint32_t>(occupancy.pool), static_cast<uint32_t>(ToInt(occupancy.pid)));
      if (const Measures* const measures = workers.Find(key)) row.measures = *measures;
      row.functions = worker_functions.RowsOf(key);
      rows.emplace_back(std::move(row), pool);
    }
    std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
      const auto order = [](const auto& r) {
        return std::tuple(PoolOrder(r.second), r.first.occupancy.pid);
      };
      return order(a) < order(b);
    });
    for (auto& [row, pool] : rows) report.workers.push_back(std::move(row));
  }

  std::vector<LongExecution> LongExecutions() const {
    std::vector<LongExecution> executions;
    for (const auto& [key, longest] : long_executions) {
      const Pool& pool = model.pool(key.second);
      if (pool.kind != PoolKind::kPerCpu && pool.kind != PoolKind::kHighpri) continue;
      LongExecution named = longest;
      named.workqueue = Name(High(key.first));
      named.function = SplitFunction(Name(Low(key.first))).name;
      named.pool = pool.name;
      named.cpu = pool.cpu;
      executions.push_back(std::move(named));
    }
    std::sort(executions.begin(), executions.end(), [](const auto& a, const auto& b) {
      return std::tie(a.workqueue, a.function, a.pool) < std::tie(b.workqueue, b.function, b.pool);
    });
    return executions;
  }

  PoolWork NamedPoolWork() const {
    PoolWork out;
    for (const auto& [key, time] : pool_work) {
      out[key.second].push_back(
          {std::string(SplitFunction(Name(Low(key.first))).name), Name(High(key.first)), {}, time});
    }
    for (auto& [pool, works] : out) {
      std::sort(works.begin(), works.end(), [](const auto& a, const auto& b) {
        return a.time != b.time ? a.time > b.time : a.function < b.function;
      });
    }
    return out;
  }

  void FillFindings(Report& report) const {
    constexpr uint64_t kLeastRounds = 2;
    report.stall_threshold = options.stall_threshold;
    report.long_waits = long_waits.Summary();
    FindingFacts facts{source.names(),           model,           long_waits,
                       LongExecutions(),         NamedPoolWork(), {},
                       loops.Loops(kLeastRounds)};
    if (!oldest_pending.empty()) {
      const WorkItem& item = oldest_pending[0];
      facts.oldest = {Name(ToInt(item.workqueue)),
                      std::string(SplitFunction(Name(ToInt(item.function))).name), item.id,
                      Between(PendingSince(item), report.read.end).value_or(Nanos(0)),
                      item.activated == kUnseen};
    }
    report.findings = FindFindings(report, facts);
  }

  void FillFilters(Report& report) const {
    const ItemFilter& f = options.filter;
    for (const std::string& glob : f.workqueues) report.filters.push_back("workqueue " + glob);
    for (const std::string& glob : f.functions) report.filters.push_back("function " + glob);
    for (const Cpu cpu : f.cpus) report.filters.push_back(fmt::format("cpu {}", ToInt(cpu)));
    for (const ItemState s : f.states)
      report.filters.push_back(fmt::format("state {}", ToString(s)));
    if (f.from != kUnseen || f.to != kUnseen) report.filters.push_back("time");
  }
};

Analyzer::Analyzer(const EventSource& source, const Reconstructor& model, AnalyzeOptions options)
    : state_(std::make_unique<State>(source, model, std::move(options))) {}
Analyzer::~Analyzer() = default;

Reconstructor::Options Analyzer::wants() const {
  return {.gap_floor = state_->options.stall_threshold,
          .barrier_waits = state_->flushes.wants_waits(),
          .barriers = false};
}

void Analyzer::Add(const Completed& completed) {
  if (state_->has_durations) {
    for (const PoolGap& gap : completed.gaps) state_->stalls.AddGap(gap);
  }
  for (const LossSpan& loss : completed.losses) state_->flushes.AddLoss(loss);
  for (const BarrierWait& wait : completed.barrier_waits) state_->flushes.Add(wait);
  for (const WorkItem& item : completed.items) state_->Add(item, completed.SplitOf(item));
}

void Analyzer::AddFlushes(std::span<const FlushWait> waits) {
  for (const FlushWait& wait : waits) state_->flushes.Add(wait);
}

Report Analyzer::Snapshot() const {
  Report report =
      ReportOf({state_->source.info(), state_->source.stats(), state_->model.quality()});
  state_->FillFunctions(report);
  state_->FillOrigins(report);
  state_->FillStacks(report);
  state_->FillPools(report);
  state_->FillWorkers(report);
  if (state_->has_durations && report.recorded == WorkqueueEvents::All()) {
    report.activation =
        ActivationRows(state_->source, state_->model, state_->options.filter, report.duration);
  }
  report.flushes = state_->flushes.Rows();
  report.source.flushes = state_->flushes.Log();
  report.stalls = state_->stalls.Longest();
  report.stalls_total = state_->stalls.total();
  state_->FillFindings(report);
  state_->FillFilters(report);
  return report;
}

}  // namespace wqprof
