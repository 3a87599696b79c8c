// SPDX-License-Identifier: Apache-2.0
// What stands before the event in a line: who, where, when; in each layout that is met.
#ifndef WQPROF_TEXT_EVENT_HEAD_H_
#define WQPROF_TEXT_EVENT_HEAD_H_

#include <cstdint>
#include <string_view>

#include "wqprof/types.h"

namespace wqprof {

// How a stamp is written.
enum class StampForm : uint8_t {
  kNone,
  kMicros,  // "23.246971", "1397917785us", "1774901.100ms": `stamp` is in ns, of whole us
  kNanos,   // "23.246971402": in ns
  kBare,    // "26254": in whatever the clock counts
};

enum class TextLayout : uint8_t { kFtrace, kLatency, kVerbose, kPerfScript, kPerfTrace, kGraph };

// A line taken apart up to its payload.  Views lie in the line.
struct EventHead {
  std::string_view comm;   // "" the line lacks it; may be cut
  std::string_view event;  // without its system; "" something else, as of the function tracer
  std::string_view payload;
  int64_t stamp = 0;
  Pid pid = Pid::kNone;
  Cpu cpu = Cpu::kNone;
  TextLayout layout = TextLayout::kFtrace;
  StampForm form = StampForm::kNone;
  bool has_flags = false;
  uint8_t flags = 0;  // of common_flags those that Event::flags knows
};

// What a line is.
enum class HeadResult : uint8_t {
  kNone,     // no line of a trace
  kPartial,  // it ends within the head, or within the event's name
  kWhole,
};

// Which column of the flags is the context; 0: the number of columns decides.
struct FlagColumns {
  uint8_t context = 0;
};

// Reads the head of `line`, trying `likely` first.
HeadResult ReadHead(std::string_view line, const FlagColumns& columns, TextLayout likely,
                    EventHead& head);

// Whether the text is one of the events that are read, so that it may stand without a stamp.
bool IsKnownEvent(std::string_view name);

}  // namespace wqprof

#endif  // WQPROF_TEXT_EVENT_HEAD_H_
