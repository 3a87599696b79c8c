// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "render/config_tables.h"
#include "render/fitted.h"
#include "render/pictures.h"
#include "render/text.h"
#include "wqprof/columns.h"
#include "wqprof/render_counters.h"

namespace wqprof {
namespace {

using Counter = WorkqueueCounter;
using Row = WorkqueueSetup;

// Executions that are open; barriers are among them.
std::optional<uint64_t> ExecutingOf(const Row& row) {
  const auto& started = row.end[static_cast<size_t>(Counter::kStarted)];
  const auto& completed = row.end[static_cast<size_t>(Counter::kCompleted)];
  if (!started || !completed || *completed > *started) return std::nullopt;
  return *started - *completed;
}

bool DidAnything(const Row& row) {
  for (size_t i = 0; i < kWorkqueueCounters; ++i) {
    if (row.Counted(static_cast<Counter>(i)).value_or(0) > 0) return true;
  }
  return ExecutingOf(row).value_or(0) > 0;
}

Table CounterTable(const std::vector<Row>& rows, Nanos length) {
  const double seconds = std::chrono::duration<double>(length).count();
  const auto count = [](Counter counter) {
    return [counter](const Row& row) { return row.Counted(counter); };
  };
  const auto rate = [seconds](Counter counter) {
    return [counter, seconds](const Row& row) {
      const auto counted = row.Counted(counter);
      return counted && seconds > 0 ? std::optional(static_cast<double>(*counted) / seconds)
                                    : std::nullopt;
    };
  };
  const auto cpu = [length](const Row& row) {
    const auto time = row.Counted(Counter::kCpuTime);
    return time && length.count() > 0 ? std::optional(Share{static_cast<double>(*time) /
                                                            static_cast<double>(length.count())})
                                      : std::nullopt;
  };
  const Columns<Row> columns = {
      {{"workqueue", "WORKQUEUE", kText, 12}, [](const Row& row) { return Word{row.name}; }},
      {{"kind", "KIND", kText, 0, 2}, [](const Row& row) { return Word{KindOf(row)}; }},
      {{"started", "STARTED/s", kText}, rate(Counter::kStarted)},
      {{"completed", "DONE/s", kText}, rate(Counter::kCompleted)},
      {{"executing", "NOW", kText, 0, 1}, ExecutingOf},
      {{"cpu", "CPU", kText}, cpu},
      {{"cpu_intensive", "HOGS", kText}, count(Counter::kCpuIntensive)},
      {{"cm_wakeup", "WAKE", kText, 0, 3}, count(Counter::kCmWakeup)},
      {{"repatriated", "MOVED", kText, 0, 4}, count(Counter::kRepatriated)},
      {{"mayday", "MAYDAY", kText}, count(Counter::kMayday)},
      {{"rescued", "RESCUED", kText}, count(Counter::kRescued)},
  };
  return MakeTable({.key = "counters", .title = ""}, columns, rows);
}

std::string HeaderText(const WorkqueueConfig& counted, const CountersView& view,
                       const TextStyle& style) {
  const double seconds = std::chrono::duration<double>(view.length).count();
  const double started = static_cast<double>(counted.Started().value_or(0));
  const auto per_second = static_cast<uint64_t>(seconds > 0 ? started / seconds + 0.5 : 0);
  const bool ascii = !style.utf8;
  return Fitted({{"wqprof top", 0},
                 {"counters, no tracing", 5},
                 {Escaped(view.machine, ascii), 3},
                 {view.kernel.empty() ? "" : "Linux " + Escaped(view.kernel, ascii), 6},
                 {view.time, 4},
                 {fmt::format("last {}", DurationText(view.length)), 2},
                 {fmt::format("{} works/s", CountText(per_second)), 1},
                 {fmt::format("own CPU {}", PercentText(view.own_cpu)), 1},
                 {view.paused ? "PAUSED" : "", 0}},
                style.columns);
}

std::string FooterText(const CountersView& view, const TextStyle& style) {
  return Fitted({{fmt::format("[by {}]", CounterSortKeys()[view.sort]), 2},
                 {Escaped(view.filters, !style.utf8), 3},
                 {"s S sort", 0},
                 {"space pause", 1},
                 {"q quit", 0}},
                style.columns);
}

void AppendRows(std::vector<std::string>& out, Table table, const TextStyle& style) {
  table.sorted_by.clear();
  std::string text;
  AppendTextTable(text, table, style);
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    out.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
}

}  // namespace

std::vector<std::string_view> CounterSortKeys() {
  return {"started",   "cpu",    "executing", "cpu_intensive",
          "cm_wakeup", "mayday", "rescued",   "workqueue"};
}

std::vector<std::string> CounterLines(const WorkqueueConfig& counted, const CountersView& view,
                                      size_t lines, const TextStyle& style) {
  std::vector<Row> rows;
  for (const Row& row : counted.workqueues) {
    if (DidAnything(row)) rows.push_back(row);
  }
  const size_t quiet = counted.workqueues.size() - rows.size();
  std::vector<std::string> out = {Emphasized(HeaderText(counted, view, style), style), ""};
  Table table = CounterTable(rows, view.length);
  SortRows(table, CounterSortKeys()[view.sort]).IgnoreError();
  const size_t footer = view.interactive ? 1 : 0;
  // The heading, a line below the rows, and the footer.
  const size_t around = out.size() + 2 + footer;
  const size_t room = lines > around ? lines - around : rows.size();
  const size_t hidden = table.rows.size() - std::min(room, table.rows.size());
  CutRows(table, std::max<size_t>(room, 1));
  table.rows_left_out = 0;
  if (!table.rows.empty()) AppendRows(out, std::move(table), style);
  std::string below = fmt::format("{} did nothing", CountOf(quiet, "workqueue"));
  if (hidden > 0) below = fmt::format("{} further, ", hidden) + below;
  out.push_back(Dimmed(below, style));
  if (lines > 0) out.resize(std::max<size_t>(lines, footer) - footer);
  if (footer > 0) out.push_back(Dimmed(FooterText(view, style), style));
  return out;
}

}  // namespace wqprof
