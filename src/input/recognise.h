// SPDX-License-Identifier: Apache-2.0
// What an input is, from its first bytes.
#ifndef WQPROF_INPUT_RECOGNISE_H_
#define WQPROF_INPUT_RECOGNISE_H_

#include <string>
#include <string_view>

#include "wqprof/text.h"

namespace wqprof {

// As many bytes decide.
inline constexpr size_t kHeadBytes = 64 << 10;

enum class InputForm : uint8_t { kTraceDat, kPerfData, kPerfetto, kBinary, kText };
InputForm FormOf(std::string_view head);

// How the text is packed, and how many bytes of a mark of UTF-8 stand before it.
TextCoding CodingOf(std::string_view head);
inline constexpr std::string_view kUtf8Mark = "\xef\xbb\xbf";

// What a text without events may be, and what to do with such a thing.
struct OtherText {
  std::string_view what;    // "a list of processes"; "" it has no name
  std::string_view advice;  // a command, mostly
};
OtherText NameOf(std::string_view head);

}  // namespace wqprof

#endif  // WQPROF_INPUT_RECOGNISE_H_
