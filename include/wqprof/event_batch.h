// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_EVENT_BATCH_H_
#define WQPROF_EVENT_BATCH_H_

#include <vector>

#include "wqprof/event.h"
#include "wqprof/stream_copy.h"

namespace wqprof {

// Events, one after the other, that are about to be overwritten by the next ones.
using EventBatch = std::vector<Event, UninitializedAllocator<Event>>;

}  // namespace wqprof

#endif  // WQPROF_EVENT_BATCH_H_
