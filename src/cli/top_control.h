// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_CLI_TOP_CONTROL_H_
#define WQPROF_CLI_TOP_CONTROL_H_

#include <chrono>
#include <cstddef>
#include <string>

#include "cli/keys.h"
#include "wqprof/render_top.h"
#include "wqprof/window.h"

namespace wqprof {

// What keys do to a live view: from a view and a key to the next view.
class TopControl {
 public:
  TopControl() { view_.interactive = true; }

  // `window` and `facts` are what the screen of so many lines shows.
  void Press(const Key& key, const Window& window, const TopFacts& facts, size_t lines);

  const TopView& view() const { return view_; }
  Nanos span() const { return span_; }
  bool quit() const { return quit_; }

 private:
  void Type(const Key& key);
  void PressInStory(const Key& key, size_t lines);
  void PressText(const std::string& text, const Window& window, const TopFacts& facts);
  void Open(TopPage page);
  void Sort(bool forward);
  // Selects the row that is so many below the selected one.
  void Move(std::ptrdiff_t by, const Window& window, const TopFacts& facts);

  TopView view_;
  Nanos span_ = std::chrono::seconds(10);
  bool quit_ = false;
};

}  // namespace wqprof

#endif  // WQPROF_CLI_TOP_CONTROL_H_
