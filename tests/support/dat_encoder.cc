// SPDX-License-Identifier: Apache-2.0
#include "support/dat_encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <map>
#include <set>

#include "wqprof/stack_text.h"

namespace wqprof::testing {
namespace {

constexpr size_t kCommLength = 16;
constexpr uint64_t kNrCpus = 8192;  // req_cpu of a caller that gave none

// One field after the common ones.
struct Field {
  std::string declaration;
  size_t size;
  bool is_signed;
};

struct KindText {
  EventKind kind;
  std::string_view system, name;
  int id;
};
constexpr KindText kKinds[] = {
    {EventKind::kQueueWork, "workqueue", "workqueue_queue_work", 269},
    {EventKind::kActivateWork, "workqueue", "workqueue_activate_work", 268},
    {EventKind::kExecuteStart, "workqueue", "workqueue_execute_start", 267},
    {EventKind::kExecuteEnd, "workqueue", "workqueue_execute_end", 266},
    {EventKind::kSwitch, "sched", "sched_switch", 310},
    {EventKind::kWaking, "sched", "sched_waking", 313},
    {EventKind::kWakeup, "sched", "sched_wakeup", 312},
    {EventKind::kFork, "sched", "sched_process_fork", 306},
    {EventKind::kExit, "sched", "sched_process_exit", 308},
    {EventKind::kRename, "task", "task_rename", 119},
    {EventKind::kTimerStart, "timer", "timer_start", 418},
    {EventKind::kTimerExpire, "timer", "timer_expire_entry", 417},
    {EventKind::kTimerCancel, "timer", "timer_cancel", 415},
    {EventKind::kIrqEntry, "irq", "irq_handler_entry", 122},
    {EventKind::kIrqExit, "irq", "irq_handler_exit", 121},
    {EventKind::kSoftirqEntry, "irq", "softirq_entry", 120},
    {EventKind::kSoftirqExit, "irq", "softirq_exit", 118},
    {EventKind::kQueueStack, "ftrace", "kernel_stack", 4},
};

const KindText& TextOf(EventKind kind) {
  for (const KindText& k : kKinds) {
    if (k.kind == kind) return k;
  }
  assert(false);
  return kKinds[0];
}

std::vector<Field> FieldsOf(EventKind kind, const DatStyle& style) {
  const size_t pointer = static_cast<size_t>(style.long_size);
  const Field work{"void * work", pointer, false}, function{"void * function", pointer, false};
  const Field comm{"char comm[16]", kCommLength, false}, pid{"pid_t pid", 4, true};
  const Field timer{"void * timer", pointer, false}, now{"unsigned long now", pointer, false};
  switch (kind) {
    case EventKind::kQueueWork:
      return {work,
              function,
              style.workqueue_is_name ? Field{"__data_loc char[] workqueue", 4, false}
                                      : Field{"void * workqueue", pointer, false},
              {style.workqueue_is_name ? "int req_cpu" : "unsigned int req_cpu", 4, true},
              {style.workqueue_is_name ? "int cpu" : "unsigned int cpu", 4, true}};
    case EventKind::kActivateWork:
      return style.activate_has_function ? std::vector{work, function} : std::vector{work};
    case EventKind::kExecuteStart:
      return {work, function};
    case EventKind::kExecuteEnd:
      return style.end_has_function ? std::vector{work, function} : std::vector{work};
    case EventKind::kSwitch:
      return {{"char prev_comm[16]", kCommLength, false},
              {"pid_t prev_pid", 4, true},
              {"int prev_prio", 4, true},
              {"long prev_state", pointer, true},
              {"char next_comm[16]", kCommLength, false},
              {"pid_t next_pid", 4, true},
              {"int next_prio", 4, true}};
    case EventKind::kWaking:
    case EventKind::kWakeup:
      return {comm, pid, {"int prio", 4, true}, {"int target_cpu", 4, true}};
    case EventKind::kFork:
      return {{"char parent_comm[16]", kCommLength, false},
              {"pid_t parent_pid", 4, true},
              {"char child_comm[16]", kCommLength, false},
              {"pid_t child_pid", 4, true}};
    case EventKind::kExit:
      return {comm, pid, {"int prio", 4, true}};
    case EventKind::kRename:
      return {pid,
              {"char oldcomm[16]", kCommLength, false},
              {"char newcomm[16]", kCommLength, false},
              {"short oom_score_adj", 2, true}};
    case EventKind::kTimerStart:
      return {timer,
              function,
              {"unsigned long expires", pointer, false},
              now,
              {"unsigned int flags", 4, false}};
    case EventKind::kTimerExpire:
      return {timer, now, function};
    case EventKind::kIrqEntry:
    case EventKind::kIrqExit:
      return {{"int irq", 4, true}};
    case EventKind::kSoftirqEntry:
    case EventKind::kSoftirqExit:
      return {{"unsigned int vec", 4, false}};
    case EventKind::kQueueStack:
      return {{"int size", 4, true}, {"unsigned long caller[8]", pointer, false}};
    default:
      return {timer};
  }
}

// The common fields take 8 bytes, or 12 that alignment makes 16 where pointers are wide.
size_t CommonSize(const DatStyle& style) {
  if (!style.odd_common_fields) return 8;
  return style.long_size == 8 ? 16 : 12;
}

size_t Align(size_t at, size_t size) {
  const size_t to = size == kCommLength ? 1 : size;
  return (at + to - 1) / to * to;
}

std::string HeaderPageText(const DatStyle& style) {
  return fmt::format(
      "\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"
      "\tfield: local_t commit;\toffset:8;\tsize:{0};\tsigned:1;\n"
      "\tfield: int overwrite;\toffset:8;\tsize:1;\tsigned:1;\n"
      "\tfield: char data;\toffset:{1};\tsize:{2};\tsigned:0;\n",
      style.long_size, 8 + style.long_size,
      style.page_size - 8 - static_cast<uint32_t>(style.long_size));
}

uint64_t StateBits(const Event::Switch& s) {
  const std::map<char, uint64_t> bits = {{'R', 0},    {'S', 1},    {'D', 2},
                                         {'T', 4},    {'t', 8},    {'X', 0x10},
                                         {'Z', 0x20}, {'P', 0x40}, {'I', 0x80}};
  return bits.at(s.prev_state) | (s.preempted ? 0x100u : 0u);
}

// A function's made-up address, which depends on its name alone; some way into it.
uint64_t AddressOfFrame(std::string_view function, const DatStyle& style) {
  uint64_t hash = 0;
  for (const char c : function) hash = hash * 131 + static_cast<uint8_t>(c);
  const uint64_t text = style.long_size == 8 ? 0xffffffffa0000000 : 0xd0000000;
  return text + hash % 0x4000 * 0x1000 + 0x24;
}

constexpr std::string_view kOnTop[] = {"trace_event_raw_event_workqueue_queue_work",
                                       "__traceiter_workqueue_queue_work", "__queue_work"};

std::vector<uint64_t> StackAddresses(std::string_view stack, const DatStyle& style) {
  std::vector<uint64_t> out;
  for (const std::string_view frame : kOnTop) out.push_back(AddressOfFrame(frame, style));
  for (const std::string_view frame : FramesOf(stack)) {
    out.push_back(AddressOfFrame(frame, style));
  }
  return out;
}

// Writes one payload field by field, at the offsets that the format text tells.
class PayloadWriter {
 public:
  PayloadWriter(const Event& event, const NameTable& names, const DatStyle& style)
      : event_(event), names_(names), style_(style), w_(style.big_endian) {}

