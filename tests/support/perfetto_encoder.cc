// SPDX-License-Identifier: Apache-2.0
#include "support/perfetto_encoder.h"

#include <fmt/format.h>
#include <zlib.h>
#include <zstd.h>

#include <map>
#include <set>
#include <span>
#include <utility>
#include <vector>

#include "support/dat_encoder.h"

namespace wqprof::testing {
namespace {

std::string Varint(uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(value | 0x80));
  out.push_back(static_cast<char>(value));
  return out;
}
// As protobuf stores a negative int32: like an int64.
uint64_t Signed(int64_t value) { return static_cast<uint64_t>(value); }

// A value of an event's message.
struct Value {
  uint32_t field;
  std::string_view name;
  uint64_t number = 0;
  std::string text = {};
  bool is_text = false;
};
Value Text(uint32_t field, std::string_view name, std::string_view text) {
  return {field, name, 0, std::string(text), true};
}

struct Message {
  uint32_t field = 0;
  std::string_view name;
  std::vector<Value> values;
};

class Encoder {
 public:
  Encoder(const TraceBuilder& trace, const PerfettoStyle& style) : trace_(trace), style_(style) {}

  std::string Encode() {
    WriteHead();
    std::map<Cpu, std::vector<const Event*>> buffers;
    size_t in_round = 0;
    for (const Event& e : trace_.events()) {
      if (e.kind == EventKind::kLossBegin) continue;
      buffers[e.cpu].push_back(&e);
      if (++in_round < style_.round) continue;
      EndRound(buffers);
      in_round = 0;
    }
    EndRound(buffers);
    return style_.compression ? Compressed() : out_;
  }

 private:
  static constexpr uint32_t kSequence = 7;

  void AddPacket(std::string_view packet) { out_ += BytesField(1, packet); }

  void WriteHead() {
    // The configuration, of no use here.
    AddPacket(BytesField(33, BytesField(2, BytesField(1, BytesField(1, "linux.ftrace")))));
    std::string clocks;
    for (const auto& [id, time] : {std::pair{1, 5000}, {6, 1000}, {5, 400}, {3, 900}}) {
      clocks += BytesField(1, VarintField(1, static_cast<uint64_t>(id)) +
                                  VarintField(2, static_cast<uint64_t>(time)));
    }
    AddPacket(BytesField(6, clocks));
    AddPacket(BytesField(45, BytesField(1, BytesField(1, "Linux") + BytesField(3, "6.6-android") +
                                               BytesField(4, "aarch64")) +
                                 VarintField(8, 4)));
    std::string tasks;
    std::set<Pid> named;
    for (const Event& e : trace_.events()) {
      const std::string_view comm = trace_.names().Get(trace_.CommOf(e.pid));
      if (comm.empty() || ToInt(e.pid) <= 0 || !named.insert(e.pid).second) continue;
      const std::string id = VarintField(1, static_cast<uint64_t>(ToInt(e.pid)));
      const bool worker = comm.starts_with("kworker/");
      tasks += worker ? BytesField(1, id + BytesField(3, fmt::format("{}-events", comm)))
                      : BytesField(2, id + BytesField(2, comm));
    }
    AddPacket(BytesField(2, tasks));
  }

  // --- Numbers and names ----------------------------------------------------------------------

  uint64_t NumberOf(uint64_t address) {
    return numbers_.try_emplace(address, numbers_.size() + 1).first->second;
  }
  uint64_t Work(WorkAddr work) { return style_.numbers ? NumberOf(ToInt(work)) : ToInt(work); }
  uint64_t Function(NameId name) {
    if (name == NameId::kUnknown) return 0;
    const uint64_t address = AddressOf(name, {});
    if (!style_.symbols && !style_.numbers) return address;
    const uint64_t number = NumberOf(address);
    if (style_.symbols && told_.insert(number).second) {
      interned_ += BytesField(26, VarintField(1, number) + BytesField(2, trace_.names().Get(name)));
    }
    return number;
  }

  // --- Events ---------------------------------------------------------------------------------

  static uint64_t PidOf(Pid id) { return Signed(ToInt(id)); }
  std::string_view NameOf(NameId id) const { return trace_.names().Get(id); }

