// SPDX-License-Identifier: Apache-2.0
#include "live/event_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

namespace wqprof {
namespace {

std::string EventFile(const PlannedEvent& event, std::string_view file) {
  return fmt::format("events/{}/{}/{}", event.system, event.name, file);
}

}  // namespace

std::vector<PlannedEvent> PlanEvents(const RecorderOptions& options, const FilterFacts& facts) {
  std::vector<PlannedEvent> events = {{"workqueue", "workqueue_queue_work", ""},
                                      {"workqueue", "workqueue_activate_work", ""},
                                      {"workqueue", "workqueue_execute_start", ""},
                                      {"workqueue", "workqueue_execute_end", ""}};
  if (options.sched) {
    const std::string woken =
        facts.workers_have_prefix
            ? R"(comm ~ "kworker*" || comm ~ "ksoftirqd*" || comm == "kthreadd")"
            : "";
    events.push_back({"sched", "sched_switch", ""});
    events.push_back({"sched", "sched_waking", woken});
    events.push_back({"sched", "sched_wakeup", woken});
    events.push_back({"sched", "sched_wakeup_new", woken});
    events.push_back({"sched", "sched_process_fork", ""});
    events.push_back({"sched", "sched_process_exit", ""});
    events.push_back({"task", "task_rename", ""});
  }
  if (options.irqs) {
    events.push_back({"irq", "irq_handler_entry", ""});
    events.push_back({"irq", "irq_handler_exit", ""});
    events.push_back({"irq", "softirq_entry", ""});
    events.push_back({"irq", "softirq_exit", ""});
  }
  if (options.timers) {
    const std::string delayed = facts.delayed_work_timer_fn != 0
                                    ? fmt::format("function == {:#x}", facts.delayed_work_timer_fn)
                                    : "";
    events.push_back({"timer", "timer_start", delayed});
    events.push_back({"timer", "timer_expire_entry", delayed});
  }
  return events;
}

bool AdmitFlushers(std::vector<PlannedEvent>& events) {
  const auto waking = std::find_if(events.begin(), events.end(), [](const PlannedEvent& event) {
    return event.name == "sched_waking";
  });
  if (waking == events.end()) return false;
  // Of the event's own task; "comm" is that of the one that is woken.
  if (!waking->filter.empty()) waking->filter += R"( || COMM ~ "kworker*")";
  return true;
}

absl::Status CheckEvents(const Tracefs& tracefs, const std::vector<PlannedEvent>& events) {
  for (const PlannedEvent& event : events) {
    if (tracefs.HasEvent(event.system, event.name)) continue;
    const bool own = event.system == "workqueue";
    return absl::FailedPreconditionError(
        fmt::format("cannot trace: this kernel has no event {}:{}\n{}", event.system, event.name,
                    own ? "it needs one built with CONFIG_EVENT_TRACING"
                        : "record without them: --no-sched, --no-timers"));
  }
  return absl::OkStatus();
}

absl::Status EnableEvents(const TraceInstance& instance, std::vector<PlannedEvent>& events,
                          std::vector<std::string>& notes) {
  for (PlannedEvent& event : events) {
    if (!event.filter.empty() &&
        WriteText(instance.File(EventFile(event, "filter")), event.filter) != 0) {
      notes.push_back(
          fmt::format("the kernel refused the filter '{}' for {}: recording all of "
                      "these events",
                      event.filter, event.name));
      event.filter.clear();
      event.filter_refused = true;
    }
    const std::string enable = instance.File(EventFile(event, "enable"));
    if (const int error = WriteText(enable, "1"); error != 0) {
      return TracingError("cannot enable an event", enable, error);
    }
  }
  return absl::OkStatus();
}

}  // namespace wqprof
