// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_EVENT_H_
#define WQPROF_EVENT_H_

#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "wqprof/types.h"

namespace wqprof {

// What happened in an Event.  The order of the first four breaks ties of time between CPUs:
// at one instant a work is queued, activated, started, ended (doc/kernel.md §7).
enum class EventKind : uint8_t {
  kQueueWork,     // workqueue_queue_work        -> Event::work
  kActivateWork,  // workqueue_activate_work     -> Event::work
  kExecuteStart,  // workqueue_execute_start     -> Event::work
  kExecuteEnd,    // workqueue_execute_end       -> Event::work
  kLossBegin,     // events of Event::cpu are missing from here ... -> Event::loss
  kLossEnd,       // ... to here: the next event of that CPU was kept
  kSwitch,        // sched_switch                -> Event::sched_switch
  kWaking,        // sched_waking                -> Event::wake
  kWakeup,        // sched_wakeup, _wakeup_new   -> Event::wake
  kFork,          // sched_process_fork          -> Event::task
  kExit,          // sched_process_exit          -> Event::task
  kRename,        // task_rename                 -> Event::task
  kTimerStart,    // timer_start                 -> Event::timer
  kTimerExpire,   // timer_expire_entry          -> Event::timer
  kTimerCancel,   // timer_cancel                -> Event::timer
  // These show only who was interrupted, where and when.
  kIrqEntry,      // irq_handler_entry
  kIrqExit,       // irq_handler_exit
  kSoftirqEntry,  // softirq_entry
  kSoftirqExit,   // softirq_exit
  kQueueStack,    // kernel_stack of the queue event before it on its CPU -> Event::queue_stack
};

// A set of the four workqueue events.  An event that is not in it was not recorded, so that its
// absence from a trace says nothing.
class WorkqueueEvents {
 public:
  constexpr WorkqueueEvents() = default;
  constexpr WorkqueueEvents(std::initializer_list<EventKind> kinds) {
    for (const EventKind kind : kinds) Add(kind);
  }
  static constexpr WorkqueueEvents All() {
    WorkqueueEvents all;
    all.bits_ = 0xf;
    return all;
  }
  // REQUIRES: one of the first four kinds.
  constexpr void Add(EventKind kind) { bits_ |= Bit(kind); }
  constexpr bool Has(EventKind kind) const { return (bits_ & Bit(kind)) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  // Whether all of `others` are in it.
  constexpr bool HasAll(WorkqueueEvents others) const {
    return (bits_ & others.bits_) == others.bits_;
  }
  friend constexpr bool operator==(WorkqueueEvents, WorkqueueEvents) = default;

 private:
  static constexpr uint8_t Bit(EventKind kind) {
    return static_cast<uint8_t>(1 << static_cast<int>(kind));
  }
  uint8_t bits_ = 0;
};

inline constexpr EventKind kWorkqueueEventKinds[] = {
    EventKind::kQueueWork, EventKind::kActivateWork, EventKind::kExecuteStart,
    EventKind::kExecuteEnd};
// As JSON calls them.
inline constexpr std::string_view kWorkqueueEventNames[] = {"queue_work", "activate_work",
                                                            "execute_start", "execute_end"};
inline std::vector<std::string> NamesOf(WorkqueueEvents events) {
  std::vector<std::string> names;
  for (size_t i = 0; i < std::size(kWorkqueueEventKinds); ++i) {
    if (events.Has(kWorkqueueEventKinds[i])) names.emplace_back(kWorkqueueEventNames[i]);
  }
  return names;
}
// "queue_work", ...: without the prefix that all of them share.  REQUIRES: one of these kinds.
constexpr std::string_view WorkqueueEventName(EventKind kind) {
  constexpr std::string_view kNames[] = {"queue_work", "activate_work", "execute_start",
                                         "execute_end"};
  return kNames[static_cast<size_t>(kind)];
}

inline constexpr int kEventKinds = static_cast<int>(EventKind::kQueueStack) + 1;

// Bits of common_flags that the analysis uses (include/linux/trace_events.h).
inline constexpr uint8_t kFlagIrqsOff = 0x01;
inline constexpr uint8_t kFlagHardirq = 0x08;
inline constexpr uint8_t kFlagSoftirq = 0x10;
inline constexpr uint8_t kFlagNmi = 0x40;
// Any of these: the task of the event was interrupted, and had no part in it.
inline constexpr uint8_t kFlagsOfInterrupts = kFlagHardirq | kFlagSoftirq | kFlagNmi;

// One event of a trace, whatever the format it came from.  What the format lacks is
// kUnknown or kNone.
struct Event {
  struct Work {
    WorkAddr work;
    NameId function;
    NameId workqueue;   // queue_work only; before 5.12 the name is the wq's address
    Cpu target_cpu;     // queue_work only: pwq->pool->cpu, kNone for unbound
    Cpu requested_cpu;  // queue_work only: kNone when the caller gave none
    // queue_work only: 1 + the ns until its activation, which then is no event of its own; 0: the
    // activation is one, or there is none.
    uint32_t activation;
  };
  struct Loss {
    uint64_t count;  // lost events; 0 and !known: the number was not recorded
    bool known;
  };
  struct Switch {
    Pid next;  // Event::pid is the one switched out
    NameId prev_comm;
    NameId next_comm;
    int16_t prev_prio;
    int16_t next_prio;
    char prev_state;  // 'R', 'S', 'D', 'I', ...: first letter of the print format
    bool preempted;   // prev_state had '+'
  };
  struct Wake {
    Pid target;
    NameId comm;
    int16_t prio;
    Cpu target_cpu;
  };
  struct Task {
    Pid task;  // fork: the child; exit, rename: the task itself
    NameId comm;
  };
  struct Timer {
    WorkAddr timer;  // a delayed work's timer is at work + sizeof(work_struct)
    NameId function;
    uint32_t timeout_jiffies;  // timer_start: expires - now
    uint32_t now_jiffies;      // timer_start: the low 32 bits
  };

  // softirq_entry only: which softirq (HI_SOFTIRQ and TASKLET_SOFTIRQ execute BH works).
  struct Softirq {
    static constexpr uint64_t kUnknown = 0, kHi = 1, kTasklet = 7;
    uint64_t vec;  // the kernel's number + 1
  };
  // The kernel stack in which a work was queued.
  struct QueueStack {
    NameId stack;  // its functions, as StackTable names them
  };

  Timestamp at;
  Pid pid;  // the task that the event interrupted or ran in (common_pid)
  Cpu cpu;
  EventKind kind;
  uint8_t flags;  // common_flags
  union {
    Work work;
    Loss loss;
    Switch sched_switch;
    Wake wake;
    Task task;
    Timer timer;
    Softirq softirq;
    QueueStack queue_stack;
  };
};
static_assert(std::is_trivially_copyable_v<Event> && sizeof(Event) <= 40);

}  // namespace wqprof

#endif  // WQPROF_EVENT_H_
