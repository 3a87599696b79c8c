// SPDX-License-Identifier: Apache-2.0
// Where the time of a wait and of an execution went.  Each part is declared once: sums, columns,
// JSON keys and the metrics of budgets follow from the lists below.
#ifndef WQPROF_SPLIT_H_
#define WQPROF_SPLIT_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "wqprof/types.h"

namespace wqprof {

// [activate, start) by the state of the worker that took the item (doc/kernel.md §5).  The parts
// add up to the dispatch wait, to the nanosecond.
struct WaitSplit {
  Nanos hold{0};             // the worker slept: the pool saw no need to wake it
  Nanos worker_creation{0};  // it was busy making another worker first
  Nanos wakeup{0};           // woken, but not yet on a runqueue
  Nanos runqueue{0};         // on a runqueue: others had its CPU
  Nanos pre_work{0};         // on its CPU, not yet at the item
  Nanos head_of_line{0};     // it executed other items
  Nanos unknown{0};          // not known from the trace
  Nanos Sum() const;
  WaitSplit& operator+=(const WaitSplit& o);
};

// [start, end) likewise.
struct RunSplit {
  Nanos on_cpu{0};
  Nanos preempted{0};  // switched out while runnable
  Nanos blocked{0};    // asleep, in whatever state
  Nanos runnable{0};   // woken, waited for its CPU
  Nanos unknown{0};
  // Of `blocked`, by the letter of the state; what is left is S, or a rare one.
  Nanos blocked_in_d{0};
  Nanos blocked_in_i{0};
  // Of `on_cpu`, what others took on that CPU: interrupt handlers and softirqs but BH works; BH
  // works.  Absent when it is not known: without events of interrupts, or of BH works.
  std::optional<Nanos> stolen_irq, stolen_bh;
  Nanos blocked_in_s() const { return blocked - blocked_in_d - blocked_in_i; }
  std::optional<Nanos> Stolen() const {
    if (!stolen_irq && !stolen_bh) return std::nullopt;
    return AddSaturated(stolen_irq.value_or(Nanos(0)), stolen_bh.value_or(Nanos(0)));
  }
  Nanos Sum() const;
  RunSplit& operator+=(const RunSplit& o);
};

// A task as the scheduler's events show it.
struct TaskSeen {
  static constexpr int16_t kNoPrio = INT16_MIN;
  NameId comm = NameId::kUnknown;
  Pid pid = Pid::kNone;    // kNone: no task
  int16_t prio = kNoPrio;  // the kernel's: -1 deadline, 0..99 real-time, 100..139 fair
  bool seen() const { return pid != Pid::kNone; }
};

// Both, for one item; a part whose span is not complete is absent.
struct ItemSplit {
  std::optional<WaitSplit> wait;
  std::optional<RunSplit> run;
  TaskSeen had_cpu;  // longest, while the worker was on a runqueue; only of waits of 1 ms or more
};

// One part of a partition, for programs and for people; `letter` draws it.
template <class Split>
struct SplitPart {
  std::string_view key, heading;
  char letter;
  Nanos Split::*value;
};

inline constexpr std::array<SplitPart<WaitSplit>, 7> kWaitParts = {{
    {"hold", "HOLD", 'h', &WaitSplit::hold},
    {"worker_creation", "CREATION", 'c', &WaitSplit::worker_creation},
    {"wakeup", "WAKEUP", 'w', &WaitSplit::wakeup},
    {"runqueue", "RUNQUEUE", 'r', &WaitSplit::runqueue},
    {"pre_work", "PRE-WORK", 'p', &WaitSplit::pre_work},
    {"head_of_line", "IN LINE", 'l', &WaitSplit::head_of_line},
    {"unknown", "UNKNOWN", '?', &WaitSplit::unknown},
}};

inline constexpr std::array<SplitPart<RunSplit>, 5> kRunParts = {{
    {"on_cpu", "ON CPU", 'c', &RunSplit::on_cpu},
    {"preempted", "PREEMPTED", 'p', &RunSplit::preempted},
    {"blocked", "BLOCKED", 'b', &RunSplit::blocked},
    {"runnable", "RUNNABLE", 'r', &RunSplit::runnable},
    {"unknown", "UNKNOWN", '?', &RunSplit::unknown},
}};

// What others took of the time on the CPU: no parts of their own.
struct StolenPart {
  std::string_view key;
  std::optional<Nanos> RunSplit::*value;
};
inline constexpr std::array<StolenPart, 2> kStolenParts = {{
    {"irq", &RunSplit::stolen_irq},
    {"bh", &RunSplit::stolen_bh},
}};

// The time asleep, by the letter of the task's state.
struct BlockedPart {
  std::string_view key;
  Nanos (*value)(const RunSplit&);
};
inline constexpr std::array<BlockedPart, 3> kBlockedParts = {{
    {"S", [](const RunSplit& run) { return run.blocked_in_s(); }},
    {"D", [](const RunSplit& run) { return run.blocked_in_d; }},
    {"I", [](const RunSplit& run) { return run.blocked_in_i; }},
}};

inline Nanos WaitSplit::Sum() const {
  Nanos sum{0};
  for (const auto& part : kWaitParts) sum = AddSaturated(sum, this->*part.value);
  return sum;
}

inline WaitSplit& WaitSplit::operator+=(const WaitSplit& o) {
  for (const auto& part : kWaitParts) {
    this->*part.value = AddSaturated(this->*part.value, o.*part.value);
  }
  return *this;
}

inline Nanos RunSplit::Sum() const {
  Nanos sum{0};
  for (const auto& part : kRunParts) sum = AddSaturated(sum, this->*part.value);
  return sum;
}

inline RunSplit& RunSplit::operator+=(const RunSplit& o) {
  for (const auto& part : kRunParts) {
    this->*part.value = AddSaturated(this->*part.value, o.*part.value);
  }
  blocked_in_d = AddSaturated(blocked_in_d, o.blocked_in_d);
  blocked_in_i = AddSaturated(blocked_in_i, o.blocked_in_i);
  for (const auto& part : kStolenParts) {
    const std::optional<Nanos>& more = o.*part.value;
    if (more) this->*part.value = AddSaturated((this->*part.value).value_or(Nanos(0)), *more);
  }
  return *this;
}

}  // namespace wqprof

#endif  // WQPROF_SPLIT_H_
