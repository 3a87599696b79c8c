// SPDX-License-Identifier: Apache-2.0
// What `report` shows: the one place where its numbers get their names.
#include <algorithm>

#include "render/activation_table.h"
#include "render/config_tables.h"
#include "render/finding_text.h"
#include "render/flush_table.h"
#include "render/holder_text.h"
#include "render/measures.h"
#include "render/named_rows.h"
#include "render/split.h"
#include "render/text.h"
#include "render/worker_table.h"
#include "wqprof/anomaly.h"
#include "wqprof/columns.h"
#include "wqprof/render.h"
#include "wqprof/split.h"
#include "wqprof/wall_clock.h"

namespace wqprof {
namespace {

// Absent where nobody noted what was enabled, and none of them was read.
std::optional<std::vector<std::string>> Recorded(const Report& report) {
  const WorkqueueEvents events = RecordedEvents(report.source, report.read);
  if (events.empty() && !report.source.noted_events) return std::nullopt;
  return NamesOf(events);
}

Table SourceTable(const Report& report) {
  const Columns<Report> columns = {
      {{"path", "", kJson}, [](const Report& r) { return Word{r.source.path}; }},
      {{"format", "", kJson}, [](const Report& r) { return Word{r.source.format}; }},
      {{"instance", "", kJson}, [](const Report& r) { return r.source.instance; }},
      {{"kernel", "", kJson}, [](const Report& r) { return Word{r.source.kernel}; }},
      {{"machine", "", kJson}, [](const Report& r) { return Word{r.source.machine}; }},
      {{"host", "", kJson, 0, 0, "The same."},
       [](const Report& r) { return Word{r.source.machine}; }},
      {{"arch", "", kJson}, [](const Report& r) { return Word{r.source.arch}; }},
      {{"cpus", "", kJson},
       [](const Report& r) {
         return r.source.cpus > 0 ? std::optional(Id{r.source.cpus}) : std::nullopt;
       }},
      {{"clock", "", kJson}, [](const Report& r) { return Word{r.source.clock}; }},
      {{"begin_ns", "", kJson}, [](const Report& r) { return Timed(r.source, r.read.begin); }},
      {{"end_ns", "", kJson}, [](const Report& r) { return Timed(r.source, r.read.end); }},
      {{"duration_ns", "", kJson, 0, 0, "null: the clock does not count nanoseconds."},
       [](const Report& r) { return Timed(r.source, r.duration); }},
      {{"events", "", kJson}, [](const Report& r) { return r.read.events; }},
      {{"has_sched", "", kJson}, [](const Report& r) { return r.source.has_sched; }},
      {{"has_timers", "", kJson}, [](const Report& r) { return r.source.has_timers; }},
      {{"queue_stacks", "", kJson, 0, 0, "Kernel stacks in which works were queued."},
       [](const Report& r) { return r.read.queue_stacks; }},
      {{"recorded", "", kJson, 0, 0,
        "Which of the four workqueue events were recorded; null: not known."},
       [](const Report& r) { return Recorded(r); }},
      {{"resolution_ns", "", kJson, 0, 0,
        "Stamps are multiples of it; null: the clock does not count nanoseconds."},
       [](const Report& r) { return r.source.clock_is_ns ? r.source.resolution : std::nullopt; }},
      {{"wall_begin", "", kJson, 0, 0, "Time of day of the first event, RFC 3339 in UTC."},
       [](const Report& r) { return Word{r.source.wall_begin}; }},
      {{"boot_id", "", kJson}, [](const Report& r) { return Word{r.source.boot_id}; }},
      {{"filters", "", kJson, 0, 0, "What was left out on request, in words."},
       [](const Report& r) { return r.filters; }},
      {{"workqueues_from", "", kJson, 0, 0,
        "Where the next two come from: bpf (all of them), sysfs (some); null: not known."},
       [](const Report& r) { return Word{r.source.config.source}; }},
      {{"workqueues", "", kJson, 0, 0, "How the machine's workqueues were set up."},
       [](const Report& r) { return WorkqueueConfigTable(r.source.config); }},
      {{"worker_pools", "", kJson, 0, 0, "And its worker pools."},
       [](const Report& r) { return PoolConfigTable(r.source.config); }},
      FlushSourceColumn(),
  };
  return MakeRecord("source", columns, report);
}

// What is not known is absent.
template <class T>
std::optional<T> If(bool known, T value) {
  return known ? std::optional(value) : std::nullopt;
}

// An anomaly as a column: a number, or a yes or no.
ColumnOf<Quality> AnomalyColumn(const Anomaly& anomaly) {
  Column column{std::string(anomaly.name), "", kJson};
  column.about = anomaly.about;
  if (anomaly.flag) {
    return {std::move(column),
            [&anomaly](const Quality& quality) { return anomaly.count(quality) != uint64_t{0}; }};
  }
  Quality unknown;
  unknown.lost_events.reset();
  if (!anomaly.count(unknown)) {
    return {std::move(column), anomaly.count};
  }
  return {std::move(column),
          [&anomaly](const Quality& quality) { return anomaly.count(quality).value_or(0); }};
}

Table QualityTable(const Report& report) {
  Columns<Quality> columns;
  for (const Anomaly& anomaly : kAnomalies) columns.push_back(AnomalyColumn(anomaly));
  columns.push_back({{"counted_starts", "", kJson, 0, 0,
                      "Executions that the kernel counted while it was recorded; null: unknown."},
                     [](const Quality& quality) { return quality.counted_starts; }});
  columns.push_back({{"seen_starts", "", kJson, 0, 0,
                      "Start events, barriers' too; null: nothing is known to compare them with."},
                     [](const Quality& quality) {
                       return If(quality.counted_starts.has_value(), quality.seen_starts);
                     }});
  columns.push_back({{"paired_fraction", "", kJson, 0, 0,
                      "Matched starts of those that the trace should explain; null: none."},
                     [](const Quality& quality) -> std::optional<Share> {
                       if (!quality.paired_fraction) return std::nullopt;
                       return Share{*quality.paired_fraction};
                     }});
  columns.push_back({{"complete", "", kJson, 0, 0, "Nothing lost, damaged or unexplained."},
                     [](const Quality& quality) { return quality.complete(); }});
  return MakeRecord("quality", columns, report.quality);
}

Table MeasuredTable(NamedRows named, bool split) {
  AddColumns<Measures>(named.names, MeasureColumns(named.measures), named.measures);
  if (split) AddSplits(named.names, named.measures);
  return std::move(named.names);
}

template <class F>
auto IdleWaits(F number) {
  return [number](const PoolRow& row) {
    return row.idle_waits ? std::optional(number(*row.idle_waits)) : std::nullopt;
  };
}

Table PoolTable(const Report& report) {
  const TraceInfo& info = report.source;
  const bool started = report.recorded.Has(EventKind::kExecuteStart);
  const auto setup = [&info](const PoolRow& row) {
    return FindPool(info.config, row.occupancy.pool.name);
  };
  Columns<PoolRow> columns = {
      {{"pool", "POOL", kAll, 10},
       [](const PoolRow& row) { return Word{row.occupancy.pool.name}; }},
      {{.key = "kind", .heading = "KIND", .words = AllWords(PoolKind::kBhHighpri)},
       [](const PoolRow& row) { return ToString(row.occupancy.pool.kind); }},
      {{"cpu", "", kMachine}, [](const PoolRow& row) { return row.occupancy.pool.cpu; }},
      {{"cpus", "", kMachine, 0, 0, "Where its workers may run; null: not known."},
       [setup](const PoolRow& row) { return Word{setup(row) ? setup(row)->cpus : ""}; }},
      {{"nice", "", kMachine, 0, 0, "Of its workers; null: not known."},
       [setup](const PoolRow& row) {
         const PoolSetup* const found = setup(row);
         return found != nullptr && found->nice ? std::optional(SignedId{*found->nice})
                                                : std::nullopt;
       }},
      {{"executions", "COUNT", kAll, 0, 0, "Every start, barriers included."},
       [started](const PoolRow& row) { return If(started, row.occupancy.executions); }},
      {{"workers", "WORKERS"},
       [started](const PoolRow& row) { return If(started, row.occupancy.workers); }},
      {{"busy_mean", "BUSY"}, [](const PoolRow& row) { return Known(row.busy_mean); }},
      {{"busy_max", "MAX"},
       [](const PoolRow& row) { return If(row.busy_known, row.occupancy.busy_max); }},
      {{"busy_fraction", "OCCUPANCY", kAll, 9},
       [](const PoolRow& row) { return KnownShare(row.busy_fraction); }},
      {{"backlog_max", "", kMachine},
       [](const PoolRow& row) { return If(row.backlog_known, row.occupancy.backlog_max); }},
      {{"backlog_mean", "BACKLOG"}, [](const PoolRow& row) { return Known(row.backlog_mean); }},
      {{"backlog_most", "MAX", kText},
       [](const PoolRow& row) { return If(row.backlog_known, row.occupancy.backlog_max); }},
      {{"stalled_ns", "STALLED"}, [](const PoolRow& row) { return row.stalled; }},
      {{"idle_wait_items", "", kMachine},
       IdleWaits([](const IdleWaitAccount& waits) { return waits.items; })},
      {{"idle_wait_ns", "", kMachine},
       IdleWaits([](const IdleWaitAccount& waits) { return waits.waited; })},
      {{"idle_wait_max_ns", "", kMachine},
       IdleWaits([](const IdleWaitAccount& waits) { return waits.worst; })},
      // Of all that ran there, whatever the filter.
      {{"execution", "", kMachine}, [](const PoolRow& row) { return &row.execution; }},
  };
  for (const MeasureSpec& measure : kMeasures) {
    if (measure.id != Measure::kExecution) columns.push_back(TakenColumn<PoolRow>(measure));
  }
  Table table = MakeTable({.key = "pools", .title = "Pools"}, columns, report.pools);
  if (info.has_sched) AddSplits(table, MeasuresOf(report.pools));
  return table;
}

Word CommOf(const std::optional<Task>& task) { return {task ? task->comm : ""}; }

// What is known of a task beside its name: "preempted_by_pid", "_policy" and "_prio".
template <class Row>
void AppendTaskColumns(Columns<Row>& columns, std::string_view key,
                       std::optional<Task> Row::*task) {
  columns.push_back({{fmt::format("{}_pid", key)},
                     [task](const Row& row) { return row.*task ? (row.*task)->pid : Pid::kNone; }});
  columns.push_back({{fmt::format("{}_policy", key)}, [task](const Row& row) {
                       return Word{row.*task ? std::string(PolicyOf(*(row.*task))) : ""};
                     }});
  columns.push_back({{fmt::format("{}_prio", key)}, [task](const Row& row) {
                       const bool known = row.*task && (row.*task)->prio;
                       return known ? std::optional(SignedId{*(row.*task)->prio}) : std::nullopt;
                     }});
}

Table HolderTable(const Stall& stall) {
  Columns<StallHolder> columns = {
      {{"function"}, [](const StallHolder& holder) { return Word{holder.function}; }},
      {{"workqueue"}, [](const StallHolder& holder) { return Word{holder.workqueue}; }},
      {{"worker"}, [](const StallHolder& holder) { return Word{holder.worker}; }},
      {{"worker_pid"}, [](const StallHolder& holder) { return holder.worker_pid; }},
      {{"begin_ns"}, [](const StallHolder& holder) { return holder.begin; }},
      {{"overlap_ns"}, [](const StallHolder& holder) { return holder.overlap; }},
      {{"on_cpu_ns"}, [](const StallHolder& holder) { return holder.on_cpu; }},
      {{"preempted_ns"}, [](const StallHolder& holder) { return holder.preempted; }},
      {{"blocked_ns"}, [](const StallHolder& holder) { return holder.blocked; }},
      {{"blocked_in_d_ns"}, [](const StallHolder& holder) { return holder.blocked_in_d; }},
      {{"preempted_by"}, [](const StallHolder& holder) { return CommOf(holder.preempted_by); }},
      {{.key = "asleep_in",
        .about = "The state in which it slept as the stall ended; null: it did not, or that is "
                 "unknown.",
        .words = {"S", "D", "I"}},
       [](const StallHolder& holder) { return Word{holder.asleep_in}; }},
      {{"asleep_since_ns"}, [](const StallHolder& holder) { return holder.asleep_since; }},
      {{.key = "stack", .about = "In which kernel stack its work was queued."},
       [](const StallHolder& holder) { return Word{holder.stack}; }},
  };
  AppendTaskColumns(columns, "preempted_by", &StallHolder::preempted_by);
  return MakeTable({.key = "holders", .title = ""}, columns, stall.holders);
}

// No row or one: the worker that ended the stall.
Table StarterTable(const Stall& stall) {
  Columns<StallStarter> columns = {
      {{"worker"}, [](const StallStarter& starter) { return Word{starter.worker}; }},
      {{"worker_pid"}, [](const StallStarter& starter) { return starter.worker_pid; }},
  };
  for (const auto& part : kWaitParts) {
    columns.push_back({{fmt::format("{}_ns", part.key)},
                       [part](const StallStarter& starter) { return starter.wait.*part.value; }});
  }
  columns.push_back(
      {{"preempted_by"}, [](const StallStarter& starter) { return CommOf(starter.preempted_by); }});
  columns.push_back(
      {{.key = "idle_cpu_ns", .about = "Awake, it waited so long for a CPU that idled."},
       [](const StallStarter& starter) { return starter.idled; }});
  AppendTaskColumns(columns, "preempted_by", &StallStarter::preempted_by);
  std::vector<StallStarter> rows;
  if (stall.starter) rows.push_back(*stall.starter);
  return MakeTable({.key = "starter", .title = ""}, columns, rows);
}

Table StackCountTable(const std::vector<StackCount>& stacks) {
  const Columns<StackCount> columns = {
      {{"stack"}, [](const StackCount& stack) { return Word{stack.stack}; }},
      {{"count"}, [](const StackCount& stack) { return stack.count; }},
  };
  return MakeTable({.key = "stacks", .title = ""}, columns, stacks);
}

Table DelayedTable(const Stall& stall) {
  const Columns<DelayedRow> columns = {
      {{"function"}, [](const DelayedRow& row) { return Word{row.function}; }},
      {{"workqueue"}, [](const DelayedRow& row) { return Word{row.workqueue}; }},
      {{"count"}, [](const DelayedRow& row) { return row.count; }},
      {{"worst_wait_ns"}, [](const DelayedRow& row) { return row.worst_wait; }},
      {{.key = "origins", .about = "Who queued them, most first."},
       [](const DelayedRow& row) { return OriginTable(row.origins); }},
      {{.key = "stacks", .about = "In which kernel stacks they were queued, most first."},
       [](const DelayedRow& row) { return StackCountTable(row.stacks); }},
  };
  return MakeTable({.key = "delayed", .title = ""}, columns, stall.delayed);
}

// "flush_to_ldisc x12, ... and 4 more": the first few functions of a list, with their counts.
class FunctionWords {
 public:
  void Add(std::string_view function, uint64_t count) {
    for (auto& [name, sum] : counts_) {
      if (name != function) continue;
      sum += count;
      return;
    }
    counts_.emplace_back(function.empty() ? "?" : function, count);
  }
  Word Words() const {
    constexpr size_t kShown = 3;
    std::string out;
    for (size_t i = 0; i < std::min(kShown, counts_.size()); ++i) {
      const auto& [name, count] = counts_[i];
      out += (i > 0 ? ", " : "") + name;
      if (count > 1) out += fmt::format(" x{}", CountText(count));
    }
    if (counts_.size() > kShown) out += fmt::format(" and {} more", counts_.size() - kShown);
    return {std::move(out)};
  }

