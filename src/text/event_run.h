// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TEXT_EVENT_RUN_H_
#define WQPROF_TEXT_EVENT_RUN_H_

#include <vector>

#include "wqprof/event.h"
#include "wqprof/hand_over.h"

namespace wqprof {

// Events of a text, one after the other.
using EventRun = std::vector<Event, UninitializedAllocator<Event>>;

}  // namespace wqprof

#endif  // WQPROF_TEXT_EVENT_RUN_H_
