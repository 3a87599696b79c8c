// SPDX-License-Identifier: Apache-2.0
// How the traced machine's workqueues and pools were set up, as far as the input says.
#ifndef WQPROF_RENDER_CONFIG_TABLES_H_
#define WQPROF_RENDER_CONFIG_TABLES_H_

#include <optional>
#include <string>

#include "wqprof/render.h"
#include "wqprof/workqueue_config.h"

namespace wqprof {

// "workqueues": a row for each.
Table WorkqueueConfigTable(const WorkqueueConfig& config);
// "worker_pools": a row for each.
Table PoolConfigTable(const WorkqueueConfig& config);

// "per-cpu", "unbound", "ordered", "bh"; "" unknown.
std::string KindOf(const WorkqueueSetup& workqueue);
// Flags without their prefix, and without those that KindOf() says: "MEM_RECLAIM HIGHPRI".
std::string FlagWords(const WorkqueueSetup& workqueue);
// "max_active 1, per-CPU", "ordered"; "" unknown.
std::string LimitWords(const WorkqueueSetup& workqueue);
// What an item waits for: "a slot (max_active 1, per-CPU)"; of one unknown (nullptr) "a slot of
// max_active".
std::string SlotWords(const WorkqueueSetup* workqueue);
// "cpu3-hi", "u8", "bh0": as pools are called everywhere.
std::string PoolNameOf(const PoolSetup& pool);
// The pool of that name; nullptr when the configuration has none.
const PoolSetup* FindPool(const WorkqueueConfig& config, std::string_view name);

}  // namespace wqprof

#endif  // WQPROF_RENDER_CONFIG_TABLES_H_
