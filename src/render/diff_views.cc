// SPDX-License-Identifier: Apache-2.0
// The result of `diff` as text, JSON, NDJSON and CSV.
#include <fmt/format.h>

#include <algorithm>

#include "render/cells.h"
#include "render/check_words.h"
#include "render/text.h"
#include "render/text_table.h"
#include "wqprof/render_verdicts.h"

namespace wqprof {
namespace {

constexpr std::string_view kSchema = "wqprof.diff/1";

Cell TimeCell(const std::optional<double>& ns) {
  return ns ? Cell(Nanos(static_cast<int64_t>(*ns))) : Cell();
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

// The result in a sentence: what is proven to have changed.
std::string Headline(const DiffResult& result) {
  std::vector<std::string> changed;
  for (const DiffRow& row : result.rows) {
    if (row.presence != DiffRow::Presence::kBoth || row.changes.empty()) continue;
    const Change& c = row.changes.front();
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

Table TextTable(const DiffResult& result, bool all) {
  Table table{.key = "rows", .title = ""};
  table.columns = {{"name",
                    result.by == ForEach::kWorkqueue ? "WORKQUEUE"
                    : result.by == ForEach::kPool    ? "POOL"
                                                     : "FUNCTION",
                    kText, 20},
                   {"base", "BASE"},
                   {"new", "NEW"},
                   {"change", "CHANGE"},
                   {"bounds", "BOUNDS", kText, 0, 1},
                   {"verdict", "VERDICT"},
                   {"split", "MEAN CHANGED BY", kText, 0, 2}};
  for (const DiffRow& row : result.rows) {
    if (row.presence != DiffRow::Presence::kBoth || row.changes.empty()) continue;
    if (!all && IsNoise(row)) continue;
    const Change& c = row.changes.front();
    std::string verdict(ToString(c.verdict));
    if (c.p) verdict += fmt::format("  p={:.2g}", *c.p);
    const std::string bounds =
        c.low && c.high ? fmt::format("[{}, {}]", ChangeText(*c.low), ChangeText(*c.high)) : "";
    table.rows.push_back({row.name, TimeCell(c.base), TimeCell(c.now), WordCell(ShownChange(c)),
                          WordCell(bounds), verdict, WordCell(SplitText(row))});
  }
  return table;
}

Table ChangesTable(const DiffRow& row) {
  Table table{.key = "changes", .title = ""};
  for (const char* key :
       {"metric", "base_ns", "new_ns", "ratio", "ratio_low", "ratio_high", "p", "verdict"}) {
    table.columns.push_back({key, key, kMachine});
  }
  for (const Change& c : row.changes) {
    table.rows.push_back({c.metric.name, TimeCell(c.base), TimeCell(c.now), OptionalCell(c.ratio),
                          OptionalCell(c.low), OptionalCell(c.high), OptionalCell(c.p),
                          std::string(ToString(c.verdict))});
  }
  return table;
}

Table MachineTable(const DiffResult& result) {
  Table table{.key = "rows", .title = ""};
  for (const char* key :
       {"name", "presence", "base_executed", "new_executed", "base_rate", "new_rate",
        "activation_wait_delta_ns", "dispatch_wait_delta_ns", "execution_delta_ns"}) {
    table.columns.push_back({key, key, kMachine});
  }
  table.columns.push_back({"changes", "changes", kJson});
  for (const DiffRow& row : result.rows) {
    table.rows.push_back({row.name, std::string(ToString(row.presence)), row.base_samples,
                          row.new_samples, row.base_rate, row.new_rate,
                          TimeCell(row.activation_wait_delta), TimeCell(row.dispatch_wait_delta),
                          TimeCell(row.execution_delta), std::vector<Table>{ChangesTable(row)}});
  }
  return table;
}

Table SummaryTable(const DiffResult& result) {
  Table table{.key = "summary", .title = "", .record = true};
  for (const char* key :
       {"by", "base_runs", "new_runs", "confidence", "differences", "not_whole", "provable_rows"}) {
    table.columns.push_back({key, key, kMachine});
  }
  table.rows.push_back({std::string(wqprof::ToString(result.by)), uint64_t{result.base_runs},
                        uint64_t{result.new_runs}, result.confidence, result.differences,
                        result.losses,
                        result.provable_rows ? Cell(uint64_t{*result.provable_rows}) : Cell()});
  return table;
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
  AppendWrapped(out, Escaped(Headline(result), !style.utf8), 0, style.columns);
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
  for (const std::string& loss : result.losses) out += fmt::format("  {}\n", Escaped(loss));
  Table table = TextTable(result, all);
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
  if (result.provable_rows) {
    const std::string told =
        *result.provable_rows == 0
            ? std::string("Too few runs to prove anything: use at least 4 on each side.")
            : fmt::format(
                  "{} v {} runs can prove changes in at most {}: those with the most time "
                  "in them were tested.",
                  result.base_runs, result.new_runs, CountOf(*result.provable_rows, "row"));
    AppendWrapped(out, told, 0, style.columns);
  }
  AppendOthers(out, result, DiffRow::Presence::kNew, "New", style);
  AppendOthers(out, result, DiffRow::Presence::kVanished, "Vanished", style);
  return out;
}

}  // namespace

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
  const std::vector<Table> tables = {SummaryTable(result), MachineTable(result)};
  return format == Format::kJson ? ToJson(kSchema, tables) : ToNdjson(kSchema, tables);
}

}  // namespace wqprof
