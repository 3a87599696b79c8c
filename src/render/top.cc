// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "render/fitted.h"
#include "render/holder_text.h"
#include "render/pictures.h"
#include "render/text.h"
#include "render/top_tables.h"
#include "wqprof/number_text.h"
#include "wqprof/render_top.h"
#include "wqprof/wall_clock.h"

namespace wqprof {
namespace {

constexpr size_t kStallsNamed = 3;  // pools above the rows that are stalled now

std::string LostText(const Window& window) {
  return "lost " + (window.lost ? CountText(*window.lost) : "some");
}

uint64_t Whole(double value) { return static_cast<uint64_t>(std::max(0.0, value) + 0.5); }

std::string HeaderText(const Window& window, const TopFacts& facts, const TopView& view,
                       const TextStyle& style) {
  const bool ascii = !style.utf8;
  const TraceInfo& source = facts.about.source;
  const auto clock = WallClock::Of(source.wall_begin, facts.about.read.begin, facts.utc);
  std::string time = clock && window.end != kUnseen ? clock->TimeOfDay(window.end) : "";
  time = time.substr(0, 8);
  return Fitted({{"wqprof top", 0},
                 {Escaped(source.machine, ascii), 3},
                 {source.kernel.empty() ? "" : "Linux " + Escaped(source.kernel, ascii), 7},
                 {source.cpus > 0 ? CountOf(static_cast<uint64_t>(source.cpus), "CPU") : "", 6},
                 {time, 4},
                 {fmt::format("last {}", DurationText(window.length)), 2},
                 {fmt::format("{} works/s", CountText(Whole(window.started_per_second))), 1},
                 {fmt::format("{} events/s", CountText(Whole(window.events_per_second))), 5},
                 {fmt::format("own CPU {}", PercentText(facts.own_cpu)), 1},
                 {LostText(window), 0},
                 {view.paused ? "PAUSED" : "", 0}},
                style.columns);
}

// One pool that is stalled now.
std::string StalledText(const WindowPool& pool, const TextStyle& style) {
  std::string text = fmt::format(
      "stalled now: {} for {}, {} wait, by {}", pool.pool.name, DurationText(pool.stall->duration),
      CountOf(pool.stall->delayed_items, "item"), HeldBy(*pool.stall, pool.on_cpu));
  return Escaped(text, !style.utf8);
}

std::string Cut(const std::string& text, const TextStyle& style) {
  return style.columns == 0 ? text : Shortened(text, style.columns, style.utf8);
}

// What hurts now, and what did last.
std::vector<std::string> AlarmLines(const Window& window, const TextStyle& style) {
  std::vector<std::string> lines;
  std::vector<const WindowPool*> stalled;
  for (const WindowPool& pool : window.pools) {
    if (pool.stall) stalled.push_back(&pool);
  }
  std::sort(stalled.begin(), stalled.end(), [](const WindowPool* a, const WindowPool* b) {
    return a->stall->duration > b->stall->duration;
  });
  for (size_t i = 0; i < std::min(kStallsNamed, stalled.size()); ++i) {
    lines.push_back(Alarmed(Cut(StalledText(*stalled[i], style), style), style));
  }
  if (stalled.size() > kStallsNamed) {
    const uint64_t more = stalled.size() - kStallsNamed;
    lines.push_back(Alarmed(fmt::format("and {}", CountOf(more, "further pool")), style));
  }
  if (window.stalls.empty()) {
    if (stalled.empty()) lines.push_back(Dimmed("no pool is stalled", style));
    return lines;
  }
  const Stall& last = window.stalls.front();
  const std::string text = fmt::format("last stall: {} for {}, {}, {} waited, by {} ({} so far)",
                                       last.pool, DurationText(last.duration), ToString(last.cause),
                                       CountOf(last.delayed_items, "item"),
                                       HeldBy(last, std::nullopt), CountText(window.stalls_total));
  lines.push_back(Cut(Escaped(text, !style.utf8), style));
  return lines;
}

std::string_view PageName(TopPage page) {
  constexpr std::string_view kNames[] = {"functions", "pools", "workers", "stalls"};
  return kNames[static_cast<size_t>(page)];
}

std::string FooterText(const TopFacts& facts, const TopView& view, const TextStyle& style) {
  if (view.typing) return Cut("filter: " + Escaped(view.filter, !style.utf8) + "_", style);
  if (view.story || view.help) {
    return Fitted({{"Esc back", 0}, {"up down scroll", 1}, {"q quit", 0}}, style.columns);
  }
  const std::string sorted(TopSortKeys(view.page)[view.sort[static_cast<size_t>(view.page)]]);
  return Fitted({{fmt::format("[{} by {}]", PageName(view.page), sorted), 3},
                 {view.filter.empty() ? "" : "only " + Escaped(view.filter, !style.utf8), 2},
                 {Escaped(facts.filters, !style.utf8), 6},
                 {"s sort", 1},
                 {"/ filter", 1},
                 {"f functions", 5},
                 {"p pools", 5},
                 {"w workers", 5},
                 {"l stalls", 5},
                 {"t 10s/60s", 4},
                 {"Enter more", 1},
                 {"space pause", 4},
                 {"? help", 0},
                 {"q quit", 0}},
                style.columns);
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

std::vector<std::string> HelpLines() {
  return {"Rows",
          "  f        functions: rate, latency (queue to start) and share of a CPU",
          "  p        pools: busy workers, backlog, who stalls them",
          "  w        workers: what they execute",
          "  l        the last stalls",
          "  Tab      the next of these",
          "  s S      sort by the next column, by the one before",
          "  /        show only rows whose names have the text that follows; Enter, or Esc for all",
          "  t        the last 10 s, or the last 60 s",
          "  up down  select a row; also PgUp PgDn Home End, k j",
          "  Enter    the story of a stall; the slowest items of a function; a worker's functions",
          "  space    hold the screen, and go on",
          "  q        quit",
          "",
          "Columns",
          "  p50 p99 MAX  latency of the items that ended in this time; * few samples",
          "  EXEC         executions that were open, on the mean, as a share of one CPU's time",
          "  CPU          the part of that on a CPU (from scheduler events)",
          "  NOW          executions that are open",
          "  BACKLOG      activated items that wait for a worker",
          "  STALLED      the pool has such items and starts none, for so long"};
}

template <class Row>
const Row* Find(const std::vector<Row>& rows, const std::string& key) {
  const auto it =
      std::find_if(rows.begin(), rows.end(), [&](const Row& row) { return KeyOf(row) == key; });
  return it == rows.end() ? nullptr : &*it;
}

std::string StallStory(const Window& window, const TopFacts& facts, const Stall& stall,
                       const TextStyle& style) {
  Report report = facts.about;
  for (const WindowPool& pool : window.pools) {
    report.pools.emplace_back().occupancy.pool = pool.pool;
  }
  return ExplainStall(report, stall, style);
}

std::string FunctionStory(const TopFacts& facts, const WindowFunction& row,
                          const TextStyle& style) {
  std::string out =
      Emphasized(Cut(Escaped(fmt::format("{} of {}: the slowest of the last 60 s", row.function,
                                         row.workqueue.empty() ? "?" : row.workqueue),
                             !style.utf8),
                     style),
                 style);
  out += "\n";
  if (row.others) return "These have no row of their own: there are too many functions.\n";
  AppendTextTable(out, SlowestTable(facts, row), style);
  return out;
}

// Where it stood when it was looked at last in what it executes now; "" if it was not.
std::string StackOf(const Window& window, const TopFacts& facts, const WindowWorker& row) {
  const std::vector<HolderStack>& stacks = facts.about.source.holder_stacks.all();
  const auto last = std::find_if(stacks.rbegin(), stacks.rend(),
                                 [&](const HolderStack& s) { return s.pid == row.pid; });
  if (last == stacks.rend() || !row.running_for || last->begin == kUnseen) return "";
  if (Elapsed(last->begin, window.end) != *row.running_for) return "";
  return last->why_not.empty() ? "stack taken while it goes on: " + HolderText(*last)
                               : NoStackText(*last);
}

std::string WorkerStory(const Window& window, const TopFacts& facts, const WindowWorker& row,
                        const TextStyle& style) {
  if (row.others) return "These have no row of their own: there are too many workers.\n";
  std::string out = Emphasized(
      Cut(Escaped(fmt::format("{}[{}] of {}", row.comm, ToInt(row.pid), row.pool), !style.utf8),
          style),
      style);
  out += "\n";
  if (!row.running.empty() && row.running_for) {
    out += Cut(Escaped(fmt::format("  runs {} for {}", row.running, DurationText(*row.running_for)),
                       !style.utf8),
               style) +
           "\n";
  }
  if (const std::string stack = StackOf(window, facts, row); !stack.empty()) {
    out += "  ";
    AppendWrapped(out, Escaped(stack, !style.utf8), 4, style.columns);
  }
  out += "  of its time in the last 60 s:\n";
  for (const auto& [function, share] : row.functions) {
    out +=
        Cut(fmt::format("  {:>6}  {}", PercentText(share), Escaped(function, !style.utf8)), style) +
        "\n";
  }
  return out;
}

std::string PoolStory(const Window& window, const TopFacts& facts, const WindowPool& row,
                      const TextStyle& style) {
  if (row.stall) {
    std::string out = StallStory(window, facts, *row.stall, style);
    if (row.on_cpu && row.on_cpu_for) {
      out += Cut(Escaped(fmt::format("  Its CPU runs {} for {} now.", HeldBy({}, row.on_cpu),
                                     DurationText(*row.on_cpu_for)),
                         !style.utf8),
                 style) +
             "\n";
    }
    return out;
  }
  for (const Stall& stall : window.stalls) {
    if (stall.pool == row.pool.name) return StallStory(window, facts, stall, style);
  }
  return fmt::format("{} is not stalled, and none of the last stalls was its.\n",
                     Escaped(row.pool.name, !style.utf8));
}

std::string StoryOf(const Window& window, const TopFacts& facts, const TopView& view,
                    const TextStyle& style) {
  switch (view.page) {
    case TopPage::kFunctions:
      if (const auto* row = Find(window.functions, view.selected)) {
        return FunctionStory(facts, *row, style);
      }
      break;
    case TopPage::kPools:
      if (const auto* row = Find(window.pools, view.selected)) {
        return PoolStory(window, facts, *row, style);
      }
      break;
    case TopPage::kWorkers:
      if (const auto* row = Find(window.workers, view.selected)) {
        return WorkerStory(window, facts, *row, style);
      }
      break;
    case TopPage::kStalls:
      if (const auto* row = Find(window.stalls, view.selected)) {
        return StallStory(window, facts, *row, style);
      }
      break;
  }
  return "That row is gone: it did nothing for a while.\n";
}

// `line` where the light is turned around; without colours the mark before it says the same.
std::string Marked(const std::string& line, const TextStyle& style) {
  if (!style.color) return ">" + line;
  std::string plain;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\x1b') {
      i = std::min(line.find('m', i), line.size());
    } else {
      plain += line[i];
    }
  }
  return "\x1b[7m>" + plain + "\x1b[0m";
}

// The rows that fit `room` lines (0: all), among them the selected one.
std::vector<std::string> RowLines(const Window& window, const TopFacts& facts, const TopView& view,
                                  size_t room, const TextStyle& style) {
  TextStyle inner = style;
  const size_t mark = view.interactive ? 1 : 0;
  if (inner.columns > mark) inner.columns -= mark;
  Table table = TopTable(window, facts, view, inner.columns);
  if (table.rows.empty()) {
    return {fmt::format("{}nothing to show{}", std::string(mark, ' '),
                        view.filter.empty() ? " yet" : ": no name has that text")};
  }
  size_t selected = 0;
  for (size_t i = 0; i < table.rows.size(); ++i) {
    if (TopKeyOf(table, i) == view.selected) selected = i;
  }
  if (room > 1 && table.rows.size() > room - 1) {
    const size_t shown = room - 1;
    const size_t first = selected < shown ? 0 : selected - shown + 1;
    const auto begin = table.rows.begin() + static_cast<std::ptrdiff_t>(first);
    table.rows = std::vector(begin, begin + static_cast<std::ptrdiff_t>(shown));
    selected -= first;
  }
  table.sorted_by.clear();
  std::string text;
  AppendTextTable(text, table, inner);
  std::vector<std::string> lines = Lines(text);
  if (!view.interactive) return lines;
  for (size_t i = 0; i < lines.size(); ++i) {
    lines[i] = i == selected + 1 ? Marked(lines[i], style) : " " + lines[i];
  }
  return lines;
}

}  // namespace

