// SPDX-License-Identifier: Apache-2.0
// What the worker pools of a machine execute at one moment, and what waits on them.
#ifndef WQPROF_WORKQUEUE_STATE_H_
#define WQPROF_WORKQUEUE_STATE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wqprof/types.h"
#include "wqprof/workqueue_config.h"

namespace wqprof {

// Works of one function and one workqueue that wait in one place.
struct WaitingWorks {
  // Where works wait: for a worker of the pool; for a slot of their workqueue; for the worker that
  // has taken them already.
  enum class Place : uint8_t { kPending, kInactive, kTaken };

  Place place = Place::kPending;
  std::string workqueue;
  std::string function;  // "" unknown
  uint64_t function_address = 0;
  uint64_t work = 0;  // the first one's address
  uint64_t count = 0;
  std::optional<int> max_active;  // of the workqueue
  Pid worker = Pid::kNone;        // of kTaken
};

// What a task does.
enum class TaskDoes : uint8_t {
  kUnknown,
  kOnCpu,
  kRunnable,  // it waits for a CPU
  kRunning,   // it has a CPU or waits for one
  kSleeping,
  kBlocked,  // it cannot be interrupted
};
inline constexpr TaskDoes kLastTaskDoes = TaskDoes::kBlocked;

// A worker that executes a work, or has been woken to do so.  What is not known is absent.
struct WorkerState {
  std::string comm;
  Pid pid = Pid::kNone;  // none: softirqs
  TaskDoes state = TaskDoes::kUnknown;
  Cpu cpu = Cpu::kNone;  // on which it was last
  bool executes = false;
  std::optional<bool> rescuer;
  // Of what it executes:
  std::string workqueue, function;  // "" unknown
  uint64_t function_address = 0, work = 0;
  std::string description;         // as the kernel names it in /proc; "" unknown
  std::optional<Nanos> running;    // since it started
  std::optional<Nanos> cpu_time;   // since it started or the worker woke up last, by ticks
  std::vector<std::string> stack;  // where it sleeps, the innermost function first
};

// The task that has a CPU.
struct CpuTask {
  std::string comm;
  Pid pid = Pid::kNone;
  int prio = 0;  // the kernel's
};

// One pool.  Its id is negative where it is not known.
struct PoolState {
  PoolSetup setup;
  std::optional<int> running;  // workers that count as having the CPU: while there is one, no
                               // other is woken
  std::optional<int> active;   // works that execute or wait for a worker
  std::optional<uint64_t> pending, inactive;
  // There were more in the lists than were read.
  bool more_pending = false, more_inactive = false, more_taken = false, more_workers = false;
  std::optional<Nanos> stuck;  // since a worker took one of the works that wait now
  Pid manager = Pid::kNone;    // the worker that makes a new one
  std::optional<CpuTask> on_cpu;
  bool read_from_cpu = false;  // whoever read this was on the CPU
  std::vector<WorkerState> workers;
  std::vector<WaitingWorks> waiting;
};

// All of them.
struct WorkqueueState {
  std::string source;            // "bpf" (all of it), "proc" (workers alone, as /proc shows them)
  std::string limited_by;        // why it is not "bpf"
  std::string without_names_by;  // why functions have no names; "": they have
  std::string machine, kernel;
  int cpus = 0;
  std::string wall_time;      // RFC 3339, UTC
  std::optional<Nanos> took;  // from the first list to the last one
  bool cut = false;           // there was more than there is room for
  std::vector<PoolState> pools;
};

// "on_cpu" of kOnCpu.
std::string_view ToString(TaskDoes state);
// "pending" of kPending.
std::string_view ToString(WaitingWorks::Place place);

}  // namespace wqprof

#endif  // WQPROF_WORKQUEUE_STATE_H_
