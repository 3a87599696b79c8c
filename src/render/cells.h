// SPDX-License-Identifier: Apache-2.0
// Cells from values that may be unknown.
#ifndef WQPROF_RENDER_CELLS_H_
#define WQPROF_RENDER_CELLS_H_

#include <cmath>
#include <optional>
#include <string>
#include <string_view>

#include "wqprof/render.h"

namespace wqprof {

template <class T>
Cell OptionalCell(const std::optional<T>& value) {
  return value ? Cell(*value) : Cell();
}
inline Cell WordCell(std::string_view word) {
  return word.empty() ? Cell() : Cell(std::string(word));
}
inline Cell CpuCell(Cpu cpu) { return cpu == Cpu::kNone ? Cell() : Cell(Id{ToInt(cpu)}); }
inline Cell PidCell(Pid pid) { return pid == Pid::kNone ? Cell() : Cell(Id{ToInt(pid)}); }
// {"comm", "pid", "policy", "prio"} in JSON only.
inline Cell TaskCell(const std::optional<Task>& task) {
  if (!task) return {};
  Table record{.key = "task", .title = "", .record = true};
  record.columns = {{"comm", ""}, {"pid", ""}, {"policy", ""}, {"prio", ""}};
  record.rows = {{WordCell(task->comm), PidCell(task->pid), WordCell(PolicyOf(*task)),
                  task->prio ? Cell(Id{*task->prio}) : Cell()}};
  return std::vector<Table>{std::move(record)};
}
// NaN: not known.
inline Cell MeanCell(double mean) { return std::isnan(mean) ? Cell() : Cell(mean); }
inline Cell BarCell(double fraction) {
  return std::isnan(fraction) ? Cell() : Cell(Share{fraction, true});
}
// Ticks of a clock that does not count nanoseconds are no times.
inline Cell SpanCell(const TraceInfo& info, Nanos span) {
  return info.clock_is_ns ? Cell(span) : Cell();
}
inline Cell StampCell(const TraceInfo& info, Timestamp at) {
  return info.clock_is_ns && at != kUnseen ? Cell(at) : Cell();
}
inline Cell TimeCell(Timestamp at) { return at == kUnseen ? Cell() : Cell(at); }

}  // namespace wqprof

#endif  // WQPROF_RENDER_CELLS_H_
