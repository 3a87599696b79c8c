// SPDX-License-Identifier: Apache-2.0
#include "render/split.h"

#include <algorithm>
#include <memory>
#include <type_traits>

#include "wqprof/number_text.h"
#include "wqprof/split.h"

namespace wqprof {
namespace {

// The splits of so many items, summed up.
template <class Split>
struct PartSums {
  uint64_t items = 0;
  Split split;
};

PartSums<WaitSplit> WaitsOf(const SplitSums& sums) { return {sums.waits, sums.wait}; }
PartSums<RunSplit> RunsOf(const SplitSums& sums) { return {sums.runs, sums.run}; }

double Fraction(Nanos part, Nanos whole) {
  return whole > Nanos(0) ? static_cast<double>(part.count()) / static_cast<double>(whole.count())
                          : 0.0;
}

// {"items": n, "hold": ns, ...}
template <class Split, class Parts>
Table PartsTable(const Parts& parts, const PartSums<Split>& sums) {
  Columns<PartSums<Split>> columns = {
      {{"items"}, [](const PartSums<Split>& row) { return row.items; }}};
  for (const auto& part : parts) {
    columns.push_back({{std::string(part.key)},
                       [part](const PartSums<Split>& row) { return row.split.*part.value; }});
  }
  return MakeRecord("", columns, sums);
}

// {"irq": ns, "bh": ns}
Table StolenTable(const RunSplit& run) {
  Columns<RunSplit> columns;
  for (const StolenPart& part : kStolenParts) {
    columns.push_back(
        {{std::string(part.key)}, [part](const RunSplit& row) { return row.*part.value; }});
  }
  return MakeRecord("", columns, run);
}

// All of it, null where no item was split and nothing was seen to be stolen.
Table SumsTable(const Measures& measures) {
  const std::string about = "Sums over so many items, in ns; null when no item was split.";
  const Columns<SplitSums> columns = {
      {{.key = std::string(SpecOf(Measure::kDispatchWait).name),
        .about = about,
        .shape = std::make_shared<Table>(PartsTable<WaitSplit>(kWaitParts, {}))},
       [](const SplitSums& sums) {
         return sums.waits > 0 ? std::optional(PartsTable(kWaitParts, WaitsOf(sums)))
                               : std::nullopt;
       }},
      {{.key = std::string(SpecOf(Measure::kExecution).name),
        .about = about,
        .shape = std::make_shared<Table>(PartsTable<RunSplit>(kRunParts, {}))},
       [](const SplitSums& sums) {
         return sums.runs > 0 ? std::optional(PartsTable(kRunParts, RunsOf(sums))) : std::nullopt;
       }},
      {{.key = "stolen",
        .about =
            "Of execution's on_cpu, what interrupts and softirqs (irq) and BH works (bh) took; "
            "null when it is not known.",
        .shape = std::make_shared<Table>(StolenTable({}))},
       [](const SplitSums& sums) {
         return sums.run.Stolen() ? std::optional(StolenTable(sums.run)) : std::nullopt;
       }},
  };
  return MakeRecord("split", columns, measures.split);
}

template <class Parts, class SumsOf>
void AppendCsvColumns(Columns<Measures>& columns, std::string_view measure, const Parts& parts,
                      SumsOf sums_of) {
  columns.push_back({{fmt::format("split_{}_items", measure), "", kCsv},
                     [sums_of](const Measures& row) { return sums_of(row.split).items; }});
  for (const auto& part : parts) {
    columns.push_back({{fmt::format("split_{}_{}_ns", measure, part.key), "", kCsv},
                       [part, sums_of](const Measures& row) {
                         const auto sums = sums_of(row.split);
                         return sums.items > 0 ? std::optional(sums.split.*part.value)
                                               : std::nullopt;
                       }});
  }
}

// "runqueue 61.0%": the largest part.
template <class Parts, class Split>
Word MostOf(const Parts& parts, const Split& split) {
  const Nanos sum = split.Sum();
  const auto most = std::max_element(
      std::begin(parts), std::end(parts),
      [&](const auto& a, const auto& b) { return split.*a.value < split.*b.value; });
  if (sum == Nanos(0)) return {};
  return {fmt::format("{} {}", most->key, PercentText(Fraction(split.*most->value, sum)))};
}

template <class Parts, class Split>
Stack BarOf(const Parts& parts, const Split& split) {
  Stack stack;
  for (const auto& part : parts) {
    stack.segments.push_back({part.letter, Fraction(split.*part.value, split.Sum())});
  }
  return stack;
}

void AppendStolenColumns(Columns<PartSums<RunSplit>>& columns) {
  columns.push_back({{"stolen", "", kSortOnly},
                     [](const PartSums<RunSplit>& row) { return row.split.Stolen(); }});
  columns.push_back({{"stolen_share", "STOLEN", kText, 0, 1},
                     [](const PartSums<RunSplit>& row) -> std::optional<Share> {
                       const auto stolen = row.split.Stolen();
                       if (!stolen) return std::nullopt;
                       return Share{Fraction(*stolen, row.split.Sum())};
                     }});
}

// The last column is a bar; what the columns of each part say is in the bar as well, so that the
// last ones go first.
template <class Split, class Parts>
Columns<PartSums<Split>> TextColumns(const Parts& parts, std::string heading, bool stolen) {
  using Row = PartSums<Split>;
  Columns<Row> columns = {
      {{"items", "ITEMS", kText}, [](const Row& row) { return row.items; }},
      {{"sum", std::move(heading), kText}, [](const Row& row) { return row.split.Sum(); }},
      {{"mostly", "MOSTLY", kText}, [parts](const Row& row) { return MostOf(parts, row.split); }}};
  int drop = static_cast<int>(std::size(parts)) + 1;
  for (const auto& part : parts) {
    // Before its share: rows are sorted by the time itself.
    columns.push_back({{std::string(part.key), "", kSortOnly},
                       [part](const Row& row) { return row.split.*part.value; }});
    columns.push_back(
        {{fmt::format("{}_share", part.key), std::string(part.heading), kText, 0, drop--},
         [part](const Row& row) {
           return Share{Fraction(row.split.*part.value, row.split.Sum())};
         }});
  }
  if constexpr (std::is_same_v<Split, RunSplit>) {
    if (stolen) AppendStolenColumns(columns);
  }
  columns.push_back(
      {{"parts", "PARTS", kText, 12}, [parts](const Row& row) { return BarOf(parts, row.split); }});
  return columns;
}

// The rows that have any item of the kind, and its sums.
template <class Split, class SumsOf>
Table SplitTable(const NamedRows& rows, std::string_view what,
                 const Columns<PartSums<Split>>& columns, SumsOf sums_of) {
  Table table = rows.names;
  table.title = fmt::format("{}: {}", rows.names.title, what);
  table.rows.clear();
  std::vector<PartSums<Split>> sums;
  for (size_t i = 0; i < rows.measures.size(); ++i) {
    sums.push_back(sums_of(rows.measures[i]->split));
    if (sums.back().items == 0) {
      sums.pop_back();
    } else {
      table.rows.push_back(rows.names.rows[i]);
    }
  }
  std::vector<const PartSums<Split>*> pointers;
  for (const auto& row : sums) pointers.push_back(&row);
  AddColumns<PartSums<Split>>(table, columns, pointers);
  return table;
}

template <class Parts>
std::string LegendOf(const Parts& parts) {
  std::vector<std::string> words;
  for (const auto& part : parts) words.push_back(fmt::format("{} {}", part.letter, part.key));
  return fmt::format("{}", fmt::join(words, ", "));
}

}  // namespace

Columns<Measures> SplitColumns() {
  Columns<Measures> columns = {
      {{.key = "split",
        .audience = kJson,
        .about = "Where the time of the items in dispatch_wait and execution went; only with "
                 "scheduler events.",
        .optional = true},
       SumsTable}};
  AppendCsvColumns(columns, SpecOf(Measure::kDispatchWait).name, kWaitParts, WaitsOf);
  AppendCsvColumns(columns, SpecOf(Measure::kExecution).name, kRunParts, RunsOf);
  for (const StolenPart& part : kStolenParts) {
    columns.push_back({{fmt::format("split_stolen_{}_ns", part.key), "", kCsv},
                       [part](const Measures& row) { return row.split.run.*part.value; }});
  }
  return columns;
}

Table WaitSplitTable(const NamedRows& rows) {
  return SplitTable(rows, "dispatch waits", TextColumns<WaitSplit>(kWaitParts, "WAITED", false),
                    WaitsOf);
}

Table RunSplitTable(const NamedRows& rows) {
  const bool stolen =
      std::any_of(rows.measures.begin(), rows.measures.end(),
                  [](const Measures* m) { return m->split.run.Stolen().has_value(); });
  return SplitTable(rows, "executions", TextColumns<RunSplit>(kRunParts, "EXECUTED", stolen),
                    RunsOf);
}

std::string SplitLegend() {
  return fmt::format("Waits: {}. Executions: {}.", LegendOf(kWaitParts), LegendOf(kRunParts));
}

}  // namespace wqprof
