// SPDX-License-Identifier: Apache-2.0
// Text of HTML from values.  What comes from a trace goes through these, and nowhere else.
#ifndef WQPROF_PAGE_HTML_H_
#define WQPROF_PAGE_HTML_H_

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "wqprof/render.h"

namespace wqprof {

// Text of ours as the text or the quoted attribute of an element.
std::string Html(std::string_view text);
// The same of a text that a trace may have a part in: nothing in it misleads the eye, and it is
// not longer than `width` columns.
inline constexpr size_t kNameWidth = 96, kPathWidth = 300, kSentenceWidth = 600;
std::string HtmlName(std::string_view name, size_t width = kNameWidth);
// Lines of text that render has escaped already; at most `most` bytes of HTML and a word of the
// rest.
std::string HtmlLines(std::string_view text, size_t most);

// A column of a table on a page.
struct PageColumn {
  std::string_view key;  // of the Table's column
  std::string_view heading;
  std::string_view about = {};  // a sentence, shown on demand
  int drop = 0;                 // where the page is narrow: 3 goes first, 1 last; 0 stays
  bool path = false;            // of calls: broken into lines where it is long
};

// How a Table becomes one of HTML.
struct PageTable {
  std::string_view id, caption;
  std::span<const PageColumn> columns;  // what the Table lacks is left out
  size_t max_bytes = 0, max_rows = 0;
  size_t name_column = 0;      // of `columns`: the heading of its row
  Timestamp begin = kUnseen;   // stamps are shown as the time since then
  std::string_view rows = {};  // one of them is a "limit": it can be filtered as such
  // A column of pictures at the end; none without a heading.
  std::string_view picture = {};
  std::function<std::string(size_t row)> draw = {};
  // Attributes of a row, with a blank before each; text of a further row below it.  May be empty.
  std::function<std::string(size_t row)> attributes = {}, below = {};
  bool below_shown = false;  // always, not only where a click asks for it
};

// Appends the rows that fit, a column where any row has something; returns their number.
size_t AppendPageTable(std::string& out, const Table& table, const PageTable& how);

// "The 15 longest of 51 are shown." below a list; "" when nothing is left out.
std::string LeftOutNote(size_t shown, uint64_t all, std::string_view what);

}  // namespace wqprof

#endif  // WQPROF_PAGE_HTML_H_
