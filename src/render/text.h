// SPDX-License-Identifier: Apache-2.0
// Values and strings as people read them.
#ifndef WQPROF_RENDER_TEXT_H_
#define WQPROF_RENDER_TEXT_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "wqprof/number_text.h"
#include "wqprof/types.h"
#include "wqprof/words.h"

namespace wqprof {

// Seconds as trace-cmd prints stamps: "1234.567890".
std::string StampText(Timestamp at);
// Whether a character could steer a terminal, or turn the direction of the text around: a control
// (C0, DEL, C1) or a mark.  All such are below U+10000.
bool IsMisleading(char32_t code);
// A word of CSV that a spreadsheet would take for a formula, as text: with a ' before it.
std::string NoFormula(std::string word);
// Columns that `text` (escaped, UTF-8) takes on a terminal.
size_t DisplayWidth(std::string_view text);

// Appends `text` (escaped) and a line end.  The last line of `out` is `indent` columns long, as
// further lines will begin; lines end before `columns`, 0: never.
void AppendWrapped(std::string& out, std::string_view text, size_t indent, size_t columns);

// One character of UTF-8 at the front of `text`: its length in bytes and its code point.
// Length 0: no valid character begins there.
struct Utf8Char {
  size_t length;
  char32_t code;
};
Utf8Char DecodeUtf8(std::string_view text);

}  // namespace wqprof

#endif  // WQPROF_RENDER_TEXT_H_
