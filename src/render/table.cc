// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cctype>
#include <numeric>
#include <optional>
#include <utility>

#include "render/summary.h"
#include "wqprof/render.h"

namespace wqprof {
namespace {

// What a cell is sorted by.  long double holds every int64 exactly.
struct SortKey {
  bool absent = true;
  bool is_word = false;
  long double number = 0;
  std::string_view word = {};
  bool ascending = false;  // numbers that are names, and times
};

// Turns a cell into its sort key; lists and pictures have none.
struct SortKeyOf {
  static SortKey Number(long double value) { return {false, false, value}; }
  static SortKey Ordinal(long double value) { return {false, false, value, {}, true}; }
  SortKey operator()(std::monostate) const { return {}; }
  SortKey operator()(bool value) const { return Number(value); }
  SortKey operator()(uint64_t value) const { return Number(static_cast<long double>(value)); }
  SortKey operator()(Id id) const { return Ordinal(static_cast<long double>(id.value)); }
  SortKey operator()(double value) const { return Number(value); }
  SortKey operator()(Nanos ns) const { return Number(static_cast<long double>(ns.count())); }
  SortKey operator()(Timestamp at) const {
    return Ordinal(static_cast<long double>(at.time_since_epoch().count()));
  }
  SortKey operator()(const Estimate& estimate) const { return (*this)(estimate.value); }
  SortKey operator()(Share share) const { return Number(share.fraction); }
  SortKey operator()(const std::string& word) const { return {false, true, 0, word}; }
  template <class Other>
  SortKey operator()(const Other&) const {
    return {};
  }
};

// Numbers from the largest, ids and times from the smallest, words from A, absent ones last.
bool Before(const SortKey& a, const SortKey& b) {
  if (a.absent || b.absent) return !a.absent && b.absent;
  if (a.is_word != b.is_word) return a.is_word;
  if (a.is_word) return a.word < b.word;
  return a.ascending ? a.number < b.number : a.number > b.number;
}

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

// Users may leave out the unit of a key, or say what stands above the column.
bool Names(const Column& column, std::string_view word) {
  return column.key == word || column.key == fmt::format("{}_ns", word) ||
         (!column.heading.empty() && Lower(column.heading) == Lower(word));
}

// What rows are sorted by: a column, and of a column of histograms one of their numbers.
struct SortBy {
  size_t column = 0;
  std::string number = {};  // a key of Summarize(); "": not a histogram
};

// A measure's name alone means its sum: where the most time went.  "latency.p99", "latency.p99.9"
// mean what they do in a budget.
std::optional<std::string> NumberOf(const Column& histogram, std::string_view key) {
  if (key == histogram.key) return "sum_ns";
  if (!key.starts_with(histogram.key + ".")) return std::nullopt;
  std::string word(key.substr(histogram.key.size() + 1));
  std::erase(word, '.');
  for (const auto& [name, cell] : Summarize(Histogram())) {
    if (name == word || name == word + "_ns") return std::string(name);
  }
  return std::nullopt;
}

std::optional<SortBy> FindColumn(const Table& table, std::string_view key) {
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (!table.columns[i].histogram() && Names(table.columns[i], key)) return SortBy{i};
  }
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (!table.columns[i].histogram()) continue;
    if (auto number = NumberOf(table.columns[i], key)) return SortBy{i, *std::move(number)};
  }
  return std::nullopt;
}

SortKey KeyOf(const std::vector<Cell>& row, const SortBy& by) {
  if (by.number.empty()) return std::visit(SortKeyOf(), row[by.column]);
  const auto* const* histogram = std::get_if<const Histogram*>(&row[by.column]);
  // The sum of nothing is not 0: there is nothing to compare.
  if (histogram == nullptr || (*histogram)->count() == 0) return {};
  for (const auto& [name, cell] : Summarize(**histogram)) {
    if (name == by.number) return std::visit(SortKeyOf(), cell);
  }
  return {};
}

bool IsSortable(const Table& table, size_t column) {
  const SortBy by{column, table.columns[column].histogram() ? "sum_ns" : ""};
  return table.rows.empty() || std::any_of(table.rows.begin(), table.rows.end(),
                                           [&](const auto& row) { return !KeyOf(row, by).absent; });
}

}  // namespace

bool HasColumn(const Table& table, std::string_view key) {
  return FindColumn(table, key).has_value();
}

absl::Status SortRows(Table& table, std::string_view key) {
  const std::optional<SortBy> by = FindColumn(table, key);
  if (!by) {
    std::string known;
    for (size_t i = 0; i < table.columns.size(); ++i) {
      // The many numbers that only CSV has would bury the names that people know.
      if (table.columns[i].audience == kCsv || !IsSortable(table, i)) continue;
      known += (known.empty() ? "" : ", ") + table.columns[i].key;
    }
    return absl::InvalidArgumentError(
        fmt::format("{} cannot be sorted by '{}', only by {}", table.key, key, known));
  }
  std::vector<SortKey> keys;
  for (const auto& row : table.rows) keys.push_back(KeyOf(row, *by));
  std::vector<size_t> order(table.rows.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return Before(keys[a], keys[b]); });
  std::vector<std::vector<Cell>> rows;
  rows.reserve(order.size());
  for (const size_t i : order) rows.push_back(std::move(table.rows[i]));
  table.rows = std::move(rows);
  table.sorted_by = by->number.empty() ? table.columns[by->column].key : std::string(key);
  return absl::OkStatus();
}

void CutRows(Table& table, size_t top) {
  if (top == 0 || table.rows.size() <= top) return;
  table.rows_left_out += table.rows.size() - top;
  table.rows.resize(top);
}

}  // namespace wqprof