  std::string Write() {
    w_.U16(static_cast<uint64_t>(TextOf(event_.kind).id)).U8(event_.flags).U8(1);
    w_.U32(static_cast<uint32_t>(ToInt(event_.pid)));
    if (style_.odd_common_fields) w_.U8(0).U8(3).U16(0);
    w_.PadTo(CommonSize(style_));
    switch (event_.kind) {
      case EventKind::kQueueWork:
        Queue();
        break;
      case EventKind::kActivateWork:
        WorkAndFunction(style_.activate_has_function);
        break;
      case EventKind::kExecuteStart:
        WorkAndFunction(true);
        break;
      case EventKind::kExecuteEnd:
        WorkAndFunction(style_.end_has_function);
        break;
      case EventKind::kSwitch:
        Switch();
        break;
      case EventKind::kWaking:
      case EventKind::kWakeup:
        Wake();
        break;
      case EventKind::kFork:
      case EventKind::kExit:
      case EventKind::kRename:
        Task();
        break;
      case EventKind::kIrqEntry:
      case EventKind::kIrqExit:
      case EventKind::kSoftirqEntry:
      case EventKind::kSoftirqExit:
        Int(6);
        break;
      case EventKind::kQueueStack:
        Stack();
        break;
      default:
        Timer();
    }
    return w_.Take();
  }

 private:
  ByteWriter& Long(uint64_t value) {
    const size_t size = static_cast<size_t>(style_.long_size);
    return w_.PadTo(size).Number(value, size);
  }
  ByteWriter& Int(int64_t value) { return w_.U32(static_cast<uint32_t>(value)); }
  ByteWriter& Comm(NameId name) { return w_.Array(names_.Get(name), kCommLength); }

