// SPDX-License-Identifier: Apache-2.0
#include "render/state_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "render/config_tables.h"
#include "render/task_text.h"
#include "wqprof/number_text.h"

namespace wqprof {
namespace {

// Shorter than this it is no news that a pool took no work.
constexpr Nanos kStuckAtLeast = std::chrono::milliseconds(10);

std::string CountText(uint64_t count, bool more) {
  return (more ? "at least " : "") + CountOf(count, "work");
}

// What waits for a worker of the pool.
std::string PendingText(const PoolState& pool) {
  const uint64_t pending = pool.pending.value_or(0);
  std::string out = fmt::format("{} waiting", CountText(pending, pool.more_pending));
  if (pool.stuck && *pool.stuck >= kStuckAtLeast) {
    out += fmt::format(", and took none for {}", DurationText(*pool.stuck));
  }
  return out;
}

std::string InactiveText(const PoolState& pool) {
  const uint64_t inactive = pool.inactive.value_or(0);
  return CountText(inactive, pool.more_inactive) + (inactive == 1 ? " that waits" : " that wait") +
         " for max_active";
}

std::string WorkOf(const WorkerState& worker) {
  const bool named = !worker.function.empty() || worker.function_address != 0;
  std::string out =
      named ? FunctionText(worker.function, worker.function_address) : worker.description;
  if (out.empty()) out = "a work";
  if (!worker.workqueue.empty()) out += fmt::format(" of {}", worker.workqueue);
  // Works may say themselves what they are for, as writeback does of its device.
  if (named && !worker.description.empty() && worker.description != worker.workqueue) {
    out += fmt::format(" ({})", worker.description);
  }
  return out;
}

std::string NameOf(const WorkerState& worker) {
  if (worker.pid == Pid::kNone) return "the softirq";
  return fmt::format("{}[{}]", worker.comm, ToInt(worker.pid));
}

std::string StateText(const WorkerState& worker) {
  const std::string cpu =
      worker.cpu == Cpu::kNone ? "a CPU" : fmt::format("CPU {}", ToInt(worker.cpu));
  switch (worker.state) {
    case TaskDoes::kOnCpu:
      return "on " + cpu;
    case TaskDoes::kRunnable:
      return "waits for " + cpu;
    case TaskDoes::kRunning:
      return "on " + cpu + ", or waits for it";
    case TaskDoes::kSleeping:
      return "sleeps";
    case TaskDoes::kBlocked:
      return "blocked";
    case TaskDoes::kUnknown:
      break;
  }
  return "";
}

// Why nothing of what waits is taken, as far as the look shows it.
std::string BecauseOf(const PoolState& pool) {
  const auto executes = [](TaskDoes state) {
    return [state](const WorkerState& worker) { return worker.executes && worker.state == state; };
  };
  const auto& workers = pool.workers;
  const auto running = std::find_if(workers.begin(), workers.end(), executes(TaskDoes::kOnCpu));
  if (running != workers.end()) {
    return fmt::format("{} executes {}", NameOf(*running), WorkOf(*running));
  }
  if (pool.on_cpu && pool.setup.cpu) {
    const Task task{pool.on_cpu->comm, pool.on_cpu->pid, pool.on_cpu->prio};
    return fmt::format("{} has CPU {}", TaskText(task), *pool.setup.cpu);
  }
  if (pool.manager != Pid::kNone) {
    return fmt::format("worker {} makes a new one", ToInt(pool.manager));
  }
  const auto first = std::find_if(workers.begin(), workers.end(),
                                  [](const WorkerState& worker) { return worker.executes; });
  return first == workers.end() ? std::string()
                                : fmt::format("{} executes {}", NameOf(*first), WorkOf(*first));
}

}  // namespace

uint64_t Executing(const PoolState& pool) {
  return static_cast<uint64_t>(
      std::count_if(pool.workers.begin(), pool.workers.end(),
                    [](const WorkerState& worker) { return worker.executes; }));
}

bool IsIdle(const PoolState& pool) { return pool.workers.empty() && pool.waiting.empty(); }

std::vector<const PoolState*> ByUrgency(const WorkqueueState& state) {
  std::vector<const PoolState*> out;
  for (const PoolState& pool : state.pools) out.push_back(&pool);
  const auto key = [](const PoolState& pool) {
    const bool waits = pool.pending.value_or(0) > 0;
    return std::tuple(waits ? pool.stuck.value_or(Nanos(0)) : Nanos(-1), pool.pending.value_or(0),
                      pool.inactive.value_or(0), Executing(pool), pool.workers.size());
  };
  std::stable_sort(out.begin(), out.end(),
                   [&key](const PoolState* a, const PoolState* b) { return key(*a) > key(*b); });
  return out;
}

std::string NameOf(const PoolState& pool) {
  if (!pool.setup.cpu && pool.setup.id < 0) return "rescuers";
  return PoolNameOf(pool.setup);
}

std::string FunctionText(const std::string& name, uint64_t address) {
  if (!name.empty()) return name;
  return address == 0 ? "?" : fmt::format("{:#x}", address);
}

std::string AnswerOf(const PoolState& pool) {
  std::string out = NameOf(pool);
  const uint64_t executing = Executing(pool);
  const bool pending = pool.pending.value_or(0) > 0;
  if (pending) {
    out += " has " + PendingText(pool);
    if (const std::string because = BecauseOf(pool); !because.empty()) out += ": " + because;
    return out;
  }
  if (pool.inactive.value_or(0) > 0) {
    return out + fmt::format(" has {}; {} executing", InactiveText(pool),
                             executing == 0 ? "none is" : CountOf(executing, "is", "are"));
  }
  if (executing == 0) return out + " has woken a worker";
  const std::string waits = pool.pending ? ", nothing waits" : "";
  return out + fmt::format(" executes {}{}", CountOf(executing, "work"), waits);
}

std::string TextOf(const WorkerState& worker) {
  std::string out = NameOf(worker);
  if (worker.rescuer == true) out += ", a rescuer,";
  if (worker.executes) {
    out += " executes " + WorkOf(worker);
    if (worker.running) out += fmt::format(" for {}", DurationText(*worker.running));
  } else {
    out += " is woken";
  }
  std::string state = StateText(worker);
  if (worker.cpu_time && *worker.cpu_time > Nanos(0) && worker.state != TaskDoes::kSleeping &&
      worker.state != TaskDoes::kBlocked) {
    state +=
        fmt::format("{}{} of CPU time", state.empty() ? "" : ", ", DurationText(*worker.cpu_time));
  }
  return state.empty() ? out : out + ": " + state;
}

std::string TextOf(const WaitingWorks& works) {
  return fmt::format("{} x {} of {}", wqprof::CountText(works.count),
                     FunctionText(works.function, works.function_address),
                     works.workqueue.empty() ? "?" : works.workqueue);
}

}  // namespace wqprof
