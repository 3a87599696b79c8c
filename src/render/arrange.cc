// SPDX-License-Identifier: Apache-2.0
#include "render/arrange.h"

#include <algorithm>
#include <utility>

#include "render/text.h"

namespace wqprof {
namespace {

bool AnyStalled(const Table& pools) {
  for (size_t i = 0; i < pools.columns.size(); ++i) {
    if (pools.columns[i].key != "stalled_ns") continue;
    return std::any_of(pools.rows.begin(), pools.rows.end(), [i](const auto& row) {
      const auto* stalled = std::get_if<Nanos>(&row[i]);
      return stalled != nullptr && *stalled > Nanos(0);
    });
  }
  return false;
}

// The order of a table unless another one was asked for: what matters most comes first.  Several
// keys: the last one decides first.
std::vector<std::string_view> DefaultSort(const Table& table) {
  if (table.key == "pools" && AnyStalled(table)) return {"busy_mean", "stalled_ns"};
  if (table.key == "pools") return {"busy_mean"};
  if (table.key == "workers") return {"busy_ns"};
  if (table.key == "cpus") return {"cpu"};
  if (table.key == "activation") return {"waited_ns"};
  if (table.key == "flushes") return {"max"};
  if (table.key == "stalls") return {"duration_ns"};
  return {"total_wait"};
}

bool HasStar(const Table& table) {
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (!(table.columns[i].audience & kText)) continue;
    for (const auto& row : table.rows) {
      const auto* estimate = std::get_if<Estimate>(&row[i]);
      if (estimate != nullptr && estimate->few_samples) return true;
    }
  }
  return false;
}

}  // namespace

Table* FindTable(std::vector<Table>& tables, std::string_view key) {
  const auto it = std::find_if(tables.begin(), tables.end(),
                               [key](const Table& table) { return table.key == key; });
  return it == tables.end() ? nullptr : &*it;
}

std::vector<Table> PickTables(std::vector<Table> tables, const std::vector<std::string>& keys) {
  std::vector<Table> out;
  for (const std::string& key : keys) {
    if (Table* const table = FindTable(tables, key)) out.push_back(std::move(*table));
  }
  return out;
}

absl::Status ArrangeTables(std::vector<Table>& tables, const View& view, bool by_default,
                           bool fold) {
  const Table* refusing = nullptr;
  bool sorted = view.sort.empty();
  for (Table& table : tables) {
    if (table.record) continue;
    const bool asked = !view.sort.empty() && HasColumn(table, view.sort);
    const bool own_order = by_default || view.top > 0;
    if (!asked && !view.sort.empty() && refusing == nullptr) refusing = &table;
    std::vector<std::string_view> keys;
    if (asked) keys = {view.sort};
    if (!asked && own_order) keys = DefaultSort(table);
    for (const std::string_view key : keys) {
      if (!HasColumn(table, key)) continue;
      if (const absl::Status status = SortRows(table, key); !status.ok()) return status;
    }
    sorted |= asked;
    if (!fold && table.key != "findings") CutRows(table, view.top);
  }
  // The refusal names the columns that exist.
  if (!sorted && refusing != nullptr) {
    Table table = *refusing;
    return SortRows(table, view.sort);
  }
  return absl::OkStatus();
}

bool HasMeasures(const Table& table) { return HasColumn(table, "total_wait"); }

void AppendMeasureLegend(std::string& out, const std::vector<Table>& tables,
                         const TextStyle& style) {
  const auto needs_words = [](const Table& table) {
    return HasMeasures(table) && !table.rows.empty();
  };
  if (std::any_of(tables.begin(), tables.end(), needs_words)) {
    AppendWrapped(
        out,
        "p50..max: latency, queue to start; WAITED: its sum; INACT: its share before "
        "activation; last column: its distribution, log scale. EXEC: p99 of start to end.",
        0, style.columns == 0 ? kLegendColumns : std::min(kLegendColumns, style.columns));
  }
  if (std::any_of(tables.begin(), tables.end(), HasStar)) {
    out += fmt::format("* too few items for the percentile (p50 needs {}, p95 {}, p99 {})\n",
                       SamplesNeeded(0.50), SamplesNeeded(0.95), SamplesNeeded(0.99));
  }
}

absl::StatusOr<std::string> OneCsv(const std::vector<Table>& tables) {
  if (tables.size() == 1) return ToCsv(tables.front());
  std::vector<std::string> keys;
  for (const Table& table : tables) keys.push_back(table.key);
  return absl::InvalidArgumentError(
      fmt::format("csv holds one table, not {}: choose one with --by", fmt::join(keys, ", ")));
}

}  // namespace wqprof
