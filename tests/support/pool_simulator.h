// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TESTS_SUPPORT_POOL_SIMULATOR_H_
#define WQPROF_TESTS_SUPPORT_POOL_SIMULATOR_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "support/trace_builder.h"
#include "wqprof/model.h"

namespace wqprof::testing {

// What happens in a simulated machine, and how often.
struct SimulationOptions {
  std::string_view world = "usual";  // what to call it
  uint64_t seed = 1;
  int cpus = 2;
  int works = 12;
  int workers_per_pool = 3;
  Nanos duration = std::chrono::milliseconds(4);
  Nanos pause = std::chrono::microseconds(8);  // mean time between two acts of a task
  // Probabilities, per act or execution.
  double cancel = 0.05, mod = 0.15, flush = 0.05;
  double requeue = 0.15;    // an execution queues its own work
  double child = 0.15;      // ... or another one
  double interrupt = 0.15;  // a task's act is done by an interrupt instead
  double reuse = 0.05;      // an execution frees its work, whose memory is used at once
  double window = 0.1;      // the work is queued between its dequeueing and its start event
  bool no_windows = false;  // nothing is ever queued there
  double block = 0.3;       // an execution blocks, and concurrency management steps in
  double rescue = 0.05;     // a rescuer helps
  bool bottom_halves = true;
  bool sched_events = false;      // switch-in of each worker that was idle
  bool cancel_activates = false;  // cancelling an inactive work activates it, as up to 6.9
};

// One life of a work, as it truly was.
struct TrueItem {
  WorkAddr work{};
  std::string function, workqueue, pool;
  Timestamp queued = kUnseen, activated = kUnseen, started = kUnseen, ended = kUnseen;
  Cpu queue_cpu = Cpu::kNone, target_cpu = Cpu::kNone, run_cpu = Cpu::kNone, end_cpu = Cpu::kNone;
  Pid worker = Pid::kNone;
  bool barrier = false, softirq = false, requeued_by_self = false;
  bool grabbed = false;  // cancelled, or stolen to be queued anew
  Origin::Kind origin = Origin::Kind::kUnknown;
};

// What one machine did, and what its trace says: complete, in order, each stamp once.
struct Simulation {
  TraceBuilder trace;
  std::vector<TrueItem> truth;
  uint64_t windows = 0;  // queue events that truly fell into one
};

// Plays a legal history of pools, workers and works, as doc/kernel.md §2 and §4 describe them.
// The same options give the same history.
Simulation Simulate(const SimulationOptions& options);

// How many histories a test plays: `usual`, or what the environment's WQPROF_SEEDS says.
uint64_t SeedsToPlay(uint64_t usual);

}  // namespace wqprof::testing

#endif  // WQPROF_TESTS_SUPPORT_POOL_SIMULATOR_H_
