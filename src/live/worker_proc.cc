// SPDX-License-Identifier: Apache-2.0
#include "live/worker_proc.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <map>
#include <set>
#include <utility>

#include "live/kernel_threads.h"
#include "live/metadata.h"
#include "live/tracefs.h"
#include "wqprof/workqueue_reader.h"

namespace wqprof {
namespace {

constexpr size_t kMostStacks = 256;  // each is some microseconds of the kernel's
constexpr size_t kMostFrames = 32;
constexpr size_t kStateField = 3, kCpuField = 39;  // of /proc/PID/stat

// A number at the front of `text`, which is taken off.
std::optional<int> TakeNumber(std::string_view& text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return value;
}

bool TakePrefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// Field `field` of /proc/PID/stat, from the third on; "" when there is none.
std::string_view FieldOf(std::string_view stat, size_t field) {
  // The name, field 2, may hold anything.
  size_t at = stat.rfind(')');
  for (size_t i = 2; i < field && at != std::string_view::npos; ++i) at = stat.find(' ', at + 1);
  if (at == std::string_view::npos) return "";
  const std::string_view rest = stat.substr(at + 1);
  return Trimmed(rest.substr(0, rest.find(' ')));
}

TaskDoes StateOf(std::string_view letter) {
  if (letter == "R") return TaskDoes::kRunning;
  if (letter == "S") return TaskDoes::kSleeping;
  return letter == "D" || letter == "I" ? TaskDoes::kBlocked : TaskDoes::kUnknown;
}

// What is read of a pool, by what its workers are called.
PoolState& PoolOf(std::map<std::string, PoolState>& pools, const WorkerName& name) {
  const std::string key =
      name.rescuer ? "R" : name.comm.substr(0, name.comm.find(':')) + (name.highpri ? "H" : "");
  PoolState& pool = pools[key];
  pool.setup.id = name.pool.value_or(-1);
  pool.setup.cpu = name.cpu;
  if (name.highpri) pool.setup.nice = -20;
  pool.setup.workers = pool.setup.workers.value_or(0) + 1;
  return pool;
}

// The worker as it is now; absent when it does something else, or is gone.
std::optional<WorkerState> WorkerOf(int pid, const WorkerName& name) {
  const ProcTask task = ReadProcTask(Pid{pid});
  if (task.does == TaskDoes::kUnknown) return std::nullopt;
  WorkerState out;
  out.comm = name.comm;
  out.pid = Pid{pid};
  out.state = task.does;
  out.cpu = task.cpu;
  out.executes = name.executes;
  out.rescuer = name.rescuer;
  out.description = name.description;
  return out;
}

std::vector<std::string> StackOf(const WorkerState& worker) {
  const bool still = worker.state == TaskDoes::kSleeping || worker.state == TaskDoes::kBlocked ||
                     worker.state == TaskDoes::kRunnable;
  if (!still || worker.pid == Pid::kNone) return {};
  return ReadProcStack(worker.pid).frames;
}

}  // namespace

std::optional<WorkerName> ParseWorkerName(std::string_view proc_comm) {
  WorkerName out;
  std::string_view rest = proc_comm;
  if (!TakePrefix(rest, "kworker/")) return std::nullopt;
  if (TakePrefix(rest, "R-")) {
    out.rescuer = true;
    // Names of workqueues have hyphens themselves; behind a '+' stands what it executes.
    rest.remove_prefix(std::min(rest.size(), rest.find('+')));
  } else {
    const bool unbound = TakePrefix(rest, "u");
    const auto number = TakeNumber(rest);
    if (!number || !TakePrefix(rest, ":") || !TakeNumber(rest)) return std::nullopt;
    (unbound ? out.pool : out.cpu) = *number;
    out.highpri = TakePrefix(rest, "H");
  }
  out.comm = proc_comm.substr(0, proc_comm.size() - rest.size());
  if (rest.empty()) return out;
  out.executes = rest.front() == '+';
  if (!out.executes && rest.front() != '-') return std::nullopt;
  out.description = rest.substr(1);
  return out;
}

std::vector<std::string> ParseStack(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty() && out.size() < kMostFrames) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    // "[<0>] io_schedule+0x46/0x80 [xfs]"
    if (!TakePrefix(line, "[<")) continue;
    line.remove_prefix(std::min(line.size(), line.find("] ") + 2));
    const size_t end = line.find('+');
    if (end == 0 || end == std::string_view::npos) continue;
    out.emplace_back(line.substr(0, end));
  }
  return out;
}

