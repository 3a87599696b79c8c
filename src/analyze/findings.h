// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_ANALYZE_FINDINGS_H_
#define WQPROF_ANALYZE_FINDINGS_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "analyze/long_waits.h"
#include "analyze/loop_collector.h"
#include "wqprof/report.h"

namespace wqprof {

// The longest execution of one function on per-CPU pools, where it keeps others from running: its
// time on the CPU, or all of it when that is not known.
struct LongExecution {
  std::string workqueue, function, pool;
  Cpu cpu = Cpu::kNone;
  uint64_t item = 0;
  Nanos length{0};
  uint64_t times = 0;  // that it was at least kLongOnCpu
};
// The kernel itself calls a work CPU-intensive from here on (cpu_intensive_thresh_us).
inline constexpr Nanos kLongOnCpu = std::chrono::milliseconds(10);

// Executions of one function that were long enough to keep others waiting, by pool.
using PoolWork = std::map<PoolId, std::vector<Finding::Culprit>>;
inline constexpr Nanos kWorthWaitingFor = std::chrono::microseconds(100);

// The item that waits longest when the trace ends.
struct OldestPending {
  std::string workqueue, function;
  uint64_t item = 0;
  Nanos age{0};
  bool inactive = false;  // not activated
};

// What findings are made of, beside the report.
struct FindingFacts {
  const NameTable& names;
  const Reconstructor& model;
  const LongWaitCollector& waits;
  std::vector<LongExecution> executions;
  PoolWork pool_work;
  OldestPending oldest;
  std::vector<WorkLoop> loops;
};

// What is worth knowing, the worst first: by the wall time in which at least one item waited
// because of it, then by the longest wait.  Finding::id is set.
std::vector<Finding> FindFindings(const Report& report, const FindingFacts& facts);

// Parts of it.
// Stalls of one pool and one cause are one finding; those in a row are one stretch of it.
std::vector<Finding> StallFindings(const Report& report);
std::vector<Finding> ActivationFindings(const Report& report, const FindingFacts& facts);
std::vector<Finding> DispatchFindings(const Report& report, const FindingFacts& facts);
std::vector<Finding> LoopFindings(const Report& report, const FindingFacts& facts);

// Of functions and workqueues for which a task waited as long as for a stall.
std::vector<Finding> FlushFindings(const Report& report);

// Sets share and severity by total and worst.
void Weigh(Finding& finding, Nanos duration);
// Adds to the one of the same function and task, or as a new one.
void AddCulprit(std::vector<Finding::Culprit>& all, const Finding::Culprit& one);
// Sorts culprits and those delayed, and keeps a few.
void Order(Finding& finding);

}  // namespace wqprof

#endif  // WQPROF_ANALYZE_FINDINGS_H_
