// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_ANALYZE_STALL_CAUSE_H_
#define WQPROF_ANALYZE_STALL_CAUSE_H_

#include "wqprof/model.h"
#include "wqprof/report.h"

namespace wqprof {

// Why a pool started nothing in `gap`, from what its workers did meanwhile (doc/kernel.md §4,
// §5).  kUnknown where the trace does not show it: mostly, without scheduler events.
StallCause CauseOf(const PoolGap& gap, PoolKind pool);

}  // namespace wqprof

#endif  // WQPROF_ANALYZE_STALL_CAUSE_H_
