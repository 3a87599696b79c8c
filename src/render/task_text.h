// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_RENDER_TASK_TEXT_H_
#define WQPROF_RENDER_TASK_TEXT_H_

#include <optional>
#include <string>

#include "wqprof/report.h"

namespace wqprof {

// "python3[4711] (rt 50)", "cc1plus[812] (fair, nice 5)": the task with its class and its priority
// as chrt and nice show them, as far as the trace has them.  Not escaped.
std::string TaskText(const Task& task);
// The priority of its class as chrt shows it: 1 to 99 of a real-time task, else absent.
std::optional<int> RealTimePriority(const Task& task);

}  // namespace wqprof

#endif  // WQPROF_RENDER_TASK_TEXT_H_
