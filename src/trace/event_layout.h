// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TRACE_EVENT_LAYOUT_H_
#define WQPROF_TRACE_EVENT_LAYOUT_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "trace/event_format.h"
#include "wqprof/event.h"

namespace wqprof {

// Where one kind of event keeps its fields in this trace.  kAbsent: the kernel has no such
// field, or one of a size that we do not know.
struct EventFields {
  static constexpr uint16_t kAbsent = 0xffff;
  uint16_t min_size = 0;  // a shorter payload is a fault
  // Workqueue and timer events.
  uint16_t work = kAbsent, function = kAbsent;
  uint16_t workqueue = kAbsent;
  bool workqueue_is_string = false;
  uint16_t requested_cpu = kAbsent, target_cpu = kAbsent;
  uint16_t expires = kAbsent, now = kAbsent;
  uint16_t vec = kAbsent;  // of softirqs
  // Kernel stacks: the number of addresses, and the first of them.
  uint16_t depth = kAbsent, callers = kAbsent;
  // Scheduler events.
  uint16_t prev_comm = kAbsent, next_comm = kAbsent, next_pid = kAbsent;
  uint16_t prev_prio = kAbsent, next_prio = kAbsent, prev_state = kAbsent;
};

// How to read the events of one trace: which id is what, and where its fields are.  Found
// from the trace's own format texts, by name, never from a kernel version.
struct EventLayout {
  static constexpr uint8_t kOther = 0xff;  // an event that the analysis does not use

  uint16_t type_offset = 0, flags_offset = 2, pid_offset = 4;
  uint16_t min_size = 8;     // holds the three
  uint8_t pointer_size = 8;  // 4 on 32-bit kernels
  std::array<EventFields, kEventKinds> fields;
  // What is known of the events with one id.
  struct Slot {
    uint8_t kind = kOther;  // EventKind or kOther
    std::string name;       // "system:name"
  };
  std::vector<Slot> slots;  // slots[0] stands for all unknown ids
  // What decoding asks at every event; `kind` is that of the slot.
  struct Id {
    uint16_t slot = 0;
    uint8_t kind = kOther;
  };
  std::vector<Id> ids;                                 // by id, 65536
  std::vector<std::pair<uint64_t, char>> task_states;  // bit -> letter, from sched_switch
  uint64_t state_bits = 0;                             // all of these
  uint64_t preempted_bit = 0;                          // "R+"
};

// Absent when no workqueue event can be read from `formats`, or when they contradict each other
// about what all records begin with.
std::optional<EventLayout> MakeLayout(const std::vector<EventFormat>& formats, int long_size);

}  // namespace wqprof

#endif  // WQPROF_TRACE_EVENT_LAYOUT_H_
