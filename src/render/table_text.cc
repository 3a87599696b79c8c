// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <numeric>

#include "render/pictures.h"
#include "render/text.h"
#include "render/text_table.h"
#include "wqprof/render.h"

namespace wqprof {
namespace {

constexpr size_t kPercentWidth = 6;  // "99.9%" and a blank
constexpr size_t kBarWidth = 10;
constexpr size_t kStackWidth = 25;  // a letter stands for 4 %

// A cell in a column of `width`; 0 asks for all of it.
struct TextOf {
  const TextStyle& style;
  size_t width;

  std::string operator()(std::monostate) const { return "-"; }
  std::string operator()(bool value) const { return value ? "yes" : "no"; }
  std::string operator()(uint64_t value) const { return CountText(value); }
  std::string operator()(Id id) const { return fmt::format("{}", id.value); }
  std::string operator()(const IdList& list) const {
    return fmt::format("{}", fmt::join(list.ids, ", "));
  }
  std::string operator()(double value) const { return MeanText(value); }
  std::string operator()(Nanos value) const { return DurationText(value); }
  std::string operator()(Timestamp at) const { return StampText(at); }
  std::string operator()(const Estimate& estimate) const {
    return fmt::format("{}{}{}", estimate.at_least ? ">" : "", DurationText(estimate.value),
                       estimate.few_samples ? "*" : "");
  }
  std::string operator()(Share share) const {
    const std::string percent = PercentText(share.fraction);
    const size_t all = width == 0 ? kPercentWidth + 1 + kBarWidth : width;
    if (!share.bar || all < kPercentWidth + 1 + 3) return percent;
    return fmt::format("{} {:>{}}", Bar(share.fraction, all - kPercentWidth - 1, style.utf8),
                       percent, kPercentWidth);
  }
  std::string operator()(const Spark& spark) const {
    return SparkText(spark, width == 0 ? spark.bins.size() : width, style.utf8);
  }
  std::string operator()(const Stack& stack) const {
    return StackText(stack, width == 0 ? kStackWidth : width);
  }
  std::string operator()(const std::string& text) const {
    const std::string escaped = Escaped(text, !style.utf8);
    return width == 0 ? escaped : Shortened(escaped, width, style.utf8);
  }
  std::string operator()(const std::vector<std::string>& words) const {
    return words.empty() ? "-" : Escaped(fmt::format("{}", fmt::join(words, ", ")), !style.utf8);
  }
  std::string operator()(const Histogram* histogram) const {
    return CountOf(histogram->count(), "value");
  }
  std::string operator()(const std::vector<Table>& tables) const {
    return CountOf(tables.empty() ? 0 : tables.front().rows.size(), "row");
  }
};

std::string Text(const Cell& cell, const TextStyle& style, size_t width) {
  return std::visit(TextOf{style, width}, cell);
}

}  // namespace

std::string CellText(const Cell& cell, const TextStyle& style) { return Text(cell, style, 0); }

namespace {

bool IsRight(const Cell& cell) {
  return std::holds_alternative<uint64_t>(cell) || std::holds_alternative<Id>(cell) ||
         std::holds_alternative<double>(cell) || std::holds_alternative<Nanos>(cell) ||
         std::holds_alternative<Timestamp>(cell) || std::holds_alternative<Estimate>(cell) ||
         std::holds_alternative<Share>(cell);
}

bool IsStarred(const Cell& cell) {
  const auto* estimate = std::get_if<Estimate>(&cell);
  return estimate != nullptr && estimate->few_samples;
}

// Pads `text` to `width`; where the column has stars, numbers without one leave room for it.
void AppendPadded(std::string& out, std::string_view text, size_t width, bool right,
                  std::string_view coloured = {}) {
  const size_t used = std::min(width, DisplayWidth(text));
  if (right) out.append(width - used, ' ');
  out += coloured.empty() ? text : coloured;
  if (!right) out.append(width - used, ' ');
}

// Red for what hurts, yellow for what is in doubt; the words and stars say the same.
std::string Coloured(std::string_view text, const Column& column, const Cell& cell,
                     const TextStyle& style) {
  if (!style.color) return std::string(text);
  const auto* const time = std::get_if<Nanos>(&cell);
  if (column.key == "stalled_ns" && time != nullptr && *time > Nanos(0)) {
    return Alarmed(text, style);
  }
  if (column.key == "verdict") {
    if (text == "FAIL" || text == "slower") return Alarmed(text, style);
    if (text == "WARN" || text == "?") return Warned(text, style);
  }
  return IsStarred(cell) ? Warned(text, style) : std::string(text);
}

void TrimRight(std::string& out, size_t from) {
  while (out.size() > from && out.back() == ' ') out.pop_back();
}

// The column that the rows are ordered by, as its heading says it.
std::string SortedBy(const Table& table) {
  for (const Column& column : table.columns) {
    if (column.key == table.sorted_by && !column.heading.empty()) return column.heading;
  }
  return table.sorted_by;
}

void AppendRecord(std::string& out, const Table& table, const TextStyle& style) {
  size_t widest = 0;
  for (const Column& column : table.columns) {
    if (column.audience & kText) widest = std::max(widest, DisplayWidth(column.heading));
  }
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (!(table.columns[i].audience & kText)) continue;
    out += "  ";
    AppendPadded(out, table.columns[i].heading, widest + 2, false);
    out += Text(table.rows.front()[i], style, 0);
    out += '\n';
  }
}

}  // namespace

