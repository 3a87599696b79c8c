// SPDX-License-Identifier: Apache-2.0
#include "pftrace/trace_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "pftrace/proto.h"

namespace wqprof {
namespace {

using Role = FieldRole;

// No recording is longer (52 days); a stamp further from the first is damage.
constexpr Nanos kLongestTrace{int64_t{1} << 52};
constexpr size_t kMostSequences = 4096, kMostInterned = 1 << 20;
constexpr size_t kMostAddresses = 64 << 10;

Timestamp TimeOf(uint64_t stamp) {
  constexpr auto kMost = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  return Timestamp(Nanos(static_cast<int64_t>(std::min(stamp, kMost))));
}

Cpu CpuOf(const FtraceEvent& from, Role role) {
  const uint64_t value = from.Has(role) ? from.Number(role) : ~uint64_t{0};
  return value <= static_cast<uint64_t>(kMaxCpus) ? static_cast<Cpu>(value) : Cpu::kNone;
}

int16_t PrioOf(const FtraceEvent& from, Role role) {
  return static_cast<int16_t>(from.Number(role));
}

Pid PidOf(const FtraceEvent& from, Pid instead) {
  return from.Has(Role::kNextPid)
             ? static_cast<Pid>(static_cast<uint32_t>(from.Number(Role::kNextPid)))
             : instead;
}

}  // namespace

// The parts of a packet that are of use.
struct TraceReader::Packet {
  std::string_view bundle, tasks, clocks, interned, system;
  uint32_t sequence = 0;
  bool state_cleared = false, dropped = false;
  uint64_t machine = 0;  // a guest, or another one

  // False: it is damaged; what came before the damage was read.
  bool Parse(std::string_view bytes) {
    return ForEachField(bytes, [&](protozero::pbf_reader& in) {
      switch (in.tag_and_type()) {
        case AsBytes(1):
          bundle = TakeBytes(in);
          return true;
        case AsBytes(2):
          tasks = TakeBytes(in);
          return true;
        case AsBytes(6):
          clocks = TakeBytes(in);
          return true;
        case AsVarint(10):
          sequence = static_cast<uint32_t>(in.get_uint64());
          return true;
        case AsBytes(12):
          interned = TakeBytes(in);
          return true;
        case AsVarint(13):
          state_cleared |= (in.get_uint64() & 1) != 0;
          return true;
        case AsVarint(41):
          state_cleared |= in.get_uint64() != 0;
          return true;
        case AsVarint(42):
          dropped = in.get_uint64() != 0;
          return true;
        case AsBytes(45):
          system = TakeBytes(in);
          return true;
        case AsVarint(98):
          machine = in.get_uint64();
          return true;
        default:
          return false;
      }
    });
  }
};

// What a bundle says of itself.
struct TraceReader::Bundle {
  uint64_t cpu = 0;
  bool lost_events = false;
  uint32_t clock = 0;
  std::optional<uint64_t> previous_end;
  std::string_view compact;

