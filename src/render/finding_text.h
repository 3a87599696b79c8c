// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_RENDER_FINDING_TEXT_H_
#define WQPROF_RENDER_FINDING_TEXT_H_

#include "wqprof/render.h"
#include "wqprof/words.h"

namespace wqprof {

Table FindingTable(const Report& report, const Invocation& by);

}  // namespace wqprof

#endif  // WQPROF_RENDER_FINDING_TEXT_H_