  Message QueueMessage(const Event& e) {
    Message out = {59, "workqueue_queue_work", WorkAndFunction(e)};
    if (style_.workqueue_is_name) {
      out.values.push_back(Text(6, "workqueue", NameOf(e.work.workqueue)));
    } else {
      out.values.push_back({3, "workqueue_address", AddressOf(e.work.workqueue, {})});
    }
    const int requested = ToInt(e.work.requested_cpu);
    out.values.push_back({4, "req_cpu", requested < 0 ? 8192 : Signed(requested)});
    out.values.push_back({5, "cpu", Signed(ToInt(e.work.target_cpu))});
    return out;
  }
  Message SwitchMessage(const Event& e) const {
    const Event::Switch& s = e.sched_switch;
    return {4,
            "sched_switch",
            {Text(1, "prev_comm", NameOf(s.prev_comm)),
             {2, "prev_pid", PidOf(e.pid)},
             {3, "prev_prio", Signed(s.prev_prio)},
             {4, "prev_state", StateBits(s)},
             Text(5, "next_comm", NameOf(s.next_comm)),
             {6, "next_pid", PidOf(s.next)},
             {7, "next_prio", Signed(s.next_prio)}}};
  }
  Message MessageOf(const Event& e) {
    switch (e.kind) {
      case EventKind::kQueueWork:
        return QueueMessage(e);
      case EventKind::kActivateWork:
        return {56, "workqueue_activate_work", WorkAndFunction(e)};
      case EventKind::kExecuteStart:
        return {58, "workqueue_execute_start", WorkAndFunction(e)};
      case EventKind::kExecuteEnd:
        return {57, "workqueue_execute_end", WorkAndFunction(e)};
      case EventKind::kSwitch:
        return SwitchMessage(e);
      case EventKind::kWaking:
      case EventKind::kWakeup:
        return {e.kind == EventKind::kWaking ? 20u : 17u,
                e.kind == EventKind::kWaking ? "sched_waking" : "sched_wakeup",
                {Text(1, "comm", NameOf(e.wake.comm)),
                 {2, "pid", PidOf(e.wake.target)},
                 {3, "prio", Signed(e.wake.prio)},
                 {5, "target_cpu", Signed(ToInt(e.wake.target_cpu))}}};
      case EventKind::kFork:
        return {239,
                "sched_process_fork",
                {Text(3, "child_comm", NameOf(e.task.comm)), {4, "child_pid", PidOf(e.task.task)}}};
      case EventKind::kExit:
        return {238,
                "sched_process_exit",
                {Text(1, "comm", NameOf(e.task.comm)), {2, "pid", PidOf(e.task.task)}}};
      case EventKind::kRename:
        return {236,
                "task_rename",
                {{1, "pid", PidOf(e.task.task)}, Text(3, "newcomm", NameOf(e.task.comm))}};
      case EventKind::kTimerStart:
        return {555,
                "timer_start",
                {{1, "timer", ToInt(e.timer.timer)},
                 {2, "function", Function(e.timer.function)},
                 {3, "expires", 1000u + e.timer.timeout_jiffies},
                 {4, "now", 1000}}};
      case EventKind::kTimerExpire:
        return {557,
                "timer_expire_entry",
                {{1, "timer", ToInt(e.timer.timer)},
                 {2, "now", 1000},
                 {3, "function", Function(e.timer.function)}}};
      case EventKind::kTimerCancel:
        return {556, "timer_cancel", {{1, "timer", ToInt(e.timer.timer)}}};
      case EventKind::kIrqEntry:
        return {36, "irq_handler_entry", {{1, "irq", 6}}};
      case EventKind::kIrqExit:
        return {37, "irq_handler_exit", {{1, "irq", 6}}};
      case EventKind::kSoftirqEntry:
        return {24, "softirq_entry", {{1, "vec", 6}}};
      default:
        return {25, "softirq_exit", {{1, "vec", 6}}};
    }
  }
  std::vector<Value> WorkAndFunction(const Event& e) {
    std::vector<Value> out = {{1, "work", Work(e.work.work)}};
    if (const uint64_t function = Function(e.work.function); function != 0) {
      out.push_back({2, "function", function});
    }
    return out;
  }
  static uint64_t StateBits(const Event::Switch& s) {
    const std::map<char, uint64_t> bits = {{'R', 0}, {'S', 1}, {'D', 2}, {'I', 0x80}};
    return bits.at(s.prev_state) | (s.preempted ? 0x100u : 0u);
  }

  std::string EventOf(const Event& e) {
    const Message message = MessageOf(e);
    std::string out = VarintField(1, Signed(e.at.time_since_epoch().count()));
    out += VarintField(2, static_cast<uint32_t>(ToInt(e.pid)));
    if (style_.flags) out += VarintField(5, e.flags);
    std::string body = style_.generic ? BytesField(1, message.name) : "";
    for (const Value& value : message.values) {
      if (!style_.generic) {
        body += value.is_text ? BytesField(value.field, value.text)
                              : VarintField(value.field, value.number);
      } else {
        body += BytesField(
            2, BytesField(1, value.name) +
                   (value.is_text ? BytesField(3, value.text) : VarintField(5, value.number)));
      }
    }
    return out + BytesField(style_.generic ? 327 : message.field, body);
  }

  // --- Bundles --------------------------------------------------------------------------------

  // Columns of the scheduler's events of one bundle.
  struct Compact {
    std::map<uint32_t, std::string> columns;
    std::vector<NameId> names;
    uint64_t last_switch = 0, last_waking = 0;

