// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TRACE_EVENT_BATCH_H_
#define WQPROF_TRACE_EVENT_BATCH_H_

#include <vector>

#include "wqprof/event.h"
#include "wqprof/hand_over.h"

namespace wqprof {

// Decoded events of one CPU.
using EventBatch = std::vector<Event, UninitializedAllocator<Event>>;

}  // namespace wqprof

#endif  // WQPROF_TRACE_EVENT_BATCH_H_
