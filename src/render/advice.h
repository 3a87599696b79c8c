// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_RENDER_ADVICE_H_
#define WQPROF_RENDER_ADVICE_H_

#include <string>
#include <vector>

#include "wqprof/report.h"

namespace wqprof {

// Who made items wait, and where, as far as the trace shows it.
struct Blame {
  StallCause cause = StallCause::kUnknown;
  std::optional<Task> task;         // that had the CPU
  size_t tasks = 0;                 // how many had it, this one included
  std::string function, workqueue;  // that kept a worker
  // How the workqueue is set up that kept a worker, and that of the items that waited; nullptr: not
  // known.
  const WorkqueueSetup *keeper = nullptr, *waiter = nullptr;
  bool asleep_in_d = false;  // mostly
  Cpu cpu = Cpu::kNone;      // of the pool; kNone: unbound
  bool has_sched = true;     // scheduler events were recorded
};

// Two or three things to try, the most promising first; commands are whole.  Not escaped.
std::vector<std::string> AdviceOnStall(const Blame& blame);
std::vector<std::string> AdviceOn(const Finding& finding, const Report& report);

}  // namespace wqprof

#endif  // WQPROF_RENDER_ADVICE_H_
