// SPDX-License-Identifier: Apache-2.0
#include "text/event_names.h"

#include <algorithm>

namespace wqprof {
namespace {

struct ReadEvent {
  std::string_view name;
  EventKind kind;
};

constexpr ReadEvent kRead[] = {
    {"workqueue:workqueue_queue_work", EventKind::kQueueWork},
    {"workqueue:workqueue_activate_work", EventKind::kActivateWork},
    {"workqueue:workqueue_execute_start", EventKind::kExecuteStart},
    {"workqueue:workqueue_execute_end", EventKind::kExecuteEnd},
    {"sched:sched_switch", EventKind::kSwitch},
    {"sched:sched_waking", EventKind::kWaking},
    {"sched:sched_wakeup", EventKind::kWakeup},
    {"sched:sched_wakeup_new", EventKind::kWakeup},
    {"sched:sched_process_fork", EventKind::kFork},
    {"sched:sched_process_exit", EventKind::kExit},
    {"task:task_rename", EventKind::kRename},
    {"timer:timer_start", EventKind::kTimerStart},
    {"timer:timer_expire_entry", EventKind::kTimerExpire},
    {"timer:timer_cancel", EventKind::kTimerCancel},
    {"irq:irq_handler_entry", EventKind::kIrqEntry},
    {"irq:irq_handler_exit", EventKind::kIrqExit},
    {"irq:softirq_entry", EventKind::kSoftirqEntry},
    {"irq:softirq_exit", EventKind::kSoftirqExit},
};

}  // namespace

EventNames::EventNames() {
  for (const ReadEvent& read : kRead) {
    Entry& entry = entries_.emplace_back(Entry{std::string(read.name), read.kind, 0});
    by_name_.emplace(Bare(entry), &entry);
  }
}

EventNames::Entry& EventNames::Find(std::string_view name) {
  if (const auto it = by_name_.find(name); it != by_name_.end()) return *it->second;
  if (entries_.size() >= kMostNames) return other_;
  Entry& entry = entries_.emplace_back(Entry{std::string(name), std::nullopt, 0});
  by_name_.emplace(Bare(entry), &entry);
  return entry;
}

std::vector<std::pair<std::string, uint64_t>> EventNames::Counts() const {
  std::vector<std::pair<std::string, uint64_t>> out;
  for (const Entry& entry : entries_) {
    if (entry.count > 0) out.emplace_back(entry.name, entry.count);
  }
  if (other_.count > 0) out.emplace_back(other_.name, other_.count);
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace wqprof