void TextTableWriter::Fit(const Table& table) {
  std::vector<Slot> natural;
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (!(table.columns[i].audience & kText)) continue;
    Slot slot{i, DisplayWidth(table.columns[i].heading), false, false};
    for (const auto& row : table.rows) slot.starred |= IsStarred(row[i]);
    for (const auto& row : table.rows) {
      const size_t star = slot.starred && !IsStarred(row[i]) ? 1 : 0;
      slot.width = std::max(slot.width, DisplayWidth(Text(row[i], style_, 0)) + star);
      slot.right |= IsRight(row[i]);
    }
    natural.push_back(slot);
  }
  const auto total = [&] {
    return std::accumulate(slots_.begin(), slots_.end(), size_t{0},
                           [&](size_t sum, const Slot& s) { return sum + s.width + gap_; }) -
           (slots_.empty() ? 0 : gap_);
  };
  const auto spare = [&](const Slot& slot) {
    const size_t least = table.columns[slot.column].min_width;
    return least == 0 || slot.width <= least ? 0 : slot.width - least;
  };
  while (true) {
    slots_ = natural;
    gap_ = 2;
    if (style_.columns == 0 || total() <= style_.columns) return;
    gap_ = 1;
    // The column with the most to spare gives way, one by one, so that none is starved.
    while (total() > style_.columns) {
      const auto widest =
          std::max_element(slots_.begin(), slots_.end(),
                           [&](const Slot& a, const Slot& b) { return spare(a) < spare(b); });
      if (widest == slots_.end() || spare(*widest) == 0) break;
      --widest->width;
    }
    if (total() <= style_.columns) return;
    // The column that the rows are ordered by stays.
    const auto drop = [&](const Slot& slot) {
      const Column& column = table.columns[slot.column];
      return column.key == table.sorted_by ? 0 : column.drop;
    };
    const auto least_wanted =
        std::max_element(natural.begin(), natural.end(),
                         [&](const Slot& a, const Slot& b) { return drop(a) < drop(b); });
    if (least_wanted == natural.end() || drop(*least_wanted) == 0) return;
    natural.erase(least_wanted);
  }
}

void TextTableWriter::Append(std::string& out, const Table& table) {
  if (!begun_) {
    begun_ = true;
    Fit(table);
    std::string headings;
    for (const Slot& slot : slots_) {
      const std::string heading =
          Shortened(table.columns[slot.column].heading, slot.width, style_.utf8);
      if (!headings.empty()) headings.append(gap_, ' ');
      AppendPadded(headings, heading + (slot.right && slot.starred ? " " : ""), slot.width,
                   slot.right);
    }
    TrimRight(headings, 0);
    out += Emphasized(headings, style_) + "\n";
  }
  for (const auto& row : table.rows) {
    const size_t from = out.size();
    for (const Slot& slot : slots_) {
      if (slot.column != slots_.front().column) out.append(gap_, ' ');
      std::string text = Text(row[slot.column], style_, style_.columns == 0 ? 0 : slot.width);
      if (slot.right && slot.starred && !IsStarred(row[slot.column])) text += ' ';
      AppendPadded(out, text, slot.width, slot.right,
                   Coloured(text, table.columns[slot.column], row[slot.column], style_));
    }
    TrimRight(out, from);
    out += '\n';
  }
}

void AppendTextTable(std::string& out, const Table& table, const TextStyle& style) {
  std::string title = table.title;
  if (!table.sorted_by.empty() && !table.rows.empty()) title += ", by " + SortedBy(table);
  if (table.rows_left_out > 0) {
    title += fmt::format(" (first {} of {}; --top 0 shows all)", table.rows.size(),
                         CountText(table.rows.size() + table.rows_left_out));
  }
  if (!title.empty()) out += Emphasized(title, style) + "\n";
  if (table.record) {
    if (!table.rows.empty()) AppendRecord(out, table, style);
  } else if (table.rows.empty()) {
    out += "  none\n";
  } else {
    TextTableWriter(style).Append(out, table);
  }
  if (!table.note.empty()) out += Dimmed(table.note, style) + "\n";
}

}  // namespace wqprof
