// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <map>
#include <set>

#include "fmt/format.h"
#include "klog/story.h"
#include "klog/wall_time.h"
#include "wqprof/number_text.h"

namespace wqprof {
namespace klog {
namespace {

// Findings of one kind that are shown; the rows have all.
constexpr size_t kMostOfAKind = 10;
// Pools of so many CPUs that stop within the same seconds are no chance.
constexpr size_t kManyCpus = 3;
constexpr int64_t kSameInstant = 3;

std::string Seconds(const Lockup& lockup) { return fmt::format("{}s", lockup.stuck_s); }

LogFinding Make(std::string_view kind, std::string_view severity, uint32_t boot, std::string text) {
  LogFinding finding;
  finding.kind = kind;
  finding.severity = severity;
  finding.boot = boot;
  finding.text = std::move(text);
  finding.count = 1;
  return finding;
}

// The second in which a lockup began, on its boot's or on the wall's clock.
std::optional<int64_t> BeginOf(const Lockup& lockup) {
  if (lockup.begin_since_boot) {
    return std::chrono::duration_cast<std::chrono::seconds>(*lockup.begin_since_boot).count();
  }
  const auto wall = ParseWallTime(lockup.begin);
  return wall ? std::optional(wall->seconds) : std::nullopt;
}

// Three CPUs or more that stopped at one instant: then the machine stood still.
void AddMachine(KernelLog& log) {
  std::vector<std::pair<int64_t, const Lockup*>> begins;
  for (const Lockup& lockup : log.lockups) {
    const auto begin = BeginOf(lockup);
    if (begin && lockup.pool.cpu) begins.emplace_back(*begin, &lockup);
  }
  std::sort(begins.begin(), begins.end(), [](const auto& a, const auto& b) {
    return std::tuple(a.second->boot, a.first) < std::tuple(b.second->boot, b.first);
  });
  for (size_t from = 0; from < begins.size();) {
    std::set<uint32_t> cpus;
    size_t to = from;
    for (; to < begins.size() && begins[to].second->boot == begins[from].second->boot &&
           begins[to].first - begins[from].first <= kSameInstant;
         ++to) {
      cpus.insert(*begins[to].second->pool.cpu);
    }
    if (cpus.size() >= kManyCpus) {
      LogFinding finding = Make("machine", "high", begins[from].second->boot,
                                fmt::format("pools of {} stopped in the same seconds: the machine "
                                            "stood still, not one pool",
                                            CountOf(cpus.size(), "CPU")));
      finding.because = "works of one pool hold no other CPU's pool";
      finding.count = cpus.size();
      finding.tries = {
          "if this is a guest: was it paused, migrated or short of CPUs on its host?",
          "look for suspend, a clock that jumped, stop-machine (hotplug, live patches), "
          "or a lock that all CPUs spin on"};
      log.findings.push_back(std::move(finding));
    }
    from = to;
  }
}

void AddLockups(KernelLog& log) {
  std::vector<const Lockup*> worst;
  for (const Lockup& lockup : log.lockups) worst.push_back(&lockup);
  std::stable_sort(worst.begin(), worst.end(), [](const Lockup* a, const Lockup* b) {
    return std::pair(a->dumped, a->stuck_s) > std::pair(b->dumped, b->stuck_s);
  });
  if (worst.size() > kMostOfAKind) worst.resize(kMostOfAKind);
  for (const Lockup* lockup : worst) {
    LogFinding finding = Make("lockup", "high", lockup->boot, lockup->text);
    finding.because = fmt::format("the watchdog reported {} stuck for {} ({})", lockup->pool.name,
                                  Seconds(*lockup), CountOf(lockup->reports, "report"));
    finding.pool = lockup->pool.name;
    finding.tries = WhatToTry(*lockup);
    for (const LoggedExecution& execution : lockup->in_flight) {
      if (execution.linked) continue;
      finding.function = execution.function;
      finding.workqueue = execution.workqueue;
      break;
    }
    log.findings.push_back(std::move(finding));
  }
}

// Works that wait for a slot of their workqueue, not for a worker.
void AddActivation(KernelLog& log) {
  size_t told = 0;
  for (const LoggedWorkqueue& workqueue : log.workqueues) {
    uint64_t inactive = 0;
    std::optional<int64_t> limit;
    bool full = false;
    std::string waits, holds;
    for (const LoggedPwq& pwq : workqueue.pwqs) {
      if (pwq.max_active && pwq.active >= *pwq.max_active) {
        limit = pwq.max_active;
        full = true;
      }
      for (const LoggedWaiting& work : pwq.waiting) {
        if (!work.inactive) continue;
        inactive += work.count;
        if (waits.empty()) waits = work.function;
      }
      if (pwq.active > 0 && holds.empty() && !pwq.in_flight.empty()) {
        holds = pwq.in_flight.front().function;
      }
    }
    // Frozen works are inactive as well: then nothing is active.
    const bool any_active = full || !holds.empty();
    if (inactive == 0 || !any_active || told == kMostOfAKind) continue;
    ++told;
    std::string text = fmt::format("{} is at max_active{}: {} of it ({}) {} inactive",
                                   workqueue.workqueue, limit ? fmt::format(" {}", *limit) : "",
                                   CountOf(inactive, "work"), waits, inactive == 1 ? "is" : "are");
    if (!holds.empty()) text += fmt::format("; {} has the slot", holds);
    LogFinding finding = Make("max_active", "medium", workqueue.boot, std::move(text));
    finding.because = "an inactive work waits for another one of its workqueue, not for a worker";
    finding.workqueue = workqueue.workqueue;
    finding.function = holds;
    finding.count = inactive;
    log.findings.push_back(std::move(finding));
  }
}

void AddMaydays(KernelLog& log) {
  for (const LoggedWorkqueue& workqueue : log.workqueues) {
    for (const LoggedPwq& pwq : workqueue.pwqs) {
      if (!pwq.mayday) continue;
      LogFinding finding =
          Make("mayday", "medium", workqueue.boot,
               fmt::format("{} calls its rescuer on {}: the pool cannot create a worker in time",
                           workqueue.workqueue, pwq.pool.name));
      finding.because = "its line in the dump says MAYDAY";
      finding.workqueue = workqueue.workqueue;
      finding.pool = pwq.pool.name;
      log.findings.push_back(std::move(finding));
      break;
    }
  }
}

void AddBlocked(KernelLog& log) {
  for (const LoggedBlocked& row : log.blocked) {
    std::string text =
        fmt::format("{} hangs in {} (pid {}): blocked for more than {}s",
                    row.function.empty() ? "a work that the log does not name" : row.function,
                    row.worker, row.pid, row.seconds);
    if (!row.frame.empty()) text += fmt::format(", at {}", row.frame);
    if (!row.owner.empty()) {
      text += fmt::format("; the {} is likely held by {}", row.lock, row.owner);
    }
    LogFinding finding = Make("blocked", "high", row.boot, std::move(text));
    finding.because = "the hung-task detector reported it";
    finding.workqueue = row.workqueue;
    finding.function = row.function;
    finding.count = row.reports;
    finding.tries = {row.owner.empty()
                         ? "find out who should wake it: echo w > /proc/sysrq-trigger lists all "
                           "tasks in D state"
                         : fmt::format("look at the backtrace of {}: it has the lock", row.owner)};
    log.findings.push_back(std::move(finding));
  }
}

void AddSoftLockups(KernelLog& log) {
  for (const LoggedSoftLockup& row : log.soft_lockups) {
    std::string text =
        fmt::format("{} kept CPU {} for {}s in {} (pid {})",
                    row.function.empty() ? "a work that the log does not name" : row.function,
                    row.cpu, row.seconds, row.worker, row.pid);
    if (!row.frame.empty()) text += fmt::format(", at {}", row.frame);
    LogFinding finding = Make("soft_lockup", "high", row.boot, std::move(text));
    finding.because = "the soft-lockup detector reported it";
    finding.workqueue = row.workqueue;
    finding.function = row.function;
    finding.count = row.reports;
    finding.tries = {"let the function yield (cond_resched()), or find the lock that it spins on"};
    log.findings.push_back(std::move(finding));
  }
}

void AddHogs(KernelLog& log) {
  std::vector<const LoggedHog*> hogs;
  for (const LoggedHog& hog : log.hogs) hogs.push_back(&hog);
  std::stable_sort(hogs.begin(), hogs.end(),
                   [](const LoggedHog* a, const LoggedHog* b) { return a->times > b->times; });
  if (hogs.size() > kMostOfAKind) hogs.resize(kMostOfAKind);
  for (const LoggedHog* hog : hogs) {
    LogFinding finding =
        Make("hogged_cpu", "medium", hog->boot,
             fmt::format("{} kept a CPU for more than {}us, at least {} times since boot",
                         hog->function, hog->threshold_us, CountText(hog->times)));
    finding.because =
        "the kernel counts these; from the threshold on it lets the pool start other works, and "
        "the log does not say whom that delayed, or for how long it ran";
    finding.function = hog->function;
    finding.count = hog->times;
    const std::string name(SplitFunction(hog->function).name);
    finding.tries = {
        fmt::format("whom does it delay? sudo wqprof record -d 60s, then wqprof report -f '{}*' "
                    "--split and wqprof stalls",
                    name),
        "in the code: a WQ_UNBOUND workqueue, or cond_resched() where it loops"};
    log.findings.push_back(std::move(finding));
  }
}

void AddFlushes(KernelLog& log) {
  for (const LoggedFlush& row : log.flush_dependencies) {
    const std::string from = row.from_workqueue.empty()
                                 ? fmt::format("task {} (pid {}), which reclaims memory,",
                                               row.from_comm, row.from_pid.value_or(0))
                                 : fmt::format("{} of {}", row.from_function, row.from_workqueue);
    LogFinding finding = Make(
        "flush_dependency", "medium", row.boot,
        fmt::format("{} waits for {}{}, which cannot promise to run when memory is short: both may "
                    "hang then",
                    from, row.to_workqueue,
                    row.to_function.empty() ? "" : fmt::format(" ({})", row.to_function)));
    finding.because =
        "only a workqueue with WQ_MEM_RECLAIM has a rescuer; the kernel reports the first such "
        "pair of each boot only";
    finding.workqueue = row.to_workqueue;
    finding.function = row.to_function;
    finding.tries = {
        fmt::format("create {} with WQ_MEM_RECLAIM, or flush it elsewhere", row.to_workqueue)};
    log.findings.push_back(std::move(finding));
  }
}

void AddLeaks(KernelLog& log) {
  for (const LoggedLeak& row : log.leaks) {
    LogFinding finding =
        Make("leak", "high", row.boot,
             fmt::format("{} returned with {} left over, in {} (pid {})",
                         row.function.empty() ? "a work" : row.function,
                         row.what.empty() ? "a lock, preemption off or an RCU section" : row.what,
                         row.worker, row.pid));
    finding.because =
        "the kernel checks it behind each work; what runs on that worker next may "
        "hang or crash";
    finding.function = row.function;
    log.findings.push_back(std::move(finding));
  }
}

void AddFreezes(KernelLog& log) {
  for (const LoggedFreeze& row : log.freezes) {
    std::vector<std::string> names;
    for (const LoggedExecution& execution : row.in_flight) {
      if (!execution.linked && names.size() < 3) {
        names.push_back(fmt::format("{} of {}", execution.function, execution.workqueue));
      }
    }
    std::string text = fmt::format("suspend failed after {:.3f}s", row.seconds);
    if (!names.empty()) {
      text += fmt::format(": {} did not end", fmt::join(names, ", "));
    } else if (row.wq_busy > 0) {
      text += fmt::format(": {} still busy", CountOf(row.wq_busy, "workqueue"));
    } else {
      text += fmt::format(": {} did not freeze", CountOf(row.tasks, "task"));
    }
    LogFinding finding = Make("freeze", "high", row.boot, std::move(text));
    finding.because =
        "freezable workqueues finish what is in flight before the machine sleeps; "
        "what is inactive then waits for the freeze to end";
    finding.count = row.wq_busy;
    if (!row.in_flight.empty()) {
      finding.workqueue = row.in_flight.front().workqueue;
      finding.function = row.in_flight.front().function;
    }
    log.findings.push_back(std::move(finding));
  }
}

void AddDrains(KernelLog& log) {
  for (const LoggedDrain& row : log.drains) {
    LogFinding finding =
        Make("drain", "medium", row.boot,
             fmt::format("{} waits for {} in vain: after {} its works still queue more", row.by,
                         row.workqueue, CountOf(row.tries, "try", "tries")));
    finding.workqueue = row.workqueue;
    finding.count = row.tries;
    log.findings.push_back(std::move(finding));
  }
}

}  // namespace

void AddFindings(KernelLog& log) {
  AddMachine(log);
  AddLockups(log);
  AddSoftLockups(log);
  AddBlocked(log);
  AddFreezes(log);
  AddLeaks(log);
  AddActivation(log);
  AddMaydays(log);
  AddHogs(log);
  AddFlushes(log);
  AddDrains(log);
  for (size_t i = 0; i < log.findings.size(); ++i) log.findings[i].id = i + 1;
}

}  // namespace klog

std::vector<std::string> WorkqueueFlagNames(uint32_t flags) {
  struct Flag {
    uint32_t bit;
    const char* name;
  };
  constexpr Flag kFlags[] = {{0x1, "WQ_BH"},
                             {0x2, "WQ_UNBOUND"},
                             {0x4, "WQ_FREEZABLE"},
                             {0x8, "WQ_MEM_RECLAIM"},
                             {0x10, "WQ_HIGHPRI"},
                             {0x20, "WQ_CPU_INTENSIVE"},
                             {0x40, "WQ_SYSFS"},
                             {0x80, "WQ_POWER_EFFICIENT"},
                             {0x100, "WQ_PERCPU"},
                             {0x8000, "__WQ_DESTROYING"},
                             {0x10000, "__WQ_DRAINING"},
                             {0x20000, "__WQ_ORDERED"},
                             {0x40000, "__WQ_LEGACY"},
                             {0x80000, "__WQ_ORDERED_EXPLICIT"}};
  std::vector<std::string> names;
  for (const Flag& flag : kFlags) {
    if ((flags & flag.bit) == 0) continue;
    names.emplace_back(flag.name);
    flags &= ~flag.bit;
  }
  if (flags != 0) names.push_back(fmt::format("{:#x}", flags));
  return names;
}

}  // namespace wqprof
