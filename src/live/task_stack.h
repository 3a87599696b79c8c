// SPDX-License-Identifier: Apache-2.0
// The kernel stack of a task of this machine: by /proc of one that has no CPU, by samples of one
// that has.
#ifndef WQPROF_LIVE_TASK_STACK_H_
#define WQPROF_LIVE_TASK_STACK_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "wqprof/symbols.h"
#include "wqprof/types.h"
#include "wqprof/workqueue_state.h"

namespace wqprof {

// One look at a CPU: the addresses of the kernel stack of the task that had it, the innermost
// first.
struct StackSample {
  Pid task = Pid::kNone;
  bool user = false;  // it was not in the kernel
  std::vector<uint64_t> frames;
};
// The samples among the records of a perf event with PERF_SAMPLE_TID and PERF_SAMPLE_CALLCHAIN.  A
// record that is not whole ends them.
std::vector<StackSample> ParseSamples(std::span<const std::byte> records);

// A task as it was found.
struct TaskStack {
  TaskDoes does = TaskDoes::kUnknown;  // kUnknown: it is gone
  bool in_user_space = false;
  std::vector<std::string> frames;          // the innermost first
  uint32_t samples_alike = 0, samples = 0;  // of one that had a CPU
  std::string why_not;                      // there are no frames; in a clause
  Timestamp at = kUnseen;                   // it was found so, and until then
};
// The stack that most of the samples have, as `name_of` an address names functions; of as many, the
// one that came first.  REQUIRES: there is a sample.
TaskStack MostFrequent(std::span<const StackSample> samples,
                       const std::function<std::string(uint64_t)>& name_of);

// Why tasks that have a CPU cannot be sampled, in a clause; "": they can.
std::string WhyNotSampled();

// Takes stacks, and keeps the names of functions for the next ones.
class StackTaker {
 public:
  // `now` says what the clock of `at` shows.
  explicit StackTaker(std::function<Timestamp()> now) : now_(std::move(now)) {}
  // Of each of `tasks`.  Those that run are sampled together, for kSampling.
  std::vector<TaskStack> Take(std::span<const Pid> tasks);

 private:
  TaskStack FromProc(Pid task, TaskDoes does) const;
  TaskStack OffCpu(Pid task) const;
  TaskStack OnCpu(std::span<const StackSample> samples, Timestamp at);
  const Symbols& Names();

  const std::function<Timestamp()> now_;
  Symbols symbols_;
  std::string modules_;  // that were loaded when they were read
};

}  // namespace wqprof

#endif  // WQPROF_LIVE_TASK_STACK_H_