ProcStack ReadProcStack(Pid task) {
  const FileText text = ReadText(fmt::format("/proc/{}/stack", ToInt(task)));
  ProcStack out;
  out.frames = ParseStack(text.text);
  if (text.error == EACCES) {
    out.why_not = "the kernel shows stacks of sleeping tasks only with CAP_SYS_ADMIN";
  } else if (text.error == EPERM) {
    out.why_not =
        "the kernel shows stacks of sleeping tasks of another user only with CAP_SYS_PTRACE, too";
  } else if (text.error == ENOENT && Exists(fmt::format("/proc/{}/stat", ToInt(task)))) {
    out.why_not = "this kernel has no /proc/PID/stack (CONFIG_STACKTRACE)";
  }
  return out;
}

ProcTask ReadProcTask(Pid task) {
  const std::string stat = ReadText(fmt::format("/proc/{}/stat", ToInt(task))).text;
  ProcTask out;
  out.does = StateOf(FieldOf(stat, kStateField));
  std::string_view cpu = FieldOf(stat, kCpuField);
  if (const auto number = TakeNumber(cpu)) out.cpu = static_cast<Cpu>(*number);
  return out;
}

void AddFunctionNames(WorkqueueState& state) {
  std::set<uint64_t> addresses;
  for (const PoolState& pool : state.pools) {
    for (const WorkerState& worker : pool.workers) addresses.insert(worker.function_address);
    for (const WaitingWorks& works : pool.waiting) addresses.insert(works.function_address);
  }
  addresses.erase(0);
  if (addresses.empty()) return;
  const KernelSymbols symbols = ReadKernelSymbols();
  if (symbols.text.empty()) {
    state.without_names_by = "the kernel hides the addresses of its functions";
    return;
  }
  const std::map<uint64_t, std::string> names = symbols.NamesOf(addresses);
  const auto name_of = [&names](uint64_t address) {
    const auto found = names.find(address);
    return found == names.end() ? std::string() : found->second;
  };
  for (PoolState& pool : state.pools) {
    for (WorkerState& worker : pool.workers) worker.function = name_of(worker.function_address);
    for (WaitingWorks& works : pool.waiting) works.function = name_of(works.function_address);
  }
}

void AddStacks(WorkqueueState& state) {
  size_t stacks = 0;
  for (PoolState& pool : state.pools) {
    for (WorkerState& worker : pool.workers) {
      if (worker.executes && ++stacks <= kMostStacks) worker.stack = StackOf(worker);
    }
  }
}

void AddMachine(WorkqueueState& state) {
  utsname name{};
  uname(&name);
  state.machine = name.nodename;
  state.kernel = name.release;
  state.cpus = static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN));
  state.wall_time = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

WorkqueueState LookAtWorkersInProc() {
  WorkqueueState out;
  out.source = "proc";
  std::map<std::string, PoolState> pools;
  for (const auto& [pid, comm] : KernelThreadTitles()) {
    const auto name = ParseWorkerName(comm);
    if (!name) continue;
    PoolState& pool = PoolOf(pools, *name);
    if (!name->executes) continue;
    if (auto worker = WorkerOf(pid, *name)) pool.workers.push_back(*std::move(worker));
  }
  for (auto& [name, pool] : pools) out.pools.push_back(std::move(pool));
  AddStacks(out);
  AddMachine(out);
  return out;
}

}  // namespace wqprof