  void WorkAndFunction(bool function) {
    Long(ToInt(event_.work.work));
    if (function) Long(AddressOf(event_.work.function, style_));
  }
  void Queue() {
    WorkAndFunction(true);
    const std::string_view name = names_.Get(event_.work.workqueue);
    const size_t place = w_.size();
    if (style_.workqueue_is_name) {
      w_.U32(0);
    } else {
      Long(AddressOf(event_.work.workqueue, style_));
    }
    const Cpu wish = event_.work.requested_cpu;
    Int(wish == Cpu::kNone ? static_cast<int64_t>(kNrCpus) : ToInt(wish));
    Int(ToInt(event_.work.target_cpu));
    if (!style_.workqueue_is_name) return;
    w_.PadTo(static_cast<size_t>(style_.long_size));
    w_.Patch(place, (name.size() + 1) << 16 | w_.size(), 4);
    w_.CString(name).PadTo(4);
  }
  void Switch() {
    const Event::Switch& s = event_.sched_switch;
    Comm(s.prev_comm);
    Int(ToInt(event_.pid));
    Int(s.prev_prio);
    Long(StateBits(s));
    Comm(s.next_comm);
    Int(ToInt(s.next));
    Int(s.next_prio);
  }
  void Wake() {
    Comm(event_.wake.comm);
    Int(ToInt(event_.wake.target));
    Int(event_.wake.prio);
    Int(ToInt(event_.wake.target_cpu));
  }
  void Task() {
    if (event_.kind == EventKind::kFork) {
      w_.Array("parent", kCommLength);
      Int(ToInt(event_.pid));
      Comm(event_.task.comm);
      Int(ToInt(event_.task.task));
    } else if (event_.kind == EventKind::kExit) {
      Comm(event_.task.comm);
      Int(ToInt(event_.task.task));
      Int(120);
    } else {
      Int(ToInt(event_.task.task));
      w_.Array("old", kCommLength);
      Comm(event_.task.comm);
      w_.U16(0);
    }
  }
  // On top stands what the tracing puts there.
  void Stack() {
    const std::vector<uint64_t> addresses =
        StackAddresses(names_.Get(event_.queue_stack.stack), style_);
    Int(static_cast<int64_t>(addresses.size()));
    for (const uint64_t address : addresses) Long(address);
  }
  void Timer() {
    constexpr uint64_t kJiffies = 4294892296;
    Long(ToInt(event_.timer.timer));
    if (event_.kind == EventKind::kTimerStart) {
      Long(AddressOf(event_.timer.function, style_));
      Long(kJiffies + event_.timer.timeout_jiffies);
      Long(kJiffies);
      Int(0);
    } else if (event_.kind == EventKind::kTimerExpire) {
      Long(kJiffies);
      Long(AddressOf(event_.timer.function, style_));
    }
  }

