// SPDX-License-Identifier: Apache-2.0
#include "render/advice.h"

#include <fmt/format.h>

#include <algorithm>

#include "render/executions_of.h"
#include "wqprof/number_text.h"

namespace wqprof {
namespace {

using Advice = std::vector<std::string>;
constexpr size_t kMostAdvice = 3;

std::string Named(std::string_view name, std::string_view otherwise) {
  return std::string(name.empty() ? otherwise : name);
}

// A higher priority for workers that had to give way, where they can still have it.
void AddHighpri(const Blame& blame, Advice& out) {
  if (blame.waiter == nullptr) {
    out.emplace_back("make the workqueue WQ_HIGHPRI, so that its workers run at nice -20");
  } else if (!blame.waiter->Has("WQ_HIGHPRI")) {
    out.emplace_back("queue the works on a WQ_HIGHPRI workqueue, whose workers run at nice -20");
  }
}

// Another CPU for works that are bound to one.
void AddUnbinding(const Blame& blame, Advice& out) {
  if (blame.waiter == nullptr) {
    out.emplace_back("queue works that must not wait on a WQ_UNBOUND workqueue");
  } else if (blame.waiter->unbound == false) {
    out.push_back(
        fmt::format("queue the works on a WQ_UNBOUND workqueue: {} is per-CPU, and its items stay "
                    "on that CPU",
                    blame.waiter->name));
  }
}

// More CPUs for workers that may not leave a group of them.
void AddWiderScope(const Blame& blame, Advice& out) {
  const WorkqueueSetup* const waiter = blame.waiter;
  if (waiter == nullptr || waiter->unbound != true || waiter->affinity_strict != true) return;
  if (waiter->affinity_scope == "system") return;
  out.push_back(waiter->Has("WQ_SYSFS")
                    ? fmt::format("let its workers leave their group of CPUs ({}): echo 0 > "
                                  "/sys/devices/virtual/workqueue/{}/affinity_strict",
                                  waiter->affinity_scope, waiter->name)
                    : fmt::format("give {} a wider affinity scope: its workers stay on their group "
                                  "of CPUs ({}, strict)",
                                  waiter->name, waiter->affinity_scope));
}

Advice AgainstTask(const Blame& blame) {
  const bool unbound = blame.cpu == Cpu::kNone;
  if (!blame.task) {
    Advice out = {
        unbound ? "leave a CPU free: more tasks want to run than there are CPUs"
                : fmt::format("see what else runs on CPU {}, and move it away", ToInt(blame.cpu))};
    if (unbound) AddWiderScope(blame, out);
    AddHighpri(blame, out);
    return out;
  }
  const Task& task = *blame.task;
  const int pid = ToInt(task.pid);
  if (task.comm.starts_with("kworker/")) {
    // A worker is neither moved nor reniced from outside.
    Advice out = {"keep unbound works off the CPU: /sys/devices/virtual/workqueue/cpumask"};
    AddHighpri(blame, out);
    return out;
  }
  const bool rt = PolicyOf(task) == "rt" || PolicyOf(task) == "deadline";
  if (rt && blame.tasks > 1) {
    return {fmt::format("find out what starts {} so often as a real-time task, and let it be an "
                        "ordinary one",
                        task.comm),
            "queue works that must not wait on a WQ_UNBOUND workqueue"};
  }
  Advice out;
  if (blame.tasks <= 1 && !unbound) {
    out.push_back(
        fmt::format("keep {} off CPU {}: taskset -pc CPUS {}", task.comm, ToInt(blame.cpu), pid));
  }
  if (rt) {
    out.push_back(
        fmt::format("make {} an ordinary task, or let it sleep: chrt -o -p 0 {}", task.comm, pid));
    unbound ? AddWiderScope(blame, out) : AddUnbinding(blame, out);
    return out;
  }
  if (blame.tasks <= 1) {
    out.push_back(fmt::format("let it give way: renice -n 19 -p {}", pid));
  } else {
    out.push_back(
        "run fewer such tasks at once, at nice 19, or in a cgroup with a lower cpu.weight");
  }
  if (!unbound && blame.waiter != nullptr) AddUnbinding(blame, out);
  if (unbound) AddWiderScope(blame, out);
  if (out.size() < kMostAdvice) AddHighpri(blame, out);
  return out;
}

Advice AgainstHog(const Blame& blame) {
  const std::string function = Named(blame.function, "the work");
  const bool intensive = blame.keeper != nullptr && blame.keeper->Has("WQ_CPU_INTENSIVE");
  const bool unbound = blame.keeper != nullptr && blame.keeper->unbound == true;
  Advice out;
  if (!unbound) {
    out.push_back(intensive ? fmt::format("queue {} on a WQ_UNBOUND workqueue", function)
                            : fmt::format("queue {} on a WQ_UNBOUND workqueue, or set "
                                          "WQ_CPU_INTENSIVE on {}",
                                          function, Named(blame.workqueue, "its workqueue")));
  }
  out.push_back(fmt::format(
      "make {} do less at a time, and call cond_resched() or queue itself again", function));
  return out;
}

Advice AgainstSleeper(const Blame& blame) {
  return {fmt::format("find out what {} sleeps on: sudo cat /proc/PID/stack of its worker, or "
                      "echo w > /proc/sysrq-trigger",
                      Named(blame.function, "it")),
          fmt::format("do not sleep in {}: poll, or queue it again once it can go on",
                      Named(blame.function, "the work"))};
}

// " (called 3 times, executed 12 items)" of a rescuer, where the kernel counted that.
std::string RescuerCount(const WorkqueueSetup& workqueue) {
  const auto called = workqueue.Counted(WorkqueueCounter::kMayday);
  const auto rescued = workqueue.Counted(WorkqueueCounter::kRescued);
  if (!called || !rescued || *called + *rescued == 0) return "";
  return fmt::format(" (called {}, executed {})", CountOf(*called, "time"),
                     CountOf(*rescued, "item"));
}

Advice AgainstMissingWorker(const Blame& blame) {
  Advice out = {"look for memory pressure while it happens: cat /proc/pressure/memory"};
  if (blame.waiter == nullptr) {
    out.emplace_back("give the workqueue a rescuer (WQ_MEM_RECLAIM) if works must run then");
  } else if (blame.waiter->Has("WQ_MEM_RECLAIM")) {
    out.push_back(fmt::format("let {} need fewer workers at once: its rescuer is only one{}",
                              blame.waiter->name, RescuerCount(*blame.waiter)));
  } else if (blame.waiter->flags) {
    out.push_back(fmt::format("give {} a rescuer (WQ_MEM_RECLAIM) if works must run then",
                              blame.waiter->name));
  }
  return out;
}

}  // namespace

std::vector<std::string> AdviceOnStall(const Blame& blame) {
  switch (blame.cause) {
    case StallCause::kStarved:
      return AgainstTask(blame);
    case StallCause::kCpuHog:
      return AgainstHog(blame);
    case StallCause::kAllBlocked:
      return AgainstSleeper(blame);
    case StallCause::kNoIdleWorker:
      return AgainstMissingWorker(blame);
    case StallCause::kBehindItem:
      return {fmt::format("make {} shorter: what waits is bound to its worker",
                          Named(blame.function, "the item ahead")),
              "give works that need not wait for each other a work_struct of their own"};
    case StallCause::kSoftirqDelay:
      return {"look at what keeps softirqs off the CPU: sudo wqprof record --sched --irqs -d 10s",
              "move the work to a workqueue without WQ_BH"};
    case StallCause::kIdleCpu:
      return {"allow shallow sleep states only: sudo cpupower idle-set -D 10",
              "on a virtual machine, look at the steal time: vmstat 1"};
    case StallCause::kUnknown:
      break;
  }
  if (!blame.has_sched) return {"record who had the CPU: sudo wqprof record --sched -d 10s"};
  return {"record longer, with interrupts: sudo wqprof record --sched --irqs -d 60s"};
}

namespace {

Blame BlameOf(const Finding& finding, const Report& report) {
  Blame blame;
  blame.cause = finding.cause;
  blame.cpu = finding.cpu;
  blame.has_sched = report.source.has_sched;
  blame.tasks = finding.culprits.size();
  if (!finding.culprits.empty()) {
    const Finding::Culprit& first = finding.culprits.front();
    blame.task = first.task;
    blame.function = first.function;
    blame.workqueue = first.workqueue;
    blame.keeper = report.source.config.Find(first.workqueue);
  }
  const auto& delayed = finding.delayed;
  blame.waiter =
      report.source.config.Find(delayed.empty() ? finding.workqueue : delayed.front().workqueue);
  return blame;
}

// What lets more of its items run at once, as far as it is known how it is set up.
std::string RaiseLimit(const std::string& workqueue, const WorkqueueSetup* setup) {
  if (setup == nullptr || !setup->flags) {
    return fmt::format(
        "raise max_active of {} in alloc_workqueue(), or, if it has WQ_SYSFS, in "
        "/sys/devices/virtual/workqueue/{}/max_active (an ordered workqueue keeps 1)",
        workqueue, workqueue);
  }
  if (setup->ordered == true) {
    return fmt::format(
        "queue what needs no order elsewhere: {} is ordered, and executes one item at a time",
        workqueue);
  }
  if (setup->Has("WQ_SYSFS")) {
    return fmt::format("raise its limit: echo N > /sys/devices/virtual/workqueue/{}/max_active",
                       workqueue);
  }
  return fmt::format("raise max_active of {} in alloc_workqueue(){}", workqueue,
                     setup->max_active ? fmt::format("; it is {}", *setup->max_active) : "");
}

Advice AgainstLimit(const Finding& finding, const Report& report) {
  const std::string& workqueue = finding.workqueue;
  const WorkqueueSetup* const setup = report.source.config.Find(workqueue);
  if (finding.unheld) return {fmt::format("find out who froze or plugged {}", workqueue)};
  Advice out;
  if (!finding.culprits.empty()) {
    const std::string& holder = finding.culprits[0].function;
    const bool itself = finding.delayed.size() == 1 && finding.delayed[0].function == holder;
    if (FindExecutions(report, workqueue, holder).sleeps()) {
      out.push_back(fmt::format(
          "find out what {} sleeps on: sudo cat /proc/PID/stack of its worker", holder));
    } else if (itself) {
      out.push_back(
          fmt::format("make {} shorter, or queue less of it at once: its items wait for "
                      "each other",
                      holder));
    } else {
      out.push_back(fmt::format("make {} shorter: the others wait for its end", holder));
    }
  }
  out.push_back(RaiseLimit(workqueue, setup));
  if (setup != nullptr && setup->unbound == false && setup->max_active == 1) {
    out.push_back(fmt::format(
        "if order is what max_active 1 is for: {} is per-CPU, and other CPUs execute its items "
        "meanwhile; alloc_ordered_workqueue() orders them",
        workqueue));
  }
  return out;
}

Advice AgainstFlush(const Finding& finding) {
  Advice out;
  if (finding.behind && finding.behind->waited.value_or(Nanos(0)) > finding.worst / 2) {
    out.push_back(fmt::format("see why {} waited that long for a worker, or for a slot",
                              Named(finding.behind->function, "the work")));
  } else if (finding.behind) {
    out.push_back(fmt::format("make {} shorter, or let it look whether it shall end early",
                              Named(finding.behind->function, "the work")));
  }
  if (finding.flush == FlushKind::kFlushWorkqueue) {
    out.push_back(
        fmt::format("flush the one work that matters (flush_work): {} waits for all that "
                    "{} has",
                    ToString(finding.flush), Named(finding.workqueue, "the workqueue")));
  } else if (finding.flush == FlushKind::kFlushWork) {
    out.emplace_back(
        "if its result is not needed, cancel_work_sync() does not wait for one that "
        "has not started");
  }
  out.emplace_back(
      "flush where nobody waits for the task that does it, and hold no lock meanwhile");
  return out;
}

bool IsUnbound(const Finding& finding, const Report& report) {
  return std::any_of(report.pools.begin(), report.pools.end(), [&](const PoolRow& row) {
    const Pool& pool = row.occupancy.pool;
    return pool.kind == PoolKind::kUnbound && pool.name == finding.pool;
  });
}

Advice AgainstDispatch(const Finding& finding, const Report& report) {
  if (finding.rescued) {
    return {"look for memory pressure while it happens: cat /proc/pressure/memory",
            "see what keeps CPUs and workers busy then: a new worker needs kthreadd and a CPU"};
  }
  Blame blame = BlameOf(finding, report);
  const WaitSplit& wait = finding.wait;
  const Nanos all = wait.Sum();
  if (all == Nanos(0) || wait.unknown > all / 2) {
    blame.cause = StallCause::kUnknown;
  } else if (wait.head_of_line > wait.runqueue + wait.wakeup) {
    if (finding.cpu == Cpu::kNone) {
      return {fmt::format("queue less at once, or make {} shorter",
                          Named(blame.function, "what is ahead")),
              "for per-CPU works that may run anywhere: more than one CPU would take them"};
    }
    return {fmt::format("make {} shorter, or queue it on a WQ_UNBOUND workqueue",
                        Named(blame.function, "what is ahead")),
            "spread the load: queue_work_on() other CPUs, or WQ_UNBOUND"};
  } else if (wait.hold > wait.runqueue && IsUnbound(finding, report)) {
    // Its workers do not hold each other back, but each one wakes the next.
    return {"queue fewer items at once: an unbound pool wakes its workers one after another"};
  } else if (wait.hold > wait.runqueue) {
    blame.cause = StallCause::kCpuHog;
  } else if (wait.worker_creation > wait.runqueue) {
    blame.cause = StallCause::kNoIdleWorker;
  } else {
    blame.cause = StallCause::kStarved;
  }
  return AdviceOnStall(blame);
}

}  // namespace

std::vector<std::string> AdviceOn(const Finding& finding, const Report& report) {
  Blame blame = BlameOf(finding, report);
  switch (finding.kind) {
    case FindingKind::kStall:
      return AdviceOnStall(blame);
    case FindingKind::kActivationWait:
      return AgainstLimit(finding, report);
    case FindingKind::kDispatchWait:
      return AgainstDispatch(finding, report);
    case FindingKind::kLongExecution:
      blame.function = finding.function;
      blame.workqueue = finding.workqueue;
      blame.keeper = report.source.config.Find(finding.workqueue);
      return AgainstHog(blame);
    case FindingKind::kIdleCpu:
      blame.cause = StallCause::kIdleCpu;
      return AdviceOnStall(blame);
    case FindingKind::kLoop:
      return {fmt::format("let {} wait between rounds: queue_delayed_work() with a delay",
                          Named(finding.function, "it")),
              "find out which event it waits for, and queue it from there"};
    case FindingKind::kFlushWait:
      return AgainstFlush(finding);
    case FindingKind::kPendingAtEnd:
      return {"record longer: sudo wqprof record -d 60s"};
    case FindingKind::kLostEvents:
      return {"use a larger buffer per CPU"};
    case FindingKind::kUnmatched:
      return {"record all four workqueue events, unfiltered: sudo wqprof record does"};
  }
  return {};
}

}  // namespace wqprof
