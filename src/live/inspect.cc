// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "live/event_plan.h"
#include "live/flush_watch.h"
#include "live/kernel_threads.h"
#include "live/metadata.h"
#include "live/ring_buffer.h"
#include "live/stack_trigger.h"
#include "live/task_stack.h"
#include "live/trace_instance.h"
#include "live/tracefs.h"
#include "live/worker_proc.h"
#include "wqprof/live.h"
#include "wqprof/workqueue_reader.h"

namespace wqprof {
namespace {

using Verdict = TracingCheck::Verdict;

// Splits a message "what: why\nwhat to do" into finding and repair.
TracingCheck Failed(std::string name, const absl::Status& status) {
  const std::string text(status.message());
  const size_t line = text.find('\n');
  return {std::move(name), Verdict::kFail, text.substr(0, line),
          line == std::string::npos ? "" : text.substr(line + 1)};
}

TracingCheck CheckLockdown() {
  const std::string mode = LockdownMode();
  if (mode == "confidentiality") {
    return {"lockdown", Verdict::kFail, "the kernel is locked down (confidentiality)",
            "boot with lockdown=integrity on the kernel's command line"};
  }
  return {"lockdown", Verdict::kOk, mode.empty() ? "this kernel knows none" : mode, ""};
}

TracingCheck CheckSymbols() {
  const KernelSymbols symbols = ReadKernelSymbols();
  if (symbols.text.empty()) {
    return {"symbols", Verdict::kWarn, "/proc/kallsyms hides addresses: functions will be numbers",
            HowToSeeSymbols()};
  }
  return {"symbols", Verdict::kOk,
          fmt::format("{} functions in /proc/kallsyms",
                      std::count(symbols.text.begin(), symbols.text.end(), '\n')),
          ""};
}

TracingCheck CheckLeftovers(const Tracefs& tracefs) {
  const std::vector<std::string> removed = RemoveLeftoverInstances(tracefs);
  const std::vector<std::string> stuck = LeftoverInstances(tracefs);
  if (!stuck.empty()) {
    const std::string path = tracefs.File("instances/" + stuck.front());
    return {"leftovers", Verdict::kWarn,
            fmt::format("{} of a dead recorder is still open somewhere", path),
            fmt::format("close what reads in it, then: rmdir {}", path)};
  }
  if (removed.empty()) return {"leftovers", Verdict::kOk, "none", ""};
  std::string names;
  for (const std::string& name : removed) names += (names.empty() ? "" : ", ") + name;
  return {"leftovers", Verdict::kOk, fmt::format("removed {} of dead recorders", names), ""};
}

TracingCheck CheckWorkqueueEvents(const Tracefs& tracefs) {
  const absl::Status status =
      CheckEvents(tracefs, PlanEvents({.sched = false, .timers = false}, {}));
  if (!status.ok()) return Failed("workqueue events", status);
  const auto format = [&](std::string_view event) {
    return ReadText(tracefs.File(fmt::format("events/workqueue/{}/format", event))).text;
  };
  const bool named = format("workqueue_queue_work").find("char[] workqueue") != std::string::npos;
  const bool told = format("workqueue_activate_work").find("function") != std::string::npos;
  return {"workqueue events", Verdict::kOk,
          fmt::format("all four; workqueues by {}, activate {} function",
                      named ? "name" : "address (kernel before 5.12)", told ? "with" : "without"),
          ""};
}

TracingCheck CheckOtherEvents(const Tracefs& tracefs, std::string name, bool sched) {
  std::vector<PlannedEvent> events = PlanEvents({.sched = sched, .timers = !sched}, {});
  std::erase_if(events, [](const PlannedEvent& event) { return event.system == "workqueue"; });
  const absl::Status status = CheckEvents(tracefs, events);
  if (!status.ok()) {
    TracingCheck check = Failed(std::move(name), status);
    check.verdict = Verdict::kWarn;
    return check;
  }
  return {std::move(name), Verdict::kOk, fmt::format("all {}", events.size()), ""};
}

TracingCheck CheckComms(const Tracefs& tracefs) {
  const std::string size(Trimmed(ReadText(tracefs.File("saved_cmdlines_size")).text));
  const Comms threads = KernelThreads();
  if (threads.empty()) {
    return {"task names", Verdict::kWarn,
            "kernel threads cannot be seen in /proc: some workers "
            "may stay without a name",
            "mount /proc without hidepid, or run in the host's pid namespace"};
  }
  return {"task names", Verdict::kOk,
          fmt::format("the kernel remembers {}, and {} kernel threads are in /proc", size,
                      threads.size()),
          ""};
}

TracingCheck CheckConfiguration() {
  const auto walk = WorkqueueWalk::Load();
  const auto config = walk.ok() ? (*walk)->Read() : walk.status();
  if (config.ok()) {
    return {"configuration", Verdict::kOk,
            fmt::format("{} workqueues and {} pools, read by BPF", config->workqueues.size(),
                        config->pools.size()),
            ""};
  }
  return {"configuration", Verdict::kWarn,
          fmt::format("flags and limits of workqueues stay unknown: {}",
                      std::string(config.status().message())),
          ""};
}

// What --flushes gives here; the programs are at their functions for a moment.
TracingCheck CheckFlushes(bool has_sched) {
  constexpr Nanos kFloor = std::chrono::milliseconds(1);
  const auto watch = FlushWatch::Load(kFloor);
  if (!watch.ok()) {
    const std::string why(watch.status().message());
    return {"flushes", Verdict::kWarn,
            has_sched ? "no fentry, so lower bounds of flush_work and cancel_work_sync only, by "
                        "events: " +
                            why
                      : "who waits in them cannot be recorded: " + why,
            ""};
  }
  const FlushLog log = (*watch)->End([](const FlushWait&, uint64_t) {});
  std::vector<std::string> seen, absent;
  for (const FlushHook& hook : log.hooks) {
    (hook.functions.empty() ? absent : seen).emplace_back(ToString(hook.kind));
  }
  std::string finding = fmt::format("{}, by fentry", fmt::join(seen, ", "));
  if (!absent.empty()) finding += fmt::format("; not {}", fmt::join(absent, ", "));
  return {"flushes", absent.empty() ? Verdict::kOk : Verdict::kWarn, finding, ""};
}

TracingCheck CheckQueueStacks(const TraceInstance& instance) {
  std::vector<std::string> notes;
  const auto trigger = StackTrigger::Set(instance, {}, notes);
  if (trigger.ok()) {
    return {"stacks of who queues", Verdict::kOk, "the kernel takes them (--stacks)", ""};
  }
  TracingCheck check = Failed("stacks of who queues", trigger.status());
  check.verdict = Verdict::kWarn;
  return check;
}

// Those of stat, top and watch: of a task that sleeps by /proc, of one that runs by samples.
TracingCheck CheckHolderStacks() {
  std::vector<std::string> missing;
  bool asleep = false;
  for (const auto& [pid, comm] : KernelThreads()) {
    // One that runs just now has none.
    const ProcStack stack = ReadProcStack(Pid{pid});
    asleep = !stack.frames.empty();
    if (asleep) break;
    if (stack.why_not.empty()) continue;
    missing.push_back("of tasks that sleep: " + stack.why_not);
    break;
  }
  if (!asleep && missing.empty()) missing.emplace_back("of tasks that sleep: none could be read");
  const std::string why_not_sampled = WhyNotSampled();
  if (!why_not_sampled.empty()) missing.push_back("of tasks that run: " + why_not_sampled);
  if (missing.empty()) {
    return {"stacks of what holds a pool", Verdict::kOk,
            "of tasks that sleep, by /proc, and of those that run, by samples", ""};
  }
  return {"stacks of what holds a pool", Verdict::kWarn,
          fmt::format("none {}", fmt::join(missing, "; none ")), ""};
}

void CheckInstance(const Tracefs& tracefs, std::vector<TracingCheck>& out) {
  auto instance = TraceInstance::Create(tracefs);
  if (!instance.ok()) {
    out.push_back(Failed("instance", instance.status()));
    return;
  }
  out.push_back({"instance", Verdict::kOk, "created one", ""});
  std::string clocks(Trimmed(ReadText((*instance)->File("trace_clock")).text));
  std::erase_if(clocks, [](char c) { return c == '[' || c == ']'; });
  std::vector<std::string> notes;
  const auto buffer = SetUpBuffer(**instance, "mono", 0, notes);
  if (!buffer.ok()) {
    out.push_back(Failed("buffer", buffer.status()));
  } else {
    out.push_back(
        {"buffer", notes.empty() ? Verdict::kOk : Verdict::kWarn,
         notes.empty() ? fmt::format("{} MiB per CPU", buffer->bytes >> 20) : notes.front(),
         notes.empty() ? "" : "free memory, or watch for losses"});
    out.push_back({"sub-buffers", Verdict::kOk,
                   buffer->subbuf_bytes != 0
                       ? fmt::format("{} KiB", buffer->subbuf_bytes >> 10)
                       : "one page (kernel before 6.8): a little more work for the collector",
                   ""});
  }
  out.push_back({"clocks", Verdict::kOk, clocks, ""});
  out.push_back(CheckQueueStacks(**instance));
  const absl::Status removed = (*instance)->Remove();
  if (!removed.ok()) out.push_back(Failed("instance removal", removed));
}

}  // namespace

std::vector<TracingCheck> InspectTracing() {
  std::vector<TracingCheck> out;
  out.push_back(CheckLockdown());
  const auto tracefs = Tracefs::Open();
  if (!tracefs.ok()) {
    out.push_back(Failed("tracefs", tracefs.status()));
    return out;
  }
  out.push_back({"tracefs", Verdict::kOk,
                 (*tracefs)->mounted_by_us()
                     ? fmt::format("{}, mounted for this check only", (*tracefs)->path())
                     : fmt::format("mounted at {}", (*tracefs)->path()),
                 ""});
  out.push_back(CheckLeftovers(**tracefs));
  out.push_back(CheckWorkqueueEvents(**tracefs));
  out.push_back(CheckOtherEvents(**tracefs, "scheduler events", true));
  const bool has_sched = out.back().verdict == Verdict::kOk;
  out.push_back(CheckOtherEvents(**tracefs, "timer events", false));
  CheckInstance(**tracefs, out);
  out.push_back(CheckSymbols());
  out.push_back(CheckComms(**tracefs));
  out.push_back(CheckConfiguration());
  out.push_back(CheckFlushes(has_sched));
  out.push_back(CheckHolderStacks());
  return out;
}

}  // namespace wqprof
