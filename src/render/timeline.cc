// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "render/item_names.h"
#include "render/lanes.h"
#include "render/tables.h"
#include "render/text.h"
#include "wqprof/columns.h"
#include "wqprof/number_text.h"
#include "wqprof/render_timeline.h"

namespace wqprof {
namespace {

constexpr size_t kTail = 10;      // behind a backlog row: " max 1234"
constexpr size_t kMostShown = 8;  // pools that are drawn unless they were asked for by name

bool Matches(const std::vector<std::string>& globs, const std::string& name) {
  return std::any_of(globs.begin(), globs.end(), [&](const std::string& glob) {
    return fnmatch(glob.c_str(), name.c_str(), 0) == 0;
  });
}

// Which pools are drawn; the others get a line together.
struct Choice {
  std::vector<const TimelinePool*> drawn, folded;
};

Choice Choose(const Timeline& timeline, const TimelineView& view) {
  Choice out;
  const bool stalled =
      std::any_of(timeline.pools.begin(), timeline.pools.end(),
                  [](const TimelinePool& pool) { return pool.stalled > Nanos(0); });
  for (const TimelinePool& pool : timeline.pools) {
    const bool wanted = view.pools.empty()
                            ? (!stalled || pool.stalled > Nanos(0)) && out.drawn.size() < kMostShown
                            : Matches(view.pools, pool.pool.name);
    (wanted ? out.drawn : out.folded).push_back(&pool);
  }
  return out;
}

double ShareOf(Nanos part, const Timeline& timeline) {
  const Nanos whole = timeline.end - timeline.begin;
  return static_cast<double>(part.count()) / static_cast<double>(whole.count());
}

std::string PoolHeading(const TimelinePool& pool, const Timeline& timeline,
                        const TextStyle& style) {
  std::string out =
      fmt::format("{:<{}}{}, busy {}, backlog at most {}", Escaped(pool.pool.name, !style.utf8),
                  kLaneLabel, ToString(pool.pool.kind), PercentText(ShareOf(pool.busy, timeline)),
                  CountText(pool.backlog_max));
  if (pool.stalled > Nanos(0)) out += fmt::format(", stalled {}", DurationText(pool.stalled));
  return out + "\n";
}

std::string PoolRows(const TimelinePool& pool, const Timeline& timeline, const LaneColumns& columns,
                     const TimelineView& view, const TextStyle& style) {
  std::string out = PoolHeading(pool, timeline, style);
  out += BacklogRow(pool, columns, style);
  if (pool.stalled > Nanos(0)) {
    out += LaneLabel("stalled", style) + MarkRow(columns.Sums(pool.stalled_in), style) + "\n";
  }
  const size_t lanes = view.lanes == 0 ? pool.lanes.size() : view.lanes;
  uint64_t more = pool.lanes_left_out > 0 ? 1 : 0;  // at least
  for (size_t i = 0; i < pool.lanes.size(); ++i) {
    if (i >= lanes) {
      ++more;
      continue;
    }
    out += ExecutionRow(pool.lanes[i], columns, style);
  }
  if (more > 0)
    out += LaneLabel("", style) + fmt::format("and {}\n", CountOf(more, "further worker"));
  return out;
}

std::string FoldedRows(const std::vector<const TimelinePool*>& folded, const Timeline& timeline,
                       size_t columns, const TextStyle& style) {
  if (folded.empty()) return "";
  std::string words =
      fmt::format("{} not drawn (--pool NAME draws one):", CountOf(folded.size(), "further pool"));
  size_t named = 0;
  for (const TimelinePool* pool : folded) {
    if (named++ == 12) break;
    words += fmt::format("{} {} busy {}", named > 1 ? "," : "", pool->pool.name,
                         PercentText(ShareOf(pool->busy, timeline)));
  }
  if (folded.size() > 12) words += ", ...";
  std::string out;
  AppendWrapped(out, Escaped(words, !style.utf8), 0, columns);
  return out;
}

bool Loses(const Timeline& timeline) {
  return std::any_of(timeline.lost_in.begin(), timeline.lost_in.end(),
                     [](Nanos time) { return time > Nanos(0); });
}

std::string TimelineText(const Report& report, const Timeline& timeline, const Choice& choice,
                         const TimelineView& view, const TextStyle& style) {
  std::string out = Heading(report, style);
  if (timeline.bins == 0) return out;
  const size_t cells = std::max<size_t>(
      20, view.columns > kLaneLabel + kTail + 20 ? view.columns - kLaneLabel - kTail : 20);
  const LaneColumns columns(timeline, cells);
  const Timestamp zero = report.read.begin != kUnseen ? report.read.begin : timeline.begin;
  out += fmt::format("\n{} to {}, a column is {}\n", SinceText(zero, timeline.begin),
                     SinceText(zero, timeline.end), DurationText(columns.width()));
  out += AxisRow(timeline, zero, cells);
  if (Loses(timeline)) {
    out += LaneLabel("events lost", style) + MarkRow(columns.Sums(timeline.lost_in), style) + "\n";
  }
  for (const TimelinePool* pool : choice.drawn) {
    out += PoolRows(*pool, timeline, columns, view, style);
  }
  out += LaneLegend(timeline, kLaneLabel, view.columns, style);
  return out + FoldedRows(choice.folded, timeline, view.columns, style);
}

Table FactsTable(const Timeline& timeline) {
  const Columns<Timeline> columns = {
      {{"begin_ns", "", kMachine}, [](const Timeline& row) { return row.begin; }},
      {{"end_ns", "", kMachine}, [](const Timeline& row) { return row.end; }},
      {{"bin_ns", "", kMachine}, [](const Timeline& row) { return row.bin; }},
      {{"bins", "", kMachine}, [](const Timeline& row) { return uint64_t{row.bins}; }}};
  return MakeRecord("timeline", columns, timeline);
}

// A bin in which events of a CPU are missing.
struct LossRow {
  Timestamp at = kUnseen;
  Nanos lost{0};
};

Table LossesTable(const Timeline& timeline) {
  const Columns<LossRow> columns = {
      {{"at_ns", "", kMachine}, [](const LossRow& row) { return row.at; }},
      {{"lost_ns", "", kMachine}, [](const LossRow& row) { return row.lost; }}};
  std::vector<LossRow> rows;
  for (size_t bin = 0; bin < timeline.lost_in.size(); ++bin) {
    if (timeline.lost_in[bin] == Nanos(0)) continue;
    rows.push_back(
        {timeline.begin + timeline.bin * static_cast<int64_t>(bin), timeline.lost_in[bin]});
  }
  return MakeTable(Table{.key = "losses", .title = ""}, columns, rows);
}

// What happened in one bin: in a pool, or on one of its workers.
struct SeriesRow {
  std::string pool, worker, function;
  Pid pid = Pid::kNone;
  Timestamp at = kUnseen;
  std::optional<double> backlog_mean, busy_mean;
  std::optional<uint32_t> backlog_max;
  std::optional<Nanos> stalled, busy;
};

Table SeriesTable(const std::vector<SeriesRow>& rows) {
  const Columns<SeriesRow> columns = {
      {{"pool", "", kMachine}, [](const SeriesRow& row) { return row.pool; }},
      {{"worker", "", kMachine}, [](const SeriesRow& row) { return Word{row.worker}; }},
      {{"worker_pid", "", kMachine}, [](const SeriesRow& row) { return row.pid; }},
      {{"at_ns", "", kMachine}, [](const SeriesRow& row) { return row.at; }},
      {{"backlog_mean", "", kMachine}, [](const SeriesRow& row) { return row.backlog_mean; }},
      {{"backlog_max", "", kMachine}, [](const SeriesRow& row) { return row.backlog_max; }},
      {{"busy_mean", "", kMachine}, [](const SeriesRow& row) { return row.busy_mean; }},
      {{"stalled_ns", "", kMachine}, [](const SeriesRow& row) { return row.stalled; }},
      {{"busy_ns", "", kMachine}, [](const SeriesRow& row) { return row.busy; }},
      {{"function", "", kMachine}, [](const SeriesRow& row) { return Word{row.function}; }}};
  return MakeTable(Table{.key = "series", .title = ""}, columns, rows);
}

// A row for each pool and bin, and one for each of its workers that executed in it.
std::vector<SeriesRow> SeriesOf(const Timeline& timeline,
                                const std::vector<const TimelinePool*>& pools) {
  std::vector<SeriesRow> rows;
  const auto add = [&](const TimelinePool& pool, size_t bin) -> SeriesRow& {
    SeriesRow& row = rows.emplace_back();
    row.pool = pool.pool.name;
    row.at = timeline.begin + timeline.bin * static_cast<int64_t>(bin);
    return row;
  };
  for (const TimelinePool* pool : pools) {
    for (size_t bin = 0; bin < timeline.bins; ++bin) {
      SeriesRow& row = add(*pool, bin);
      row.backlog_mean = pool->backlog_mean[bin];
      row.backlog_max = pool->backlog_most[bin];
      row.busy_mean = pool->busy_mean[bin];
      row.stalled = pool->stalled_in[bin];
    }
    for (const TimelineLane& lane : pool->lanes) {
      for (size_t bin = 0; bin < timeline.bins; ++bin) {
        if (lane.busy_in[bin] == Nanos(0)) continue;
        SeriesRow& row = add(*pool, bin);
        row.worker = lane.worker;
        row.pid = lane.pid;
        row.busy = lane.busy_in[bin];
        const uint32_t function = lane.function[bin];
        if (function < timeline.functions.size()) row.function = timeline.functions[function].name;
      }
    }
  }
  return rows;
}

std::vector<Table> TablesOf(const Report& report, const Timeline& timeline,
                            const std::vector<SeriesRow>& rows) {
  std::vector<Table> tables;
  for (Table& table : ReportTables(report)) {
    if (table.key == "source" || table.key == "quality") tables.push_back(std::move(table));
  }
  tables.push_back(FactsTable(timeline));
  tables.push_back(LossesTable(timeline));
  tables.push_back(SeriesTable(rows));
  return tables;
}

}  // namespace

std::vector<Table> TimelineTables(const Report& report) { return TablesOf(report, Timeline(), {}); }

absl::StatusOr<std::string> RenderTimeline(const Report& report, const Timeline& timeline,
                                           Format format, const TimelineView& view,
                                           const TextStyle& style) {
  constexpr std::string_view kSchema = "wqprof.timeline/1";
  const Choice choice = Choose(timeline, view);
  if (choice.drawn.empty() && !view.pools.empty()) {
    std::vector<std::string> names;
    for (const TimelinePool* pool : choice.folded) names.push_back(pool->pool.name);
    std::sort(names.begin(), names.end());
    if (names.size() > 12) names.resize(12);
    return absl::NotFoundError(fmt::format("no pool of this recording is called '{}'\nit has: {}",
                                           fmt::join(view.pools, ", "), fmt::join(names, ", ")));
  }
  if (format == Format::kTable) return TimelineText(report, timeline, choice, view, style);
  std::vector<const TimelinePool*> pools = choice.drawn;
  if (view.pools.empty()) pools.insert(pools.end(), choice.folded.begin(), choice.folded.end());
  const std::vector<SeriesRow> rows = SeriesOf(timeline, pools);
  if (format == Format::kCsv) return ToCsv(SeriesTable(rows));
  const std::vector<Table> tables = TablesOf(report, timeline, rows);
  return format == Format::kJson ? ToJson(kSchema, tables) : ToNdjson(kSchema, tables);
}

std::string StepsHeading(Format format) {
  return format == Format::kCsv ? "pool,at_ns,backlog,busy\n" : "{\"schema\":\"wqprof.steps/1\"}\n";
}

void AppendStep(std::string& out, Format format, std::string_view pool, const PoolStep& step) {
  const int64_t at = step.at.time_since_epoch().count();
  out += format == Format::kCsv
             ? fmt::format("{},{},{},{}\n", CsvField(pool), at, step.backlog, step.busy)
             : fmt::format("{{\"pool\":{},\"at_ns\":{},\"backlog\":{},\"busy\":{}}}\n",
                           JsonString(pool), at, step.backlog, step.busy);
}

}  // namespace wqprof
