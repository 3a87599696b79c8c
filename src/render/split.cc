// SPDX-License-Identifier: Apache-2.0
#include "render/split.h"

#include <algorithm>

#include "render/cells.h"
#include "render/split_parts.h"
#include "wqprof/number_text.h"

namespace wqprof {
namespace {

// {"items": n, "hold": ns, ...}; null when no item was split.
template <class Parts, class Split>
Cell PartsCell(const Parts& parts, uint64_t items, const Split& split) {
  if (items == 0) return {};
  Table table{.key = "", .title = "", .record = true};
  table.columns.push_back({"items", ""});
  table.rows.emplace_back();
  table.rows.front().push_back(items);
  for (const auto& part : parts) {
    table.columns.push_back({std::string(part.key), ""});
    table.rows.front().push_back(split.*part.value);
  }
  return std::vector<Table>{std::move(table)};
}

// {"irq": ns, "bh": ns}; null when neither was seen.
Cell StolenCell(const RunSplit& run) {
  if (!run.Stolen()) return {};
  Table table{.key = "", .title = "", .record = true};
  table.rows.emplace_back();
  for (const StolenPart& part : kStolenParts) {
    table.columns.push_back({std::string(part.key), ""});
    table.rows.front().push_back(OptionalCell(run.*part.value));
  }
  return std::vector<Table>{std::move(table)};
}

template <class Parts>
void AppendCsvColumns(std::vector<Column>& columns, std::string_view measure, const Parts& parts) {
  columns.push_back({fmt::format("split_{}_items", measure), "", kCsv});
  for (const auto& part : parts) {
    columns.push_back({fmt::format("split_{}_{}_ns", measure, part.key), "", kCsv});
  }
}

template <class Parts, class Split>
void AppendCsvCells(std::vector<Cell>& cells, const Parts& parts, uint64_t items,
                    const Split& split) {
  cells.push_back(items);
  for (const auto& part : parts) {
    cells.push_back(items > 0 ? Cell(split.*part.value) : Cell());
  }
}

double Fraction(Nanos part, Nanos whole) {
  return whole > Nanos(0) ? static_cast<double>(part.count()) / static_cast<double>(whole.count())
                          : 0.0;
}

// Columns by part come last but one: what they say is in the bar as well.
template <class Parts>
std::vector<Column> TextColumns(const Parts& parts, std::string heading) {
  std::vector<Column> columns = {
      {"items", "ITEMS", kText}, {"sum", std::move(heading), kText}, {"mostly", "MOSTLY", kText}};
  int drop = static_cast<int>(std::size(parts)) + 1;
  for (const auto& part : parts) {
    // Before its share: rows are sorted by the time itself.
    columns.push_back({std::string(part.key), "", kSortOnly});
    columns.push_back(
        {fmt::format("{}_share", part.key), std::string(part.heading), kText, 0, drop--});
  }
  columns.push_back({"parts", "PARTS", kText, 12});
  return columns;
}

template <class Parts, class Split>
void AppendTextCells(std::vector<Cell>& cells, const Parts& parts, uint64_t items,
                     const Split& split) {
  const Nanos sum = split.Sum();
  const auto most = std::max_element(
      std::begin(parts), std::end(parts),
      [&](const auto& a, const auto& b) { return split.*a.value < split.*b.value; });
  cells.push_back(items);
  cells.push_back(sum);
  cells.push_back(
      sum == Nanos(0)
          ? Cell()
          : Cell(fmt::format("{} {}", most->key, PercentText(Fraction(split.*most->value, sum)))));
  Stack stack;
  for (const auto& part : parts) {
    const double fraction = Fraction(split.*part.value, sum);
    cells.push_back(split.*part.value);
    cells.push_back(Share{fraction});
    stack.segments.push_back({part.letter, fraction});
  }
  cells.push_back(std::move(stack));
}

template <class Parts, class SumsOf>
Table SplitTable(const NamedRows& rows, std::string_view what, std::string heading,
                 const Parts& parts, SumsOf sums_of) {
  Table table{.key = rows.key, .title = fmt::format("{}: {}", rows.title, what)};
  table.columns = rows.columns;
  for (Column& column : TextColumns(parts, std::move(heading))) {
    table.columns.push_back(std::move(column));
  }
  for (size_t i = 0; i < rows.names.size(); ++i) {
    const auto [items, split] = sums_of(rows.measures[i]->split);
    if (items == 0) continue;
    std::vector<Cell> cells = rows.names[i];
    AppendTextCells(cells, parts, items, split);
    table.rows.push_back(std::move(cells));
  }
  return table;
}

template <class Parts>
std::string LegendOf(const Parts& parts) {
  std::vector<std::string> words;
  for (const auto& part : parts) words.push_back(fmt::format("{} {}", part.letter, part.key));
  return fmt::format("{}", fmt::join(words, ", "));
}

}  // namespace

void AppendSplitColumns(std::vector<Column>& columns) {
  columns.push_back({"split", "", kJson});
  AppendCsvColumns(columns, "dispatch_wait", kWaitParts);
  AppendCsvColumns(columns, "execution", kRunParts);
  for (const StolenPart& part : kStolenParts) {
    columns.push_back({fmt::format("split_stolen_{}_ns", part.key), "", kCsv});
  }
}

void AppendSplitCells(std::vector<Cell>& cells, const SplitSums& split) {
  Table both{.key = "split", .title = "", .record = true};
  both.columns = {{"dispatch_wait", ""}, {"execution", ""}, {"stolen", ""}};
  both.rows = {{PartsCell(kWaitParts, split.waits, split.wait),
                PartsCell(kRunParts, split.runs, split.run), StolenCell(split.run)}};
  cells.push_back(std::vector<Table>{std::move(both)});
  AppendCsvCells(cells, kWaitParts, split.waits, split.wait);
  AppendCsvCells(cells, kRunParts, split.runs, split.run);
  for (const StolenPart& part : kStolenParts) cells.push_back(OptionalCell(split.run.*part.value));
}

Table WaitSplitTable(const NamedRows& rows) {
  return SplitTable(rows, "dispatch waits", "WAITED", kWaitParts,
                    [](const SplitSums& s) { return std::pair(s.waits, s.wait); });
}

Table RunSplitTable(const NamedRows& rows) {
  Table table = SplitTable(rows, "executions", "EXECUTED", kRunParts,
                           [](const SplitSums& s) { return std::pair(s.runs, s.run); });
  const bool seen = std::any_of(rows.measures.begin(), rows.measures.end(), [](const Measures* m) {
    return m->split.run.Stolen().has_value();
  });
  if (!seen) return table;
  // Before the bar, of which it is no part.
  const auto at = [](auto& list) { return list.end() - 1; };
  table.columns.insert(at(table.columns),
                       {{"stolen", "", kSortOnly}, {"stolen_share", "STOLEN", kText, 0, 1}});
  size_t next = 0;
  for (const Measures* measures : rows.measures) {
    const SplitSums& split = measures->split;
    if (split.runs == 0) continue;
    const auto stolen = split.run.Stolen();
    std::vector<Cell>& cells = table.rows[next++];
    cells.insert(at(cells), {OptionalCell(stolen),
                             stolen ? Cell(Share{Fraction(*stolen, split.run.Sum())}) : Cell()});
  }
  return table;
}

std::string SplitLegend() {
  return fmt::format("Waits: {}. Executions: {}.", LegendOf(kWaitParts), LegendOf(kRunParts));
}

}  // namespace wqprof
