// SPDX-License-Identifier: Apache-2.0
// The parts of a wait and of an execution: one place that names them.
#ifndef WQPROF_RENDER_SPLIT_PARTS_H_
#define WQPROF_RENDER_SPLIT_PARTS_H_

#include <array>
#include <optional>
#include <string_view>

#include "wqprof/model.h"

namespace wqprof {

// One part of a partition, for machines and for people; `letter` draws it.
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

}  // namespace wqprof

#endif  // WQPROF_RENDER_SPLIT_PARTS_H_
