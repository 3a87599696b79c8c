// SPDX-License-Identifier: Apache-2.0
#include "trace/event_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>

namespace wqprof {
namespace {

struct KnownEvent {
  std::string_view name;
  EventKind kind;
};
constexpr KnownEvent kKnown[] = {
    {"workqueue_queue_work", EventKind::kQueueWork},
    {"workqueue_activate_work", EventKind::kActivateWork},
    {"workqueue_execute_start", EventKind::kExecuteStart},
    {"workqueue_execute_end", EventKind::kExecuteEnd},
    {"sched_switch", EventKind::kSwitch},
    {"sched_waking", EventKind::kWaking},
    {"sched_wakeup", EventKind::kWakeup},
    {"sched_wakeup_new", EventKind::kWakeup},
    {"sched_process_fork", EventKind::kFork},
    {"sched_process_exit", EventKind::kExit},
    {"task_rename", EventKind::kRename},
    {"timer_start", EventKind::kTimerStart},
    {"timer_expire_entry", EventKind::kTimerExpire},
    {"timer_cancel", EventKind::kTimerCancel},
    {"irq_handler_entry", EventKind::kIrqEntry},
    {"irq_handler_exit", EventKind::kIrqExit},
    {"softirq_entry", EventKind::kSoftirqEntry},
    {"softirq_exit", EventKind::kSoftirqExit},
    {"kernel_stack", EventKind::kQueueStack},
};

// Looks fields up in one format and grows the layout's min_size to hold them.
class FieldFinder {
 public:
  FieldFinder(const EventFormat& format, EventFields& fields) : format_(format), fields_(fields) {}

  // Sets `to` when the format has the field in the expected size.
  bool Get(std::string_view name, uint32_t size, uint16_t& to) {
    const FormatField* f = format_.Find(name);
    if (f == nullptr || f->size != size || f->offset + f->size > 0xfffe) return false;
    to = static_cast<uint16_t>(f->offset);
    fields_.min_size = std::max(fields_.min_size, static_cast<uint16_t>(f->offset + f->size));
    return true;
  }
  const FormatField* Find(std::string_view name) const { return format_.Find(name); }

 private:
  const EventFormat& format_;
  EventFields& fields_;
};

bool FindWorkFields(FieldFinder& find, uint32_t pointer, EventKind kind, EventFields& f) {
  if (!find.Get("work", pointer, f.work)) return false;
  find.Get("function", pointer, f.function);
  if (kind != EventKind::kQueueWork) return true;
  const FormatField* wq = find.Find("workqueue");
  // A name from 5.12 on, the address of the workqueue before.
  f.workqueue_is_string = wq != nullptr && wq->data_loc;
  find.Get("workqueue", f.workqueue_is_string ? 4 : pointer, f.workqueue);
  find.Get("req_cpu", 4, f.requested_cpu);
  find.Get("cpu", 4, f.target_cpu);
  return true;
}

bool FindSwitchFields(FieldFinder& find, uint32_t long_size, EventFields& f) {
  return find.Get("prev_comm", 16, f.prev_comm) && find.Get("next_comm", 16, f.next_comm) &&
         find.Get("next_pid", 4, f.next_pid) && find.Get("prev_prio", 4, f.prev_prio) &&
         find.Get("next_prio", 4, f.next_prio) && find.Get("prev_state", long_size, f.prev_state);
}

bool FindTaskFields(FieldFinder& find, EventKind kind, EventFields& f) {
  switch (kind) {
    case EventKind::kFork:
      return find.Get("child_pid", 4, f.next_pid) &&
             (find.Get("child_comm", 16, f.next_comm) || find.Find("child_comm") != nullptr);
    case EventKind::kRename:
      return find.Get("newcomm", 16, f.next_comm) &&
             (find.Get("pid", 4, f.next_pid) || true);  // gone in new kernels: common_pid then
    case EventKind::kWaking:
    case EventKind::kWakeup:
      find.Get("prio", 4, f.next_prio);
      find.Get("target_cpu", 4, f.target_cpu);
      break;
    default:
      break;
  }
  return find.Get("pid", 4, f.next_pid) && (find.Get("comm", 16, f.next_comm) || true);
}

// The format says that there are eight addresses: a record holds as many as it says itself.
bool FindStackFields(FieldFinder& find, EventFields& f) {
  const FormatField* const callers = find.Find("caller");
  if (callers == nullptr || callers->offset > 0xfffe) return false;
  f.callers = static_cast<uint16_t>(callers->offset);
  f.min_size = std::max(f.min_size, f.callers);
  return find.Get("size", 4, f.depth);
}

bool FindTimerFields(FieldFinder& find, uint32_t pointer, uint32_t long_size, EventFields& f) {
  if (!find.Get("timer", pointer, f.work)) return false;
  find.Get("function", pointer, f.function);
  find.Get("expires", long_size, f.expires);
  find.Get("now", long_size, f.now);
  return true;
}

bool FindFields(const EventFormat& format, EventKind kind, uint32_t long_size, EventFields& f) {
  FieldFinder find(format, f);
  switch (kind) {
    case EventKind::kQueueWork:
    case EventKind::kActivateWork:
    case EventKind::kExecuteStart:
    case EventKind::kExecuteEnd:
      return FindWorkFields(find, long_size, kind, f);
    case EventKind::kSwitch:
      return FindSwitchFields(find, long_size, f);
    case EventKind::kWaking:
    case EventKind::kWakeup:
    case EventKind::kFork:
    case EventKind::kExit:
    case EventKind::kRename:
      return FindTaskFields(find, kind, f);
    case EventKind::kTimerStart:
    case EventKind::kTimerExpire:
    case EventKind::kTimerCancel:
      return FindTimerFields(find, long_size, long_size, f);
    case EventKind::kSoftirqEntry:
      find.Get("vec", 4, f.vec);
      return true;
    case EventKind::kQueueStack:
      return FindStackFields(find, f);
    case EventKind::kIrqEntry:
    case EventKind::kIrqExit:
    case EventKind::kSoftirqExit:
      return true;  // what all events have is all that is needed
    case EventKind::kLossBegin:
    case EventKind::kLossEnd:
      break;
  }
  return false;
}

// The letters of prev_state stand in the print format as { 0x0002, "D" }, and the bit of a
// preempted task before ? "+": their values moved between kernels.
void FindTaskStates(const EventFormat& format, EventLayout& layout) {
  std::string_view rest = format.print_fmt;
  for (size_t at; (at = rest.find("{ 0x")) != std::string_view::npos;) {
    rest.remove_prefix(at + 4);
    uint64_t bit = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), bit, 16);
    const size_t used = static_cast<size_t>(end - rest.data());
    if (error == std::errc() && rest.substr(used, 3) == ", \"" && rest.size() > used + 3) {
      layout.task_states.emplace_back(bit, rest[used + 3]);
    }
    if (layout.task_states.size() > 64) break;
  }
  // TASK_REPORT_MAX is the bit above the largest reported state.
  uint64_t highest = 0;
  for (const auto& [bit, letter] : layout.task_states) {
    highest = std::max(highest, bit);
    layout.state_bits |= bit;
  }
  layout.preempted_bit = highest << 1;
}

