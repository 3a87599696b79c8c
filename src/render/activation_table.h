// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_RENDER_ACTIVATION_TABLE_H_
#define WQPROF_RENDER_ACTIVATION_TABLE_H_

#include "wqprof/render.h"

namespace wqprof {

// Who had the slots of max_active while items waited for one.
Table ActivationTable(const Report& report);

}  // namespace wqprof

#endif  // WQPROF_RENDER_ACTIVATION_TABLE_H_