  bool Parse(std::string_view bytes) {
    return ForEachField(bytes, [&](protozero::pbf_reader& in) {
      switch (in.tag_and_type()) {
        case AsVarint(1):
          cpu = in.get_uint64();
          return true;
        case AsVarint(3):
          lost_events = in.get_uint64() != 0;
          return true;
        case AsBytes(4):
          compact = TakeBytes(in);
          return true;
        case AsVarint(5):
          clock = static_cast<uint32_t>(in.get_uint64());
          return true;
        case AsVarint(10):
          previous_end = in.get_uint64();
          return true;
        default:
          return false;
      }
    });
  }
};

TraceReader::TraceReader(std::string path, Symbols symbols, std::unique_ptr<ByteStream> bytes)
    : path_(std::move(path)), symbols_(std::move(symbols)), in_(std::move(bytes)) {}

absl::Status TraceReader::Read() {
  while (true) {
    std::string_view packet;
    const absl::StatusOr<bool> more = in_.Next(packet);
    // What came before the damage is as good as ever.
    if (absl::IsDataLoss(more.status()) && sorter_.first() != kUnseen) {
      stats_.truncated = true;
      break;
    }
    if (!more.ok()) return more.status();
    if (!*more) break;
    TakePacket(packet);
    if (!failed_.ok()) return failed_;
  }
  return Finish();
}

void TraceReader::TakePacket(std::string_view bytes) {
  Packet packet;
  if (!packet.Parse(bytes)) ++stats_.unread_records;
  if (packet.machine != 0) return;
  if (!packet.tasks.empty()) TakeTasks(packet.tasks);
  if (!packet.clocks.empty()) TakeClocks(packet.clocks);
  if (!packet.system.empty()) TakeSystem(packet.system);
  const auto known = sequences_.find(packet.sequence);
  if (known == sequences_.end()) {
    // Most writers have nothing to do with ftrace.
    if (packet.bundle.empty() && packet.interned.empty()) return;
    if (sequences_.size() >= kMostSequences) {
      ++stats_.unread_records;
      return;
    }
  }
  Sequence& sequence = sequences_[packet.sequence];
  sequence.drops += packet.dropped ? 1 : 0;
  if (packet.state_cleared) {
    interned_ -= sequence.symbols.size();
    sequence.symbols.clear();
    sequence.last_cpu = INT32_MAX;
  }
  // What a packet refers to may stand in the same one.
  if (!packet.interned.empty()) TakeInterned(packet.interned, sequence);
  if (!packet.bundle.empty()) TakeBundle(packet.bundle, sequence);
}

void TraceReader::TakeInterned(std::string_view bytes, Sequence& sequence) {
  constexpr uint32_t kKernelSymbols = 26;
  const bool whole = ForEachField(bytes, [&](protozero::pbf_reader& in) {
    if (in.tag_and_type() != AsBytes(kKernelSymbols)) return false;
    uint64_t id = 0;
    std::string_view name;
    ForEachField(TakeBytes(in), [&](protozero::pbf_reader& entry) {
      if (entry.tag_and_type() == AsVarint(1)) {
        id = entry.get_uint64();
        return true;
      }
      if (entry.tag_and_type() != AsBytes(2)) return false;
      name = TakeBytes(entry);
      return true;
    });
    if (id != 0 && interned_ < kMostInterned) {
      interned_ += sequence.symbols.insert_or_assign(id, short_names_.IdOf(name)).second ? 1 : 0;
    }
    return true;
  });
  if (!whole) ++stats_.unread_records;
}

TraceReader::CpuState* TraceReader::StateOf(uint64_t cpu) {
  if (cpu > static_cast<uint64_t>(kMaxCpus)) return nullptr;
  if (cpu >= cpus_.size()) cpus_.resize(cpu + 1);
  if (!cpus_[cpu]) cpus_[cpu] = std::make_unique<CpuState>();
  return cpus_[cpu].get();
}

void TraceReader::TakeBundle(std::string_view bytes, Sequence& sequence) {
  Bundle bundle;
  bool whole = bundle.Parse(bytes);
  CpuState* const state = StateOf(bundle.cpu);
  if (state == nullptr) {
    ++stats_.unread_records;
    return;
  }
  if (!clock_) clock_ = bundle.clock;
  const auto cpu = static_cast<Cpu>(bundle.cpu);
  // A round of the recorder goes through the CPUs once, in their order.
  if (ToInt(cpu) <= sequence.last_cpu) {
    sequence.generation = std::min(generation_++, NumberedWork::kMostGeneration - 1);
  }
  sequence.last_cpu = ToInt(cpu);
  NoteGaps(bundle, sequence, *state);
  const auto add = [&](const Event& event) {
    const bool is_switch = event.kind == EventKind::kSwitch;
    Add(event, is_switch ? "sched:sched_switch" : "sched:sched_waking", *state);
  };
  if (!bundle.compact.empty()) {
    whole &= CompactSched::Read(bundle.compact, cpu, short_names_, state->running, add);
  }
  whole &= ForEachField(bytes, [&](protozero::pbf_reader& in) {
    if (in.tag_and_type() != AsBytes(2)) return false;
    TakeEvent(TakeBytes(in), cpu, sequence, *state);
    return true;
  });
  if (!whole) ++stats_.unread_records;
}

// What the kernel's buffer lost, and what the recorder's did.
void TraceReader::NoteGaps(const Bundle& bundle, Sequence& sequence, CpuState& state) {
  const bool first = !std::exchange(state.seen, true);
  const bool skips =
      bundle.previous_end ? *bundle.previous_end > state.end : state.drops != sequence.drops;
  state.drops = sequence.drops;
  if (first) {
    overwritten_ |= skips;
    if (!bundle.lost_events) return;
  } else if (!bundle.lost_events && !skips) {
    return;
  }
  state.running = {};
  sorter_.Lose(static_cast<Cpu>(bundle.cpu), std::nullopt);
}

void TraceReader::Add(const Event& event, std::string_view name, CpuState& state) {
  if (sorter_.first() != kUnseen && Elapsed(sorter_.first(), event.at) > kLongestTrace) {
    ++stats_.unread_records;
    return;
  }
  ++state.events;
  state.end = std::max(state.end, static_cast<uint64_t>(event.at.time_since_epoch().count()));
  if (const auto it = counts_.find(name); it != counts_.end()) {
    ++it->second;
  } else {
    counts_.emplace(name, 1);
  }
  switch (event.kind) {
    case EventKind::kSwitch:
      seen_switch_ = true;
      NoteComm(event.sched_switch.next, event.sched_switch.next_comm);
      NoteComm(event.pid, event.sched_switch.prev_comm);
      break;
    case EventKind::kWaking:
    case EventKind::kWakeup:
      seen_waking_ |= event.kind == EventKind::kWaking;
      NoteComm(event.wake.target, event.wake.comm);
      break;
    case EventKind::kFork:
    case EventKind::kExit:
    case EventKind::kRename:
      NoteComm(event.task.task, event.task.comm);
      break;
    case EventKind::kTimerStart:
      seen_timers_ = true;
      break;
    default:
      if (event.kind <= EventKind::kExecuteEnd) stats_.seen_events.Add(event.kind);
      break;
  }
  sorter_.Add(event);
  if (sorter_.is_full()) failed_.Update(sorter_.MakeRoom());
}

void TraceReader::TakeEvent(std::string_view bytes, Cpu cpu, const Sequence& sequence,
                            CpuState& state) {
  FtraceEvent from;
  if (!ReadFtraceEvent(bytes, from)) {
    ++stats_.unread_records;
    return;
  }
  Event event{};
  event.at = TimeOf(from.timestamp);
  event.cpu = cpu;
  event.pid = static_cast<Pid>(from.pid);
  event.flags = static_cast<uint8_t>(from.flags.value_or(0));
  if (from.kind && Fill(from, sequence, event)) {
    Add(event, from.name, state);
    return;
  }
  ++state.events;
  state.end = std::max(state.end, from.timestamp);
  ++counts_[std::string(from.name.empty() ? "(other events)" : from.name)];
}

// False: nothing in it can be used.
bool TraceReader::Fill(const FtraceEvent& from, const Sequence& sequence, Event& to) {
  to.kind = *from.kind;
  switch (to.kind) {
    case EventKind::kSwitch: {
      Event::Switch& s = to.sched_switch;
      s.next = PidOf(from, Pid::kNone);
      s.prev_comm = short_names_.IdOf(from.Text(Role::kPrevComm));
      s.next_comm = short_names_.IdOf(from.Text(Role::kNextComm));
      s.prev_prio = PrioOf(from, Role::kPrevPrio);
      s.next_prio = PrioOf(from, Role::kNextPrio);
      SetPrevState(from.Number(Role::kPrevState), s);
      return true;
    }
    case EventKind::kWaking:
    case EventKind::kWakeup:
      to.wake = {PidOf(from, Pid::kNone), short_names_.IdOf(from.Text(Role::kNextComm)),
                 PrioOf(from, Role::kNextPrio), CpuOf(from, Role::kTargetCpu)};
      return true;
    case EventKind::kFork:
    case EventKind::kExit:
    case EventKind::kRename:
      to.task = {PidOf(from, to.pid), short_names_.IdOf(from.Text(Role::kNextComm))};
      return true;
    case EventKind::kTimerStart:
    case EventKind::kTimerExpire:
    case EventKind::kTimerCancel:
      // A number leads to no work.
      if (!from.Has(Role::kWork) || NumberedWork::IsNumber(from.Number(Role::kWork))) return false;
      to.timer = {WorkAddr{from.Number(Role::kWork)},
                  FunctionOf(from.Number(Role::kFunction), sequence),
                  static_cast<uint32_t>(from.Number(Role::kExpires) - from.Number(Role::kNow)),
                  static_cast<uint32_t>(from.Number(Role::kNow))};
      return true;
    case EventKind::kIrqEntry:
    case EventKind::kIrqExit:
    case EventKind::kSoftirqEntry:
    case EventKind::kSoftirqExit:
      return true;
    default:
      FillWork(from, sequence, to);
      return from.Has(Role::kWork);
  }
}

void TraceReader::FillWork(const FtraceEvent& from, const Sequence& sequence, Event& to) {
  to.work = {WorkOf(from.Number(Role::kWork), sequence),
             FunctionOf(from.Number(Role::kFunction), sequence),
             NameId::kUnknown,
             Cpu::kNone,
             Cpu::kNone,
             0};
  if (to.kind != EventKind::kQueueWork) return;
  const std::string_view name = from.Text(Role::kWorkqueue);
  const uint64_t address = from.Number(Role::kWorkqueue);
  if (!name.empty()) {
    to.work.workqueue = short_names_.IdOf(name);
  } else if (address != 0 && !NumberedWork::IsNumber(address)) {
    to.work.workqueue = short_names_.IdOf(fmt::format("{:#x}", address));
  }
  to.work.target_cpu = CpuOf(from, Role::kTargetCpu);
  // It is NR_CPUS when the caller gave none.
  const Cpu requested = CpuOf(from, Role::kRequestedCpu);
  const int cpus = known_cpus_ > 0 ? known_cpus_ : static_cast<int>(cpus_.size());
  if (ToInt(requested) < cpus) to.work.requested_cpu = requested;
  // Without flags the idle task and an interrupt look the same.
  if (!from.flags && from.pid == 0) to.pid = Pid::kNone;
}

WorkAddr TraceReader::WorkOf(uint64_t value, const Sequence& sequence) {
  if (!NumberedWork::IsNumber(value)) return WorkAddr{value};
  info_.hashed_addresses = true;
  return NumberedWork::IdOf(sequence.generation, value);
}

NameId TraceReader::FunctionOf(uint64_t value, const Sequence& sequence) {
  if (value == 0) return NameId::kUnknown;
  if (const auto it = sequence.symbols.find(value); it != sequence.symbols.end()) {
    return it->second;
  }
  if (NumberedWork::IsNumber(value)) {
    unnamed_ = true;
    return NameId::kUnknown;
  }
  if (const auto it = addresses_.find(value); it != addresses_.end()) return it->second;
  unnamed_ |= symbols_.empty();
  if (addresses_.size() >= kMostAddresses) addresses_.clear();
  return addresses_[value] = names_.Intern(symbols_.NameOf(value));
}

}  // namespace wqprof
