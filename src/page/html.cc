// SPDX-License-Identifier: Apache-2.0
#include "page/html.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <variant>
#include <vector>

#include "wqprof/number_text.h"
#include "wqprof/words.h"

namespace wqprof {
namespace {

// A value by which rows are ordered; "" where the text itself is.
struct KeyOf {
  std::string operator()(uint64_t value) const { return fmt::format("{}", value); }
  std::string operator()(Id id) const { return fmt::format("{}", id.value); }
  std::string operator()(double value) const { return fmt::format("{:.6g}", value); }
  std::string operator()(Nanos value) const { return fmt::format("{}", value.count()); }
  std::string operator()(Timestamp at) const {
    return fmt::format("{}", at.time_since_epoch().count());
  }
  std::string operator()(const Estimate& e) const { return fmt::format("{}", e.value.count()); }
  std::string operator()(Share share) const { return fmt::format("{:.6g}", share.fraction); }
  template <class T>
  std::string operator()(const T&) const {
    return "";
  }
};
std::string SortKey(const Cell& cell) { return std::visit(KeyOf{}, cell); }

bool IsEmpty(const Cell& cell) { return std::holds_alternative<std::monostate>(cell); }

// Heights of a distribution, drawn by their square roots so that little is seen, too.
std::string SparkHtml(const Spark& spark) {
  constexpr double kHeight = 16;
  const uint64_t most = spark.bins.empty() ? 0 : std::ranges::max(spark.bins);
  if (most == 0) return "";
  std::string path;
  for (size_t i = 0; i < spark.bins.size(); ++i) {
    if (spark.bins[i] == 0) continue;
    const double part = static_cast<double>(spark.bins[i]) / static_cast<double>(most);
    const double height = std::max(1.0, std::round(std::sqrt(part) * kHeight * 10) / 10);
    path += fmt::format("M{} 16v-{:.3g}h3v{:.3g}z", i * 4, height, height);
  }
  return fmt::format(
      "<svg class=\"spark\" viewBox=\"0 0 {} 16\" aria-hidden=\"true\"><path d=\"{}\"/></svg>",
      spark.bins.size() * 4, path);
}

std::string ShareHtml(Share share) {
  const double percent = std::clamp(share.fraction, 0.0, 1.0) * 100;
  return fmt::format(
      "<svg class=\"bar\" viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
      "<rect class=\"rail\" width=\"100\" height=\"8\"/><rect width=\"{:.4g}\" "
      "height=\"8\"/></svg> {}",
      percent > 0 ? std::max(2.0, percent) : 0.0, Html(PercentText(share.fraction)));
}

std::string CellHtml(const Cell& cell, Timestamp begin, bool path) {
  const auto* const at = std::get_if<Timestamp>(&cell);
  if (at != nullptr && begin != kUnseen) return Html(SinceText(begin, *at));
  if (const auto* const share = std::get_if<Share>(&cell)) return ShareHtml(*share);
  if (const auto* const spark = std::get_if<Spark>(&cell)) return SparkHtml(*spark);
  if (const auto* const text = std::get_if<std::string>(&cell)) {
    return HtmlName(*text, path ? kPathWidth : kNameWidth);
  }
  if (const auto* const estimate = std::get_if<Estimate>(&cell)) {
    const std::string star =
        estimate->few_samples ? "<abbr title=\"too few items for this percentile\">*</abbr>" : "";
    return fmt::format("{}{}{}", estimate->at_least ? "&gt;" : "",
                       Html(DurationText(estimate->value)), star);
  }
  return Html(CellText(cell, {.utf8 = true}));
}

// A column of the page and where its cells are.
struct Placed {
  const PageColumn* column;
  size_t at;
  bool number;
};

std::vector<Placed> PlacedColumns(const Table& table, const PageTable& how) {
  std::vector<Placed> out;
  for (const PageColumn& column : how.columns) {
    const auto it = std::ranges::find(table.columns, column.key, &Column::key);
    if (it == table.columns.end()) continue;
    const auto at = static_cast<size_t>(it - table.columns.begin());
    bool any = false, number = false;
    for (const auto& row : table.rows) {
      any |= !IsEmpty(row[at]);
      number |= !SortKey(row[at]).empty();
    }
    if (any) out.push_back({&column, at, number});
  }
  return out;
}

// Classes of its cells: a number, one that may be left out, a verdict.
std::string ClassOf(const Placed& placed) {
  std::string out;
  const auto add = [&out](const std::string& name) { out += (out.empty() ? "" : " ") + name; };
  if (placed.number) add("n");
  if (placed.column->drop > 0) add(fmt::format("d{}", placed.column->drop));
  if (placed.column->key == "verdict") add("v");
  if (placed.column->path) add("path");
  return out.empty() ? "" : fmt::format(" class=\"{}\"", out);
}

std::string RowHtml(const std::vector<Cell>& row, const std::vector<Placed>& placed,
                    const PageTable& how) {
  std::string out;
  const std::string_view name_key =
      how.name_column < how.columns.size() ? how.columns[how.name_column].key : "";
  for (const Placed& place : placed) {
    const Cell& cell = row[place.at];
    const std::string key = SortKey(cell);
    const bool names = place.column->key == name_key;
    out += fmt::format("<{}{}{}>{}</{}>", names ? "th scope=\"row\"" : "td", ClassOf(place),
                       key.empty() ? "" : fmt::format(" data-v=\"{}\"", key),
                       CellHtml(cell, how.begin, place.column->path), names ? "th" : "td");
  }
  return out;
}

}  // namespace

std::string Html(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string HtmlName(std::string_view name, size_t width) {
  // What is cut away in the end need not be looked at: a name may be as long as a file.
  constexpr size_t kMost = 1 << 14;
  return Html(Shortened(Escaped(name.substr(0, kMost)), width, true));
}

std::string HtmlLines(std::string_view text, size_t most) {
  constexpr size_t kLongestCharacter = 4;
  const std::string html = Html(text.substr(0, most + kLongestCharacter));
  if (html.size() <= most) return html;
  // Neither in the middle of a character nor of an entity.
  size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(html[end]) & 0xc0) == 0x80) --end;
  const size_t entity = html.rfind('&', end);
  if (entity < end && html.find(';', entity) >= end) end = entity;
  return html.substr(0, end) + "\n... (the rest is left out)";
}

