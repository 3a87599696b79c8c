// SPDX-License-Identifier: Apache-2.0
// What the texts of a recording say of it: one way for files and for live buffers.
#ifndef WQPROF_TRACE_TRACE_FACTS_H_
#define WQPROF_TRACE_TRACE_FACTS_H_

#include <string>
#include <string_view>

#include "trace/page_decoder.h"
#include "wqprof/event_source.h"
#include "wqprof/trace_writer.h"
#include "wqprof/types.h"

namespace wqprof {

// Adds to `info` what `metadata` says: machine, clock, settings and all that follows from them,
// and which events `context` can read.  What a container says of itself (path, format, CPUs,
// buffers) is the caller's.
void AddFacts(const TraceMetadata& metadata, const DecodeContext& context, TraceInfo& info);

// Adds the configuration of workqueues, if the text is one.
void AddConfig(std::string_view workqueues, TraceInfo& info);

// "2026-11-28T14:02:06.131000000Z"; "" of a time that no trace has (before 1970 or after 2262).
std::string WallText(Timestamp at, Nanos wall_offset);

}  // namespace wqprof

#endif  // WQPROF_TRACE_TRACE_FACTS_H_
