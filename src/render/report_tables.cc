// SPDX-License-Identifier: Apache-2.0
// What `report` shows: the one place where its numbers get their names.
#include <algorithm>

#include "render/activation_table.h"
#include "render/cells.h"
#include "render/finding_text.h"
#include "render/measures.h"
#include "render/named_rows.h"
#include "render/split.h"
#include "render/split_parts.h"
#include "render/text.h"
#include "wqprof/render.h"
#include "wqprof/wall_clock.h"

namespace wqprof {
namespace {

Table SourceTable(const Report& report) {
  const TraceInfo& info = report.source;
  Table table{.key = "source", .title = "", .record = true};
  table.columns = {{"path", ""},       {"format", ""},      {"instance", ""}, {"kernel", ""},
                   {"machine", ""},    {"cpus", ""},        {"clock", ""},    {"begin_ns", ""},
                   {"end_ns", ""},     {"duration_ns", ""}, {"events", ""},   {"has_sched", ""},
                   {"has_timers", ""}, {"filters", ""}};
  for (Column& column : table.columns) column.audience = kJson;
  table.rows = {{WordCell(info.path), WordCell(info.format), info.instance, WordCell(info.kernel),
                 WordCell(info.machine), info.cpus > 0 ? Cell(Id{info.cpus}) : Cell(),
                 WordCell(info.clock), StampCell(info, report.read.begin),
                 StampCell(info, report.read.end), SpanCell(info, report.duration),
                 report.read.events, info.has_sched, info.has_timers, report.filters}};
  return table;
}

Table QualityTable(const Report& report) {
  const Quality& quality = report.quality;
  const MatchQuality& match = quality.match;
  Table table{.key = "quality", .title = "", .record = true};
  std::vector<Cell> row;
  const auto add = [&](std::string key, Cell cell) {
    table.columns.push_back({std::move(key), "", kJson});
    row.push_back(std::move(cell));
  };
  add("lost_events", OptionalCell(quality.lost_events));
  add("lost_gaps", quality.lost_gaps);
  add("superseded", match.superseded);
  add("barriers", match.barriers);
  add("unmatched_starts", match.unmatched_starts);
  add("unmatched_ends", match.unmatched_ends);
  add("before_trace", match.before_trace);
  add("pending_at_end", match.pending_at_end);
  add("running_at_end", match.running_at_end);
  add("tainted", match.tainted);
  add("ambiguous", match.ambiguous);
  add("negative_latencies", match.negative_latencies);
  add("lost_ends", match.lost_ends);
  add("stray_activations", match.stray_activations);
  add("time_reversals", report.read.time_reversals);
  add("corrupt_pages", quality.corrupt_pages);
  add("truncated", quality.truncated);
  add("unfinished", quality.unfinished);
  add("paired_fraction", OptionalCell(quality.paired_fraction));
  add("complete", quality.complete());
  table.rows.push_back(std::move(row));
  return table;
}

Table MeasuredTable(const NamedRows& named, bool split) {
  Table table{.key = named.key, .title = named.title};
  table.columns = named.columns;
  const MeasureColumns measures(named.measures);
  measures.AppendColumns(table.columns);
  if (split) AppendSplitColumns(table.columns);
  for (size_t i = 0; i < named.names.size(); ++i) {
    std::vector<Cell> cells = named.names[i];
    measures.AppendCells(cells, *named.measures[i]);
    if (split) AppendSplitCells(cells, named.measures[i]->split);
    table.rows.push_back(std::move(cells));
  }
  return table;
}

// The measures of pools and workers are taken only on request: absent, not empty.
Cell IfTaken(const Measures& measures, const Histogram& histogram) {
  const bool taken = measures.queued + measures.executed + measures.execution.count() > 0;
  return taken ? Cell(&histogram) : Cell();
}

Table PoolTable(const Report& report) {
  Table table{.key = "pools", .title = "Pools"};
  table.columns = {{"pool", "POOL", kAll, 10},
                   {"kind", "KIND"},
                   {"cpu", "", kMachine},
                   {"executions", "COUNT"},
                   {"workers", "WORKERS"},
                   {"busy_mean", "BUSY"},
                   {"busy_max", "MAX"},
                   {"busy_fraction", "OCCUPANCY", kAll, 9},
                   {"backlog_max", "", kMachine},
                   {"backlog_mean", "BACKLOG"},
                   {"backlog_most", "MAX", kText},
                   {"stalled_ns", "STALLED"},
                   {"idle_wait_items", "", kMachine},
                   {"idle_wait_ns", "", kMachine},
                   {"idle_wait_max_ns", "", kMachine},
                   {"execution", "", kMachine, 0, 0, true},
                   {"latency", "", kMachine, 0, 0, true},
                   {"activation_wait", "", kMachine, 0, 0, true},
                   {"dispatch_wait", "", kMachine, 0, 0, true}};
  if (report.source.has_sched) AppendSplitColumns(table.columns);
  for (const PoolRow& row : report.pools) {
    const PoolOccupancy& occupancy = row.occupancy;
    const Measures& measures = row.measures;
    const auto& waits = row.idle_waits;
    table.rows.push_back(
        {WordCell(occupancy.pool.name), std::string(ToString(occupancy.pool.kind)),
         CpuCell(occupancy.pool.cpu), occupancy.executions, occupancy.workers,
         MeanCell(row.busy_mean), uint64_t{occupancy.busy_max}, BarCell(row.busy_fraction),
         occupancy.backlog_max, MeanCell(row.backlog_mean), occupancy.backlog_max,
         SpanCell(report.source, row.stalled), waits ? Cell(waits->items) : Cell(),
         waits ? Cell(waits->waited) : Cell(), waits ? Cell(waits->worst) : Cell(), &row.execution,
         IfTaken(measures, measures.latency), IfTaken(measures, measures.activation_wait),
         IfTaken(measures, measures.dispatch_wait)});
    if (report.source.has_sched) AppendSplitCells(table.rows.back(), measures.split);
  }
  return table;
}

Table WorkerTable(const Report& report) {
  Table table{.key = "workers", .title = "Workers"};
  table.columns = {{"pid", "PID"},
                   {"comm", "COMM", kAll, 15},
                   {"pool", "POOL", kAll, 10},
                   {"executions", "COUNT"},
                   {"busy_ns", "BUSY"},
                   {"busy_fraction", "OCCUPANCY", kAll, 9},
                   {"exec_max", "LONGEST", kText},
                   {"execution", "", kMachine, 0, 0, true}};
  if (report.source.has_sched) AppendSplitColumns(table.columns);
  for (const WorkerRow& row : report.workers) {
    table.rows.push_back({PidCell(row.occupancy.pid), WordCell(row.comm), WordCell(row.pool),
                          row.occupancy.executions, SpanCell(report.source, row.occupancy.busy),
                          BarCell(row.busy_fraction), OptionalCell(row.measures.execution.max()),
                          IfTaken(row.measures, row.measures.execution)});
    if (report.source.has_sched) AppendSplitCells(table.rows.back(), row.measures.split);
  }
  return table;
}

// A task beside its name: "preempted_by_pid", "_policy" and "_prio".
void AppendTaskColumns(std::vector<Column>& columns, std::string_view key) {
  for (const char* part : {"pid", "policy", "prio"}) {
    columns.push_back({fmt::format("{}_{}", key, part), ""});
  }
}

Cell CommCell(const std::optional<Task>& task) { return task ? WordCell(task->comm) : Cell(); }

void AppendTaskCells(std::vector<Cell>& row, const std::optional<Task>& task) {
  row.push_back(task ? PidCell(task->pid) : Cell());
  row.push_back(task ? WordCell(PolicyOf(*task)) : Cell());
  row.push_back(task && task->prio ? Cell(Id{*task->prio}) : Cell());
}

Table HolderTable(const Stall& stall) {
  Table table{.key = "holders", .title = ""};
  table.columns = {{"function", ""},        {"workqueue", ""},    {"worker", ""},
                   {"worker_pid", ""},      {"begin_ns", ""},     {"overlap_ns", ""},
                   {"on_cpu_ns", ""},       {"preempted_ns", ""}, {"blocked_ns", ""},
                   {"blocked_in_d_ns", ""}, {"preempted_by", ""}, {"asleep_in", ""},
                   {"asleep_since_ns", ""}};
  AppendTaskColumns(table.columns, "preempted_by");
  for (const StallHolder& holder : stall.holders) {
    table.rows.push_back({WordCell(holder.function), WordCell(holder.workqueue),
                          WordCell(holder.worker), PidCell(holder.worker_pid),
                          TimeCell(holder.begin), holder.overlap, OptionalCell(holder.on_cpu),
                          OptionalCell(holder.preempted), OptionalCell(holder.blocked),
                          OptionalCell(holder.blocked_in_d), CommCell(holder.preempted_by),
                          WordCell(holder.asleep_in), TimeCell(holder.asleep_since)});
    AppendTaskCells(table.rows.back(), holder.preempted_by);
  }
  return table;
}

// No row or one: the worker that ended the stall.
Table StarterTable(const Stall& stall) {
  Table table{.key = "starter", .title = ""};
  table.columns = {{"worker", ""}, {"worker_pid", ""}};
  for (const auto& part : kWaitParts) table.columns.push_back({fmt::format("{}_ns", part.key), ""});
  table.columns.push_back({"preempted_by", ""});
  table.columns.push_back({"idle_cpu_ns", ""});
  AppendTaskColumns(table.columns, "preempted_by");
  if (!stall.starter) return table;
  const StallStarter& starter = *stall.starter;
  std::vector<Cell> row = {WordCell(starter.worker), PidCell(starter.worker_pid)};
  for (const auto& part : kWaitParts) row.push_back(starter.wait.*part.value);
  row.push_back(CommCell(starter.preempted_by));
  row.push_back(starter.idled);
  AppendTaskCells(row, starter.preempted_by);
  table.rows.push_back(std::move(row));
  return table;
}

Table OriginTable(const DelayedRow& delayed) {
  Table table{.key = "origins", .title = ""};
  table.columns = {{"kind", ""}, {"name", ""}, {"count", ""}};
  for (const OriginCount& origin : delayed.origins) {
    table.rows.push_back({origin.kind, WordCell(origin.name), origin.count});
  }
  return table;
}

Table DelayedTable(const Stall& stall) {
  Table table{.key = "delayed", .title = ""};
  table.columns = {
      {"function", ""}, {"workqueue", ""}, {"count", ""}, {"worst_wait_ns", ""}, {"origins", ""}};
  for (const DelayedRow& row : stall.delayed) {
    table.rows.push_back({WordCell(row.function), WordCell(row.workqueue), row.count,
                          row.worst_wait, std::vector<Table>{OriginTable(row)}});
  }
  return table;
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
  Cell Words() const {
    constexpr size_t kShown = 3;
    std::string out;
    for (size_t i = 0; i < std::min(kShown, counts_.size()); ++i) {
      const auto& [name, count] = counts_[i];
      out += (i > 0 ? ", " : "") + name;
      if (count > 1) out += fmt::format(" x{}", CountText(count));
    }
    if (counts_.size() > kShown) out += fmt::format(" and {} more", counts_.size() - kShown);
    return WordCell(out);
  }

 private:
  std::vector<std::pair<std::string, uint64_t>> counts_;
};

Cell DelayedWords(const Stall& stall) {
  std::vector<DelayedRow> rows = stall.delayed;
  std::stable_sort(rows.begin(), rows.end(), [](const DelayedRow& a, const DelayedRow& b) {
    return a.worst_wait > b.worst_wait;
  });
  FunctionWords words;
  for (const DelayedRow& row : rows) words.Add(row.function, row.count);
  return words.Words();
}

Cell HolderWords(const Stall& stall) {
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
  Table table{.key = "stalls", .title = "Stalls"};
  table.columns = {{"id", "#"},
                   {"pool", "POOL", kAll, 10},
                   {"at", "AT", kText},
                   {"time_of_day", clock ? "TIME" : "", clock ? kText : kSortOnly},
                   {"begin_ns", "STAMP", kAll, 0, 4},
                   {"duration_ns", "", kMachine},
                   {"lasted", "LASTED", kText},
                   {"at_end", "", kMachine},
                   {"delayed_items", "WAITING"},
                   {"worst_latency_ns", "WORST WAIT"},
                   {"cause", "CAUSE", kAll, 0, 1},
                   {"cpu_idle_ns", "", kMachine},
                   {"held_by", "HELD BY", kText, 12, 2},
                   {"functions", "WHO WAITED", kText, 12, 3},
                   {"holders", "", kJson},
                   {"starter", "", kJson},
                   {"delayed", "", kJson}};
  for (const Stall& stall : report.stalls) {
    table.rows.push_back(
        {Id{static_cast<int64_t>(stall.id)}, WordCell(stall.pool),
         SinceText(report.read.begin, stall.begin),
         clock ? WordCell(clock->TimeOfDay(stall.begin)) : Cell(), TimeCell(stall.begin),
         stall.duration, Estimate{stall.duration, false, stall.at_end}, stall.at_end,
         stall.delayed_items, Estimate{stall.worst_latency, false, stall.at_end},
         std::string(ToString(stall.cause)), OptionalCell(stall.cpu_idle), HolderWords(stall),
         DelayedWords(stall), std::vector<Table>{HolderTable(stall)},
         std::vector<Table>{StarterTable(stall)}, std::vector<Table>{DelayedTable(stall)}});
  }
  return table;
}

}  // namespace

std::vector<Table> ReportTables(const Report& report, const Invocation& by) {
  const bool split = report.source.has_sched;
  const auto measured = [&](NamedRows rows) { return MeasuredTable(rows, split); };
  return {SourceTable(report),
          QualityTable(report),
          measured(NamedFunctions(report)),
          measured(NamedWorkqueues(report)),
          PoolTable(report),
          WorkerTable(report),
          measured(NamedOrigins(report)),
          measured(NamedCpus(report)),
          ActivationTable(report),
          StallTable(report, by),
          FindingTable(report, by)};
}

}  // namespace wqprof
