// SPDX-License-Identifier: Apache-2.0
#include "pftrace/ftrace_event.h"

#include <algorithm>
#include <iterator>
#include <span>

#include "pftrace/proto.h"

namespace wqprof {
namespace {

using Role = FieldRole;

// One field of an event's message: its number there, and its name, by which a generic event has it.
struct FieldOf {
  uint32_t number;
  std::string_view name;
  Role role;
};
constexpr FieldOf kWorkFields[] = {{1, "work", Role::kWork}, {2, "function", Role::kFunction}};
// The workqueue is an address in 3, of old recorders, and a name in 6.
constexpr FieldOf kQueueFields[] = {
    {1, "work", Role::kWork},     {2, "function", Role::kFunction},
    {3, "", Role::kWorkqueue},    {4, "req_cpu", Role::kRequestedCpu},
    {5, "cpu", Role::kTargetCpu}, {6, "workqueue", Role::kWorkqueue}};
constexpr FieldOf kSwitchFields[] = {
    {1, "prev_comm", Role::kPrevComm},   {3, "prev_prio", Role::kPrevPrio},
    {4, "prev_state", Role::kPrevState}, {5, "next_comm", Role::kNextComm},
    {6, "next_pid", Role::kNextPid},     {7, "next_prio", Role::kNextPrio}};
constexpr FieldOf kWakeFields[] = {{1, "comm", Role::kNextComm},
                                   {2, "pid", Role::kNextPid},
                                   {3, "prio", Role::kNextPrio},
                                   {5, "target_cpu", Role::kTargetCpu}};
constexpr FieldOf kForkFields[] = {{3, "child_comm", Role::kNextComm},
                                   {4, "child_pid", Role::kNextPid}};
constexpr FieldOf kExitFields[] = {{1, "comm", Role::kNextComm}, {2, "pid", Role::kNextPid}};
constexpr FieldOf kRenameFields[] = {{1, "pid", Role::kNextPid}, {3, "newcomm", Role::kNextComm}};
constexpr FieldOf kTimerStartFields[] = {{1, "timer", Role::kWork},
                                         {2, "function", Role::kFunction},
                                         {3, "expires", Role::kExpires},
                                         {4, "now", Role::kNow}};
constexpr FieldOf kTimerExpireFields[] = {
    {1, "timer", Role::kWork}, {2, "now", Role::kNow}, {3, "function", Role::kFunction}};
constexpr FieldOf kTimerCancelFields[] = {{1, "timer", Role::kWork}};

// An event by the number of its message in FtraceEvent.
struct MessageOf {
  uint32_t number;
  EventKind kind;
  std::string_view name;
  std::span<const FieldOf> fields;
};
constexpr MessageOf kMessages[] = {
    {4, EventKind::kSwitch, "sched:sched_switch", kSwitchFields},
    {17, EventKind::kWakeup, "sched:sched_wakeup", kWakeFields},
    {20, EventKind::kWaking, "sched:sched_waking", kWakeFields},
    {24, EventKind::kSoftirqEntry, "irq:softirq_entry", {}},
    {25, EventKind::kSoftirqExit, "irq:softirq_exit", {}},
    {36, EventKind::kIrqEntry, "irq:irq_handler_entry", {}},
    {37, EventKind::kIrqExit, "irq:irq_handler_exit", {}},
    {56, EventKind::kActivateWork, "workqueue:workqueue_activate_work", kWorkFields},
    {57, EventKind::kExecuteEnd, "workqueue:workqueue_execute_end", kWorkFields},
    {58, EventKind::kExecuteStart, "workqueue:workqueue_execute_start", kWorkFields},
    {59, EventKind::kQueueWork, "workqueue:workqueue_queue_work", kQueueFields},
    {114, EventKind::kWakeup, "sched:sched_wakeup_new", kWakeFields},
    {236, EventKind::kRename, "task:task_rename", kRenameFields},
    {238, EventKind::kExit, "sched:sched_process_exit", kExitFields},
    {239, EventKind::kFork, "sched:sched_process_fork", kForkFields},
    {555, EventKind::kTimerStart, "timer:timer_start", kTimerStartFields},
    {556, EventKind::kTimerCancel, "timer:timer_cancel", kTimerCancelFields},
    {557, EventKind::kTimerExpire, "timer:timer_expire_entry", kTimerExpireFields},
};
static_assert(std::is_sorted(std::begin(kMessages), std::end(kMessages),
                             [](const MessageOf& a, const MessageOf& b) {
                               return a.number < b.number;
                             }));

const MessageOf* FindMessage(uint32_t number) {
  const auto it = std::lower_bound(std::begin(kMessages), std::end(kMessages), number,
                                   [](const MessageOf& m, uint32_t n) { return m.number < n; });
  return it != std::end(kMessages) && it->number == number ? it : nullptr;
}

void Begin(const MessageOf& message, FtraceEvent& out) {
  out.kind = message.kind;
  out.name = message.name;
}

bool ReadFields(const MessageOf& message, std::string_view bytes, FtraceEvent& out) {
  Begin(message, out);
  return ForEachField(bytes, [&](protozero::pbf_reader& in) {
    for (const FieldOf& field : message.fields) {
      if (in.tag_and_type() == AsVarint(field.number)) {
        out.Set(field.role, in.get_uint64());
        return true;
      }
      if (in.tag_and_type() == AsBytes(field.number)) {
        out.Set(field.role, TakeBytes(in));
        return true;
      }
    }
    return false;
  });
}

// An event that the recorder knew no message for: names and values.
bool ReadGeneric(std::string_view bytes, FtraceEvent& out) {
  constexpr uint32_t kName = 1, kField = 2;
  const MessageOf* message = nullptr;
  const bool named = ForEachField(bytes, [&](protozero::pbf_reader& in) {
    if (in.tag_and_type() != AsBytes(kName)) return false;
    const std::string_view name = TakeBytes(in);
    for (const MessageOf& m : kMessages) {
      if (m.name.substr(m.name.find(':') + 1) == name) message = &m;
    }
    return true;
  });
  if (!named || message == nullptr) return named;
  Begin(*message, out);
  return ForEachField(bytes, [&](protozero::pbf_reader& in) {
    if (in.tag_and_type() != AsBytes(kField)) return false;
    std::string_view name, text;
    std::optional<uint64_t> number;
    const bool whole = ForEachField(TakeBytes(in), [&](protozero::pbf_reader& field) {
      switch (field.tag_and_type()) {
        case AsBytes(1):
          name = TakeBytes(field);
          return true;
        case AsBytes(3):
          text = TakeBytes(field);
          return true;
        case AsVarint(4):
        case AsVarint(5):
          number = field.get_uint64();
          return true;
        default:
          return false;
      }
    });
    for (const FieldOf& field : message->fields) {
      if (!whole || field.name != name || name.empty()) continue;
      number ? out.Set(field.role, *number) : out.Set(field.role, text);
    }
    return true;
  });
}

}  // namespace

bool ReadFtraceEvent(std::string_view message, FtraceEvent& out) {
  constexpr uint32_t kTimestamp = 1, kPid = 2, kFlags = 5, kGeneric = 327;
  bool good = true;
  const bool whole = ForEachField(message, [&](protozero::pbf_reader& in) {
    switch (in.tag_and_type()) {
      case AsVarint(kTimestamp):
        out.timestamp = in.get_uint64();
        return true;
      case AsVarint(kPid):
        out.pid = static_cast<uint32_t>(in.get_uint64());
        return true;
      case AsVarint(kFlags):
        out.flags = static_cast<uint32_t>(in.get_uint64());
        return true;
      case AsBytes(kGeneric):
        good &= ReadGeneric(TakeBytes(in), out);
        return true;
      default:
        break;
    }
    const MessageOf* const found = FindMessage(in.tag());
    if (found == nullptr || in.tag_and_type() != AsBytes(found->number)) return false;
    good &= ReadFields(*found, TakeBytes(in), out);
    return true;
  });
  return whole && good;
}

}  // namespace wqprof
