// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_PFTRACE_FTRACE_EVENT_H_
#define WQPROF_PFTRACE_FTRACE_EVENT_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "wqprof/event.h"

namespace wqprof {

// What a field of an event means, whatever its number.
enum class FieldRole : uint8_t {
  kWork,  // or a timer
  kFunction,
  kWorkqueue,
  kRequestedCpu,
  kTargetCpu,
  kPrevComm,
  kPrevPrio,
  kPrevState,
  kNextComm,  // also the only task of an event
  kNextPid,
  kNextPrio,
  kExpires,
  kNow,
  kCount
};

// One FtraceEvent as it stands in the trace: nothing is looked up yet.
struct FtraceEvent {
  std::optional<EventKind> kind;  // absent: of no use
  std::string_view name;          // "workqueue:workqueue_queue_work"; "" unknown
  uint64_t timestamp = 0;
  uint32_t pid = 0;
  std::optional<uint32_t> flags;

  bool Has(FieldRole role) const { return (seen_ >> static_cast<int>(role) & 1) != 0; }
  uint64_t Number(FieldRole role) const { return numbers_[static_cast<size_t>(role)]; }
  std::string_view Text(FieldRole role) const { return texts_[static_cast<size_t>(role)]; }

  void Set(FieldRole role, uint64_t number) {
    seen_ |= 1u << static_cast<int>(role);
    numbers_[static_cast<size_t>(role)] = number;
  }
  void Set(FieldRole role, std::string_view text) {
    seen_ |= 1u << static_cast<int>(role);
    texts_[static_cast<size_t>(role)] = text;
  }

 private:
  uint32_t seen_ = 0;
  std::array<uint64_t, static_cast<size_t>(FieldRole::kCount)> numbers_{};
  std::array<std::string_view, static_cast<size_t>(FieldRole::kCount)> texts_;
};

// False: the message is damaged.
bool ReadFtraceEvent(std::string_view message, FtraceEvent& out);

}  // namespace wqprof

#endif  // WQPROF_PFTRACE_FTRACE_EVENT_H_
