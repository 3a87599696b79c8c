// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_RENDER_INTERVAL_H_
#define WQPROF_RENDER_INTERVAL_H_

#include <string>

#include "wqprof/interval.h"
#include "wqprof/render.h"

namespace wqprof {

// One interval as a row of its table (wqprof.stat/1).  `interval` must outlive it.
Table IntervalTable(const Interval& interval);

// The same for people: a heading, and a line as wide as that.
std::string IntervalHeading();
std::string IntervalLine(const Interval& interval);

}  // namespace wqprof

#endif  // WQPROF_RENDER_INTERVAL_H_
