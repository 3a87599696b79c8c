// SPDX-License-Identifier: Apache-2.0
// Pieces of an event's head, and the layouts that are rare.
#ifndef WQPROF_TEXT_EVENT_HEAD_PARTS_H_
#define WQPROF_TEXT_EVENT_HEAD_PARTS_H_

#include <cstdint>
#include <string_view>

#include "text/event_head.h"
#include "text/scan.h"

namespace wqprof {

// Longer than any stamp of a kernel, short enough for all sums.
inline constexpr int64_t kMostStampSeconds = int64_t{1} << 33;

// "23.246971", "26254"; what comes behind is for the caller to look at.  A whole one is `unit` ns.
bool TakeStamp(Scanner& scan, int64_t unit, EventHead& head);
// "name: payload", "system:name: payload".  `partial`: the line ends in it.
bool TakeEvent(Scanner& scan, EventHead& head, bool& has_system, bool& partial);

// "comm pid cpu flags preempt idx [hex] 1774901.100ms (+0.001ms): event: ...", flags in decimal.
HeadResult ReadVerbose(std::string_view line, EventHead& head);
// "     0.315 kworker/u8:3-e/20586 workqueue:workqueue_execute_start(work: 0x..., ...)".
HeadResult ReadPerfTrace(std::string_view line, EventHead& head);
// " 700.000012 |   1)   sh-326     |   |    /* workqueue_queue_work: ... */".
HeadResult ReadGraph(std::string_view line, EventHead& head);

}  // namespace wqprof

#endif  // WQPROF_TEXT_EVENT_HEAD_PARTS_H_
