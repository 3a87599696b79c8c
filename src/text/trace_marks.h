// SPDX-License-Identifier: Apache-2.0
// Lines about the trace, not about an event: headers, lost events.
#ifndef WQPROF_TEXT_TRACE_MARKS_H_
#define WQPROF_TEXT_TRACE_MARKS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "text/event_head.h"
#include "wqprof/types.h"

namespace wqprof {

// "CPU:1 [LOST 5512 EVENTS]" and its like.
struct LossMark {
  Cpu cpu = Cpu::kNone;  // kNone: perf does not name it
  std::optional<uint64_t> count;
};
std::optional<LossMark> ReadLossMark(std::string_view line);

// What headers say.
struct TraceHeader {
  bool seen = false;  // any line of a header was
  std::optional<uint64_t> entries, written;
  int cpus = 0;  // 0: not known
  std::string tracer, kernel;
  FlagColumns columns;
  bool raw = false;  // "# ... raw"
};

// Takes what `line` says, if it is of a header.  Returns whether it is.
class HeaderReader {
 public:
  bool Read(std::string_view line, TraceHeader& header);

 private:
  uint8_t columns_ = 0;  // of flags, named so far
};

}  // namespace wqprof

#endif  // WQPROF_TEXT_TRACE_MARKS_H_
