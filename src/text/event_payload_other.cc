// SPDX-License-Identifier: Apache-2.0
// Scheduler, timer and interrupt events, as the kernel, trace-cmd's plugins and -R print them.
#include <algorithm>
#include <cstring>

#include "text/comm.h"
#include "text/event_payload.h"
#include "text/scan.h"

namespace wqprof {
namespace {

// The value behind " key="; of a comm it may hold blanks, up to the next " key=".
std::string_view ValueOf(std::string_view payload, std::string_view key) {
  size_t at = 0;
  while ((at = payload.find(key, at)) != std::string_view::npos) {
    const size_t behind = at + key.size();
    if ((at == 0 || payload[at - 1] == ' ' || payload[at - 1] == '\t') && behind < payload.size() &&
        payload[behind] == '=') {
      return payload.substr(behind + 1);
    }
    at = behind;
  }
  return {};
}

template <typename T>
bool NumberOf(std::string_view payload, std::string_view key, T& out) {
  Scanner scan(ValueOf(payload, key));
  const bool negative = scan.Take('-');
  if (!scan.TakeNumber(out)) return false;
  if (negative) out = static_cast<T>(-out);
  return true;
}

// A comm ends where the next field that the kernel prints begins.
std::string_view CommBefore(std::string_view value, std::string_view next_key) {
  const size_t at = value.find(next_key);
  return at == std::string_view::npos ? std::string_view() : value.substr(0, at);
}

// The letter of a state that was printed as a number (trace-cmd report -R): include/linux/sched.h.
char StateLetter(uint64_t state) {
  constexpr std::string_view kLetters = "SDTtXZPI";
  for (size_t i = 0; i < kLetters.size(); ++i) {
    if (state & (uint64_t{1} << i)) return kLetters[i];
  }
  return 'R';
}

int16_t PrioOf(int64_t prio) { return static_cast<int16_t>(std::clamp<int64_t>(prio, -1, 255)); }

// "comm:pid [prio]" of trace-cmd's plugin; the comm may hold colons.
bool ReadPlugged(std::string_view text, std::string_view& comm, int32_t& pid, int64_t& prio,
                 std::string_view& behind) {
  const size_t bracket = text.find(" [");
  if (bracket == std::string_view::npos) return false;
  const size_t colon = text.rfind(':', bracket);
  if (colon == std::string_view::npos) return false;
  Scanner id(text.substr(colon + 1, bracket - colon - 1));
  if (!id.TakeNumber(pid) || !id.empty()) return false;
  Scanner rest(text.substr(bracket + 2));
  const bool negative = rest.Take('-');
  if (!rest.TakeNumber(prio) || !rest.Take(']')) return false;
  if (negative) prio = -prio;
  comm = text.substr(0, colon);
  behind = rest.rest();
  return true;
}

}  // namespace

bool PayloadReader::ReadSwitch(std::string_view payload, Event& event) {
  Event::Switch& s = event.sched_switch;
  s = {};
  const size_t arrow = payload.find(" ==> ");
  int32_t next_pid = 0;
  int64_t prev_prio = -1, next_prio = -1;
  std::string_view state;
  const std::string_view prev_comm = ValueOf(payload, "prev_comm");
  if (prev_comm.data() == nullptr) {
    if (arrow == std::string_view::npos) return false;
    std::string_view prev, next, behind;
    int32_t prev_pid = 0;
    if (!ReadPlugged(payload.substr(0, arrow), prev, prev_pid, prev_prio, state) ||
        !ReadPlugged(payload.substr(arrow + 5), next, next_pid, next_prio, behind)) {
      return false;
    }
    s.prev_comm = names_.IdOf(WithoutSuffix(prev));
    s.next_comm = names_.IdOf(WithoutSuffix(next));
    while (state.starts_with(' ')) state.remove_prefix(1);
  } else {
    const std::string_view next_comm = ValueOf(payload, "next_comm");
    if (next_comm.data() == nullptr || !NumberOf(payload, "next_pid", next_pid)) return false;
    NumberOf(payload, "prev_prio", prev_prio);
    NumberOf(payload, "next_prio", next_prio);
    state = ValueOf(payload, "prev_state");
    s.prev_comm = names_.IdOf(WithoutSuffix(CommBefore(prev_comm, " prev_pid=")));
    s.next_comm = names_.IdOf(WithoutSuffix(CommBefore(next_comm, " next_pid=")));
  }
  if (state.empty()) return false;
  s.next = static_cast<Pid>(next_pid);
  s.prev_prio = PrioOf(prev_prio);
  s.next_prio = PrioOf(next_prio);
  if (IsDigit(state.front())) {
    uint64_t bits = 0;
    Scanner scan(state);
    const bool hex = scan.Take("0x");
    scan.TakeNumber(bits, hex ? 16 : 10);
    s.prev_state = StateLetter(bits);
    s.preempted = (bits & 0xff) == 0 && bits != 0;
    return true;
  }
  s.prev_state = state.front();
  const std::string_view word = state.substr(0, state.find(' '));
  s.preempted = word.find('+') != std::string_view::npos;
  return true;
}

bool PayloadReader::ReadWake(std::string_view payload, Event& event) {
  Event::Wake& wake = event.wake;
  wake = {};
  wake.target_cpu = Cpu::kNone;
  int32_t pid = 0;
  int64_t prio = -1, cpu = -1;
  const std::string_view comm = ValueOf(payload, "comm");
  if (comm.data() == nullptr) {
    std::string_view name, behind;
    if (!ReadPlugged(payload, name, pid, prio, behind)) return false;
    wake.comm = names_.IdOf(WithoutSuffix(name));
    if (const size_t at = behind.find("CPU:"); at != std::string_view::npos) {
      Scanner scan(behind.substr(at + 4));
      scan.TakeNumber(cpu);
    }
  } else {
    if (!NumberOf(payload, "pid", pid)) return false;
    NumberOf(payload, "prio", prio);
    NumberOf(payload, "target_cpu", cpu);
    wake.comm = names_.IdOf(WithoutSuffix(CommBefore(comm, " pid=")));
  }
  wake.target = static_cast<Pid>(pid);
  wake.prio = PrioOf(prio);
  if (cpu >= 0 && cpu <= kMaxCpus) wake.target_cpu = static_cast<Cpu>(cpu);
  return true;
}

bool PayloadReader::ReadTask(EventKind kind, std::string_view payload, Event& event) {
  Event::Task& task = event.task;
  task = {event.pid, NameId::kUnknown};
  int32_t pid = 0;
  const std::string_view key = kind == EventKind::kFork ? "child_pid" : "pid";
  const bool has_pid = NumberOf(payload, key, pid);
  if (has_pid) task.task = static_cast<Pid>(pid);
  switch (kind) {
    case EventKind::kFork:
      task.comm = names_.IdOf(CommBefore(ValueOf(payload, "child_comm"), " child_pid="));
      return has_pid;
    case EventKind::kRename: {
      std::string_view name = ValueOf(payload, "newcomm");
      if (const size_t at = name.find(" oom_score_adj="); at != name.npos)
        name = name.substr(0, at);
      task.comm = names_.IdOf(name);
      return !name.empty();
    }
    default:
      task.comm = names_.IdOf(CommBefore(ValueOf(payload, "comm"), " pid="));
      return has_pid;
  }
}

bool PayloadReader::ReadTimer(EventKind kind, std::string_view payload, Event& event) {
  Event::Timer& timer = event.timer;
  timer = {};
  std::string_view address = ValueOf(payload, "timer");
  uint64_t value = 0;
  if (address.data() == nullptr || !ReadPointer(address, value)) return false;
  timer.timer = WorkAddr{value};
  std::string_view function = ValueOf(payload, "function");
  function = function.substr(0, std::min(function.find(" expires="), function.find(" now=")));
  if (!function.empty()) timer.function = FunctionOf(function);
  if (kind != EventKind::kTimerStart) return true;
  uint64_t expires = 0;
  int64_t timeout = 0;
  if (!NumberOf(payload, "expires", expires)) return false;
  const size_t at = payload.find("[timeout=");
  if (at != std::string_view::npos) {
    Scanner scan(payload.substr(at + std::strlen("[timeout=")));
    const bool negative = scan.Take('-');
    if (!scan.TakeNumber(timeout)) return false;
    if (negative) timeout = -timeout;
  } else {
    uint64_t now = 0;  // trace-cmd report -R
    if (!NumberOf(payload, "now", now)) return false;
    timeout = static_cast<int64_t>(expires - now);
  }
  timer.timeout_jiffies = static_cast<uint32_t>(timeout);
  timer.now_jiffies = static_cast<uint32_t>(expires) - timer.timeout_jiffies;
  return true;
}

bool PayloadReader::ReadOther(EventKind kind, std::string_view payload, Event& event) {
  switch (kind) {
    case EventKind::kSwitch:
      return ReadSwitch(payload, event);
    case EventKind::kWaking:
    case EventKind::kWakeup:
      return ReadWake(payload, event);
    case EventKind::kFork:
    case EventKind::kExit:
    case EventKind::kRename:
      return ReadTask(kind, payload, event);
    case EventKind::kTimerStart:
    case EventKind::kTimerExpire:
    case EventKind::kTimerCancel:
      return ReadTimer(kind, payload, event);
    case EventKind::kSoftirqEntry: {
      uint64_t vec = 0;
      const bool known = NumberOf(payload, "vec", vec);
      event.work = {};
      event.softirq = {known ? vec + 1 : Event::Softirq::kUnknown};
      return true;
    }
    default:
      event.work = {};
      return true;
  }
}

}  // namespace wqprof
