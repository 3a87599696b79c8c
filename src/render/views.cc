// SPDX-License-Identifier: Apache-2.0
// Whole results in each format.
#include <algorithm>
#include <utility>

#include "render/arrange.h"
#include "render/holder_text.h"
#include "render/named_rows.h"
#include "render/pictures.h"
#include "render/split.h"
#include "render/tables.h"
#include "render/text.h"
#include "wqprof/render.h"

namespace wqprof {
namespace {

constexpr size_t kRowsInReport = 5;
constexpr size_t kFindingsShown = 5;
constexpr Nanos kWorthARow = std::chrono::milliseconds(1);

// Waits of microseconds are no news, five rows show whether there is a problem.
void ShortenActivation(Table& activation, const Report& report) {
  const bool any = std::any_of(report.activation.begin(), report.activation.end(),
                               [](const ActivationRow& row) { return row.worst >= kWorthARow; });
  if (!any) activation.rows.clear();
  const size_t all = activation.rows.size();
  if (all > kRowsInReport) {
    activation.rows.resize(kRowsInReport);
    activation.title = fmt::format("Activation waits: {} of {} (--by activation shows all)",
                                   kRowsInReport, CountText(all));
  }
  activation.rows_left_out = 0;
  activation.sorted_by.clear();
}

// Five stalls show whether there is a problem; the command behind them shows the rest.
void ShortenStalls(Table& stalls, uint64_t total) {
  if (stalls.rows.size() > kRowsInReport) stalls.rows.resize(kRowsInReport);
  stalls.rows_left_out = 0;
  stalls.sorted_by.clear();
  stalls.title = stalls.rows.size() < total
                     ? fmt::format("Stalls: the longest {} of {} (wqprof stalls shows all)",
                                   stalls.rows.size(), CountText(total))
                     : "Stalls";
}

// Rows whose items neither waited nor ran for long become one line; a few are kept in any case.
void Fold(Table& table, const Report& report) {
  constexpr size_t kKept = 3;
  const auto column = [&table](std::string_view key) {
    return static_cast<size_t>(std::find_if(table.columns.begin(), table.columns.end(),
                                            [&](const Column& c) { return c.key == key; }) -
                               table.columns.begin());
  };
  const size_t max = column("max"), total_exec = column("total_exec"), queued = column("queued");
  if (std::max({max, total_exec, queued}) == table.columns.size()) return;
  const Nanos much = report.duration / 100;
  const auto matters = [&](const std::vector<Cell>& row) {
    const auto* wait = std::get_if<Nanos>(&row[max]);
    const auto* executed = std::get_if<Nanos>(&row[total_exec]);
    // Of a wait that is not known, or not over, nothing can be said.
    const auto* count = std::get_if<uint64_t>(&row[queued]);
    const bool unknown = wait == nullptr && (count == nullptr || *count > 0);
    return unknown || (wait != nullptr && *wait >= kWorthARow) ||
           (executed != nullptr && *executed >= much);
  };
  std::vector<std::vector<Cell>> kept;
  size_t folded = 0;
  for (auto& row : table.rows) {
    if (kept.size() < kKept || matters(row)) {
      kept.push_back(std::move(row));
    } else {
      ++folded;
    }
  }
  table.rows = std::move(kept);
  if (folded < 2) return;
  const std::string what = table.key == "functions"    ? "function"
                           : table.key == "workqueues" ? "workqueue"
                                                       : "row";
  table.note = fmt::format("{}: none waited 1ms or took 1% of a CPU (--top 0 shows all)",
                           CountOf(folded, "more " + what));
}

// The groupings of `keys` by where the time of their items went.
std::vector<Table> SplitTables(const Report& report, const std::vector<std::string>& keys) {
  std::vector<NamedRows> all = {
      NamedFunctions(report), NamedWorkqueues(report), NamedPools(report), NamedWorkers(report),
      NamedOrigins(report),   NamedStacks(report),     NamedCpus(report)};
  std::vector<Table> tables;
  for (const std::string& key : keys) {
    for (const NamedRows& rows : all) {
      if (rows.names.key != key) continue;
      tables.push_back(WaitSplitTable(rows));
      tables.push_back(RunSplitTable(rows));
    }
  }
  return tables;
}

// What executed for long is no finding where it slept and nothing waited for it.
void AppendLongExecutions(std::string& out, const Report& report, const TextStyle& style) {
  constexpr size_t kShown = 3;
  std::vector<HolderStack> stacks;
  for (const HolderStack& stack : report.source.holder_stacks.all()) {
    if (stack.begin != kUnseen && stack.stall == kUnseen) stacks.push_back(stack);
  }
  for (const Finding& finding : report.findings) {
    if (finding.kind != FindingKind::kLongExecution) continue;
    for (const HolderStack& shown : StacksOf(report, finding)) std::erase(stacks, shown);
  }
  const std::vector<std::string> lines = StackLines(stacks, kShown);
  if (lines.empty()) return;
  out += "\n" + Emphasized("Long executions, and where they stood", style) + "\n";
  for (const std::string& line : lines) {
    out += "  ";
    AppendWrapped(out, Escaped(line, !style.utf8), 4, style.columns);
  }
}

std::string ReportText(const Report& report, const std::vector<Table>& tables, const View& view,
                       const TextStyle& style) {
  std::string out = Heading(report, style);
  if (view.tables.empty()) {
    std::string findings;
    AppendFindings(findings, report, kFindingsShown, view.by, style);
    if (!findings.empty()) out += '\n' + findings;
    AppendLongExecutions(out, report, style);
  }
  bool legend_due = true;
  for (const Table& table : tables) {
    out += '\n';
    // What the columns mean stands below the last table that has them.
    if (legend_due && !HasMeasures(table) && HasMeasures(tables.front())) {
      out.pop_back();
      AppendMeasureLegend(out, tables, style);
      out += '\n';
      legend_due = false;
    }
    AppendTextTable(out, table, style);
  }
  if (legend_due) AppendMeasureLegend(out, tables, style);
  for (const Table& table : tables) {
    if (view.histograms && table.key != "stalls") AppendHistograms(out, table, style);
  }
  return out;
}

// Items may have waited although no pool stalled: who looks for stalls wants to know.
void AppendOtherWaits(std::string& out, const Report& report, const Invocation& by,
                      const TextStyle& style) {
  Report others;
  others.source = report.source;
  others.duration = report.duration;
  for (const Finding& finding : report.findings) {
    const bool waits = finding.kind == FindingKind::kActivationWait ||
                       finding.kind == FindingKind::kDispatchWait ||
                       finding.kind == FindingKind::kIdleCpu;
    if (!waits) continue;
    others.findings.push_back(finding);
    others.findings.back().id = others.findings.size();
  }
  if (others.findings.empty()) return;
  out += '\n';
  AppendFindings(out, others, kFindingsShown, by, style);
}

absl::StatusOr<std::string> RenderSplit(const Report& report, const View& view,
                                        const TextStyle& style) {
  std::vector<std::string> keys = view.tables;
  if (keys.empty()) keys = {"functions"};
  std::vector<Table> tables = SplitTables(report, keys);
  // A column of the waits may be none of the executions: those keep this order.
  for (Table& table : tables) {
    if (const absl::Status status = SortRows(table, "sum"); !status.ok()) return status;
  }
  if (const absl::Status status = ArrangeTables(tables, view, false); !status.ok()) return status;
  std::string out = Heading(report, style);
  for (const Table& table : tables) {
    out += '\n';
    AppendTextTable(out, table, style);
  }
  AppendWrapped(out, SplitLegend(), 0,
                style.columns == 0 ? kLegendColumns : std::min(kLegendColumns, style.columns));
  return out;
}

}  // namespace

absl::StatusOr<std::string> RenderReport(const Report& report, Format format, const View& view,
                                         const TextStyle& style) {
  constexpr std::string_view kSchema = "wqprof.report/1";
  if (view.split && format == Format::kTable) return RenderSplit(report, view, style);
  std::vector<Table> all = ReportTables(report, view.by);
  std::vector<std::string> keys = view.tables;
  switch (format) {
    case Format::kTable:
      if (keys.empty()) keys = {"functions", "pools", "activation", "stalls"};
      break;
    case Format::kCsv:
      if (keys.empty()) keys = {"functions"};
      break;
    case Format::kNdjson:
      if (!keys.empty()) keys.insert(keys.begin(), {"source", "quality"});
      break;
    case Format::kJson:
      keys.clear();  // a document has all of its parts
  }
  std::vector<Table> tables = keys.empty() ? std::move(all) : PickTables(std::move(all), keys);
  const bool fold = format == Format::kTable && view.fold;
  if (const absl::Status status = ArrangeTables(tables, view, true, fold); !status.ok())
    return status;
  switch (format) {
    case Format::kJson:
      return ToJson(kSchema, tables, view.buckets);
    case Format::kNdjson:
      return ToNdjson(kSchema, tables, view.buckets);
    case Format::kCsv:
      return OneCsv(tables);
    case Format::kTable:
      break;
  }
  if (view.fold) {
    for (Table& table : tables) {
      if (view.sort.empty()) Fold(table, report);
      CutRows(table, view.top);
    }
  }
  // Items are filtered, the occupancy of a pool cannot be.
  if (Table* const pools = FindTable(tables, "pools");
      pools != nullptr && !report.filters.empty()) {
    pools->title += " (whole trace)";
  }
  if (Table* const activation = FindTable(tables, "activation");
      activation != nullptr && view.tables.empty()) {
    ShortenActivation(*activation, report);
    if (activation->rows.empty()) tables.erase(tables.begin() + (activation - tables.data()));
  }
  if (Table* const stalls = FindTable(tables, "stalls"); stalls != nullptr && view.tables.empty()) {
    ShortenStalls(*stalls, report.stalls_total);
  }
  return ReportText(report, tables, view, style);
}

std::vector<Table> StallsTables(const Report& report, const Invocation& by) {
  return PickTables(ReportTables(report, by), {"source", "quality", "stalls"});
}

absl::StatusOr<std::string> RenderStalls(const Report& report, Format format, const View& view,
                                         const TextStyle& style) {
  constexpr std::string_view kSchema = "wqprof.stalls/1";
  std::vector<Table> tables = StallsTables(report, view.by);
  View by_time = view;
  // --top means the longest, whatever the order.
  if (view.sort.empty() && view.top > 0) by_time.sort = "duration_ns";
  if (const absl::Status status = ArrangeTables(tables, by_time, false); !status.ok())
    return status;
  const Table& stalls = tables.back();
  switch (format) {
    case Format::kJson:
      return ToJson(kSchema, tables);
    case Format::kNdjson:
      return ToNdjson(kSchema, tables);
    case Format::kCsv:
      return ToCsv(stalls);
    case Format::kTable:
      break;
  }
  std::string out = Heading(report, style) + "\n";
  AppendTextTable(out, stalls, style);
  if (report.stalls.empty()) AppendOtherWaits(out, report, view.by, style);
  if (report.stalls_total > report.stalls.size()) {
    out += fmt::format("Only the longest {} of {} were kept; a higher --threshold shows fewer.\n",
                       CountText(report.stalls.size()), CountText(report.stalls_total));
  }
  return out;
}

absl::StatusOr<std::string> RenderInfo(const TraceInfo& info, const ReadStats& stats, Format format,
                                       const TextStyle& style, bool workqueues) {
  constexpr std::string_view kSchema = "wqprof.info/1";
  std::vector<Table> tables = InfoTables(info, stats);
  const std::vector<std::string> of_workqueues = {"workqueues", "worker_pools", "parameters"};
  switch (format) {
    case Format::kJson:
      return ToJson(kSchema, tables);
    case Format::kNdjson:
      return ToNdjson(kSchema, tables);
    case Format::kCsv:
      return OneCsv(PickTables(std::move(tables), {workqueues ? "workqueues" : "events"}));
    case Format::kTable:
      break;
  }
  if (workqueues) {
    tables = PickTables(std::move(tables), of_workqueues);
  } else {
    std::erase_if(tables, [&](const Table& table) {
      return table.key == "configuration" || std::find(of_workqueues.begin(), of_workqueues.end(),
                                                       table.key) != of_workqueues.end();
    });
  }
  std::string out;
  for (const Table& table : tables) {
    if (table.rows.empty()) continue;
    if (!out.empty()) out += '\n';
    AppendTextTable(out, table, style);
  }
  return out;
}

}  // namespace wqprof
