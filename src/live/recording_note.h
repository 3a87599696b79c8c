// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_LIVE_RECORDING_NOTE_H_
#define WQPROF_LIVE_RECORDING_NOTE_H_

#include <string>
#include <vector>

#include "live/event_plan.h"
#include "live/ring_buffer.h"
#include "live/trace_instance.h"
#include "wqprof/live.h"
#include "wqprof/settings.h"

namespace wqprof {

// What readers of a recording are to know of how it was made.
Settings NoteSettings(const std::vector<PlannedEvent>& events, const RecorderOptions& options,
                      const BufferSetup& buffer);

// What is not as it was set up in an instance that still traces, one sentence each: somebody else
// was at it, nobody knows since when.
std::vector<std::string> FindDisturbances(const TraceInstance& instance,
                                          const std::vector<PlannedEvent>& events,
                                          const std::string& trace_clock);

}  // namespace wqprof

#endif  // WQPROF_LIVE_RECORDING_NOTE_H_