// What a record begins with.
struct CommonFields {
  uint16_t type = 0, flags = 0, pid = 0, size = 0;
  friend bool operator==(const CommonFields&, const CommonFields&) = default;
};

std::optional<CommonFields> FindCommonFields(const EventFormat& format) {
  EventFields sizes;
  FieldFinder find(format, sizes);
  CommonFields out;
  if (!find.Get("common_type", 2, out.type) || !find.Get("common_flags", 1, out.flags) ||
      !find.Get("common_pid", 4, out.pid)) {
    return std::nullopt;
  }
  out.size = sizes.min_size;
  return out;
}

}  // namespace

std::optional<EventLayout> MakeLayout(const std::vector<EventFormat>& formats, int long_size) {
  EventLayout layout;
  layout.pointer_size = static_cast<uint8_t>(long_size);
  layout.ids.assign(65536, {});
  layout.slots.push_back({EventLayout::kOther, "unknown"});
  bool any = false;
  std::optional<CommonFields> common;
  for (const EventFormat& format : formats) {
    EventLayout::Id& id = layout.ids[format.id];
    if (id.slot != 0 || layout.slots.size() > 0xffff) continue;
    id.slot = static_cast<uint16_t>(layout.slots.size());
    layout.slots.push_back({EventLayout::kOther, fmt::format("{}:{}", format.system, format.name)});
    for (const KnownEvent& known : kKnown) {
      if (format.name != known.name) continue;
      const std::optional<CommonFields> own = FindCommonFields(format);
      if (!own) continue;
      // A record's event is known by what all have in common: there is one truth about that.
      if (common && *common != *own) return std::nullopt;
      common = own;
      EventFields fields;
      if (!FindFields(format, known.kind, static_cast<uint32_t>(long_size), fields)) continue;
      fields.min_size = std::max(fields.min_size, own->size);
      // sched_wakeup and _wakeup_new share a kind and, being one event class, a layout.
      layout.fields[static_cast<size_t>(known.kind)] = fields;
      layout.slots.back().kind = id.kind = static_cast<uint8_t>(known.kind);
      any |= known.kind <= EventKind::kExecuteEnd;
      if (known.kind == EventKind::kSwitch) FindTaskStates(format, layout);
    }
  }
  if (!any) return std::nullopt;
  layout.type_offset = common->type;
  layout.flags_offset = common->flags;
  layout.pid_offset = common->pid;
  layout.min_size = common->size;
  return layout;
}

}  // namespace wqprof