    uint64_t IndexOf(NameId name) {
      for (size_t i = 0; i < names.size(); ++i) {
        if (names[i] == name) return i;
      }
      names.push_back(name);
      return names.size() - 1;
    }
    void Add(const Event& e) {
      const auto at = static_cast<uint64_t>(e.at.time_since_epoch().count());
      if (e.kind == EventKind::kSwitch) {
        columns[1] += Varint(at - last_switch);
        columns[2] += Varint(StateBits(e.sched_switch));
        columns[3] += Varint(Signed(ToInt(e.sched_switch.next)));
        columns[4] += Varint(Signed(e.sched_switch.next_prio));
        columns[6] += Varint(IndexOf(e.sched_switch.next_comm));
        last_switch = at;
      } else {
        columns[7] += Varint(at - last_waking);
        columns[8] += Varint(Signed(ToInt(e.wake.target)));
        columns[9] += Varint(Signed(ToInt(e.wake.target_cpu)));
        columns[10] += Varint(Signed(e.wake.prio));
        columns[11] += Varint(IndexOf(e.wake.comm));
        columns[12] += Varint(e.flags);
        last_waking = at;
      }
    }
    std::string Take(const NameTable& table) const {
      std::string out;
      for (const NameId name : names) out += BytesField(5, table.Get(name));
      for (const auto& [field, column] : columns) out += BytesField(field, column);
      return out;
    }
  };

  void EndRound(std::map<Cpu, std::vector<const Event*>>& buffers) {
    numbers_.clear();
    told_.clear();
    bool cleared = false;
    for (const auto& [cpu, events] : buffers) {
      // A bundle has no loss within it.
      size_t begin = 0;
      for (size_t i = 0; i <= events.size(); ++i) {
        const bool loss = i < events.size() && events[i]->kind == EventKind::kLossEnd;
        if (!loss && i < events.size()) continue;
        if (i > begin) {
          WriteBundle(cpu, std::span(events).subspan(begin, i - begin), !cleared);
          cleared = true;
        }
        begin = i + 1;
        loses_[cpu] |= loss;
      }
    }
    buffers.clear();
  }

  void WriteBundle(Cpu cpu, std::span<const Event* const> events, bool first) {
    std::string bundle = VarintField(1, Signed(ToInt(cpu)));
    if (std::exchange(loses_[cpu], false)) bundle += VarintField(3, 1);
    if (style_.clock != 0) bundle += VarintField(5, style_.clock);
    if (style_.ends) bundle += VarintField(10, ends_[cpu]);
    interned_.clear();
    Compact compact;
    for (const Event* e : events) {
      const bool sched = e->kind == EventKind::kSwitch || e->kind == EventKind::kWaking;
      if (style_.compact && sched) {
        compact.Add(*e);
      } else {
        bundle += BytesField(2, EventOf(*e));
      }
      ends_[cpu] = static_cast<uint64_t>(e->at.time_since_epoch().count());
    }
    if (!compact.columns.empty()) bundle += BytesField(4, compact.Take(trace_.names()));
    std::string packet = VarintField(10, kSequence) + BytesField(1, bundle);
    if (first && style_.symbols) packet += VarintField(13, 1);
    if (!interned_.empty()) packet += BytesField(12, interned_);
    AddPacket(packet);
  }

  // Some packets at a time.
  std::string Compressed() const {
    std::string out;
    std::string packed(ZSTD_compressBound(out_.size()) + compressBound(out_.size()), '\0');
    if (style_.compression == 's') {
      packed.resize(ZSTD_compress(packed.data(), packed.size(), out_.data(), out_.size(), 3));
      return BytesField(1, BytesField(133, packed));
    }
    uLongf size = packed.size();
    compress2(reinterpret_cast<Bytef*>(packed.data()), &size,
              reinterpret_cast<const Bytef*>(out_.data()), out_.size(), 6);
    packed.resize(size);
    return BytesField(1, BytesField(50, packed));
  }

  const TraceBuilder& trace_;
  const PerfettoStyle& style_;
  std::string out_, interned_;
  std::map<uint64_t, uint64_t> numbers_;  // of addresses, in this round
  std::set<uint64_t> told_;
  std::map<Cpu, bool> loses_;
  std::map<Cpu, uint64_t> ends_;
};

}  // namespace

std::string VarintField(uint32_t field, uint64_t value) {
  return Varint(uint64_t{field} << 3) + Varint(value);
}
std::string BytesField(uint32_t field, std::string_view bytes) {
  return Varint(uint64_t{field} << 3 | 2) + Varint(bytes.size()) + std::string(bytes);
}

std::string EncodePerfetto(const TraceBuilder& trace, const PerfettoStyle& style) {
  return Encoder(trace, style).Encode();
}

}  // namespace wqprof::testing
