// SPDX-License-Identifier: Apache-2.0
// Lines of which parts go where there is no room.
#ifndef WQPROF_RENDER_FITTED_H_
#define WQPROF_RENDER_FITTED_H_

#include <cstddef>
#include <string>
#include <vector>

namespace wqprof {

// A part of a line; the one with the largest `drop` goes first where there is no room, 0 stays.
struct LinePart {
  std::string text;
  int drop = 0;
};

// The parts that are not empty with two blanks between them, in `columns`; 0: no limit.
std::string Fitted(std::vector<LinePart> parts, size_t columns);

}  // namespace wqprof

#endif  // WQPROF_RENDER_FITTED_H_
