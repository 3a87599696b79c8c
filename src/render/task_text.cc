// SPDX-License-Identifier: Apache-2.0
#include "render/task_text.h"

#include <fmt/format.h>

namespace wqprof {

std::optional<int> RealTimePriority(const Task& task) {
  if (PolicyOf(task) != "rt") return std::nullopt;
  return 99 - *task.prio;
}

std::string TaskText(const Task& task) {
  std::string out = task.comm.empty() ? "a task" : task.comm;
  if (task.pid != Pid::kNone) out += fmt::format("[{}]", ToInt(task.pid));
  const std::string_view policy = PolicyOf(task);
  if (const auto priority = RealTimePriority(task)) {
    out += fmt::format(" (rt {})", *priority);
  } else if (policy == "fair") {
    constexpr int kNiceZero = 120;
    const int nice = *task.prio - kNiceZero;
    out += nice == 0 ? " (fair)" : fmt::format(" (fair, nice {})", nice);
  } else if (!policy.empty()) {
    out += fmt::format(" ({})", policy);
  }
  return out;
}

}  // namespace wqprof
