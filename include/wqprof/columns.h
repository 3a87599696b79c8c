// SPDX-License-Identifier: Apache-2.0
// Tables from lists of their columns.  A column is one entry: its names, who sees it, and how its
// cell is made from a row.  The type that this function returns says what JSON holds, so that the
// schemas follow from the same list.
#ifndef WQPROF_COLUMNS_H_
#define WQPROF_COLUMNS_H_

#include <cassert>
#include <cmath>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "wqprof/render.h"

namespace wqprof {

// Text that may be unknown: "" is absent.
struct Word {
  std::string text;
};
// A span that may be negative.
struct Difference {
  Nanos value;
};

// A number that is a name and may be negative.
struct SignedId {
  int64_t value;
};

// The cell of a value.
inline Cell ToCell(Cell cell) { return cell; }
inline Cell ToCell(bool value) { return value; }
inline Cell ToCell(uint64_t value) { return value; }
inline Cell ToCell(uint32_t value) { return uint64_t{value}; }
inline Cell ToCell(double value) { return value; }
inline Cell ToCell(Nanos value) { return value; }
inline Cell ToCell(Id id) { return id; }
inline Cell ToCell(SignedId id) { return Id{id.value}; }
inline Cell ToCell(IdList list) { return list; }
inline Cell ToCell(Share share) { return share; }
inline Cell ToCell(Estimate estimate) { return estimate; }
inline Cell ToCell(Spark spark) { return spark; }
inline Cell ToCell(Stack stack) { return stack; }
inline Cell ToCell(std::string text) { return text; }
inline Cell ToCell(std::vector<std::string> words) { return words; }
inline Cell ToCell(const Histogram* histogram) { return histogram; }
inline Cell ToCell(Table table) { return std::vector<Table>{std::move(table)}; }
inline Cell ToCell(Difference difference) { return difference.value; }
inline Cell ToCell(std::string_view text) { return std::string(text); }
// These have a value of their own for what is not known.
inline Cell ToCell(Word word) { return word.text.empty() ? Cell() : Cell(std::move(word.text)); }
inline Cell ToCell(Timestamp at) { return at == kUnseen ? Cell() : Cell(at); }
inline Cell ToCell(Cpu cpu) { return cpu == Cpu::kNone ? Cell() : Cell(Id{ToInt(cpu)}); }
inline Cell ToCell(Pid pid) { return pid == Pid::kNone ? Cell() : Cell(Id{ToInt(pid)}); }
template <class T>
Cell ToCell(std::optional<T> value) {
  return value ? ToCell(*std::move(value)) : Cell();
}

// What JSON holds for a value of type T.
template <class T>
struct JsonTypeOf {
  static constexpr JsonType kType = std::is_same_v<T, bool>       ? JsonType::kFlag
                                    : std::is_same_v<T, uint64_t> ? JsonType::kCount
                                    : std::is_same_v<T, uint32_t> ? JsonType::kCount
                                    : std::is_same_v<T, double>   ? JsonType::kNumber
                                    : std::is_same_v<T, Nanos>    ? JsonType::kCount
                                    : std::is_same_v<T, Estimate> ? JsonType::kCount
                                    : std::is_same_v<T, Difference> || std::is_same_v<T, SignedId>
                                        ? JsonType::kInteger
                                    : std::is_same_v<T, Timestamp>        ? JsonType::kInteger
                                    : std::is_same_v<T, Id>               ? JsonType::kCount
                                    : std::is_same_v<T, Cpu>              ? JsonType::kCount
                                    : std::is_same_v<T, Pid>              ? JsonType::kCount
                                    : std::is_same_v<T, Share>            ? JsonType::kShare
                                    : std::is_same_v<T, std::string>      ? JsonType::kText
                                    : std::is_same_v<T, std::string_view> ? JsonType::kText
                                    : std::is_same_v<T, Word>             ? JsonType::kText
                                    : std::is_same_v<T, std::vector<std::string>> ? JsonType::kTexts
                                    : std::is_same_v<T, IdList>                   ? JsonType::kIds
                                    : std::is_same_v<T, const Histogram*> ? JsonType::kHistogram
                                    : std::is_same_v<T, Table>            ? JsonType::kTable
                                                                          : JsonType::kAny;
  static constexpr bool kNullable = std::is_same_v<T, Timestamp> || std::is_same_v<T, Cpu> ||
                                    std::is_same_v<T, Pid> || std::is_same_v<T, Word>;
};
template <class T>
struct JsonTypeOf<std::optional<T>> {
  static constexpr JsonType kType = JsonTypeOf<T>::kType;
  static constexpr bool kNullable = true;
};

// A column of a table whose rows are made from `Row`s.
template <class Row>
class ColumnOf {
 public:
  // `value_of` makes a value of one of the types above from a row.  Where it makes a table, it is
  // called with an empty row for the shape of that.
  template <class F>
  ColumnOf(Column head, F value_of) : column_(std::move(head)) {
    using Value = std::decay_t<std::invoke_result_t<F, const Row&>>;
    column_.type = JsonTypeOf<Value>::kType;
    column_.nullable |= JsonTypeOf<Value>::kNullable;
    if constexpr (std::is_same_v<Value, Table>) {
      column_.shape = std::make_shared<Table>(value_of(Row()));
    }
    // An empty row has no table that could show it.
    assert(column_.type != JsonType::kTable || column_.shape != nullptr);
    cell_ = [value_of = std::move(value_of)](const Row& row) { return ToCell(value_of(row)); };
  }
  const Column& column() const { return column_; }
  Cell cell(const Row& row) const { return cell_(row); }

