// SPDX-License-Identifier: Apache-2.0
#include "cli/top_control.h"

#include <algorithm>
#include <vector>

namespace wqprof {
namespace {

constexpr std::ptrdiff_t kFar = 1 << 20;
constexpr size_t kLongestFilter = 64;  // bytes

// Takes the last character of UTF-8 off.
void DropCharacter(std::string& text) {
  while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xc0) == 0x80) text.pop_back();
  if (!text.empty()) text.pop_back();
}

}  // namespace

void TopControl::Press(const Key& key, const Window& window, const TopFacts& facts, size_t lines) {
  if (view_.typing) return Type(key);
  if (key.kind == Key::Kind::kText && key.text == "q") {
    quit_ = true;
    return;
  }
  if (view_.story || view_.help) return PressInStory(key, lines);
  const auto page = static_cast<std::ptrdiff_t>(lines > 6 ? lines - 6 : 1);
  switch (key.kind) {
    case Key::Kind::kText:
      return PressText(key.text, window, facts);
    case Key::Kind::kEnter:
      if (view_.selected.empty()) Move(0, window, facts);
      view_.story = !view_.selected.empty();
      view_.scrolled = 0;
      return;
    case Key::Kind::kEscape:
      view_.filter.clear();
      return;
    case Key::Kind::kTab:
      return Open(static_cast<TopPage>((static_cast<size_t>(view_.page) + 1) % kTopPages));
    case Key::Kind::kBackTab:
      return Open(
          static_cast<TopPage>((static_cast<size_t>(view_.page) + kTopPages - 1) % kTopPages));
    case Key::Kind::kUp:
      return Move(-1, window, facts);
    case Key::Kind::kDown:
      return Move(1, window, facts);
    case Key::Kind::kPageUp:
      return Move(-page, window, facts);
    case Key::Kind::kPageDown:
      return Move(page, window, facts);
    case Key::Kind::kHome:
      return Move(-kFar, window, facts);
    case Key::Kind::kEnd:
      return Move(kFar, window, facts);
    case Key::Kind::kBackspace:
    case Key::Kind::kOther:
      return;
  }
}

void TopControl::PressText(const std::string& text, const Window& window, const TopFacts& facts) {
  if (text == "f") return Open(TopPage::kFunctions);
  if (text == "p") return Open(TopPage::kPools);
  if (text == "w") return Open(TopPage::kWorkers);
  if (text == "l") return Open(TopPage::kStalls);
  if (text == "s") return Sort(true);
  if (text == "S") return Sort(false);
  if (text == "k") return Move(-1, window, facts);
  if (text == "j") return Move(1, window, facts);
  if (text == " ") view_.paused = !view_.paused;
  if (text == "?" || text == "h") {
    view_.help = true;
    view_.scrolled = 0;
  }
  if (text == "/") {
    view_.typing = true;
    view_.filter.clear();
  }
  if (text == "t") {
    constexpr Nanos kShort = std::chrono::seconds(10), kLong = std::chrono::seconds(60);
    span_ = span_ == kShort ? kLong : kShort;
  }
}

void TopControl::PressInStory(const Key& key, size_t lines) {
  const size_t page = lines > 4 ? lines - 4 : 1;
  const bool down = key.kind == Key::Kind::kDown || key.text == "j";
  const bool up = key.kind == Key::Kind::kUp || key.text == "k";
  if (down || key.kind == Key::Kind::kPageDown) {
    view_.scrolled = std::min<size_t>(view_.scrolled + (down ? 1 : page), kFar);
  } else if (up || key.kind == Key::Kind::kPageUp) {
    view_.scrolled -= std::min(view_.scrolled, up ? 1 : page);
  } else if (key.kind == Key::Kind::kHome) {
    view_.scrolled = 0;
  } else if (key.text == " ") {
    view_.paused = !view_.paused;
  } else if (key.kind == Key::Kind::kEscape || key.kind == Key::Kind::kEnter ||
             key.kind == Key::Kind::kBackspace || key.text == "?") {
    view_.story = view_.help = false;
  }
}

void TopControl::Type(const Key& key) {
  switch (key.kind) {
    case Key::Kind::kText:
      if (view_.filter.size() + key.text.size() <= kLongestFilter) view_.filter += key.text;
      return;
    case Key::Kind::kBackspace:
      return DropCharacter(view_.filter);
    case Key::Kind::kEscape:
      view_.filter.clear();
      [[fallthrough]];
    case Key::Kind::kEnter:
      view_.typing = false;
      view_.selected.clear();
      return;
    default:
      return;
  }
}

void TopControl::Open(TopPage page) {
  if (page == view_.page) return;
  view_.page = page;
  view_.selected.clear();
  view_.filter.clear();
}

void TopControl::Sort(bool forward) {
  const size_t count = TopSortKeys(view_.page).size();
  size_t& sort = view_.sort[static_cast<size_t>(view_.page)];
  sort = (sort + (forward ? 1 : count - 1)) % count;
}

void TopControl::Move(std::ptrdiff_t by, const Window& window, const TopFacts& facts) {
  const std::vector<std::string> rows = TopRows(window, facts, view_);
  if (rows.empty()) {
    view_.selected.clear();
    return;
  }
  // A row that is gone is taken for the first one, as on the screen.
  const auto it = std::find(rows.begin(), rows.end(), view_.selected);
  const std::ptrdiff_t from = it == rows.end() ? 0 : it - rows.begin();
  const auto last = static_cast<std::ptrdiff_t>(rows.size()) - 1;
  view_.selected = rows[static_cast<size_t>(std::clamp<std::ptrdiff_t>(from + by, 0, last))];
}

}  // namespace wqprof
