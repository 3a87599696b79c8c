// SPDX-License-Identifier: Apache-2.0
// The pieces that trace.dat, v6 and v7, and perf.data have in common (doc/trace-dat.md §1.2).  Each
// function takes its piece off the front of `in`; false: it is cut short.
#ifndef WQPROF_TRACE_TRACE_TEXTS_H_
#define WQPROF_TRACE_TRACE_TEXTS_H_

#include <cstdint>
#include <string>
#include <utility>

#include "wqprof/trace_writer.h"

namespace wqprof {

template <typename Cursor>
bool TakeHeaderInfo(Cursor& in, TraceMetadata& out) {
  in.CString();  // "header_page"
  out.header_page = std::string(in.Bytes(in.U64()));
  in.CString();  // "header_event"
  in.Bytes(in.U64());
  return in.ok();
}

// ftrace's own events: of these only stacks are of use.
template <typename Cursor>
bool TakeFtraceFormats(Cursor& in, TraceMetadata& out) {
  const uint32_t count = in.U32();
  for (uint32_t i = 0; i < count && in.ok(); ++i) {
    std::string text(in.Bytes(in.U64()));
    if (in.ok() && text.starts_with("name: kernel_stack\n")) out.stack_format = std::move(text);
  }
  return in.ok();
}

// Also false when there are more formats than any kernel has.
template <typename Cursor>
bool TakeEventFormats(Cursor& in, TraceMetadata& out) {
  constexpr size_t kMost = 100000;
  const uint32_t systems = in.U32();
  for (uint32_t s = 0; s < systems && in.ok(); ++s) {
    const std::string system(in.CString());
    const uint32_t count = in.U32();
    for (uint32_t i = 0; i < count && in.ok(); ++i) {
      std::string text(in.Bytes(in.U64()));
      if (!in.ok()) break;
      if (out.event_formats.size() >= kMost) return false;
      out.event_formats.emplace_back(system, std::move(text));
    }
  }
  return in.ok();
}

}  // namespace wqprof

#endif  // WQPROF_TRACE_TRACE_TEXTS_H_
