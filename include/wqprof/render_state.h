// SPDX-License-Identifier: Apache-2.0
// What pools execute and what waits on them, as text, JSON and CSV.
#ifndef WQPROF_RENDER_STATE_H_
#define WQPROF_RENDER_STATE_H_

#include <string>
#include <vector>

#include "wqprof/render.h"
#include "wqprof/workqueue_state.h"

namespace wqprof {

// "source", "pools", "workers", "waiting" (schema wqprof.state/1): those pools first that do not
// get on.
std::vector<Table> StateTables(const WorkqueueState& state);

// What of a look is shown.
struct StateView {
  size_t top = 10;  // works and workers of each pool, in text; 0: all
  bool utc = false;
};
// In CSV the pools alone.
std::string RenderState(const WorkqueueState& state, Format format, const StateView& view,
                        const TextStyle& style);
// What the look lacks, a line each.
std::vector<std::string> StateNotes(const WorkqueueState& state);

}  // namespace wqprof

#endif  // WQPROF_RENDER_STATE_H_
