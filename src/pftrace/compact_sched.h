// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_PFTRACE_COMPACT_SCHED_H_
#define WQPROF_PFTRACE_COMPACT_SCHED_H_

#include <functional>
#include <string_view>

#include "pftrace/short_names.h"
#include "wqprof/event.h"

namespace wqprof {

// Scheduler events of one CPU in the compact layout: a column for each field.
class CompactSched {
 public:
  // The task that a CPU runs, by its last switch: the next one does not repeat it.
  struct Running {
    Pid pid = Pid::kNone;
    NameId comm = NameId::kUnknown;
    int16_t prio = 0;
  };
  using Sink = std::function<void(const Event&)>;

  // Calls `add` with the switches and then the wake-ups, each in order of time.  False: the
  // message is damaged, or its columns differ in length.
  static bool Read(std::string_view message, Cpu cpu, ShortNames& names, Running& running,
                   const Sink& add);
};

// A letter and "+" as the kernel prints them, of the bits of prev_state.
void SetPrevState(uint64_t bits, Event::Switch& to);

}  // namespace wqprof

#endif  // WQPROF_PFTRACE_COMPACT_SCHED_H_
