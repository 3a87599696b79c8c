// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_LIVE_WALL_CLOCK_H_
#define WQPROF_LIVE_WALL_CLOCK_H_

#include <string>

#include "live/ring_buffer.h"
#include "wqprof/settings.h"

namespace wqprof {

// Notes what the trace clock `clock`, the wall clock and the clock that counts since boot show at
// one instant (trace_stamp, wall_ns, boot_ns), and which boot it is (boot_id), so that stamps can
// be laid beside a log or a trace of another tool.
void NoteClocks(const std::string& clock, CpuBuffer& buffer, Settings& settings);

}  // namespace wqprof

#endif  // WQPROF_LIVE_WALL_CLOCK_H_
