// SPDX-License-Identifier: Apache-2.0
#include "klog/story.h"

#include <algorithm>
#include <chrono>

#include "fmt/format.h"
#include "wqprof/number_text.h"

namespace wqprof::klog {
namespace {

using std::chrono::seconds;

constexpr size_t kNamed = 3;

// "vmstat_update", "2 neigh_periodic_work, gc_worker and 3 more".
std::string WaitingText(const Lockup& lockup) {
  std::vector<const LoggedWaiting*> works;
  uint64_t all = 0, named = 0;
  for (const LoggedWaiting& work : lockup.waiting) {
    if (work.barrier_of_pid) continue;
    works.push_back(&work);
    all += work.count;
  }
  std::stable_sort(works.begin(), works.end(), [](const LoggedWaiting* a, const LoggedWaiting* b) {
    return a->count > b->count;
  });
  std::vector<std::string> words;
  for (const LoggedWaiting* work : works) {
    if (words.size() == kNamed) break;
    words.push_back(work->count > 1 ? fmt::format("{} {}", CountText(work->count), work->function)
                                    : work->function);
    named += work->count;
  }
  if (named < all) return fmt::format("{} and {} more", fmt::join(words, ", "), all - named);
  return fmt::format("{}", fmt::join(words, ", "));
}

std::string StateText(char state) {
  switch (state) {
    case 'R':
      return "runs";
    case 'D':
      return "sleeps in D state";
    case '\0':
      return "";
    default:
      return "sleeps";
  }
}

// "fqdir_free_fn (worker 27, for 56s, sleeps in D state, at __lock_page)".
std::string ExecutionText(const LoggedExecution& execution) {
  std::vector<std::string> facts;
  if (execution.worker_pid) {
    facts.push_back(
        fmt::format("{} {}", execution.rescuer ? "rescuer" : "worker", *execution.worker_pid));
  }
  if (execution.seconds) facts.push_back(fmt::format("for {}s", *execution.seconds));
  if (const std::string state = StateText(execution.state); !state.empty()) facts.push_back(state);
  if (!execution.at.empty()) facts.push_back("at " + execution.at);
  if (facts.empty()) return execution.function;
  return fmt::format("{} ({})", execution.function, fmt::join(facts, ", "));
}

// Those that hold the pool, the longest first.
std::string HoldersText(const Lockup& lockup) {
  std::vector<const LoggedExecution*> holders;
  for (const LoggedExecution& execution : lockup.in_flight) {
    if (!execution.linked) holders.push_back(&execution);
  }
  const auto weight = [](const LoggedExecution* one) {
    return std::pair(one->state == 'R', one->seconds.value_or(0));
  };
  std::stable_sort(holders.begin(), holders.end(),
                   [&](const auto* a, const auto* b) { return weight(a) > weight(b); });
  std::vector<std::string> words;
  for (const LoggedExecution* holder : holders) {
    if (words.size() == kNamed) {
      words.push_back(fmt::format("{} more", holders.size() - kNamed));
      break;
    }
    words.push_back(ExecutionText(*holder));
  }
  return fmt::format("{}", fmt::join(words, ", "));
}

std::string WorkersText(const Lockup& lockup) {
  if (!lockup.workers || !lockup.idle) return "";
  return fmt::format("; {} of its {} {} idle", *lockup.idle, CountOf(*lockup.workers, "worker"),
                     *lockup.idle == 1 ? "is" : "are");
}

// What else kept the CPU at that time: the detector of soft lockups names it.
std::string OtherOfCpu(const Lockup& lockup, const KernelLog& log) {
  for (const LoggedSoftLockup& other : log.other_soft_lockups) {
    if (!lockup.pool.cpu || other.cpu != *lockup.pool.cpu || other.boot != lockup.boot) continue;
    if (other.at.stamp && lockup.begin_since_boot) {
      const Nanos from = *lockup.begin_since_boot - seconds(60);
      const Nanos to = *lockup.begin_since_boot +
                       seconds(60 + std::min<uint64_t>(lockup.stuck_s, 1'000'000'000));
      if (*other.at.stamp < from || *other.at.stamp > to) continue;
    }
    return fmt::format(" The soft-lockup detector names {} (pid {}{}) on CPU {}.", other.worker,
                       other.pid, other.frame.empty() ? "" : ", at " + other.frame, other.cpu);
  }
  return "";
}

std::string Starved(const Lockup& lockup, const KernelLog& log) {
  std::string who = "Nobody of the pool runs";
  if (lockup.idle && lockup.workers) {
    who += fmt::format(" and {} of its {} {} idle", *lockup.idle,
                       CountOf(*lockup.workers, "worker"), *lockup.idle == 1 ? "is" : "are");
  } else {
    who += " and the dump has no line for it, so that all of its workers are idle";
  }
  if (!lockup.pool.cpu) return who + ": the CPUs do not get to run them.";
  return fmt::format(
      "{}: not the pool holds it, but CPU {}: interrupts off, or a real-time or stop-machine "
      "task.{}",
      who, *lockup.pool.cpu, OtherOfCpu(lockup, log));
}

std::string Unknown(const Lockup& lockup) {
  if (!lockup.dumped) {
    return "The log has no dump of this pool: who holds it stands in the whole dmesg.";
  }
  if (lockup.in_flight.empty()) return "The dump does not say who holds it.";
  std::string out = fmt::format("In flight: {}{}.", HoldersText(lockup), WorkersText(lockup));
  if (lockup.pool.cpu) {
    out +=
        " The log does not say whether these run or sleep: as long as one runs, the pool starts "
        "no other.";
  }
  return out;
}

std::string Reason(const Lockup& lockup, const KernelLog& log) {
  switch (lockup.cause) {
    case StallCause::kStarved:
      return Starved(lockup, log);
    case StallCause::kCpuHog:
      return fmt::format("Held by {}{}. As long as a work runs, the pool starts no other.",
                         HoldersText(lockup), WorkersText(lockup));
    case StallCause::kAllBlocked:
      return fmt::format("All of its works in flight sleep: {}{}.", HoldersText(lockup),
                         WorkersText(lockup));
    case StallCause::kNoIdleWorker: {
      const std::string holders = HoldersText(lockup);
      return fmt::format(
          "No worker is idle, and worker {} has not managed to create another one: memory or pids "
          "may be short.{}",
          lockup.manager_pid.value_or(0), holders.empty() ? "" : " In flight: " + holders + ".");
    }
    case StallCause::kBehindItem:
      return fmt::format("Its works wait behind {}, one after the other.", HoldersText(lockup));
    case StallCause::kSoftirqDelay: {
      const std::string holders = HoldersText(lockup);
      return fmt::format(
          "Works of a BH pool run in softirq context: softirqs of that CPU are off or late{}.",
          holders.empty() ? "" : "; in flight: " + holders);
    }
    default:
      return Unknown(lockup);
  }
}

}  // namespace

std::string Describe(const Lockup& lockup, const KernelLog& log) {
  const std::string waiting = WaitingText(lockup);
  std::string out = fmt::format("{} started no work for {}s", lockup.pool.name, lockup.stuck_s);
  if (lockup.pool.name == "unknown") {
    out = fmt::format("an unbound pool of CPUs {} started no work for {}s", lockup.pool.cpus,
                      lockup.stuck_s);
  }
  if (lockup.begin_since_boot) {
    out += fmt::format(", since {:.1f}s after boot,",
                       std::chrono::duration<double>(*lockup.begin_since_boot).count());
  } else if (!lockup.begin.empty()) {
    out += fmt::format(", since {},", lockup.begin);
  }
  if (!waiting.empty()) {
    out += fmt::format(" while {} waited", waiting);
  } else if (out.ends_with(',')) {
    out.pop_back();
  }
  out = fmt::format("{}. {}", out, Reason(lockup, log));
  for (const LoggedExecution& execution : lockup.in_flight) {
    if (!execution.barrier_of_pid) continue;
    return out + fmt::format(" Task {} waits in a flush behind it.", *execution.barrier_of_pid);
  }
  return out;
}

std::vector<std::string> WhatToTry(const Lockup& lockup) {
  switch (lockup.cause) {
    case StallCause::kStarved:
      return {
          "look in the log around that time for a soft or hard lockup, or an RCU stall, of the "
          "same CPU",
          "echo l > /proc/sysrq-trigger while it hangs: the backtrace of the CPU shows what "
          "keeps it"};
    case StallCause::kCpuHog:
      return {
          "let the function yield (cond_resched()), or queue it on a WQ_UNBOUND or "
          "WQ_CPU_INTENSIVE workqueue"};
    case StallCause::kAllBlocked:
      return {"find out who wakes them: the owner of the lock, or the device, at the frame named",
              "echo w > /proc/sysrq-trigger while it hangs: all tasks in D state with their "
              "backtraces"};
    case StallCause::kNoIdleWorker:
      return {
          "look for messages about memory (OOM, allocation failures) and for a limit on pids at "
          "that time"};
    case StallCause::kBehindItem:
      return {
          "find out what the one in flight waits for: echo w > /proc/sysrq-trigger while it "
          "hangs"};
    case StallCause::kSoftirqDelay:
      return {
          "look for a task or an interrupt that keeps softirqs off on that CPU: echo l > "
          "/proc/sysrq-trigger"};
    default:
      break;
  }
  if (!lockup.dumped) return {"read all of dmesg: the dump follows the line about the lockup"};
  return {"echo l > /proc/sysrq-trigger, then w, while it hangs: who runs, and who sleeps where"};
}

}  // namespace wqprof::klog