std::vector<std::string> TopRows(const Window& window, const TopFacts& facts, const TopView& view) {
  const Table table = TopTable(window, facts, view, 0);
  std::vector<std::string> keys;
  for (size_t i = 0; i < table.rows.size(); ++i) keys.push_back(TopKeyOf(table, i));
  return keys;
}

std::vector<std::string> TopLines(const Window& window, const TopFacts& facts, const TopView& view,
                                  size_t lines, const TextStyle& style) {
  std::vector<std::string> out = {
      Emphasized(Cut(HeaderText(window, facts, view, style), style), style)};
  std::vector<std::string> body;
  const size_t footer = view.interactive ? 1 : 0;
  if (view.story || view.help) {
    body = view.help ? HelpLines() : Lines(StoryOf(window, facts, view, style));
    if (view.help) {
      for (std::string& line : body) line = Cut(line, style);
    }
    const size_t room = lines > footer + 2 ? lines - footer - 2 : body.size();
    const size_t last = body.size() > room ? body.size() - room : 0;
    body.erase(body.begin(),
               body.begin() + static_cast<std::ptrdiff_t>(std::min(view.scrolled, last)));
    out.emplace_back();
  } else {
    for (std::string& line : AlarmLines(window, style)) out.push_back(std::move(line));
    out.emplace_back();
    const size_t room = lines > out.size() + footer ? lines - out.size() - footer : lines;
    body = RowLines(window, facts, view, room, style);
  }
  out.insert(out.end(), std::make_move_iterator(body.begin()), std::make_move_iterator(body.end()));
  if (lines > 0) out.resize(std::max<size_t>(lines, footer) - footer);
  if (footer > 0) out.push_back(Dimmed(FooterText(facts, view, style), style));
  return out;
}

}  // namespace wqprof