size_t AppendPageTable(std::string& out, const Table& table, const PageTable& how) {
  const std::vector<Placed> placed = PlacedColumns(table, how);
  const size_t from = out.size();
  out += fmt::format(
      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{}\">\n<table "
      "id=\"{}\"{}><caption>{}</caption>\n<thead><tr>",
      Html(how.caption), how.id, how.rows.empty() ? "" : fmt::format(" data-sort=\"{}\"", how.rows),
      Html(how.caption));
  for (const Placed& place : placed) {
    const std::string about =
        place.column->about.empty() ? "" : fmt::format(" title=\"{}\"", Html(place.column->about));
    out += fmt::format("<th scope=\"col\"{}{} data-k=\"{}\">{}</th>", ClassOf(place), about,
                       place.column->key,
                       Html(place.column->heading.empty() ? table.columns[place.at].heading
                                                          : place.column->heading));
  }
  if (!how.picture.empty()) out += fmt::format("<th scope=\"col\">{}</th>", Html(how.picture));
  out += "</tr></thead>\n<tbody>\n";
  size_t rows = 0;
  for (; rows < std::min(table.rows.size(), how.max_rows); ++rows) {
    std::string row =
        fmt::format("<tr{}>{}</tr>\n", how.attributes ? how.attributes(rows) : "",
                    RowHtml(table.rows[rows], placed, how) +
                        (how.picture.empty() ? "" : "<td>" + how.draw(rows) + "</td>"));
    const std::string below = how.below ? how.below(rows) : "";
    if (!below.empty()) {
      row += fmt::format(
          "<tr class=\"below{}\"><td colspan=\"{}\"><div class=\"inside\">{}</div></td></tr>\n",
          how.below_shown ? " shown" : "", placed.size() + (how.picture.empty() ? 0 : 1), below);
    }
    if (out.size() - from + row.size() > how.max_bytes) break;
    out += row;
  }
  out += "</tbody></table></div>\n";
  return rows;
}

std::string LeftOutNote(size_t shown, uint64_t all, std::string_view what) {
  if (shown >= all) return "";
  return fmt::format("<p class=\"note\">{} of {} {} are on this page.</p>\n", CountText(shown),
                     CountText(all), what);
}

}  // namespace wqprof
