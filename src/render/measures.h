// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_RENDER_MEASURES_H_
#define WQPROF_RENDER_MEASURES_H_

#include <span>

#include "wqprof/columns.h"
#include "wqprof/render.h"

namespace wqprof {

// The columns that every table of items has: counts, the measures of kMeasures, and what text
// shows of them.  `all` are the measures of the rows to come, which have one scale for the picture
// of their latencies.  Cells point into the measures.
Columns<Measures> MeasureColumns(std::span<const Measures* const> all);

// A column for machines for each of kMeasures.  `timers`: whether any row has one of timers, which
// are left out otherwise.
Columns<Measures> DurationColumns(bool timers);

}  // namespace wqprof

#endif  // WQPROF_RENDER_MEASURES_H_
