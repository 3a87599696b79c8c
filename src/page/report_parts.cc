// SPDX-License-Identifier: Apache-2.0
#include "page/report_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "page/html.h"
#include "wqprof/number_text.h"
#include "wqprof/split.h"
#include "wqprof/words.h"

namespace wqprof {
namespace {

// How much of each there may be, so that the page stays below its limit.
constexpr size_t kFindings = 20, kFindingBytes = 24'000;
constexpr size_t kFunctionRows = 200, kFunctionBytes = 80'000;
constexpr size_t kStallRows = 200, kStallBytes = 90'000, kStoryBytes = 4'000;
constexpr size_t kItemBytes = 80'000;
constexpr size_t kStackRows = 100, kStackBytes = 40'000;
constexpr size_t kPoolRows = 64, kPoolBytes = 20'000;
constexpr size_t kActivationRows = 50, kActivationBytes = 16'000;
constexpr size_t kConfigRows = 100, kConfigBytes = 24'000;
constexpr size_t kLogBytes = 24'000, kNoteBytes = 12'000;

const Table* Find(const ReportPageInput& in, std::string_view key) {
  const auto it = std::ranges::find(in.tables, key, &Table::key);
  return it == in.tables.end() ? nullptr : &*it;
}

// " data-a=... data-b=...": where the time line shows it, in ns since its begin; "" nowhere.
std::string PlaceAttributes(const ReportPageInput& in, Timestamp from, Timestamp to,
                            std::string_view pool) {
  if (in.timeline.bins == 0 || from == kUnseen || to == kUnseen) return "";
  if (to < in.timeline.begin || from > in.timeline.end) return "";
  std::string out =
      fmt::format(" data-a=\"{}\" data-b=\"{}\"", Elapsed(in.timeline.begin, from).count(),
                  Elapsed(in.timeline.begin, to).count());
  if (!pool.empty()) out += fmt::format(" data-pool=\"{}\"", HtmlName(pool, 64));
  return out;
}

// From the first to the last time of what a finding is about.
std::string PlaceOf(const ReportPageInput& in, const Finding& finding) {
  Timestamp from = Timestamp::max(), to = kUnseen;
  std::string_view pool = finding.pool;
  const auto cover = [&](Timestamp a, Timestamp b) {
    from = std::min(from, a);
    to = std::max(to, b);
  };
  for (const Stall& stall : in.report.stalls) {
    const auto& ids = finding.stall_ids;
    if (std::find(ids.begin(), ids.end(), stall.id) == ids.end()) continue;
    cover(stall.begin, stall.begin + stall.duration);
    pool = stall.pool;
  }
  for (const PageItem& item : in.data.item_places) {
    const auto& ids = finding.item_ids;
    if (std::find(ids.begin(), ids.end(), item.id) == ids.end()) continue;
    cover(item.from, item.to);
    if (pool.empty()) pool = item.pool;
  }
  return to == kUnseen ? "" : PlaceAttributes(in, from, to, pool);
}

std::string FindingHtml(const ReportPageInput& in, const Finding& finding) {
  const FindingWords words = WordsOf(finding, in.report, in.frame.by);
  const auto severity = ToString(finding.severity);
  std::string out = fmt::format(
      "<li class=\"finding {0}\" id=\"finding-{1}\">\n<p class=\"text\"><span class=\"pill "
      "{0}\">{0}</span> "
      "{2}</p>\n<dl>",
      severity, finding.id, HtmlName(words.text, kSentenceWidth));
  const auto add = [&out](std::string_view label, const std::string& html) {
    out += fmt::format("<dt>{}</dt><dd>{}</dd>\n", label, html);
  };
  const auto sentence = [](const std::string& text) { return HtmlName(text, kSentenceWidth); };
  if (!words.because.empty()) add("because", sentence(words.because));
  if (!words.delayed.empty()) add("delayed", sentence(words.delayed));
  for (const std::string& stack : words.stacks) {
    add("stack", sentence("taken while it went on: " + stack));
  }
  for (size_t i = 0; i < words.tries.size(); ++i) {
    add(i == 0 ? "try" : "or", sentence(words.tries[i]));
  }
  if (!words.next.empty()) add("more", "<code>" + sentence(words.next) + "</code>");
  out += "</dl>\n";
  const std::string place = PlaceOf(in, finding);
  if (!place.empty()) {
    out += fmt::format(
        "<button type=\"button\" class=\"go js-only\"{}>show on the time line"
        "<span class=\"hidden\">: finding {}</span></button>\n",
        place, finding.id);
  }
  return out + "</li>\n";
}

constexpr PageColumn kFunctionColumns[] = {
    {"name", "Function"},
    {"workqueue", "Workqueue", "", 2},
    {"executed", "Items", "Starts that were matched to their queue event."},
    {"total_wait", "Waited", "From queue to start, summed over all items."},
    {"inactive", "Inactive", "The part of it that went by before activation.", 1},
    {"p50", "p50", "Half of the items waited no longer, from queue to start.", 1},
    {"p95", "p95", "95 of 100 items waited no longer.", 3},
    {"p99", "p99", "99 of 100 items waited no longer."},
    {"max", "Longest", "The longest wait from queue to start."},
    {"exec", "Exec p99", "99 of 100 executions took no longer.", 1},
    {"total_exec", "Executed", "From start to end, summed over all items.", 1},
    {"distribution", "", "How the waits spread, on a logarithmic scale that all rows share.", 2},
};

constexpr PageColumn kStallColumns[] = {
    {"id", "#"},
    {"pool", "Pool"},
    {"at", "At", "Since the begin of the recording."},
    {"time_of_day", "Time", "", 1},
    {"lasted", "Lasted"},
    {"delayed_items", "Waiting", "Items that waited through it."},
    {"worst_latency_ns", "Worst wait", "", 2},
    {"cause", "Cause"},
    {"held_by", "Held by", "", 1},
    {"functions", "Who waited", "", 1},
};

constexpr PageColumn kItemColumns[] = {
    {"function", "Function"},
    {"latency_ns", "Waited", "From queue to start."},
    {"activation_wait_ns", "Inactive", "From queue to activation."},
    {"execution_ns", "Executed", "From start to end."},
    {"at", "Queued at", "Since the begin of the recording."},
    {"workqueue", "Workqueue"},
    {"pool", "Pool"},
    {"worker", "Worker"},
    {"origin", "Queued by"},
    {"run_cpu", "CPU"},
    {"state", "State"},
};

constexpr PageColumn kStackColumns[] = {
    {.key = "path",
     .heading = "Queued in < called by",
     .about = "Kernel functions, from the one that queued the work outwards.",
     .path = true},
    {"executed", "Items", "Starts that were matched to their queue event."},
    {"total_wait", "Waited", "From queue to start, summed over all items."},
    {"p50", "p50", "Half of the items waited no longer, from queue to start.", 2},
    {"p99", "p99", "99 of 100 items waited no longer."},
    {"max", "Longest", "The longest wait from queue to start.", 1},
    {"exec", "Exec p99", "99 of 100 executions took no longer.", 2},
    {"total_exec", "Executed", "From start to end, summed over all items.", 1},
};

constexpr PageColumn kPoolColumns[] = {
    {"pool", "Pool"},
    {"kind", "Kind"},
    {"executions", "Executions", "Every start, barriers included."},
    {"workers", "Workers"},
    {"busy_mean", "Busy", "Mean number of executions that were open."},
    {"busy_max", "Most busy"},
    {"busy_fraction", "Occupied", "Part of the time in which at least one execution was open."},
    {"backlog_mean", "Backlog", "Mean number of activated items that waited."},
    {"backlog_most", "Most", "Most that waited at once."},
    {"stalled_ns", "Stalled", "Time in which items waited and none was started."},
};

constexpr PageColumn kConfigColumns[] = {
    {"workqueue", "Workqueue"},
    {"kind", "Kind"},
    {"max_active", "max_active", "Of a per-CPU one for each CPU."},
    {"flag_words", "Flags"},
    {"affinity_scope", "Affinity"},
    {"rescuer_pid", "Rescuer", "Its pid."},
    {"started_shown", "Started", "Executions that the kernel counted."},
    {"rescued_shown", "Rescued", "Of them: started by the rescuer."},
};

constexpr PageColumn kActivationColumns[] = {
    {"workqueue", "Workqueue"},
    {"cpu", "CPU", "Absent: unbound."},
    {"items", "Items", "That waited, and were activated in the end."},
    {"waited_ns", "Waited", "Summed over the items."},
    {"worst_ns", "Longest"},
    {"at_limit", "At limit", "Part of the time in which at least one item waited."},
    {"inactive_most", "Most inactive", "Most that waited at once."},
    {"active", "Active", "Items seen active when another one had to wait."},
    {"held", "Held by", "Functions whose items were active meanwhile."},
};

// A part whose table cannot be empty.
std::string TableHtml(const Table& table, const PageTable& how, std::string_view what,
                      uint64_t all) {
  std::string out;
  const size_t shown = AppendPageTable(out, table, how);
  return out + LeftOutNote(shown, std::max<uint64_t>(all, table.rows.size()), what);
}

}  // namespace

std::string FindingsHtml(const ReportPageInput& in) {
  const Report& report = in.report;
  if (report.findings.empty()) {
    if (!report.source.clock_is_ns || !report.source.has_queue) return "";
    return fmt::format("<p class=\"nothing\">{}</p>\n",
                       HtmlName("Nothing stands out: " + NothingText(report), kSentenceWidth));
  }
  std::string out = "<ol class=\"findings\">\n";
  size_t shown = 0;
  for (const Finding& finding : report.findings) {
    if (shown == kFindings) break;
    const std::string html = FindingHtml(in, finding);
    if (out.size() + html.size() > kFindingBytes) break;
    out += html;
    ++shown;
  }
  return out + "</ol>\n" + LeftOutNote(shown, report.findings.size(), "findings");
}

std::string TimelineHtml(const ReportPageInput& in, const TimelineLeftOut& left_out) {
  if (in.timeline.bins == 0 || in.data.bins == 0) return "";
  std::string out =
      "<p class=\"no-js\">The time line is drawn by a script, which does not run here. The tables "
      "below have the numbers.</p>\n<div class=\"js-only\">\n<div class=\"tools\"><label "
      "for=\"heat-of\">Latency of</label> <select id=\"heat-of\"></select>\n<span "
      "class=\"buttons\"><button type=\"button\" id=\"tl-in\" aria-label=\"zoom in\">+</button>"
      "<button type=\"button\" id=\"tl-out\" aria-label=\"zoom out\">&minus;</button>"
      "<button type=\"button\" id=\"tl-back\">back</button>"
      "<button type=\"button\" id=\"tl-all\">all</button></span>\n<span id=\"tl-range\" "
      "role=\"status\"></span></div>\n<div id=\"tl\" tabindex=\"0\" role=\"group\" "
      "aria-label=\"time line: arrow keys move, plus and minus zoom, Home shows all, Backspace "
      "goes "
      "back\">\n<div id=\"tl-heat\"></div>\n<div id=\"tl-scale\" "
      "class=\"scale\"></div>\n<h3>Pools</h3>\n"
      "<ul id=\"tl-legend\" class=\"legend\"></ul>\n<div id=\"tl-pools\"></div>\n<div "
      "id=\"tl-axis\"></div>\n"
      "</div>\n<div id=\"tip\" hidden></div></div>\n";
  std::vector<std::string> notes;
  if (left_out.pools > 0) notes.push_back(CountOf(left_out.pools, "pool"));
  if (left_out.lanes > 0) notes.push_back(CountOf(left_out.lanes, "worker"));
  if (left_out.heat_maps > 0) {
    notes.push_back(CountOf(left_out.heat_maps, "function") + " without a heat map of its own");
  }
  if (!notes.empty()) {
    out +=
        fmt::format("<p class=\"note\">Left out of the picture, those that matter least: {}.</p>\n",
                    Html(fmt::format("{}", fmt::join(notes, ", "))));
  }
  if (!in.report.filters.empty()) {
    out +=
        "<p class=\"note\">Pools and workers are those of the whole recording: what they did "
        "cannot be filtered.</p>\n";
  }
  return out;
}

std::string FunctionsHtml(const ReportPageInput& in, std::vector<const FunctionRow*>& rows) {
  const Table* const table = Find(in, "functions");
  if (table == nullptr || table->rows.empty()) return "";
  const auto latency =
      std::ranges::find(table->columns, SpecOf(Measure::kLatency).name, &Column::key);
  const auto at = static_cast<size_t>(latency - table->columns.begin());
  for (const auto& row : table->rows) {
    const auto* const histogram = std::get<const Histogram*>(row[at]);
    for (const FunctionRow& function : in.report.functions) {
      if (&function.measures[Measure::kLatency] == histogram) rows.push_back(&function);
    }
  }
  const PageTable how{.id = "functions-table",
                      .caption = "Functions, by the time that their items waited",
                      .columns = kFunctionColumns,
                      .max_bytes = kFunctionBytes,
                      .max_rows = kFunctionRows};
  return TableHtml(*table, how, "functions", 0);
}

std::string StallsHtml(const ReportPageInput& in) {
  const Report& report = in.report;
  const Table* const table = Find(in, "stalls");
  if (table == nullptr || !report.source.clock_is_ns || !TellsStalls(report.recorded)) return "";
  if (table->rows.empty()) {
    return fmt::format(
        "<p class=\"nothing\">No pool started nothing for {} or more while items "
        "waited.</p>\n",
        Html(DurationText(report.stall_threshold)));
  }
  const auto stall_of = [&](size_t row) -> const Stall& {
    const int64_t id = std::get<Id>(table->rows[row].front()).value;
    return *std::ranges::find(report.stalls, static_cast<uint64_t>(id), &Stall::id);
  };
  const PageTable how{
      .id = "stalls-table",
      .caption = "Stalls, the longest first: a pool had items waiting and started none",
      .columns = kStallColumns,
      .max_bytes = kStallBytes,
      .max_rows = kStallRows,
      .attributes =
          [&](size_t row) {
            const Stall& stall = stall_of(row);
            return fmt::format(
                " id=\"stall-{}\"{}", stall.id,
                PlaceAttributes(in, stall.begin, stall.begin + stall.duration, stall.pool));
          },
      .below =
          [&](size_t row) {
            const Stall& stall = stall_of(row);
            const std::string story = ExplainStall(report, stall, {.utf8 = true});
            return fmt::format("<pre>{}</pre><p><code>{}</code></p>", HtmlLines(story, kStoryBytes),
                               HtmlName(StallCommand(stall.id, in.frame.by), kSentenceWidth));
          },
  };
  return TableHtml(*table, how, "stalls", report.stalls_total);
}

std::string ItemsHtml(const ReportPageInput& in) {
  const PageData& data = in.data;
  if (data.items.rows.empty()) return "";
  const auto stack = std::ranges::find(data.items.columns, "stack", &Column::key);
  const auto at = static_cast<size_t>(stack - data.items.columns.begin());
  const auto path_of = [&data, at](size_t row) {
    const auto* const path = at < data.items.columns.size()
                                 ? std::get_if<std::string>(&data.items.rows[row][at])
                                 : nullptr;
    return path == nullptr ? "" : "queued in " + HtmlName(*path, kPathWidth);
  };
  const PageTable how{.id = "items-table",
                      .caption = "The items that waited longest from queue to start",
                      .columns = kItemColumns,
                      .max_bytes = kItemBytes,
                      .max_rows = data.items.rows.size(),
                      .begin = in.report.read.begin,
                      .attributes =
                          [&](size_t row) {
                            const PageItem& item = data.item_places[row];
                            return fmt::format(" id=\"item-{}\"{}", item.id,
                                               PlaceAttributes(in, item.from, item.to, item.pool));
                          },
                      .below = path_of,
                      .below_shown = true};
  return TableHtml(data.items, how, "items", data.items_seen);
}

std::string StacksHtml(const ReportPageInput& in) {
  const Table* const table = Find(in, "stacks");
  if (table == nullptr || table->rows.empty()) return "";
  return TableHtml(
      *table,
      {.id = "stacks-table",
       .caption = "Kernel stacks in which works were queued, by the time that these waited",
       .columns = kStackColumns,
       .max_bytes = kStackBytes,
       .max_rows = kStackRows},
      "stacks", 0);
}

std::string PoolsHtml(const ReportPageInput& in) {
  const Table* const table = Find(in, "pools");
  if (table == nullptr || table->rows.empty()) return "";
  return TableHtml(*table,
                   {.id = "pools-table",
                    .caption = "Pools, the longest stalled and the busiest first",
                    .columns = kPoolColumns,
                    .max_bytes = kPoolBytes,
                    .max_rows = kPoolRows},
                   "pools", 0);
}

std::string ActivationHtml(const ReportPageInput& in) {
  const Table* const table = Find(in, "activation");
  if (table == nullptr || table->rows.empty()) return "";
  return TableHtml(*table,
                   {.id = "activation-table",
                    .caption = "Waits for a slot of max_active, by workqueue",
                    .columns = kActivationColumns,
                    .max_bytes = kActivationBytes,
                    .max_rows = kActivationRows},
                   "workqueues", 0);
}

std::string ConfigHtml(const ReportPageInput& in) {
  for (const Table& table : InfoTables(in.report.source, in.report.read)) {
    if (table.key != "workqueues" || table.rows.empty()) continue;
    return TableHtml(table,
                     {.id = "workqueues-table",
                      .caption = "Workqueues, and what the kernel counted while it was recorded",
                      .columns = kConfigColumns,
                      .max_bytes = kConfigBytes,
                      .max_rows = kConfigRows},
                     "workqueues", 0);
  }
  return "";
}

std::string LogHtml(const ReportPageInput& in) {
  if (in.frame.log.empty()) return "";
  return "<pre>" + HtmlLines(in.frame.log, kLogBytes) + "</pre>\n";
}

std::string QualityHtml(const ReportPageInput& in) {
  const std::vector<std::string> notes = QualityNotes(in.report);
  std::string out =
      in.report.quality.complete()
          ? "<p>Nothing was lost, damaged or left unexplained.</p>\n"
          : "<p>Something was lost, damaged or could not be explained: see below what "
            "that means for the numbers.</p>\n";
  if (notes.empty()) return out;
  out += "<ul>\n";
  size_t shown = 0;
  for (const std::string& note : notes) {
    // They are escaped as far as they need to be.
    const std::string html = "<li>" + HtmlName(note, kSentenceWidth) + "</li>\n";
    if (out.size() + html.size() > kNoteBytes) break;
    out += html;
    ++shown;
  }
  return out + "</ul>\n" + LeftOutNote(shown, notes.size(), "notes");
}

}  // namespace wqprof
