// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cctype>
#include <numeric>
#include <optional>
#include <utility>

#include "wqprof/render.h"

namespace wqprof {
namespace {

// What a cell is sorted by.  long double holds every int64 exactly.
struct SortKey {
  bool absent = true;
  bool is_word = false;
  long double number = 0;
  std::string_view word;
};

// Turns a cell into its sort key; lists and pictures have none.
struct SortKeyOf {
  static SortKey Number(long double value) { return {false, false, value, {}}; }
  SortKey operator()(std::monostate) const { return {}; }
  SortKey operator()(bool value) const { return Number(value); }
  SortKey operator()(uint64_t value) const { return Number(static_cast<long double>(value)); }
  SortKey operator()(Id id) const { return Number(static_cast<long double>(id.value)); }
  SortKey operator()(double value) const { return Number(value); }
  SortKey operator()(Nanos ns) const { return Number(static_cast<long double>(ns.count())); }
  SortKey operator()(Timestamp at) const { return (*this)(at.time_since_epoch()); }
  SortKey operator()(const Estimate& estimate) const { return (*this)(estimate.value); }
  SortKey operator()(Share share) const { return Number(share.fraction); }
  SortKey operator()(const std::string& word) const { return {false, true, 0, word}; }
  template <class Other>
  SortKey operator()(const Other&) const {
    return {};
  }
};

// Numbers from the largest, words from A, absent ones last.
bool Before(const SortKey& a, const SortKey& b) {
  if (a.absent || b.absent) return !a.absent && b.absent;
  if (a.is_word != b.is_word) return a.is_word;
  return a.is_word ? a.word < b.word : a.number > b.number;
}

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

bool IsSortable(const Table& table, size_t column) {
  return table.rows.empty() ||
         std::any_of(table.rows.begin(), table.rows.end(), [column](const auto& row) {
           return !std::visit(SortKeyOf(), row[column]).absent;
         });
}

// Users may leave out the unit of a key, or say what stands above the column.
bool Names(const Column& column, std::string_view word) {
  return column.key == word || column.key == fmt::format("{}_ns", word) ||
         (!column.heading.empty() && Lower(column.heading) == Lower(word));
}

std::optional<size_t> FindColumn(const Table& table, std::string_view key) {
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (!table.columns[i].histogram && Names(table.columns[i], key)) return i;
  }
  return std::nullopt;
}

}  // namespace

bool HasColumn(const Table& table, std::string_view key) {
  return FindColumn(table, key).has_value();
}

absl::Status SortRows(Table& table, std::string_view key) {
  const std::optional<size_t> column = FindColumn(table, key);
  if (!column) {
    std::string known;
    for (size_t i = 0; i < table.columns.size(); ++i) {
      // The many numbers that only CSV has would bury the names that people know.
      if (table.columns[i].audience == kCsv || !IsSortable(table, i)) continue;
      known += (known.empty() ? "" : ", ") + table.columns[i].key;
    }
    return absl::InvalidArgumentError(
        fmt::format("{} cannot be sorted by '{}', only by {}", table.key, key, known));
  }
  std::vector<size_t> order(table.rows.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return Before(std::visit(SortKeyOf(), table.rows[a][*column]),
                  std::visit(SortKeyOf(), table.rows[b][*column]));
  });
  std::vector<std::vector<Cell>> rows;
  rows.reserve(order.size());
  for (const size_t i : order) rows.push_back(std::move(table.rows[i]));
  table.rows = std::move(rows);
  table.sorted_by = table.columns[*column].key;
  return absl::OkStatus();
}

void CutRows(Table& table, size_t top) {
  if (top == 0 || table.rows.size() <= top) return;
  table.rows_left_out += table.rows.size() - top;
  table.rows.resize(top);
}

}  // namespace wqprof
