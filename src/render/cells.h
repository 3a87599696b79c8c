// SPDX-License-Identifier: Apache-2.0
// Cells from values that may be unknown.
#ifndef WQPROF_RENDER_CELLS_H_
#define WQPROF_RENDER_CELLS_H_

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
inline Cell TimeCell(Timestamp at) { return at == kUnseen ? Cell() : Cell(at); }

}  // namespace wqprof

#endif  // WQPROF_RENDER_CELLS_H_
