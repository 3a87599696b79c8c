// SPDX-License-Identifier: Apache-2.0
// The screen of a live view, as lines of text.
#ifndef WQPROF_RENDER_TOP_H_
#define WQPROF_RENDER_TOP_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wqprof/render.h"
#include "wqprof/report.h"
#include "wqprof/window.h"

namespace wqprof {

// Which rows are shown.
enum class TopPage : uint8_t { kFunctions, kPools, kWorkers, kStalls };
inline constexpr size_t kTopPages = 4;

// What the user chose to see.
struct TopView {
  TopPage page = TopPage::kFunctions;
  std::array<size_t, kTopPages> sort{};  // place in TopSortKeys(), by page
  std::string filter;                    // a part of the names of rows; "": all
  std::string selected;                  // key of a row; "": the first
  bool story = false;                    // of the selected row, instead of the rows
  bool help = false;
  bool typing = false;  // the filter is being written
  bool paused = false;
  bool interactive = false;  // there are keys to press, and a selected row
  size_t scrolled = 0;       // lines of a story that are above the screen
};

// What is shown beside the window.
struct TopFacts {
  Report about;              // of the recording: its facts alone
  double own_cpu = 0;        // share of one CPU that this process took of late
  std::string filters = {};  // what was left out on request, in words
  bool utc = false;
};

// The columns by which a page can be sorted; the first one is what it starts with.
std::vector<std::string_view> TopSortKeys(TopPage page);
// The keys of the rows of the page, in the order in which they are shown.
std::vector<std::string> TopRows(const Window& window, const TopFacts& facts, const TopView& view);
// All of the screen: `lines` of them, or as many as there are if that is 0.  Each is at most
// `style.columns` wide.
std::vector<std::string> TopLines(const Window& window, const TopFacts& facts, const TopView& view,
                                  size_t lines, const TextStyle& style);

}  // namespace wqprof

#endif  // WQPROF_RENDER_TOP_H_
