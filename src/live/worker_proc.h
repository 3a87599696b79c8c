// SPDX-License-Identifier: Apache-2.0
// What /proc knows of workers.
#ifndef WQPROF_LIVE_WORKER_PROC_H_
#define WQPROF_LIVE_WORKER_PROC_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wqprof/workqueue_state.h"

namespace wqprof {

// A worker by what /proc/PID/comm says: "kworker/0:1H+kblockd", "kworker/R-xfs_mru".
struct WorkerName {
  std::string comm;        // "kworker/0:1H"
  std::optional<int> cpu;  // absent: unbound, or a rescuer
  std::optional<int> pool;
  bool highpri = false, rescuer = false;
  bool executes = false;    // else it did so before
  std::string description;  // behind the '+' or '-'
};
// Absent: it is no worker.
std::optional<WorkerName> ParseWorkerName(std::string_view proc_comm);

// Functions of /proc/PID/stack, the innermost first, without their offsets.
std::vector<std::string> ParseStack(std::string_view text);
// What that file says of a task.  Of one that has a CPU it says nothing, or what was before.
struct ProcStack {
  std::vector<std::string> frames;
  std::string why_not;  // it cannot be read; in a clause
};
ProcStack ReadProcStack(Pid task);

// What /proc/PID/stat says of it: whether one has its CPU is not shown there.
struct ProcTask {
  TaskDoes does = TaskDoes::kUnknown;  // kUnknown: it is gone
  Cpu cpu = Cpu::kNone;                // on which it is, or was last
};
ProcTask ReadProcTask(Pid task);

// Fills in what else is known of a look.  Stacks: of workers that are not on a CPU, where they may
// be read; that of one that goes on meanwhile is left out.
void AddFunctionNames(WorkqueueState& state);
void AddStacks(WorkqueueState& state);
void AddMachine(WorkqueueState& state);

}  // namespace wqprof

#endif  // WQPROF_LIVE_WORKER_PROC_H_
