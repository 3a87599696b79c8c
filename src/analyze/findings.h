// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_ANALYZE_FINDINGS_H_
#define WQPROF_ANALYZE_FINDINGS_H_

#include <string>
#include <vector>

#include "wqprof/report.h"

namespace wqprof {

// The longest execution of one function on per-CPU pools, where it keeps others from running: its
// time on the CPU, or all of it when the trace does not tell.
struct LongExecution {
  std::string workqueue, function, pool;
  Nanos length{0};
  uint64_t times = 0;  // that it was at least kLongOnCpu
};
// The kernel itself calls a work CPU-intensive from here on (cpu_intensive_thresh_us).
inline constexpr Nanos kLongOnCpu = std::chrono::milliseconds(10);

// The item that waits longest when the trace ends.
struct OldestPending {
  std::string workqueue, function;
  Nanos age{0};
  bool inactive = false;  // not activated
};

// The few things most worth knowing, worst first, at most kMaxFindings.
inline constexpr size_t kMaxFindings = 5;
std::vector<Finding> FindFindings(const Report& report,
                                  const std::vector<LongExecution>& long_executions,
                                  const OldestPending& oldest, Nanos threshold);

}  // namespace wqprof

#endif  // WQPROF_ANALYZE_FINDINGS_H_
