// SPDX-License-Identifier: Apache-2.0
// Messages about tasks: who hangs, who keeps a CPU, and where in the kernel.
#include <algorithm>
#include <array>
#include <cmath>

#include "klog/records.h"

namespace wqprof::klog {
namespace {

constexpr std::string_view kTaskStates = "RSDTtXZPIKWN";

bool IsState(char c) { return kTaskStates.find(c) != std::string_view::npos; }

// "comm:pid" to its end.
bool SplitAtPid(std::string_view text, std::string& comm, int32_t& pid) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  Scan scan(text.substr(colon + 1));
  if (!scan.TakeNumber(pid) || !scan.empty()) return false;
  comm = text.substr(0, colon);
  return true;
}

// The number behind `name` and maybe blanks: "pid:   11".
bool FindNumber(std::string_view text, std::string_view name, int32_t& out) {
  const size_t at = text.find(name);
  if (at == std::string_view::npos) return false;
  Scan scan(text.substr(at + name.size()));
  scan.TakeBlanks();
  return scan.TakeNumber(out);
}

// "task:kworker/u8:0  state:D stack:0 pid:11 tgid:11 ppid:2 flags:0x00004000"
bool ReadNewTask(std::string_view text, TaskRecord& out) {
  Scan scan(text);
  if (!scan.Take("task:")) return false;
  const size_t state = scan.rest().find(" state:");
  if (state == std::string_view::npos) return false;
  const std::string_view behind = scan.rest().substr(state + 7);
  if (behind.empty() || !FindNumber(behind, " pid:", out.pid)) return false;
  out.comm = Trimmed(scan.rest().substr(0, state));
  out.state = IsState(behind.front()) ? behind.front() : '\0';
  return true;
}

// "kworker/u49:1   D    0 30643      2 0x80000000", "kworker/0:1  R  running task   0  27  2 0x..",
// and with the program counter behind the state.
bool ReadOldTask(std::string_view text, TaskRecord& out) {
  const std::string_view line = Trimmed(text);
  const size_t flags = line.rfind(" 0x");
  if (flags == std::string_view::npos) return false;
  std::string_view head = Trimmed(line.substr(0, flags));
  // From the right: parent, pid, free stack.
  std::array<int32_t, 3> numbers{};
  for (int32_t& number : numbers) {
    const size_t blank = head.rfind(' ');
    if (blank == std::string_view::npos) return false;
    Scan scan(head.substr(blank + 1));
    if (!scan.TakeNumber(number) || !scan.empty()) return false;
    head = Trimmed(head.substr(0, blank));
  }
  for (const std::string_view noise : {"running task", "(null)"}) {
    if (head.ends_with(noise)) head = Trimmed(head.substr(0, head.size() - noise.size()));
  }
  const size_t last = head.rfind(' ');
  if (last == std::string_view::npos) return false;
  std::string_view word = head.substr(last + 1);
  head = Trimmed(head.substr(0, last));
  if (word.size() >= 8) {  // the program counter
    const size_t blank = head.rfind(' ');
    if (blank == std::string_view::npos) return false;
    word = head.substr(blank + 1);
    head = Trimmed(head.substr(0, blank));
  }
  if (word.size() != 1 || !IsState(word.front()) || head.empty()) return false;
  out = {head, numbers[1], word.front()};
  return true;
}

// "CPU: 1 PID: 27 Comm: kworker/1:0 Not tainted 6.1.0 #1", "CPU: 1 UID: 0 PID: 27 Comm: ..."
bool ReadCpuTask(std::string_view text, TaskRecord& out) {
  if (!text.starts_with("CPU: ")) return false;
  const size_t comm = text.find(" Comm: ");
  if (comm == std::string_view::npos || !FindNumber(text.substr(0, comm), " PID:", out.pid)) {
    return false;
  }
  std::string_view name = text.substr(comm + 7);
  for (const std::string_view end : {" Not tainted", " Tainted:", " Kdump:"}) {
    name = name.substr(0, name.find(end));
  }
  out.comm = Trimmed(name);
  out.state = 'R';
  return true;
}

}  // namespace

Reading ReadBlocked(std::string_view text, LoggedBlocked& out) {
  const size_t task = text.find("INFO: task ");
  if (task == std::string_view::npos) return Reading::kOther;
  const std::string_view rest = text.substr(task + 11);
  const size_t blocked = rest.find(" blocked ");
  if (blocked == std::string_view::npos) return Reading::kOther;
  // "blocked in I/O wait for more than ..." since 6.18 or so.
  const size_t than = rest.find("for more than ", blocked);
  if (than == std::string_view::npos) return Reading::kOther;
  Scan scan(rest.substr(than + 14));
  if (!SplitAtPid(rest.substr(0, blocked), out.worker, out.pid) || !scan.TakeNumber(out.seconds) ||
      !scan.Take(" second")) {
    return Reading::kCut;
  }
  return Reading::kRead;
}

Reading ReadSoftLockup(std::string_view text, LoggedSoftLockup& out) {
  constexpr std::string_view kMark = "BUG: soft lockup - CPU#";
  const size_t mark = text.find(kMark);
  if (mark == std::string_view::npos) return Reading::kOther;
  Scan scan(text.substr(mark + kMark.size()));
  if (!scan.TakeNumber(out.cpu) || !scan.Take(" stuck for ") || !scan.TakeNumber(out.seconds) ||
      !scan.Take("s! [")) {
    return Reading::kCut;
  }
  const size_t bracket = scan.rest().rfind(']');
  if (bracket == std::string_view::npos ||
      !SplitAtPid(scan.rest().substr(0, bracket), out.worker, out.pid)) {
    return Reading::kCut;
  }
  out.is_worker = IsWorkerComm(out.worker);
  return Reading::kRead;
}

