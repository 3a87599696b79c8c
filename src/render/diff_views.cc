// SPDX-License-Identifier: Apache-2.0
// The result of `diff` as text, JSON, NDJSON and CSV.
#include <fmt/format.h>

#include <algorithm>

#include "render/check_words.h"
#include "render/tables.h"
#include "render/text.h"
#include "render/text_table.h"
#include "wqprof/columns.h"
#include "wqprof/render_verdicts.h"

namespace wqprof {
namespace {

constexpr std::string_view kSchema = "wqprof.diff/1";

std::optional<Nanos> TimeOf(const std::optional<double>& ns) {
  return ns ? std::optional(Nanos(static_cast<int64_t>(*ns))) : std::nullopt;
}

std::string_view ToString(DiffRow::Presence presence) {
  switch (presence) {
    case DiffRow::Presence::kBoth:
      return "both";
    case DiffRow::Presence::kNew:
      return "new";
    case DiffRow::Presence::kVanished:
      return "vanished";
  }
  return "";
}

std::string SignedTime(double ns) {
  const Nanos time(static_cast<int64_t>(ns));
  return ns >= 0 ? "+" + DurationText(time) : DurationText(time);
}

// What the change of the mean total is made of.
std::string SplitText(const DiffRow& row) {
  std::string out;
  const auto tell = [&](const std::optional<double>& delta, std::string_view what) {
    if (!delta) return;
    if (!out.empty()) out += "  ";
    out += fmt::format("{} {}", SignedTime(*delta), what);
  };
  tell(row.activation_wait_delta, "inactive");
  tell(row.dispatch_wait_delta, "dispatch");
  tell(row.execution_delta, "run");
  return out;
}

bool IsProven(const Change& change) {
  return change.verdict == Change::Verdict::kSlower || change.verdict == Change::Verdict::kFaster;
}

// Rows with too few items say nothing: text counts them only.
bool IsNoise(const DiffRow& row) {
  return !row.changes.empty() && row.changes.front().verdict == Change::Verdict::kTooFewSamples;
}

// As the medians that stand beside it say; the estimate over all pairs of runs, which the bounds
// are of, may be another number, and decides where they contradict each other.
std::string ShownChange(const Change& c) {
  if (!c.ratio) return "";
  if (!c.base || !c.now || *c.base <= 0) return ChangeText(*c.ratio);
  const double of_medians = *c.now / *c.base;
  return ChangeText(IsProven(c) && (of_medians > 1) != (*c.ratio > 1) ? *c.ratio : of_medians);
}

}  // namespace

std::string DiffHeadline(const DiffResult& result) {
  std::vector<std::string> changed;
  for (const DiffRow& row : result.rows) {
    if (row.presence != DiffRow::Presence::kBoth || row.changes.empty()) continue;
    const Change& c = row.changes.front();
    // That is so for all rows alike.
    if (c.verdict == Change::Verdict::kNotKnown) {
      return fmt::format("Nothing is compared: {} is not known of both sides.", c.metric.name);
    }
    if (!IsProven(c)) continue;
    const std::string change = ShownChange(c);
    changed.push_back(fmt::format("{} is {} ({})", row.name, ToString(c.verdict), change));
  }
  if (changed.empty()) return "No change is proven.";
  constexpr size_t kNamed = 3;
  const size_t more = changed.size() > kNamed ? changed.size() - kNamed : 0;
  changed.resize(changed.size() - more);
  std::string out = fmt::format("Changed: {}", fmt::join(changed, ", "));
  if (more > 0) out += fmt::format(" and {} more", CountText(more));
  return out + ".";
}

namespace {

std::string HeadingOf(ForEach by) {
  switch (by) {
    case ForEach::kWorkqueue:
      return "WORKQUEUE";
    case ForEach::kPool:
      return "POOL";
    default:
      return "FUNCTION";
  }
}

std::string VerdictText(const Change& change) {
  std::string out(wqprof::ToString(change.verdict));
  if (change.p) out += fmt::format("  p={:.2g}", *change.p);
  return out;
}

}  // namespace

Table ComparedTable(const DiffResult& result, std::span<const DiffRow* const> compared) {
  const auto first = [](const DiffRow& row) -> const Change& { return row.changes.front(); };
  const Columns<DiffRow> columns = {
      {{"name", HeadingOf(result.by), kText, 20}, [](const DiffRow& row) { return row.name; }},
      {{"base", "BASE"}, [first](const DiffRow& row) { return TimeOf(first(row).base); }},
      {{"new", "NEW"}, [first](const DiffRow& row) { return TimeOf(first(row).now); }},
      {{"change", "CHANGE"}, [first](const DiffRow& row) { return Word{ShownChange(first(row))}; }},
      {{"bounds", "BOUNDS", kText, 0, 1},
       [first](const DiffRow& row) {
         const Change& c = first(row);
         if (!c.low || !c.high) return Word();
         return Word{fmt::format("[{}, {}]", ChangeText(*c.low), ChangeText(*c.high))};
       }},
      {{"verdict", "VERDICT"}, [first](const DiffRow& row) { return VerdictText(first(row)); }},
      {{"split", "MEAN CHANGED BY", kText, 0, 2},
       [](const DiffRow& row) { return Word{SplitText(row)}; }},
  };
  std::vector<DiffRow> rows;
  for (const DiffRow* const row : compared) rows.push_back(*row);
  return MakeTable({.key = "rows", .title = ""}, columns, rows);
}

std::vector<const DiffRow*> ComparedRows(const DiffResult& result) {
  std::vector<const DiffRow*> rows;
  for (const DiffRow& row : result.rows) {
    if (row.presence == DiffRow::Presence::kBoth && !row.changes.empty()) rows.push_back(&row);
  }
  return rows;
}

std::string DiffPower(const DiffResult& result) {
  if (!result.provable_rows) return "";
  if (*result.provable_rows == 0) {
    return "Too few runs to prove anything: use at least 4 on each side.";
  }
  return fmt::format(
      "{} v {} runs can prove changes in at most {}: those with the most time in them were tested.",
      result.base_runs, result.new_runs, CountOf(*result.provable_rows, "row"));
}

namespace {

Table ChangesTable(const DiffRow& row) {
  const Columns<Change> columns = {
      {{"metric"}, [](const Change& c) { return c.metric.name; }},
      {{"base_ns"}, [](const Change& c) { return TimeOf(c.base); }},
      {{"new_ns"}, [](const Change& c) { return TimeOf(c.now); }},
      {{"ratio"}, [](const Change& c) { return c.ratio; }},
      {{"ratio_low"}, [](const Change& c) { return c.low; }},
      {{"ratio_high"}, [](const Change& c) { return c.high; }},
      {{"p"}, [](const Change& c) { return c.p; }},
      {{.key = "verdict", .words = AllWords(Change::Verdict::kNotKnown)},
       [](const Change& c) { return wqprof::ToString(c.verdict); }},
  };
  return MakeTable({.key = "changes", .title = ""}, columns, row.changes);
}

Table MachineTable(const DiffResult& result) {
  const auto delta = [](std::optional<double> DiffRow::*field) {
    return [field](const DiffRow& row) { return Signed(TimeOf(row.*field)); };
  };
  const Columns<DiffRow> columns = {
      {{"name", "", kMachine}, [](const DiffRow& row) { return row.name; }},
      {{.key = "presence", .audience = kMachine, .words = {"both", "new", "vanished"}},
       [](const DiffRow& row) { return ToString(row.presence); }},
      {{"base_executed", "", kMachine}, [](const DiffRow& row) { return row.base_samples; }},
      {{"new_executed", "", kMachine}, [](const DiffRow& row) { return row.new_samples; }},
      {{"base_rate", "", kMachine, 0, 0, "Executions per second."},
       [](const DiffRow& row) { return row.base_rate; }},
      {{"new_rate", "", kMachine}, [](const DiffRow& row) { return row.new_rate; }},
      {{"activation_wait_delta_ns", "", kMachine, 0, 0, "New mean less that of base."},
       delta(&DiffRow::activation_wait_delta)},
      {{"dispatch_wait_delta_ns", "", kMachine}, delta(&DiffRow::dispatch_wait_delta)},
      {{"execution_delta_ns", "", kMachine}, delta(&DiffRow::execution_delta)},
      {{"changes", "", kJson}, ChangesTable},
  };
  return MakeTable({.key = "rows", .title = ""}, columns, result.rows);
}

Table SummaryTable(const DiffResult& result) {
  const Columns<DiffResult> columns = {
      {{"by", "", kMachine}, [](const DiffResult& r) { return wqprof::ToString(r.by); }},
      {{"base_runs", "", kMachine}, [](const DiffResult& r) { return uint64_t{r.base_runs}; }},
      {{"new_runs", "", kMachine}, [](const DiffResult& r) { return uint64_t{r.new_runs}; }},
      {{"confidence", "", kMachine}, [](const DiffResult& r) { return r.confidence; }},
      {{"differences", "", kMachine}, [](const DiffResult& r) { return r.differences; }},
      {{"cautions", "", kMachine, 0, 0, "What the differences mean for what is compared."},
       [](const DiffResult& r) { return r.cautions; }},
      {{"not_whole", "", kMachine, 0, 0, "Runs whose data are not whole, and why."},
       [](const DiffResult& r) { return r.losses; }},
      {{"provable_rows", "", kMachine, 0, 0,
        "So many runs can prove changes in so many rows at once; null: in any number."},
       [](const DiffResult& r) {
         return r.provable_rows ? std::optional(uint64_t{*r.provable_rows}) : std::nullopt;
       }},
  };
  return MakeRecord("summary", columns, result);
}

void AppendOthers(std::string& out, const DiffResult& result, DiffRow::Presence presence,
                  std::string_view heading, const TextStyle& style) {
  std::vector<std::string> names;
  for (const DiffRow& row : result.rows) {
    if (row.presence != presence) continue;
    const uint64_t n = presence == DiffRow::Presence::kNew ? row.new_samples : row.base_samples;
    names.push_back(fmt::format("{} ({})", Escaped(row.name, !style.utf8), CountText(n)));
  }
  if (names.empty()) return;
  AppendWrapped(out, fmt::format("{}: {}", heading, fmt::join(names, ", ")), 0, style.columns);
}

// How many rows are not shown, as too few items are known of them.
size_t CountNoise(const DiffResult& result) {
  return static_cast<size_t>(std::count_if(
      result.rows.begin(), result.rows.end(),
      [](const DiffRow& row) { return row.presence == DiffRow::Presence::kBoth && IsNoise(row); }));
}

std::string DiffText(const DiffResult& result, size_t top, bool all, const TextStyle& style) {
  std::string out;
  AppendWrapped(out, Escaped(DiffHeadline(result), !style.utf8), 0, style.columns);
  out += fmt::format("{} v {} runs", result.base_runs, result.new_runs);
  for (const DiffRow& row : result.rows) {
    if (row.changes.empty()) continue;
    out += fmt::format(", {}", row.changes.front().metric.name);
    break;
  }
  out += result.differences.empty() ? "; same kernel, CPUs and recording\n" : "\n";
  for (const std::string& difference : result.differences) {
    out += fmt::format("  differs: {}\n", Escaped(difference, !style.utf8));
  }
  for (const std::string& caution : result.cautions) {
    AppendWrapped(out, "note: " + caution, 2, style.columns);
  }
  for (const std::string& loss : result.losses) out += fmt::format("  {}\n", Escaped(loss));
  std::vector<const DiffRow*> rows = ComparedRows(result);
  if (!all) std::erase_if(rows, [](const DiffRow* row) { return IsNoise(*row); });
  Table table = ComparedTable(result, rows);
  CutRows(table, top);
  if (!table.rows.empty()) {
    out += '\n';
    TextTableWriter(style).Append(out, table);
  }
  if (table.rows_left_out > 0) {
    out += fmt::format("and {} more; --top 0 shows all\n", CountText(table.rows_left_out));
  }
  if (const size_t noise = all ? 0 : CountNoise(result); noise > 0) {
    out += fmt::format("{} too few items to compare; --top 0 lists them\n",
                       CountOf(noise, "row has", "rows have"));
  }
  if (const std::string power = DiffPower(result); !power.empty()) {
    AppendWrapped(out, power, 0, style.columns);
  }
  AppendOthers(out, result, DiffRow::Presence::kNew, "New", style);
  AppendOthers(out, result, DiffRow::Presence::kVanished, "Vanished", style);
  return out;
}

}  // namespace

std::vector<Table> DiffTables(const DiffResult& result) {
  return {SummaryTable(result), MachineTable(result)};
}

std::string RenderDiff(const DiffResult& result, Format format, size_t top, const TextStyle& style,
                       bool all) {
  switch (format) {
    case Format::kTable:
      return DiffText(result, top, all, style);
    case Format::kCsv:
      return ToCsv(MachineTable(result));
    case Format::kJson:
    case Format::kNdjson:
      break;
  }
  const std::vector<Table> tables = DiffTables(result);
  return format == Format::kJson ? ToJson(kSchema, tables) : ToNdjson(kSchema, tables);
}

}  // namespace wqprof
