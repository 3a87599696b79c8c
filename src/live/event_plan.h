// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_LIVE_EVENT_PLAN_H_
#define WQPROF_LIVE_EVENT_PLAN_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "live/trace_instance.h"
#include "live/tracefs.h"
#include "wqprof/live.h"

namespace wqprof {

// An event to record; what its filter rejects does not reach the buffer.
struct PlannedEvent {
  std::string_view system, name;
  std::string filter;           // "": all of them
  bool filter_refused = false;  // the kernel did not take the one that was planned
};

// Facts of the running kernel that decide what can be filtered.
struct FilterFacts {
  // Rescuers are called kworker/R-*, so that every worker is known by its name.
  bool workers_have_prefix = false;
  uint64_t delayed_work_timer_fn = 0;  // its address; 0: unknown
};

// The events that `options` ask for, with the narrowest filters that hide nothing
// from the analysis:
// - sched_switch stays whole, as it shows who had a CPU while a worker waited for one;
// - wake-ups are wanted of workers, of ksoftirqd (BH works) and of kthreadd (new workers);
// - fork, exit and rename are rare, and name the tasks that queue works;
// - interrupts are those whose handlers and softirqs the kernel reports;
// - timers are those of delayed works.  timer_cancel cannot be filtered by function, and
//   shows nothing that timer_start, timer_expire_entry and the queue event do not: left out.
std::vector<PlannedEvent> PlanEvents(const RecorderOptions& options, const FilterFacts& facts);

// Lets those wake-ups through, too, that show whom the barriers of flushes wake: by workers, of
// whom the kernel knows the name.  False: `events` have no wake-ups.
bool AdmitFlushers(std::vector<PlannedEvent>& events);

// kFailedPrecondition when the kernel lacks one of `events`.
absl::Status CheckEvents(const Tracefs& tracefs, const std::vector<PlannedEvent>& events);

// Enables `events` in `instance`.  A filter that the kernel refuses is dropped, here and in
// `events`, and named in `notes`.
absl::Status EnableEvents(const TraceInstance& instance, std::vector<PlannedEvent>& events,
                          std::vector<std::string>& notes);

}  // namespace wqprof

#endif  // WQPROF_LIVE_EVENT_PLAN_H_
