// SPDX-License-Identifier: Apache-2.0
// The words and values of results, for those who put them on a page of their own.
#ifndef WQPROF_WORDS_H_
#define WQPROF_WORDS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wqprof/render.h"

namespace wqprof {

// `text` with everything that could steer a terminal or mislead the eye written as \x1b:
// control bytes, bytes that are no UTF-8, direction overrides.  With `ascii`, all that is not
// ASCII is written so.
std::string Escaped(std::string_view text, bool ascii = false);
// `text` in at most `width` columns (>= 1), its middle replaced by an ellipsis: both the
// begin and the end of a function's name say something.
std::string Shortened(std::string_view text, size_t width, bool utf8);
// Since `begin`: "+1.234567s".
std::string SinceText(Timestamp begin, Timestamp at);
// A cell as tables of text show it where there is room; escaped.
std::string CellText(const Cell& cell, const TextStyle& style);

// A finding in words.  Not escaped; what is not known is "".
struct FindingWords {
  std::string text;                 // what happened, and how bad it was
  std::string because;              // who or what made items wait
  std::string delayed;              // what waited
  std::vector<std::string> stacks;  // where those who held it stood, taken while it went on
  std::vector<std::string> tries;
  std::string next;  // the command that shows more
};
FindingWords WordsOf(const Finding& finding, const Report& report, const Invocation& by);
// What was looked for, as far as the recording allows it: "stalls of 10.0ms or more, ...".
std::string LookedFor(const Report& report);
// That nothing stands out is an answer too, if there was something to look at.  Not escaped.
std::string NothingText(const Report& report);

// The command that shows more of a stall.  A box that goes on has no stall with that number: it
// has to be recorded.
std::string StallCommand(uint64_t id, const Invocation& by);

// A row for each item: first seen, latency, wait for activation, execution, state, CPU, pool,
// worker, who queued it, workqueue, function.  `source` has been read to its end.
Table ItemRows(std::span<const WorkItem> items, const EventSource& source,
               const Reconstructor& model);

}  // namespace wqprof

#endif  // WQPROF_WORDS_H_
