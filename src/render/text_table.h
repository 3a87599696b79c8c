// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_RENDER_TEXT_TABLE_H_
#define WQPROF_RENDER_TEXT_TABLE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "wqprof/render.h"

namespace wqprof {

// Writes the rows of one text table, with widths fixed by the first call, so that a long list
// can be written in portions.
class TextTableWriter {
 public:
  explicit TextTableWriter(TextStyle style) : style_(style) {}
  // The first call puts the headings before the rows.
  void Append(std::string& out, const Table& table);

 private:
  struct Slot {
    size_t column;
    size_t width;
    bool right;
    bool starred;
  };
  void Fit(const Table& table);
  TextStyle style_;
  std::vector<Slot> slots_;
  size_t gap_ = 2;
  bool begun_ = false;
};

}  // namespace wqprof

#endif  // WQPROF_RENDER_TEXT_TABLE_H_
