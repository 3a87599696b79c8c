// SPDX-License-Identifier: Apache-2.0
#include "support/read_dat.h"

#include <fmt/format.h>

#include <algorithm>

#include "model/activations_ahead.h"

namespace wqprof::testing {
namespace {

std::string Details(const Event& e, const NameTable& names) {
  switch (e.kind) {
    case EventKind::kQueueWork:
      return fmt::format("{:#x} {} wq={} cpu={} req={}", ToInt(e.work.work),
                         names.Get(e.work.function), names.Get(e.work.workqueue),
                         ToInt(e.work.target_cpu), ToInt(e.work.requested_cpu));
    case EventKind::kActivateWork:
    case EventKind::kExecuteStart:
    case EventKind::kExecuteEnd:
      return fmt::format("{:#x} {}", ToInt(e.work.work), names.Get(e.work.function));
    case EventKind::kLossBegin:
    case EventKind::kLossEnd:
      return e.loss.known ? fmt::format("{}", e.loss.count) : "unknown";
    case EventKind::kSwitch: {
      const Event::Switch& s = e.sched_switch;
      return fmt::format("{} {}{} -> {} {} prio {} {}", names.Get(s.prev_comm), s.prev_state,
                         s.preempted ? "+" : "", ToInt(s.next), names.Get(s.next_comm), s.prev_prio,
                         s.next_prio);
    }
    case EventKind::kWaking:
    case EventKind::kWakeup:
      return fmt::format("{} {} prio {} cpu {}", ToInt(e.wake.target), names.Get(e.wake.comm),
                         e.wake.prio, ToInt(e.wake.target_cpu));
    case EventKind::kFork:
    case EventKind::kExit:
    case EventKind::kRename:
      return fmt::format("{} {}", ToInt(e.task.task), names.Get(e.task.comm));
    case EventKind::kIrqEntry:
    case EventKind::kIrqExit:
    case EventKind::kSoftirqEntry:
    case EventKind::kSoftirqExit:
      return "";
    case EventKind::kQueueStack:
      return std::string(names.Get(e.queue_stack.stack));
    default:
      return fmt::format("{:#x} {} {}", ToInt(e.timer.timer), names.Get(e.timer.function),
                         e.kind == EventKind::kTimerStart ? e.timer.timeout_jiffies : 0);
  }
}

}  // namespace

std::string Describe(const Event& e, const NameTable& names) {
  constexpr std::string_view kKinds[] = {
      "queue",     "activate", "start",         "end",          "loss-begin",
      "loss-end",  "switch",   "waking",        "wakeup",       "fork",
      "exit",      "rename",   "timer-start",   "timer-expire", "timer-cancel",
      "irq-entry", "irq-exit", "softirq-entry", "softirq-exit", "stack"};
  static_assert(std::size(kKinds) == kEventKinds);
  return fmt::format("{} [{}] pid {} flags {:#x} {}: {}", e.at.time_since_epoch().count(),
                     ToInt(e.cpu), ToInt(e.pid), e.flags, kKinds[static_cast<size_t>(e.kind)],
                     Details(e, names));
}

std::vector<std::string> Describe(const std::vector<Event>& events, const NameTable& names) {
  std::vector<std::string> lines;
  for (const Event& e : events) lines.push_back(Describe(e, names));
  return lines;
}

std::vector<std::string> ReadBack::Lines() const { return Describe(events, source->names()); }

size_t ReadBack::records() const {
  return static_cast<size_t>(std::count_if(events.begin(), events.end(), [](const Event& e) {
    return e.kind != EventKind::kLossBegin && e.kind != EventKind::kLossEnd;
  }));
}

std::vector<Event> OneByOne(const std::vector<Event>& events) {
  std::vector<Event> all;
  ActivationsAhead ahead;
  const auto take_first = [&] {
    all.push_back(ahead.TakeFirst());
    // By itself it would have one only if that is not the queue event's.
    all.back().work.function = NameId::kUnknown;
  };
  for (const Event& e : events) {
    while (ahead.FirstIsBefore(e)) take_first();
    all.push_back(e);
    if (e.kind != EventKind::kQueueWork || e.work.activation == 0) continue;
    all.back().work.activation = 0;
    ahead.Add(ActivationWithin(e));
  }
  while (!ahead.empty()) take_first();
  return all;
}

ReadBack ReadPath(const std::string& path, const OpenOptions& options) {
  ReadBack back;
  auto source = OpenTrace(path, options);
  back.status = source.status();
  if (!source.ok()) return back;
  back.source = *std::move(source);
  while (true) {
    const auto batch = back.source->Next();
    back.status = batch.status();
    if (!batch.ok() || batch->empty()) break;
    back.events.insert(back.events.end(), batch->begin(), batch->end());
  }
  back.events = OneByOne(back.events);
  return back;
}

ReadBack ReadBytes(std::string_view bytes, const OpenOptions& options) {
  const TemporaryFile file(bytes);
  return ReadPath(file.path(), options);
}

}  // namespace wqprof::testing