 private:
  std::vector<std::pair<std::string, uint64_t>> counts_;
};

Word DelayedWords(const Stall& stall) {
  std::vector<DelayedRow> rows = stall.delayed;
  std::stable_sort(rows.begin(), rows.end(), [](const DelayedRow& a, const DelayedRow& b) {
    return a.worst_wait > b.worst_wait;
  });
  FunctionWords words;
  for (const DelayedRow& row : rows) words.Add(row.function, row.count);
  return words.Words();
}

Word HolderWords(const Stall& stall) {
  std::vector<StallHolder> holders = stall.holders;
  std::stable_sort(holders.begin(), holders.end(), [](const StallHolder& a, const StallHolder& b) {
    return a.overlap > b.overlap;
  });
  FunctionWords words;
  for (const StallHolder& holder : holders) words.Add(holder.function, 1);
  // No item held the pool up, but somebody's task.
  const bool starved = stall.cause == StallCause::kStarved && holders.empty();
  if (starved && stall.starter && stall.starter->preempted_by) {
    const Task& task = *stall.starter->preempted_by;
    words.Add(fmt::format("{}[{}]", task.comm, ToInt(task.pid)), 1);
  }
  return words.Words();
}

Table StallTable(const Report& report, const Invocation& by) {
  const auto clock = WallClock::Of(report.source.wall_begin, report.read.begin, by.utc);
  const Timestamp begin = report.read.begin;
  const Columns<Stall> columns = {
      {{"id", "#"}, [](const Stall& stall) { return Id{static_cast<int64_t>(stall.id)}; }},
      {{"pool", "POOL", kAll, 10}, [](const Stall& stall) { return Word{stall.pool}; }},
      {{"at", "AT", kText}, [begin](const Stall& stall) { return SinceText(begin, stall.begin); }},
      {{"time_of_day", clock ? "TIME" : "", clock ? kText : kSortOnly},
       [clock](const Stall& stall) {
         return Word{clock ? clock->TimeOfDay(stall.begin) : std::string()};
       }},
      {{"begin_ns", "STAMP", kAll, 0, 4}, [](const Stall& stall) { return stall.begin; }},
      {{"duration_ns", "", kMachine}, [](const Stall& stall) { return stall.duration; }},
      {{"lasted", "LASTED", kText},
       [](const Stall& stall) {
         return Estimate{stall.duration, false, stall.at_end};
       }},
      {{.key = "at_end",
        .audience = kMachine,
        .about = "The trace ended first: the duration is a lower bound."},
       [](const Stall& stall) { return stall.at_end; }},
      {{"delayed_items", "WAITING"}, [](const Stall& stall) { return stall.delayed_items; }},
      {{"worst_latency_ns", "WORST WAIT"},
       [](const Stall& stall) {
         return Estimate{stall.worst_latency, false, stall.at_end};
       }},
      {{.key = "cause", .heading = "CAUSE", .drop = 1, .words = AllWords(StallCause::kIdleCpu)},
       [](const Stall& stall) { return ToString(stall.cause); }},
      {{.key = "cpu_idle_ns",
        .audience = kMachine,
        .about = "How long the CPU of a per-CPU pool idled meanwhile; null without scheduler "
                 "events."},
       [](const Stall& stall) { return stall.cpu_idle; }},
      {{"held_by", "HELD BY", kText, 12, 2}, HolderWords},
      {{"functions", "WHO WAITED", kText, 12, 3}, DelayedWords},
      {{.key = "holders",
        .audience = kJson,
        .about = "Executions that went on meanwhile. Times on and off the CPU only with scheduler "
                 "events."},
       HolderTable},
      {{.key = "starter",
        .audience = kJson,
        .about =
            "At most one: the worker that ended the stall, or was woken to end it, and what it "
            "did until then; with scheduler events."},
       StarterTable},
      {{.key = "delayed", .audience = kJson, .about = "What waited."}, DelayedTable},
      {{.key = "holder_stacks",
        .audience = kJson,
        .about = "Where those stood who held it, taken while it went on by stat, top or watch."},
       [&report](const Stall& stall) { return HolderStackTable(StacksOf(report, stall)); }},
  };
  return MakeTable({.key = "stalls", .title = "Stalls"}, columns, report.stalls);
}

}  // namespace

std::vector<Table> ReportTables(const Report& report, const Invocation& by) {
  const bool split = report.source.has_sched;
  std::vector<Table> tables;  // a list in braces would copy each
  tables.push_back(SourceTable(report));
  tables.push_back(QualityTable(report));
  tables.push_back(MeasuredTable(NamedFunctions(report), split));
  tables.push_back(MeasuredTable(NamedWorkqueues(report), split));
  tables.push_back(PoolTable(report));
  tables.push_back(WorkerTable(report));
  tables.push_back(MeasuredTable(NamedOrigins(report), split));
  tables.push_back(MeasuredTable(NamedStacks(report), split));
  tables.push_back(MeasuredTable(NamedCpus(report), split));
  tables.push_back(ActivationTable(report));
  tables.push_back(FlushTable(report));
  tables.push_back(StallTable(report, by));
  tables.push_back(FindingTable(report, by));
  tables.push_back(HolderStackTable(report.source.holder_stacks.all()));
  return tables;
}

}  // namespace wqprof
