// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "page/page_json.h"
#include "page/report_parts.h"
#include "page/shell.h"
#include "wqprof/number_text.h"
#include "wqprof/page.h"
#include "wqprof/words.h"

namespace wqprof {
namespace {

// The tables in the order of the page.
std::vector<Table> SortedTables(const Report& report, const Invocation& by) {
  std::vector<Table> tables = ReportTables(report, by);
  for (Table& table : tables) {
    std::vector<std::string_view> keys;
    if (table.key == "functions" || table.key == "stacks") keys = {"executed", "total_wait"};
    if (table.key == "stalls") keys = {"duration_ns"};
    if (table.key == "pools") keys = {"busy_fraction", "stalled_ns"};
    if (table.key == "activation") keys = {"waited_ns"};
    for (const std::string_view key : keys) {
      if (HasColumn(table, key)) SortRows(table, key).IgnoreError();
    }
  }
  return tables;
}

// The parts of the line that heads a report in text.
std::vector<std::string> Facts(const Report& report, const Invocation& by) {
  const std::string line = HeaderLine(report, {.utf8 = true, .utc = by.utc});
  std::vector<std::string> out;
  for (size_t at = 0; at < line.size();) {
    const size_t end = std::min(line.find("  ", at), line.find('\n', at));
    const std::string part = line.substr(at, end - at);
    if (!part.empty() && part != "wqprof") out.push_back(part);
    if (end == std::string::npos) break;
    at = end + (line[end] == '\n' ? 1 : 2);
  }
  return out;
}

std::string WorkName(std::string_view function, std::string_view workqueue) {
  std::string out(function.empty() ? "a function unknown" : function);
  if (!workqueue.empty()) out += fmt::format(" [{}]", workqueue);
  return out;
}

Tile VerdictTile(const Report& report) {
  Tile tile{"Verdict", "", "", "good", "#findings"};
  if (report.findings.empty()) {
    const bool looked = report.source.clock_is_ns && report.source.has_queue;
    tile.value = looked ? "nothing stands out" : "not known";
    tile.about = looked ? "no finding" : "not in the recording";
    if (!looked) tile.kind = "", tile.link = "";
    return tile;
  }
  size_t counts[3] = {};
  for (const Finding& finding : report.findings) ++counts[static_cast<size_t>(finding.severity)];
  const size_t high = counts[2], medium = counts[1], low = counts[0];
  tile.kind = high > 0 ? "bad" : medium > 0 ? "doubt" : "";
  tile.value = CountOf(report.findings.size(), "finding");
  std::vector<std::string> parts;
  if (high > 0) parts.push_back(fmt::format("{} high", high));
  if (medium > 0) parts.push_back(fmt::format("{} medium", medium));
  if (low > 0) parts.push_back(fmt::format("{} low", low));
  tile.about = fmt::format("{}", fmt::join(parts, ", "));
  return tile;
}

Tile WorksTile(const Report& report) {
  uint64_t executed = 0, queued = 0;
  for (const FunctionRow& row : report.functions) {
    executed += row.measures.executed;
    queued += row.measures.queued;
  }
  const bool started = report.recorded.Has(EventKind::kExecuteStart);
  const uint64_t count = started ? executed : queued;
  Tile tile{started ? "Works executed" : "Works queued", CountText(count), "", "", "#functions"};
  const double seconds = static_cast<double>(report.duration.count()) / 1e9;
  if (report.source.clock_is_ns && seconds > 0) {
    tile.about = MeanText(static_cast<double>(count) / seconds) + " a second";
  }
  return tile;
}

Tile WaitTile(const ReportPageInput& in) {
  if (in.data.item_places.empty()) return {"Longest wait", "not known", "no item's wait was seen"};
  const PageItem& item = in.data.item_places.front();
  return {"Longest wait", DurationText(item.waited), WorkName(item.function, item.workqueue),
          item.waited >= std::chrono::milliseconds(100) ? "bad" : "", "#items"};
}

Tile StallTile(const Report& report) {
  if (!report.source.clock_is_ns || !TellsStalls(report.recorded)) {
    return {"Stalls", "not known", "not in the recording"};
  }
  if (report.stalls.empty()) {
    return {"Stalls", "none", "of " + DurationText(report.stall_threshold) + " or longer", "good",
            "#stalls"};
  }
  const Stall& longest = *std::ranges::max_element(report.stalls, {}, &Stall::duration);
  return {"Stalls", CountText(report.stalls_total),
          fmt::format("longest {} on {}: {}", DurationText(longest.duration), longest.pool,
                      ToString(longest.cause)),
          "bad", "#stalls"};
}

Tile BusyTile(const Report& report) {
  const PoolRow* most = nullptr;
  for (const PoolRow& row : report.pools) {
    if (std::isnan(row.busy_fraction)) continue;
    if (most == nullptr || row.busy_fraction > most->busy_fraction) most = &row;
  }
  if (most == nullptr) return {"Busiest pool", "not known", "not in the recording"};
  return {"Busiest pool", most->occupancy.pool.name,
          PercentText(most->busy_fraction) + " of the time", "", "#pools"};
}

Tile BacklogTile(const Report& report) {
  const PoolRow* most = nullptr;
  for (const PoolRow& row : report.pools) {
    if (!row.backlog_known) continue;
    if (most == nullptr || row.occupancy.backlog_max > most->occupancy.backlog_max) most = &row;
  }
  if (most == nullptr) return {"Largest backlog", "not known", "not in the recording"};
  return {"Largest backlog", CountOf(most->occupancy.backlog_max, "item"),
          "in " + most->occupancy.pool.name, "", "#pools"};
}

// The file's name without its folders.
std::string TitleOf(const Report& report) {
  const std::string& path = report.source.path;
  if (path.empty() || path == "-") return "standard input";
  return path.substr(path.rfind('/') + 1);
}

}  // namespace

std::string ReportPage(const Report& report, const Timeline& timeline, const PageData& data,
                       const PageFrame& frame) {
  const ReportPageInput in{report, timeline, data, frame, SortedTables(report, frame.by)};
  PageShell page;
  page.title = TitleOf(report);
  page.version = frame.version;
  page.facts = Facts(report, frame.by);
  const bool whole = report.quality.complete();
  page.badge_kind = whole ? "good" : "doubt";
  page.badge = whole ? "nothing lost" : "not whole";
  page.tiles = {VerdictTile(report), WorksTile(report), WaitTile(in),
                StallTile(report),   BusyTile(report),  BacklogTile(report)};
  std::vector<const FunctionRow*> rows;
  const std::string functions = FunctionsHtml(in, rows);
  TimelineLeftOut left_out;
  page.data = PageJson(report, timeline, data, rows, left_out);
  page.parts = {
      {"findings", "Findings", FindingsHtml(in), "What stands out, the worst first."},
      {"timeline", "Time line", TimelineHtml(in, left_out),
       "<span class=\"js-only\">Drag to zoom, double click to go back; a click on a finding, a "
       "stall "
       "or an item leads here.</span>"},
      {"functions", "Functions", functions,
       "<span class=\"js-only\">A click on a heading sorts, one on a row shows its "
       "distribution.</span>"},
      {"stalls", "Stalls", StallsHtml(in),
       report.stalls.empty() ? ""
                             : "<span class=\"js-only\">A click on a row shows its story.</span>"},
      {"items", "Slowest items", ItemsHtml(in),
       "<span class=\"js-only\">A click on a row shows it on the time line.</span>"},
      {"stacks", "Stacks", StacksHtml(in),
       "Who queued: the kernel stacks in which works were queued."},
      {"pools", "Pools", PoolsHtml(in)},
      {"activation", "Activation", ActivationHtml(in)},
      {"workqueues", "Workqueues", ConfigHtml(in), "How the machine's workqueues were set up."},
      {"log", "Kernel log", LogHtml(in)},
      {"quality", "Quality", QualityHtml(in), "How far the numbers can be trusted."},
      {"legend", "How to read this", LegendHtml(in)},
  };
  return ToHtml(page);
}

}  // namespace wqprof
