// SPDX-License-Identifier: Apache-2.0
// Whole results on a kernel log, in each format.
#include <algorithm>
#include <array>
#include <chrono>
#include <utility>

#include "render/cells.h"
#include "render/log_words.h"
#include "render/text.h"
#include "wqprof/render_log.h"

namespace wqprof {
namespace {

constexpr std::string_view kSchema = "wqprof.log/1";

// One row for each message, whatever its kind: what a spreadsheet takes.
Table FlatTable(const KernelLog& log, bool lockups_only) {
  Table table{.key = "messages", .title = ""};
  for (const char* key : {"kind", "boot", "begin_s", "begin", "pool", "workqueue", "function",
                          "module", "worker", "pid", "seconds", "times", "cause", "text"}) {
    table.columns.push_back({key, key});
  }
  const auto at = [](const std::optional<Nanos>& stamp) {
    return stamp ? Cell(std::chrono::duration<double>(*stamp).count()) : Cell();
  };
  const auto add = [&](std::string kind, uint32_t boot, Cell begin_s, const std::string& begin,
                       std::string_view function, std::array<Cell, 7> rest) {
    const FunctionName name = SplitFunction(function);
    auto& [pool, workqueue, worker, pid, seconds, times, text] = rest;
    table.rows.push_back({std::move(kind), Id{boot}, std::move(begin_s), WordCell(begin), pool,
                          workqueue, WordCell(name.name), WordCell(name.module), worker, pid,
                          seconds, times, Cell(), text});
  };
  for (const Lockup& one : log.lockups) {
    add("lockup", one.boot, at(one.begin_since_boot), one.begin, "",
        {one.pool.name, Cell(), Cell(), Cell(), one.stuck_s, one.reports, one.text});
    table.rows.back()[12] = std::string(ToString(one.cause));
  }
  if (lockups_only) return table;
  for (const LoggedSoftLockup& one : log.soft_lockups) {
    add("soft_lockup", one.boot, at(one.at.stamp), one.at.wall, one.function,
        {Cell(), WordCell(one.workqueue), one.worker, Id{one.pid}, one.seconds, one.reports,
         WordCell(one.frame)});
  }
  for (const LoggedBlocked& one : log.blocked) {
    add("blocked", one.boot, at(one.at.stamp), one.at.wall, one.function,
        {Cell(), WordCell(one.workqueue), one.worker, Id{one.pid}, one.seconds, one.reports,
         WordCell(one.frame)});
  }
  for (const LoggedHog& one : log.hogs) {
    add("hog", one.boot, at(one.first.stamp), one.first.wall, one.function,
        {Cell(), Cell(), Cell(), Cell(), Cell(), one.times, Cell()});
  }
  for (const LoggedFlush& one : log.flush_dependencies) {
    add("flush_dependency", one.boot, at(one.at.stamp), one.at.wall, one.from_function,
        {Cell(), WordCell(one.from_workqueue), WordCell(one.from_comm),
         one.from_pid ? Cell(Id{*one.from_pid}) : Cell(), Cell(), Cell(),
         fmt::format("{}{}{}", one.to_workqueue, one.to_function.empty() ? "" : ":",
                     one.to_function)});
  }
  for (const LoggedLeak& one : log.leaks) {
    add("leak", one.boot, at(one.at.stamp), one.at.wall, one.function,
        {Cell(), Cell(), one.worker, Id{one.pid}, Cell(), Cell(), WordCell(one.what)});
  }
  for (const LoggedFreeze& one : log.freezes) {
    add("freeze", one.boot, at(one.at.stamp), one.at.wall, "",
        {Cell(), Cell(), Cell(), Cell(), one.seconds, one.wq_busy, InFlightWords(one.in_flight)});
  }
  return table;
}

Table PoolTextTable(const KernelLog& log) {
  Table table{.key = "pools", .title = "Pools in the dump"};
  table.columns = {{"boot", "BOOT", log.boots.size() > 1 ? kText : kSortOnly},
                   {"pool", "POOL"},
                   {"cpus", "CPUS", kAll, 8},
                   {"hung_s", "HUNG"},
                   {"workers", "WORKERS"},
                   {"idle", "IDLE"},
                   {"manager_pid", "MANAGER"}};
  for (const LoggedPoolState& pool : log.pools) {
    const auto hung = [&pool]() -> Cell {
      if (!pool.hung_s) return {};
      return Nanos(std::chrono::seconds(std::min<uint64_t>(*pool.hung_s, uint64_t{1} << 31)));
    };
    table.rows.push_back({Id{pool.boot}, pool.pool.name, WordCell(pool.pool.cpus), hung(),
                          OptionalCell(pool.workers), OptionalCell(pool.idle),
                          pool.manager_pid ? Cell(Id{*pool.manager_pid}) : Cell()});
  }
  return table;
}

// `view` asks for tables that a log has.
absl::Status CheckTables(const View& view) {
  for (const std::string& key : view.tables) {
    if (key == "pools" || key == "workqueues") continue;
    return absl::InvalidArgumentError(
        fmt::format("a kernel log has no table '{}': it has --by pool, workqueue", key));
  }
  return absl::OkStatus();
}

std::string Whole(const KernelLog& log, std::string_view path, Format format,
                  const std::vector<std::string>& keys) {
  std::vector<Table> tables = LogTables(log, path);
  if (!keys.empty()) {
    std::erase_if(tables, [&keys](const Table& table) {
      return !table.record && std::find(keys.begin(), keys.end(), table.key) == keys.end();
    });
  }
  return format == Format::kJson ? ToJson(kSchema, tables) : ToNdjson(kSchema, tables);
}

}  // namespace

absl::StatusOr<std::string> RenderLog(const KernelLog& log, std::string_view path, Format format,
                                      const View& view, const TextStyle& style) {
  if (const absl::Status status = CheckTables(view); !status.ok()) return status;
  switch (format) {
    case Format::kJson:
      return Whole(log, path, format, {});
    case Format::kNdjson:
      return Whole(log, path, format, view.tables);
    case Format::kCsv:
      return ToCsv(FlatTable(log, false));
    case Format::kTable:
      break;
  }
  std::string out = LogHeader(log, style) + LogNotes(log, style);
  if (view.tables.empty()) return out + LogText(log, style);
  for (const std::string& key : view.tables) {
    out += '\n';
    AppendTextTable(out, key == "pools" ? PoolTextTable(log) : BusyTable(log), style);
  }
  return out;
}

absl::StatusOr<std::string> RenderLockups(const KernelLog& log, std::string_view path,
                                          Format format, const View& view, const TextStyle& style) {
  if (format == Format::kCsv) return ToCsv(FlatTable(log, true));
  if (format != Format::kTable) return Whole(log, path, format, {"lockups"});
  std::string out = LogHeader(log, style) + LogNotes(log, style) + "\n";
  if (log.lockups.empty()) return out + "The log has no lockup of a worker pool.\n";
  Table table{.key = "lockups", .title = "Lockups"};
  table.columns = {{"id", "#"},
                   {"boot", "BOOT", log.boots.size() > 1 ? kText : kSortOnly},
                   {"pool", "POOL"},
                   {"begin", "SINCE", kAll, 8},
                   {"stuck_s", "STUCK"},
                   {"cause", "CAUSE"},
                   {"in_flight", "IN FLIGHT", kAll, 12},
                   {"waiting", "WAITING", kAll, 12}};
  for (const Lockup& one : log.lockups) {
    const std::string since =
        one.begin_since_boot ? SecondText(*one.begin_since_boot) + " s" : one.begin;
    table.rows.push_back({one.id, Id{one.boot}, one.pool.name, WordCell(since),
                          Nanos(std::chrono::seconds(std::min<uint64_t>(one.stuck_s, 1u << 31))),
                          std::string(ToString(one.cause)), WordCell(InFlightWords(one.in_flight)),
                          WordCell(WaitingWords(one.waiting, false))});
  }
  if (!view.sort.empty()) {
    if (const absl::Status status = SortRows(table, view.sort); !status.ok()) return status;
  } else if (view.top > 0) {
    (void)SortRows(table, "stuck_s");
  }
  CutRows(table, view.top);
  AppendTextTable(out, table, style);
  return out + "wqprof report shows the story of each.\n";
}

std::string RenderLogInfo(const KernelLog& log, std::string_view path, Format format,
                          const TextStyle& style) {
  TraceInfo info;
  info.path = path;
  info.format = "kernel log";
  for (const LoggedBoot& boot : log.boots) {
    if (!boot.kernel.empty()) info.kernel = boot.kernel;
  }
  ReadStats stats;
  const std::pair<const char*, size_t> kKinds[] = {
      {"lockup", log.lockups.size()},
      {"pool", log.pools.size()},
      {"workqueue", log.workqueues.size()},
      {"function that hogged a CPU", log.hogs.size()},
      {"flush dependency", log.flush_dependencies.size()},
      {"worker that hangs", log.blocked.size()},
      {"worker in a soft lockup", log.soft_lockups.size()},
      {"work that left something over", log.leaks.size()},
      {"suspend that failed", log.freezes.size()},
      {"workqueue that does not become empty", log.drains.size()}};
  Table table{.key = "events", .title = "Messages"};
  table.columns = {{"event", "MESSAGE"}, {"count", "COUNT"}};
  for (const auto& [kind, count] : kKinds) {
    table.rows.push_back({std::string(kind), uint64_t{count}});
  }
  if (format == Format::kCsv) return ToCsv(table);
  std::vector<Table> tables = InfoTables(info, stats);
  if (format != Format::kTable) {
    for (Table& one : tables) {
      if (one.key == "events") one = table;
    }
    return format == Format::kJson ? ToJson("wqprof.info/1", tables)
                                   : ToNdjson("wqprof.info/1", tables);
  }
  std::string out = fmt::format("  File    {}\n  Format  kernel log\n", Escaped(path, !style.utf8));
  if (!info.kernel.empty()) {
    out += fmt::format("  Kernel  {}\n", Escaped(info.kernel, !style.utf8));
  }
  out += fmt::format("  Lines   {}, {} about workqueues\n", CountText(log.lines),
                     CountText(log.messages));
  for (size_t i = 0; i < log.boots.size(); ++i) {
    out += fmt::format("  Boot {}  {}\n", i, Escaped(SpanText(log.boots[i]), !style.utf8));
  }
  out += '\n';
  AppendTextTable(out, table, style);
  return out;
}

}  // namespace wqprof
