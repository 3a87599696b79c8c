// SPDX-License-Identifier: Apache-2.0
// What a flight recorder found, in words.
#ifndef WQPROF_RENDER_WATCH_H_
#define WQPROF_RENDER_WATCH_H_

#include <string>

#include "wqprof/watch.h"

namespace wqprof {

// "stall of 112ms that goes on: pool cpu1 starts nothing, 3 items wait; python3[4711] (rt 50) has
// its CPU": one line.  Not escaped.
std::string WatchText(const WatchHit& hit, const WatchCondition& condition);
// The word for it in the name of a file: "stall", "latency".
std::string WatchWord(const WatchCondition& condition);

}  // namespace wqprof

#endif  // WQPROF_RENDER_WATCH_H_
