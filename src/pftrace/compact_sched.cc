// SPDX-License-Identifier: Apache-2.0
#include "pftrace/compact_sched.h"

#include <algorithm>
#include <array>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "pftrace/proto.h"

namespace wqprof {
namespace {

// Fields of CompactSched.
enum Column : uint32_t {
  kSwitchTime = 1,
  kSwitchState = 2,
  kSwitchPid = 3,
  kSwitchPrio = 4,
  kNames = 5,
  kSwitchName = 6,
  kWakingTime = 7,
  kWakingPid = 8,
  kWakingCpu = 9,
  kWakingPrio = 10,
  kWakingName = 11,
  kWakingFlags = 12,
  kColumns
};
constexpr size_t kMostNames = 64 << 10;

// The numbers of a packed column, one after the other.
class Numbers {
 public:
  explicit Numbers(std::string_view packed = {})
      : at_(packed.data()), end_(packed.data() + packed.size()) {}
  bool empty() const { return at_ == end_; }
  // Throws what protozero throws.
  uint64_t Next() { return protozero::decode_varint(&at_, end_); }

 private:
  const char *at_, *end_;
};

// A column of distances: wraps like the kernel's own stamps.
class Times {
 public:
  Timestamp After(uint64_t distance) {
    at_ += distance;
    constexpr auto kMost = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    return Timestamp(Nanos(static_cast<int64_t>(std::min(at_, kMost))));
  }

 private:
  uint64_t at_ = 0;
};

Event EventOf(EventKind kind, Cpu cpu, Timestamp at, Pid pid) {
  Event event{};
  event.kind = kind;
  event.cpu = cpu;
  event.at = at;
  event.pid = pid;
  return event;
}

Pid PidOf(uint64_t value) { return static_cast<Pid>(static_cast<uint32_t>(value)); }
int16_t PrioOf(uint64_t value) { return static_cast<int16_t>(value); }

using Columns = std::array<Numbers, kColumns>;

// Each throws what protozero throws where a column is shorter than the first one.
void ReadSwitches(Columns& columns, std::span<const NameId> names, Cpu cpu,
                  CompactSched::Running& running, const CompactSched::Sink& add) {
  Times times;
  while (!columns[kSwitchTime].empty()) {
    Event event =
        EventOf(EventKind::kSwitch, cpu, times.After(columns[kSwitchTime].Next()), running.pid);
    Event::Switch& to = event.sched_switch;
    to.prev_comm = running.comm;
    to.prev_prio = running.prio;
    SetPrevState(columns[kSwitchState].Next(), to);
    to.next = PidOf(columns[kSwitchPid].Next());
    to.next_prio = PrioOf(columns[kSwitchPrio].Next());
    const uint64_t name = columns[kSwitchName].Next();
    to.next_comm = name < names.size() ? names[name] : NameId::kUnknown;
    running = {to.next, to.next_comm, to.next_prio};
    add(event);
  }
}

void ReadWakings(Columns& columns, std::span<const NameId> names, Cpu cpu,
                 const CompactSched::Sink& add) {
  Times times;
  while (!columns[kWakingTime].empty()) {
    // Who woke it is not recorded.
    Event event =
        EventOf(EventKind::kWaking, cpu, times.After(columns[kWakingTime].Next()), Pid::kNone);
    event.wake.target = PidOf(columns[kWakingPid].Next());
    const uint64_t target_cpu = columns[kWakingCpu].Next();
    event.wake.target_cpu =
        target_cpu <= static_cast<uint64_t>(kMaxCpus) ? static_cast<Cpu>(target_cpu) : Cpu::kNone;
    event.wake.prio = PrioOf(columns[kWakingPrio].Next());
    const uint64_t name = columns[kWakingName].Next();
    event.wake.comm = name < names.size() ? names[name] : NameId::kUnknown;
    // Of newer recorders only.
    if (!columns[kWakingFlags].empty()) {
      event.flags = static_cast<uint8_t>(columns[kWakingFlags].Next());
    }
    add(event);
  }
}

}  // namespace

// Their values have been the same since 4.14; before, the bit of "+" was one of those above.
void SetPrevState(uint64_t bits, Event::Switch& to) {
  constexpr std::pair<uint64_t, char> kStates[] = {
      {1, 'S'}, {2, 'D'}, {4, 'T'}, {8, 't'}, {0x10, 'X'}, {0x20, 'Z'}, {0x40, 'P'}, {0x80, 'I'}};
  to.prev_state = 'R';
  for (const auto& [bit, letter] : kStates) {
    if ((bits & bit) == 0) continue;
    to.prev_state = letter;
    break;
  }
  constexpr uint64_t kPreempted = 0x100 | 0x400 | 0x800 | 0x1000;
  to.preempted = to.prev_state == 'R' && (bits & kPreempted) != 0;
}

bool CompactSched::Read(std::string_view message, Cpu cpu, ShortNames& names, Running& running,
                        const Sink& add) {
  Columns columns;
  std::vector<NameId> table;
  const bool whole = ForEachField(message, [&](protozero::pbf_reader& in) {
    if (in.tag_and_type() == AsBytes(kNames)) {
      const std::string_view name = TakeBytes(in);
      if (table.size() < kMostNames) table.push_back(names.IdOf(name));
      return true;
    }
    const uint32_t column = in.tag();
    if (column >= kColumns || in.tag_and_type() != AsBytes(column)) return false;
    columns[column] = Numbers(TakeBytes(in));
    return true;
  });
  if (!whole) return false;
  try {
    ReadSwitches(columns, table, cpu, running, add);
    ReadWakings(columns, table, cpu, add);
    return true;
  } catch (const protozero::exception&) {
    return false;
  }
}

}  // namespace wqprof
