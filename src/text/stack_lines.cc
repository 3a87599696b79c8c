// SPDX-License-Identifier: Apache-2.0
#include "text/stack_lines.h"

#include <utility>

#include "wqprof/stack_text.h"

namespace wqprof {

void StackLines::NoteLine(const EventHead& head, std::string_view line, const Event* event) {
  const bool stack = (head.event.empty() || head.event == "kernel_stack") &&
                     line.find("<stack trace") != std::string_view::npos;
  open_ = stack && queued_ && queued_->cpu == head.cpu &&
          (queued_->pid == head.pid || queued_->pid == Pid::kNone);
  if (open_) return;
  queued_.reset();
  if (event != nullptr) queued_ = *event;
}

// " => aio_fsync", "=> aio_fsync (ffffffff81234567)", " => aio_fsync+0x10/0x80 [module]".
bool StackLines::Take(std::string_view line) {
  constexpr std::string_view kArrow = "=> ";
  const size_t at = line.find_first_not_of(" \t");
  if (at == std::string_view::npos || !line.substr(at).starts_with(kArrow)) return false;
  if (frames_.size() > kMaxFrames) return true;
  if (frames_.size() == kMaxFrames) {
    frames_.emplace_back(kDeeperFrames);
    return true;
  }
  line.remove_prefix(at + kArrow.size());
  const std::string_view name = line.substr(0, line.find_first_of("+ \t\r<("));
  if (name.empty()) return true;
  std::string& frame = frames_.emplace_back(name);
  if (const size_t module = line.find(" ["); module != std::string_view::npos) {
    frame += line.substr(module, line.find(']', module) + 1 - module);
  }
  return true;
}

std::optional<Event> StackLines::End() {
  open_ = false;
  const std::optional<Event> queued = std::exchange(queued_, std::nullopt);
  std::string text = StackText(frames_);
  frames_.clear();
  if (!queued || text.empty()) return std::nullopt;
  if (!stacks_.contains(text)) {
    if (stacks_.size() < kMaxStacks) {
      stacks_.insert(text);
    } else {
      text = kOtherStacks;
    }
  }
  Event event{};
  event.at = queued->at;
  event.pid = queued->pid;
  event.cpu = queued->cpu;
  event.flags = queued->flags;
  event.kind = EventKind::kQueueStack;
  event.queue_stack = {names_.Intern(text)};
  return event;
}

}  // namespace wqprof
