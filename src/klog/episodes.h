// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_KLOG_EPISODES_H_
#define WQPROF_KLOG_EPISODES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "klog/dump.h"
#include "klog/tasks.h"
#include "klog/wall_time.h"
#include "wqprof/kernel_log.h"

namespace wqprof::klog {

// Makes episodes of the watchdog's complaints, and joins the dumps that follow them.
class Episodes {
 public:
  // A complaint.  The index of its episode in `log.lockups`; nothing when there is no room.
  std::optional<size_t> Add(const LockupRecord& record, uint32_t boot, std::optional<Nanos> stamp,
                            const std::optional<WallTime>& wall, KernelLog& log);
  // What `dump` says about the pool that was stuck.
  static void Join(const Dump& dump, const TaskFacts& facts, Lockup& lockup);
  void Clear() { recent_.clear(); }

 private:
  struct Recent {
    size_t index;
    std::optional<WallTime> begin;
    std::optional<Nanos> reported;
  };
  static bool Continues(const Recent& recent, const Lockup& lockup, const LockupRecord& record,
                        std::optional<Nanos> stamp, const std::optional<WallTime>& begin);
  // By what the line says about a pool: its last episodes.
  absl::flat_hash_map<std::string, std::vector<Recent>> recent_;
};

// Adds what is known of the tasks that execute them.
void AddFacts(const TaskFacts& facts, std::optional<Nanos> at,
              std::vector<LoggedExecution>& in_flight);

// Why the pool starts nothing.  `none_runs`: the kernel looked for running workers of the pool, and
// there were none.
StallCause CauseOf(const Lockup& lockup, bool none_runs);

}  // namespace wqprof::klog

#endif  // WQPROF_KLOG_EPISODES_H_