bool ReadOwner(std::string_view text, OwnerRecord& out) {
  size_t on = text.find("blocked on a ");
  size_t length = 13;
  if (on == std::string_view::npos) {
    on = text.find("blocked on an ");
    length = 14;
  }
  if (on == std::string_view::npos) return false;
  const std::string_view rest = text.substr(on + length);
  const size_t by = rest.find(" by task ");
  if (by == std::string_view::npos) return false;
  const std::string_view middle = rest.substr(0, by);  // "mutex, likely last held"
  if (middle.find("likely") == std::string_view::npos) return false;
  out = {};
  out.lock = middle.substr(0, middle.find_first_of(" ,"));
  std::string_view owner = Trimmed(rest.substr(by + 9));
  if (owner.ends_with('>')) owner = Trimmed(owner.substr(0, owner.rfind('<')));  // "<reader>"
  if (owner.ends_with('.')) owner.remove_suffix(1);
  int32_t pid;
  // A worker's name ends in a number behind a colon, too.
  const bool bare_worker = IsWorkerComm(owner) && owner.find(':') == owner.rfind(':');
  if (!bare_worker && SplitAtPid(owner, out.comm, pid)) {
    out.pid = pid;
  } else {
    out.comm = owner;
  }
  const size_t task = text.find("INFO: task ");
  if (task != std::string_view::npos && task < on) {
    std::string_view waiter = Trimmed(text.substr(task + 11, on - task - 11));
    if (waiter.ends_with(" is")) waiter = Trimmed(waiter.substr(0, waiter.size() - 3));
    if (waiter.ends_with('>')) waiter = Trimmed(waiter.substr(0, waiter.rfind('<')));
    std::string comm;
    if (SplitAtPid(waiter, comm, pid)) out.waiter_pid = pid;
  }
  return !out.comm.empty();
}

bool ReadTask(std::string_view text, TaskRecord& out) {
  const std::string_view line = Trimmed(text);
  return ReadNewTask(line, out) || ReadCpuTask(line, out) || ReadOldTask(line, out);
}

bool ReadWorkerOf(std::string_view text, std::string& workqueue, std::string& function) {
  Scan line(Trimmed(text));
  if (!line.Take("Workqueue: ")) return false;
  const std::string_view rest = Trimmed(line.rest());
  for (size_t blank = rest.find(' '); blank != std::string_view::npos;
       blank = rest.find(' ', blank + 1)) {
    Scan scan(rest.substr(blank + 1));
    std::string name;
    if (!TakeFunction(scan, name)) continue;
    if (!scan.empty() && !(scan.rest().starts_with(" (") && scan.rest().ends_with(')'))) continue;
    workqueue = Trimmed(rest.substr(0, blank));
    function = std::move(name);
    return !workqueue.empty();
  }
  // A worker between two works has only its workqueue's name.
  return false;
}

bool ReadFrame(std::string_view text, FrameRecord& out) {
  Scan scan(Trimmed(text));
  out = {};
  if (scan.Take("RIP: ") || scan.Take("RIP ")) {
    out.instruction = true;
    uint32_t segment;
    Scan ahead = scan;
    if (ahead.TakeNumber(segment, 16) && ahead.Take(":")) scan = ahead;
  } else if (scan.Take("pc : ") || scan.Take("PC is at ")) {
    out.instruction = true;
  }
  // "[<ffffffff81061d3e>] ", in older kernels; twice behind RIP.
  for (int i = 0; i < 2; ++i) {
    Scan ahead = scan;
    ahead.TakeBlanks();
    if (!ahead.Take("[<")) break;
    ahead.TakeWhile(IsHexDigit);
    if (!ahead.Take(">]")) break;
    scan = ahead;
  }
  scan.TakeBlanks();
  if (scan.Take("? ")) out.sure = false;
  const std::string_view before = scan.rest();
  if (before.find("+0x") == std::string_view::npos) return false;
  if (!TakeFunction(scan, out.function)) return false;
  // A frame has an offset right behind its name; "fn [module build-id]" and "(P)" may follow.
  const size_t name = out.function.find(' ');
  if (!before.substr(std::min(name, out.function.size())).starts_with("+0x")) return false;
  scan.TakeBlanks();
  if (name == std::string::npos && scan.Take("[")) {
    const std::string_view module =
        scan.TakeWhile([](char c) { return IsWordChar(c) || c == '-'; });
    if (!module.empty()) out.function.append(" [").append(module).append("]");
  }
  return true;
}

bool IsSchedulerFrame(std::string_view function) {
  constexpr std::array<std::string_view, 23> kBegins = {"schedule",
                                                        "__schedule",
                                                        "io_schedule",
                                                        "__switch_to",
                                                        "context_switch",
                                                        "preempt_schedule",
                                                        "__cond_resched",
                                                        "_cond_resched",
                                                        "dump_stack",
                                                        "__dump_stack",
                                                        "show_stack",
                                                        "dump_backtrace",
                                                        "sched_show_task",
                                                        "asm_sysvec_",
                                                        "sysvec_",
                                                        "asm_common_interrupt",
                                                        "common_interrupt",
                                                        "irqentry_exit",
                                                        "raw_irqentry_exit",
                                                        "ret_from_intr",
                                                        "retint_kernel",
                                                        "el1_",
                                                        "el1h_"};
  return std::any_of(kBegins.begin(), kBegins.end(),
                     [function](std::string_view begin) { return function.starts_with(begin); });
}

std::optional<std::string_view> ReadLinuxVersion(std::string_view text) {
  Scan scan(text);
  if (!scan.Take("Linux version ")) return std::nullopt;
  return scan.TakeWhile([](char c) { return c != ' ' && c != '\t'; });
}

}  // namespace wqprof::klog