 private:
  Column column_;
  std::function<Cell(const Row&)> cell_;
};

template <class Row>
using Columns = std::vector<ColumnOf<Row>>;

// Appends the columns to `table`, which has a row for each of `rows`.
template <class Row>
void AddColumns(Table& table, const Columns<Row>& columns, std::span<const Row* const> rows) {
  for (const ColumnOf<Row>& column : columns) table.columns.push_back(column.column());
  for (size_t i = 0; i < table.rows.size(); ++i) {
    table.rows[i].reserve(table.columns.size());  // a trace may have a million rows
    for (const ColumnOf<Row>& column : columns) table.rows[i].push_back(column.cell(*rows[i]));
  }
}

// `table` (a key and a title so far) with these columns, and a row for each of `rows`.
template <class Row, class Rows>
Table MakeTable(Table table, const Columns<Row>& columns, const Rows& rows) {
  for (const ColumnOf<Row>& column : columns) table.columns.push_back(column.column());
  for (const Row& row : rows) {
    std::vector<Cell> cells;
    cells.reserve(columns.size());
    for (const ColumnOf<Row>& column : columns) cells.push_back(column.cell(row));
    table.rows.push_back(std::move(cells));
  }
  return table;
}

// A set of facts about one thing.
template <class Row>
Table MakeRecord(std::string key, const Columns<Row>& columns, const Row& row) {
  return MakeTable(Table{.key = std::move(key), .title = "", .record = true}, columns,
                   std::span<const Row>(&row, 1));
}

// The words of an enum whose last value is `last`.
template <class Enum>
std::vector<std::string> AllWords(Enum last) {
  std::vector<std::string> words;
  for (int i = 0; i <= static_cast<int>(last); ++i) {
    words.emplace_back(ToString(static_cast<Enum>(i)));
  }
  return words;
}
// Of clocks that disagree the difference may be negative.
inline std::optional<Difference> Signed(std::optional<Nanos> span) {
  return span ? std::optional(Difference{*span}) : std::nullopt;
}
// NaN: not known.
inline std::optional<double> Known(double value) {
  return std::isnan(value) ? std::nullopt : std::optional(value);
}
inline std::optional<Share> KnownShare(double fraction) {
  return std::isnan(fraction) ? std::nullopt : std::optional(Share{fraction, true});
}
// Ticks of a clock that does not count nanoseconds are no times.
inline std::optional<Nanos> Timed(const TraceInfo& info, Nanos span) {
  return info.clock_is_ns ? std::optional(span) : std::nullopt;
}
inline Timestamp Timed(const TraceInfo& info, Timestamp at) {
  return info.clock_is_ns ? at : kUnseen;
}

}  // namespace wqprof

#endif  // WQPROF_COLUMNS_H_
