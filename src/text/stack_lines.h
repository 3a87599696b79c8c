// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TEXT_STACK_LINES_H_
#define WQPROF_TEXT_STACK_LINES_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "text/event_head.h"
#include "wqprof/event.h"
#include "wqprof/name_table.h"

namespace wqprof {

// The stacks in a text: "<stack trace>" in a line of its own, right behind that of the event, and
// below it a line " => function" a frame.
class StackLines {
 public:
  explicit StackLines(NameTable& names) : names_(names) {}

  // The line of an event, or of another tracer; `event` is null unless it queued a work.
  void NoteLine(const EventHead& head, std::string_view line, const Event* event);
  // Whether lines of frames may come.
  bool open() const { return open_; }
  // A line below; false: it is no frame, and the stack is over.
  bool Take(std::string_view line);
  // The stack that is over; absent when it has no frames.
  std::optional<Event> End();

 private:
  // As many as a hostile text may have; of later ones it is only known that there are others.
  static constexpr size_t kMaxStacks = 1 << 14;
  static constexpr size_t kMaxFrames = 128;

  NameTable& names_;
  std::optional<Event> queued_;  // the last line's, if that was a queue event
  bool open_ = false;
  std::vector<std::string> frames_;
  absl::flat_hash_set<std::string> stacks_;
};

}  // namespace wqprof

#endif  // WQPROF_TEXT_STACK_LINES_H_
