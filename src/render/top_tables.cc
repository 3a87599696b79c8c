// SPDX-License-Identifier: Apache-2.0
#include "render/top_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "render/task_text.h"
#include "wqprof/columns.h"
#include "wqprof/number_text.h"
#include "wqprof/wall_clock.h"

namespace wqprof {
namespace {

template <class Row>
ColumnOf<Row> KeyColumn() {
  return {{std::string(kTopKey), "", kSortOnly}, [](const Row& row) { return KeyOf(row); }};
}

// The worst latencies of a minute, a bin for some seconds: as many as there is room for.
Spark WorstOverTime(const WindowFunction& row, size_t columns) {
  const size_t seconds = WindowCollector::kSlices;
  const size_t bins = columns == 0 || columns >= 180 ? 60 : columns >= 110 ? 30 : 12;
  Spark spark{std::vector<uint64_t>(bins)};
  const size_t missing = seconds - std::min(seconds, row.worst_by_second.size());
  for (size_t i = 0; i + missing < seconds; ++i) {
    uint64_t& bin = spark.bins[(missing + i) * bins / seconds];
    bin = std::max(bin, row.worst_by_second[i]);
  }
  return spark;
}

std::optional<Estimate> Quantile(const std::optional<Nanos>& value, uint64_t samples, double q) {
  if (!value) return std::nullopt;
  return Estimate{*value, samples < SamplesNeeded(q), false};
}

std::optional<Share> ShareIf(const std::optional<double>& share) {
  return share ? std::optional(Share{*share}) : std::nullopt;
}

Table FunctionTable(const Window& window, size_t columns) {
  const bool cpu = !window.functions.empty() && window.functions.front().cpu.has_value();
  const Columns<WindowFunction> list = {
      KeyColumn<WindowFunction>(),
      {{"function", "FUNCTION", kText, 14},
       [](const WindowFunction& row) {
         return Word{row.others ? "(all others)" : row.function.empty() ? "?" : row.function};
       }},
      {{"workqueue", "WORKQUEUE", kText, 9, 2},
       [](const WindowFunction& row) { return Word{row.workqueue}; }},
      {{"rate", "RATE/s", kText}, [](const WindowFunction& row) { return row.per_second; }},
      {{"p50", "p50", kText},
       [](const WindowFunction& row) { return Quantile(row.p50, row.samples, 0.5); }},
      {{"p99", "p99", kText},
       [](const WindowFunction& row) { return Quantile(row.p99, row.samples, 0.99); }},
      {{"worst", "MAX", kText, 0, 4}, [](const WindowFunction& row) { return row.worst; }},
      {{"busy", cpu ? "EXEC" : "EXEC%", kText, 0, cpu ? 6 : 0},
       [](const WindowFunction& row) { return Share{row.executing}; }},
      {{"cpu", "CPU", cpu ? kText : kSortOnly},
       [](const WindowFunction& row) { return ShareIf(row.cpu); }},
      {{"running", "NOW", kText, 0, 5}, [](const WindowFunction& row) { return row.running; }},
      {{"worst_over_time", "WORST 60s", kText, 0, 3},
       [columns](const WindowFunction& row) { return WorstOverTime(row, columns); }},
  };
  return MakeTable({.key = "functions", .title = ""}, list, window.functions);
}

Table PoolTable(const Window& window) {
  const Columns<WindowPool> list = {
      KeyColumn<WindowPool>(),
      {{"pool", "POOL", kText, 8}, [](const WindowPool& row) { return row.pool.name; }},
      {{"kind", "KIND", kText, 0, 3},
       [](const WindowPool& row) { return ToString(row.pool.kind); }},
      {{"busy_now", "BUSY", kText}, [](const WindowPool& row) { return row.busy; }},
      {{"busy", "MEAN", kText}, [](const WindowPool& row) { return row.busy_mean; }},
      {{"backlog", "BACKLOG", kText}, [](const WindowPool& row) { return row.backlog; }},
      {{"backlog_mean", "MEAN", kText, 0, 2},
       [](const WindowPool& row) { return row.backlog_mean; }},
      {{"stalled_ns", "STALLED", kText},
       [](const WindowPool& row) {
         return row.stall ? std::optional(row.stall->duration) : std::nullopt;
       }},
      {{"held_by", "BY", kText, 12},
       [](const WindowPool& row) {
         return Word{row.stall ? HeldBy(*row.stall, row.on_cpu) : std::string()};
       }},
  };
  return MakeTable({.key = "pools", .title = ""}, list, window.pools);
}

std::string FunctionWords(const WindowWorker& row) {
  std::string out;
  for (const auto& [function, share] : row.functions) {
    out += fmt::format("{}{} {}", out.empty() ? "" : ", ", function, PercentText(share));
  }
  return out;
}

Table WorkerTable(const Window& window) {
  const bool cpu = !window.workers.empty() && window.workers.front().cpu.has_value();
  const Columns<WindowWorker> list = {
      KeyColumn<WindowWorker>(),
      {{"pid", "PID", kText}, [](const WindowWorker& row) { return row.pid; }},
      {{"comm", "COMM", kText, 10},
       [](const WindowWorker& row) { return Word{row.others ? "(all others)" : row.comm}; }},
      {{"pool", "POOL", kText, 6, 2}, [](const WindowWorker& row) { return Word{row.pool}; }},
      {{"rate", "RATE/s", kText}, [](const WindowWorker& row) { return row.per_second; }},
      {{"busy", cpu ? "EXEC" : "EXEC%", kText, 0, cpu ? 3 : 0},
       [](const WindowWorker& row) { return Share{row.busy}; }},
      {{"cpu", "CPU", cpu ? kText : kSortOnly},
       [](const WindowWorker& row) { return ShareIf(row.cpu); }},
      {{"running", "RUNS NOW", kText, 10, 1},
       [](const WindowWorker& row) { return Word{row.running}; }},
      {{"running_for", "FOR", kText, 0, 1},
       [](const WindowWorker& row) { return row.running_for; }},
      {{"functions", "FUNCTIONS, LAST 60s", kText, 14}, FunctionWords},
  };
  return MakeTable({.key = "workers", .title = ""}, list, window.workers);
}

// The time of day where it is known, else the time since the recording began.
std::string TimeText(const TopFacts& facts, Timestamp at) {
  const Timestamp begin = facts.about.read.begin;
  const auto clock = WallClock::Of(facts.about.source.wall_begin, begin, facts.utc);
  if (clock) return clock->TimeOfDay(at);
  const std::optional<Nanos> since = Between(begin, at);
  return since ? "+" + DurationText(*since) : "?";
}

Table StallTable(const Window& window, const TopFacts& facts) {
  const Columns<Stall> list = {
      KeyColumn<Stall>(),
      {{"id", "#", kText}, [](const Stall& stall) { return Id{static_cast<int64_t>(stall.id)}; }},
      {{"at", "AT", kText}, [&facts](const Stall& stall) { return TimeText(facts, stall.begin); }},
      {{"pool", "POOL", kText, 8}, [](const Stall& stall) { return stall.pool; }},
      {{"lasted", "LASTED", kText}, [](const Stall& stall) { return stall.duration; }},
      {{"waiting", "WAITING", kText}, [](const Stall& stall) { return stall.delayed_items; }},
      {{"cause", "CAUSE", kText, 0, 1}, [](const Stall& stall) { return ToString(stall.cause); }},
      {{"held_by", "BY", kText, 12},
       [](const Stall& stall) { return Word{HeldBy(stall, std::nullopt)}; }},
  };
  return MakeTable({.key = "stalls", .title = ""}, list, window.stalls);
}

bool Passes(const std::string& key, const std::string& filter) {
  return filter.empty() || key.find(filter) != std::string::npos;
}

}  // namespace

std::string KeyOf(const WindowFunction& row) {
  return row.others ? "(all others)" : row.function + " " + row.workqueue;
}
std::string KeyOf(const WindowPool& row) { return row.pool.name; }
std::string KeyOf(const WindowWorker& row) {
  return row.others ? "(all others)" : fmt::format("{} {} {}", row.comm, ToInt(row.pid), row.pool);
}
std::string KeyOf(const Stall& row) {
  std::string key = fmt::format("{} {} {}", row.id, row.pool, ToString(row.cause));
  for (const StallHolder& holder : row.holders) key += " " + holder.function;
  return key;
}

std::string HeldBy(const Stall& stall, const std::optional<Task>& on_cpu) {
  const auto longest = std::max_element(
      stall.holders.begin(), stall.holders.end(),
      [](const StallHolder& a, const StallHolder& b) { return a.overlap < b.overlap; });
  if (longest != stall.holders.end()) {
    std::string out = longest->function.empty() ? "?" : longest->function;
    if (longest->worker_pid == Pid::kNone) return out;
    out += fmt::format(" on {}[{}]", longest->worker.empty() ? "?" : longest->worker,
                       ToInt(longest->worker_pid));
    if (stall.holders.size() > 1) out += fmt::format(" and {} more", stall.holders.size() - 1);
    return out;
  }
  if (on_cpu) return TaskText(*on_cpu);
  if (stall.starter && stall.starter->preempted_by) return TaskText(*stall.starter->preempted_by);
  return "?";
}

std::vector<std::string_view> TopSortKeys(TopPage page) {
  switch (page) {
    case TopPage::kFunctions:
      return {"p99", "worst", "rate", "cpu", "busy", "p50", "function"};
    case TopPage::kPools:
      return {"stalled_ns", "backlog", "busy", "pool"};
    case TopPage::kWorkers:
      return {"cpu", "busy", "rate", "running_for", "pid"};
    case TopPage::kStalls:
      return {"id", "lasted", "waiting", "pool"};
  }
  return {};
}

Table TopTable(const Window& window, const TopFacts& facts, const TopView& view, size_t columns) {
  Table table;
  switch (view.page) {
    case TopPage::kFunctions:
      table = FunctionTable(window, columns);
      break;
    case TopPage::kPools:
      table = PoolTable(window);
      break;
    case TopPage::kWorkers:
      table = WorkerTable(window);
      break;
    case TopPage::kStalls:
      table = StallTable(window, facts);
      break;
  }
  for (size_t i = table.rows.size(); i-- > 0;) {
    if (!Passes(TopKeyOf(table, i), view.filter)) {
      table.rows.erase(table.rows.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
  const std::vector<std::string_view> keys = TopSortKeys(view.page);
  const std::string_view key =
      keys[std::min(view.sort[static_cast<size_t>(view.page)], keys.size() - 1)];
  // The latest stalls come first already.
  if (key != "id") SortRows(table, key).IgnoreError();
  return table;
}

std::string TopKeyOf(const Table& table, size_t row) {
  const auto* const key = std::get_if<std::string>(&table.rows[row].front());
  return key != nullptr ? *key : std::string();
}

Table SlowestTable(const TopFacts& facts, const WindowFunction& function) {
  const Columns<SlowItem> list = {
      {{"at", "STARTED", kText},
       [&facts](const SlowItem& item) { return TimeText(facts, item.started); }},
      {{"latency", "LATENCY", kText}, [](const SlowItem& item) { return item.latency; }},
      {{"activation_wait", "HELD BACK", kText, 0, 3},
       [](const SlowItem& item) { return item.activation_wait; }},
      {{"execution", "EXECUTED", kText}, [](const SlowItem& item) { return item.execution; }},
      {{"origin", "QUEUED BY", kText, 10}, [](const SlowItem& item) { return Word{item.origin}; }},
      {{"worker", "WORKER", kText, 10}, [](const SlowItem& item) { return Word{item.worker}; }},
      {{"worker_pid", "PID", kText, 0, 2}, [](const SlowItem& item) { return item.worker_pid; }},
      {{"pool", "POOL", kText, 6, 1}, [](const SlowItem& item) { return Word{item.pool}; }},
  };
  return MakeTable({.key = "slowest", .title = ""}, list, function.slowest);
}

}  // namespace wqprof