  const Event& event_;
  const NameTable& names_;
  const DatStyle& style_;
  ByteWriter w_;
};

void DescribeEvents(const DatStyle& style, DatFile& file) {
  std::map<std::string, std::vector<std::string>> by_system;
  for (const KindText& k : kKinds) {
    if (k.kind == EventKind::kQueueStack) continue;
    by_system[std::string(k.system)].push_back(FormatText(k.kind, style));
  }
  file.formats.assign(by_system.begin(), by_system.end());
}

void AddFrames(std::string_view stack, const DatStyle& style,
               std::map<uint64_t, std::string>& functions) {
  for (const std::string_view frame : kOnTop) {
    functions[AddressOfFrame(frame, style) & ~uint64_t{0xfff}] = frame;
  }
  for (const std::string_view frame : FramesOf(stack)) {
    const FunctionName f = SplitFunction(frame);
    functions[AddressOfFrame(frame, style) & ~uint64_t{0xfff}] =
        f.module.empty() ? std::string(f.name) : fmt::format("{}\t[{}]", f.name, f.module);
  }
}

// Functions of the trace as /proc/kallsyms lists them, among others.
std::string Kallsyms(const TraceBuilder& trace, const DatStyle& style) {
  std::map<uint64_t, std::string> functions;
  for (const Event& e : trace.events()) {
    NameId name = NameId::kUnknown;
    if (e.kind <= EventKind::kExecuteEnd) name = e.work.function;
    if (e.kind == EventKind::kQueueStack) {
      AddFrames(trace.names().Get(e.queue_stack.stack), style, functions);
    } else if (e.kind >= EventKind::kTimerStart) {
      name = e.timer.function;
    }
    if (name == NameId::kUnknown) continue;
    const FunctionName f = SplitFunction(trace.names().Get(name));
    functions[AddressOf(name, style)] =
        f.module.empty() ? std::string(f.name) : fmt::format("{}\t[{}]", f.name, f.module);
  }
  std::string text = "0000000000000000 A fixed_percpu_data\n";
  for (const auto& [address, name] : functions) {
    text += fmt::format("{:016x} t {}\n{:016x} d data_behind\n", address, name, address + 16);
  }
  return text;
}

std::string Cmdlines(const TraceBuilder& trace) {
  std::string text;
  std::set<Pid> told;
  for (const Event& e : trace.events()) {
    const NameId comm = trace.CommOf(e.pid);
    if (comm == NameId::kUnknown || ToInt(e.pid) == 0 || !told.insert(e.pid).second) continue;
    text += fmt::format("{} {}\n", ToInt(e.pid), trace.names().Get(comm));
  }
  return text;
}

}  // namespace

uint64_t AddressOf(NameId name, const DatStyle& style) {
  if (name == NameId::kUnknown) return 0;
  const uint64_t text = style.long_size == 8 ? 0xffffffff81000000 : 0xc1000000;
  return text + ToInt(name) * 0x1000;
}

int IdOf(EventKind kind) { return TextOf(kind).id; }

std::string FormatText(EventKind kind, const DatStyle& style) {
  const KindText& text = TextOf(kind);
  std::string out = fmt::format(
      "name: {}\nID: {}\nformat:\n"
      "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
      "\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"
      "\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"
      "\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n",
      text.name, text.id);
  if (style.odd_common_fields) {
    out +=
        "\tfield:unsigned char common_migrate_disable;\toffset:8;\tsize:1;\tsigned:0;\n"
        "\tfield:unsigned char common_preempt_lazy_count;\toffset:9;\tsize:1;\tsigned:0;\n";
  }
  out += '\n';
  size_t at = CommonSize(style);
  for (const Field& f : FieldsOf(kind, style)) {
    at = Align(at, f.size);
    out += fmt::format("\tfield:{};\toffset:{};\tsize:{};\tsigned:{};\n", f.declaration, at, f.size,
                       f.is_signed ? 1 : 0);
    at += f.size;
  }
  out += kind == EventKind::kSwitch
             ? "\nprint fmt: \"...\", __print_flags(REC->prev_state & 0xff, \"|\", "
               "{ 0x00000001, \"S\" }, { 0x00000002, \"D\" }, { 0x00000004, \"T\" }, "
               "{ 0x00000008, \"t\" }, { 0x00000010, \"X\" }, { 0x00000020, \"Z\" }, "
               "{ 0x00000040, \"P\" }, { 0x00000080, \"I\" })\n"
             : "\nprint fmt: \"%p\", REC->work\n";
  return out;
}

std::string Payload(const Event& event, const NameTable& names, const DatStyle& style) {
  return PayloadWriter(event, names, style).Write();
}

DatFile EncodeDat(const TraceBuilder& trace, const DatStyle& style) {
  DatFile file;
  file.version = style.version;
  file.big_endian = style.big_endian;
  file.long_size = style.long_size;
  file.page_size = style.page_size;
  file.compression = style.zstd ? "zstd" : "none";
  file.header_page = HeaderPageText(style);
  file.kallsyms = Kallsyms(trace, style);
  file.cmdlines = Cmdlines(trace);
  file.cpus = static_cast<uint32_t>(trace.info().cpus);
  DescribeEvents(style, file);
  const bool stacks = std::any_of(trace.events().begin(), trace.events().end(),
                                  [](const Event& e) { return e.kind == EventKind::kQueueStack; });
  if (stacks) file.stack_format = FormatText(EventKind::kQueueStack, style);
  if (!style.instance.empty()) file.buffers.push_back({"", "mono", style.page_size, false, {}});

  std::map<Cpu, PageWriter> writers;
  for (const Event& e : trace.events()) {
    const PageStyle page{style.big_endian, style.long_size, style.page_size, style.length_words,
                         style.absolute_times};
    PageWriter& writer = writers.try_emplace(e.cpu, page).first->second;
    if (e.kind == EventKind::kLossEnd) {
      writer.Lose(e.loss.known ? std::optional(e.loss.count) : std::nullopt);
    } else if (e.kind != EventKind::kLossBegin) {
      writer.Record(static_cast<uint64_t>(e.at.time_since_epoch().count()),
                    Payload(e, trace.names(), style));
    }
  }
  DatBuffer buffer{style.instance, "mono", style.page_size, false, {}};
  for (auto& [cpu, writer] : writers) {
    buffer.cpus.push_back({static_cast<uint32_t>(ToInt(cpu)), writer.Take(), {}, {}});
  }
  file.buffers.push_back(std::move(buffer));
  return file;
}

}  // namespace wqprof::testing
