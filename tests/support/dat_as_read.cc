// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "support/dat_encoder.h"

namespace wqprof::testing {

std::vector<Event> AsRead(const TraceBuilder& trace, const DatStyle& style, NameTable& names) {
  const auto translate = [&](NameId name) { return names.Intern(trace.names().Get(name)); };
  std::vector<Event> events(trace.events().begin(), trace.events().end());
  for (Event& e : events) {
    switch (e.kind) {
      case EventKind::kQueueWork:
        e.work.workqueue =
            style.workqueue_is_name
                ? translate(e.work.workqueue)
                : names.Intern(fmt::format("{:#x}", AddressOf(e.work.workqueue, style)));
        e.work.function = translate(e.work.function);
        break;
      case EventKind::kActivateWork:
        // The builder's activations carry no function: the address 0 is none.
        e.work.function =
            style.activate_has_function ? translate(e.work.function) : NameId::kUnknown;
        break;
      case EventKind::kExecuteStart:
        e.work.function = translate(e.work.function);
        break;
      case EventKind::kExecuteEnd:
        e.work.function = style.end_has_function ? translate(e.work.function) : NameId::kUnknown;
        break;
      case EventKind::kSwitch:
        e.sched_switch.prev_comm = translate(e.sched_switch.prev_comm);
        e.sched_switch.next_comm = translate(e.sched_switch.next_comm);
        break;
      case EventKind::kWaking:
      case EventKind::kWakeup:
        e.wake.comm = translate(e.wake.comm);
        break;
      case EventKind::kFork:
      case EventKind::kExit:
      case EventKind::kRename:
        e.task.comm = translate(e.task.comm);
        break;
      case EventKind::kTimerStart:
      case EventKind::kTimerExpire:
        e.timer.function = translate(e.timer.function);
        break;
      case EventKind::kTimerCancel:
        e.timer.function = NameId::kUnknown;  // the event has none
        break;
      case EventKind::kQueueStack:
        e.queue_stack.stack = translate(e.queue_stack.stack);
        break;
      default:
        break;
    }
  }
  return events;
}

}  // namespace wqprof::testing
