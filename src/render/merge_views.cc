// SPDX-License-Identifier: Apache-2.0
// What `merge` shows.
#include <fmt/format.h>

#include <algorithm>

#include "render/arrange.h"
#include "render/measures.h"
#include "render/text.h"
#include "wqprof/columns.h"
#include "wqprof/number_text.h"
#include "wqprof/render_hist.h"

namespace wqprof {
namespace {

constexpr std::string_view kSchema = "wqprof.merge/1";

Table TallyTable(const MergedHists& merged) {
  const Columns<MergeTally> columns = {
      {{"lines", "", kJson, 0, 0, "Each counts in one of the next six, too."},
       [](const MergeTally& t) { return t.lines; }},
      {{"counted", "", kJson}, [](const MergeTally& t) { return t.counted; }},
      {{"repeated", "", kJson, 0, 0, "Of a segment and a series that counted before."},
       [](const MergeTally& t) { return t.repeated; }},
      {{"damaged", "", kJson, 0, 0, "No JSON: cut, or mixed up."},
       [](const MergeTally& t) { return t.damaged; }},
      {{"foreign", "", kJson, 0, 0, "JSON of another schema, or of a later version."},
       [](const MergeTally& t) { return t.foreign; }},
      {{"odd", "", kJson, 0, 0, "Its numbers contradict each other, or fields are missing."},
       [](const MergeTally& t) { return t.odd; }},
      {{"refused", "", kJson, 0, 0, "More series or segments than fit."},
       [](const MergeTally& t) { return t.refused; }},
      {{"too_large", "", kJson, 0, 0,
        "Series with a sum that does not fit in 64 bits, and stays at the largest number."},
       [](const MergeTally& t) { return t.too_large; }},
  };
  return MakeRecord("merged", columns, merged.tally);
}

// Columns that say of which group a row is.
template <class Row, class F>
Columns<Row> GroupColumns(const MergedHists& merged, F group_of) {
  Columns<Row> out;
  const auto add = [&](bool key, const char* name, const char* heading,
                       std::string MergedGroup::*word) {
    if (!key) return;
    Column column{name, heading, kAll, 8};
    column.optional = true;
    out.push_back({std::move(column), [&merged, group_of, word](const Row& row) {
                     const MergedGroup* const group = group_of(merged, row);
                     return Word{group == nullptr ? "" : group->*word};
                   }});
  };
  add(merged.keys.kernel, "kernel", "KERNEL", &MergedGroup::kernel);
  add(merged.keys.host, "host", "HOST", &MergedGroup::host);
  add(merged.keys.machine, "machine", "MACHINE", &MergedGroup::machine);
  add(merged.keys.labels || !merged.keys.label_of.empty(), "labels", "LABELS",
      &MergedGroup::labels);
  return out;
}

template <class Row>
Columns<Row> GroupColumns(const MergedHists& merged) {
  return GroupColumns<Row>(merged, [](const MergedHists& all, const Row& row) {
    return row.group < all.groups.size() ? &all.groups[row.group] : nullptr;
  });
}

template <class Row>
void Append(Columns<Row>& to, Columns<Row> columns) {
  for (auto& column : columns) to.push_back(std::move(column));
}

uint64_t CountOfAnomaly(const MergedGroup& group, std::string_view name) {
  uint64_t out = 0;
  for (size_t i = 0; i < kAnomalies.size(); ++i) {
    if (kAnomalies[i].name == name) out = group.anomalies[i];
  }
  return out;
}

std::optional<Share> CoverageOf(const MergedGroup& group) {
  const uint64_t unmatched = CountOfAnomaly(group, "unmatched_starts");
  if (group.executed == 0) return std::nullopt;
  const auto executed = static_cast<double>(group.executed);
  return Share{executed / (executed + static_cast<double>(unmatched))};
}

Table GroupTable(const MergedHists& merged) {
  auto columns = GroupColumns<MergedGroup>(
      merged, [](const MergedHists&, const MergedGroup& row) { return &row; });
  const auto measured = [](auto number) {
    return [number](const MergedGroup& g) {
      return g.unmeasured ? std::nullopt : std::optional(number(g));
    };
  };
  Append(columns,
         Columns<MergedGroup>{
             {{"hosts", "HOSTS"}, [](const MergedGroup& g) { return g.hosts; }},
             {{"segments", "SEGMENTS"}, [](const MergedGroup& g) { return g.segments; }},
             {{"incomplete_segments", "INCOMPLETE", kAll, 0, 2, "Lines of them are missing."},
              [](const MergedGroup& g) { return g.incomplete; }},
             {{"measured_ns", "MEASURED", kAll, 0, 0,
               "Summed up over the segments; null: no line of quality was there."},
              measured([](const MergedGroup& g) { return g.measured; })},
             {{"doubtful_segments", "DOUBTFUL", kAll, 0, 1,
               "Something was lost in them, damaged or unexplained."},
              measured([](const MergedGroup& g) { return g.incoherent; })},
             {{"paired_fraction", "PAIRED", kAll, 0, 3,
               "Matched starts of those that the recordings should explain; null: none."},
              CoverageOf},
             {{"unknown_losses", "", kMachine, 0, 0,
               "Segments that lost a number of events that nobody knows; they are not in "
               "lost_events."},
              measured([](const MergedGroup& g) { return g.unknown_loss; })}});
  for (size_t i = 0; i < kAnomalies.size(); ++i) {
    Column column{std::string(kAnomalies[i].name), "", kMachine};
    column.about = kAnomalies[i].flag ? fmt::format("Segments. {}", kAnomalies[i].about)
                                      : std::string(kAnomalies[i].about);
    columns.push_back(
        {std::move(column), measured([i](const MergedGroup& g) { return g.anomalies[i]; })});
  }
  return MakeTable({.key = "groups", .title = "Measured"}, columns, merged.groups);
}

Table FunctionTable(const MergedHists& merged) {
  auto columns = GroupColumns<MergedFunction>(merged);
  Append(columns,
         Columns<MergedFunction>{{{"workqueue", "WORKQUEUE", kAll, 10},
                                  [](const MergedFunction& row) { return Word{row.workqueue}; }},
                                 {{"function", "FUNCTION", kAll, 20},
                                  [](const MergedFunction& row) { return Word{row.function}; }}});
  Table table = MakeTable({.key = "functions", .title = "Functions"}, columns, merged.functions);
  std::vector<const Measures*> measures;
  for (const MergedFunction& row : merged.functions) measures.push_back(&row.measures);
  AddColumns<Measures>(table, MeasureColumns(measures), measures);
  return table;
}

// The part of the time measured in which a pool was so.
auto PartOf(const MergedHists& merged, Histogram MergedPool::*what) {
  return [&merged, what](const MergedPool& row) -> std::optional<double> {
    if (row.group >= merged.groups.size()) return std::nullopt;
    const auto all = static_cast<double>(merged.groups[row.group].measured.count());
    if (all <= 0) return std::nullopt;
    return static_cast<double>((row.*what).sum().count()) / all;
  };
}

Table PoolTable(const MergedHists& merged) {
  auto columns = GroupColumns<MergedPool>(merged);
  const auto p99 = [](Histogram MergedPool::*what) {
    return [what](const MergedPool& row) { return (row.*what).Quantile(0.99); };
  };
  const auto distribution = [](Histogram MergedPool::*what) {
    return [what](const MergedPool& row) { return &(row.*what); };
  };
  Append(
      columns,
      Columns<MergedPool>{
          {{"pool", "POOL", kAll, 10}, [](const MergedPool& row) { return Word{row.pool}; }},
          {{"executions", "COUNT", kText},
           [](const MergedPool& row) { return row.execution.count(); }},
          {{"busy_per_second", "BUSY", kAll, 0, 0,
            "Time in which at least one execution was open, by the time measured; more than 1 "
            "where several pools share the name."},
           PartOf(merged, &MergedPool::busy)},
          {{"backlog_per_second", "BACKLOG", kAll, 0, 0,
            "Time in which at least one item waited, likewise."},
           PartOf(merged, &MergedPool::backlog)},
          {{"backlog_p99", "p99", kText}, p99(&MergedPool::backlog)},
          {{"stalls", "STALLS", kText}, [](const MergedPool& row) { return row.stall.count(); }},
          {{"stalled_ns", "STALLED"}, [](const MergedPool& row) { return row.stall.sum(); }},
          {{"stall_max", "LONGEST", kText}, [](const MergedPool& row) { return row.stall.max(); }},
          {{"busy", "", kMachine}, distribution(&MergedPool::busy)},
          {{"backlog", "", kMachine}, distribution(&MergedPool::backlog)},
          {{"stall", "", kMachine}, distribution(&MergedPool::stall)},
          {{"execution", "", kMachine}, distribution(&MergedPool::execution)}});
  return MakeTable({.key = "pools", .title = "Pools"}, columns, merged.pools);
}

Table StallTable(const MergedHists& merged) {
  auto columns = GroupColumns<MergedStalls>(merged);
  Append(
      columns,
      Columns<MergedStalls>{
          {{"pool", "POOL", kAll, 10},
           [](const MergedStalls& row) { return Word{row.stalls.pool}; }},
          {{"cause", "CAUSE"}, [](const MergedStalls& row) { return Word{row.stalls.cause}; }},
          {{"count", "COUNT"}, [](const MergedStalls& row) { return row.stalls.count; }},
          {{"duration_ns", "LASTED"}, [](const MergedStalls& row) { return row.stalls.total; }}});
  return MakeTable({.key = "stalls", .title = "Stalls"}, columns, merged.stalls);
}

// What was left out of the sums, and what they do not hold: a line each.
std::vector<std::string> TallyNotes(const MergeTally& tally) {
  std::vector<std::string> out;
  const auto add = [&](uint64_t count, std::string_view one, std::string_view many) {
    if (count > 0) out.push_back("left out: " + CountOf(count, one, many));
  };
  add(tally.repeated, "line of a segment and a series that counted before",
      "lines of segments and series that counted before");
  add(tally.damaged, "line that is no JSON", "lines that are no JSON");
  add(tally.foreign, "line of another schema, or of a later version",
      "lines of another schema, or of a later version");
  add(tally.odd, "line whose numbers contradict each other, or that lacks fields",
      "lines whose numbers contradict each other, or that lack fields");
  add(tally.refused, "line beyond the number of series or segments that fit",
      "lines beyond the number of series or segments that fit");
  if (tally.too_large > 0) {
    out.push_back(
        fmt::format("too large: sums of {} do not fit in 64 bits, and are at their largest",
                    CountOf(tally.too_large, "series", "series")));
  }
  return out;
}

}  // namespace

std::vector<Table> MergeTables(const MergedHists& merged) {
  return {TallyTable(merged), GroupTable(merged), FunctionTable(merged), PoolTable(merged),
          StallTable(merged)};
}

absl::StatusOr<std::string> RenderMerged(const MergedHists& merged, Format format, const View& view,
                                         const TextStyle& style) {
  std::vector<Table> tables = MergeTables(merged);
  std::vector<std::string> keys = view.tables;
  if (keys.empty() && format == Format::kTable) keys = {"groups", "functions", "pools", "stalls"};
  if (keys.empty() && format == Format::kCsv) keys = {"functions"};
  if (!keys.empty() && format == Format::kNdjson) keys.insert(keys.begin(), {"merged", "groups"});
  if (!keys.empty() && format != Format::kJson) tables = PickTables(std::move(tables), keys);
  if (const absl::Status status = ArrangeTables(tables, view, true); !status.ok()) return status;
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
  std::string out = fmt::format("{} merged\n", CountOf(merged.tally.counted, "line"));
  for (const std::string& note : TallyNotes(merged.tally)) out += "  " + note + "\n";
  for (const Table& table : tables) {
    if (table.rows.empty()) continue;
    out += '\n';
    AppendTextTable(out, table, style);
  }
  AppendMeasureLegend(out, tables, style);
  for (const Table& table : tables) {
    if (view.histograms && table.key == "functions") AppendHistograms(out, table, style);
  }
  return out;
}

}  // namespace wqprof
