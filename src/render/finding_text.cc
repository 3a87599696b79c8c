// SPDX-License-Identifier: Apache-2.0
#include "render/finding_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "render/advice.h"
#include "render/command_text.h"
#include "render/config_tables.h"
#include "render/executions_of.h"
#include "render/flush_table.h"
#include "render/holder_text.h"
#include "render/task_text.h"
#include "wqprof/columns.h"
#include "wqprof/number_text.h"

namespace wqprof {
namespace {

constexpr size_t kNamed = 3;
constexpr size_t kStacks = 2;

std::string WorkText(std::string_view function, std::string_view workqueue) {
  std::string out(function.empty() ? "a function unknown" : function);
  if (!workqueue.empty()) out += fmt::format(" [{}]", workqueue);
  return out;
}

std::string CulpritText(const Finding::Culprit& culprit) {
  return culprit.task ? TaskText(*culprit.task) : WorkText(culprit.function, culprit.workqueue);
}

// "a, b and 3 others".
std::string ListOf(std::vector<std::string> names, size_t all) {
  if (names.size() > kNamed) names.resize(kNamed);
  if (names.size() < all) {
    const size_t more = all - names.size();
    return fmt::format("{} and {} {}", fmt::join(names, ", "), more,
                       more == 1 ? "other" : "others");
  }
  if (names.size() == 1) return names.front();
  const std::string last = names.empty() ? "" : names.back();
  if (!names.empty()) names.pop_back();
  return fmt::format("{} and {}", fmt::join(names, ", "), last);
}

// Those that had a tenth of the time or more; the others are only counted.
std::string CulpritList(const Finding& finding) {
  std::vector<std::string> names;
  for (const Finding::Culprit& culprit : finding.culprits) {
    if (culprit.time * 10 < finding.culprits.front().time) break;
    names.push_back(CulpritText(culprit));
  }
  return ListOf(names, finding.culprits.size());
}

std::string CpuText(Cpu cpu) {
  return cpu == Cpu::kNone ? "its CPUs" : fmt::format("CPU {}", ToInt(cpu));
}

std::string ShareText(const Finding& finding) {
  return fmt::format("{} of the trace", PercentText(std::min(1.0, finding.share)));
}

std::string AtLeast(const Finding& finding) { return finding.at_end ? "at least " : ""; }

std::string StallText(const Finding& f) {
  std::string out;
  const std::string_view pool = f.pool == "unknown" ? "a pool unknown" : std::string_view(f.pool);
  if (f.count == 1) {
    out = fmt::format("{} started nothing for {}{} ({})", pool, AtLeast(f), DurationText(f.total),
                      ShareText(f));
  } else if (f.stretches == 1) {
    out = fmt::format("{} started next to nothing for {} ({}): {} in a row", pool,
                      DurationText(f.total), ShareText(f), CountOf(f.count, "stall"));
  } else {
    // Between stalls in a row a few items were started.
    out = fmt::format("{} started {} {} times, {} in all ({}), {} the longest time", pool,
                      f.count > f.stretches ? "next to nothing" : "nothing", CountText(f.stretches),
                      DurationText(f.total), ShareText(f), DurationText(f.stretch));
  }
  return out + fmt::format("; worst wait {}{}", AtLeast(f), DurationText(f.worst));
}

std::string StallBecause(const Finding& f, const Report& report) {
  const std::string who = f.culprits.empty() ? "" : CulpritList(f);
  switch (f.cause) {
    case StallCause::kStarved:
      return fmt::format("{} had {} while a worker was runnable", who.empty() ? "other tasks" : who,
                         CpuText(f.cpu));
    case StallCause::kCpuHog:
      return fmt::format("{} kept the CPU, and the pool lets no other worker run until it sleeps",
                         who.empty() ? "an item" : who);
    case StallCause::kAllBlocked:
      return fmt::format("all workers slept in their items: {}", who.empty() ? "unknown" : who);
    case StallCause::kNoIdleWorker:
      return fmt::format("no idle worker was left and a new one took long to create{}",
                         who.empty() ? "" : fmt::format("; {} was executing", who));
    case StallCause::kBehindItem:
      return fmt::format("they had to wait for {}", who.empty() ? "the item ahead of them" : who);
    case StallCause::kSoftirqDelay:
      return "the softirq that runs these items came late";
    case StallCause::kIdleCpu:
      return fmt::format("a worker was awake, but {} idled on", CpuText(f.cpu));
    case StallCause::kUnknown:
      break;
  }
  std::string out = report.source.has_sched ? "unknown: no single thing took most of it"
                                            : "unknown: who had the CPU was not recorded";
  if (!who.empty()) out += fmt::format("; {} was executing meanwhile", who);
  return out;
}

std::string DelayedText(const Finding& f) {
  uint64_t items = 0;
  std::vector<std::string> names;
  for (const Finding::Delayed& row : f.delayed) {
    items += row.count;
    names.push_back(row.function.empty() ? "?" : row.function);
    if (row.count > 1) names.back() += fmt::format(" x{}", CountText(row.count));
  }
  if (names.empty()) return "";
  return fmt::format("{}: {}", CountOf(items, "item"), ListOf(names, names.size()));
}

std::string ActivationText(const Finding& f, const Report& report) {
  std::vector<std::string> names = {f.workqueue};
  names.insert(names.end(), f.others.begin(), f.others.end());
  const std::string where = f.cpu == Cpu::kNone ? "" : fmt::format(" on CPU {}", ToInt(f.cpu));
  return fmt::format("{}{}: {} waited up to {} for {} ({}){}", ListOf(names, names.size()), where,
                     CountOf(f.count, "item"), DurationText(f.worst),
                     SlotWords(f.others.empty() ? report.source.config.Find(f.workqueue) : nullptr),
                     ShareText(f),
                     f.active_max ? fmt::format("; {} active at once", *f.active_max) : "");
}

std::string ActivationBecause(const Finding& f, const Report& report) {
  if (f.unheld) {
    return "none of its items was active meanwhile: it was frozen, or plugged, or what held it "
           "began before the trace";
  }
  if (f.culprits.empty()) return "";
  Nanos all{0};
  for (const Finding::Culprit& culprit : f.culprits) all = AddSaturated(all, culprit.time);
  const Finding::Culprit& first = f.culprits.front();
  const double share =
      all > Nanos(0) ? static_cast<double>(first.time.count()) / static_cast<double>(all.count())
                     : 0;
  std::string out = fmt::format("{} had the slots for {} of that time",
                                WorkText(first.function, ""), PercentText(share));
  if (const std::string executions =
          ExecutionsText(FindExecutions(report, f.workqueue, first.function));
      !executions.empty()) {
    out += ": " + executions;
  }
  if (f.culprits.size() > 1 && f.culprits[1].time * 10 >= first.time) {
    out += fmt::format("; then {}", WorkText(f.culprits[1].function, ""));
  }
  return out;
}

std::string DispatchText(const Finding& f) {
  return fmt::format("{}: {} waited 1ms or more for a worker ({}), {} in sum, the longest {}",
                     f.pool == "unknown" ? "pools unknown" : f.pool, CountOf(f.count, "item"),
                     ShareText(f), DurationText(f.waited), DurationText(f.worst));
}

std::string DispatchBecause(const Finding& f, const Report& report) {
  if (f.rescued) {
    return fmt::format(
        "no worker was free on {}, and a new one was not made in time: the rescuer "
        "of the workqueue executed what waited",
        CpuText(f.cpu));
  }
  const WaitSplit& w = f.wait;
  const Nanos all = w.Sum();
  if (all == Nanos(0)) {
    return report.source.has_sched ? "unknown" : "unknown: who had the CPU was not recorded";
  }
  // A part, and what the worker did in it.
  struct Part {
    Nanos time;
    std::string words;
  };
  const std::string who = f.culprits.empty() ? "" : CulpritList(f);
  const bool behind = w.head_of_line > w.runqueue + w.wakeup;
  const std::vector<Part> parts = {
      {w.hold, "while workers slept and the pool saw no need to wake one"},
      {w.worker_creation, "while a new worker was made"},
      {w.wakeup, "until the woken worker came on a runqueue"},
      {w.runqueue,
       "on a runqueue" +
           (who.empty() || behind ? std::string() : fmt::format(", where {} had the CPU", who))},
      {w.pre_work, "on its CPU, before the worker came to the item"},
      {w.head_of_line,
       "behind items of the pool itself" +
           (who.empty() || !behind ? std::string() : fmt::format(", mostly {}", who))},
      {w.unknown, ""}};
  const auto most = std::max_element(parts.begin(), parts.end(),
                                     [](const Part& a, const Part& b) { return a.time < b.time; });
  const double share = static_cast<double>(most->time.count()) / static_cast<double>(all.count());
  return most->words.empty()
             ? fmt::format("what took {} of that time is not known", PercentText(share))
             : fmt::format("{} of that time passed {}", PercentText(share), most->words);
}

std::string LoopText(const Finding& f) {
  std::string who = WorkText(f.function, f.workqueue);
  if (f.others.empty()) {
    who += " queues itself";
  } else {
    who += fmt::format(" and {} queue each other", ListOf(f.others, f.others.size()));
  }
  const Nanos round = f.count > 0 ? f.stretch / static_cast<int64_t>(f.count) : Nanos(0);
  return fmt::format("{} without pause: {} in {}, {} a round, {} of a CPU", who,
                     CountOf(f.count, "round"), DurationText(f.stretch), DurationText(round),
                     PercentText(f.cpu_share));
}

std::string PendingText(const Finding& f) {
  return fmt::format("{} had waited {} when the trace ended, {}; or it was cancelled",
                     WorkText(f.function, f.workqueue), DurationText(f.worst),
                     f.inactive ? "not activated" : "activated");
}

std::string LossText(const Report& report) {
  const Quality& q = report.quality;
  const std::string lost =
      q.lost_events ? CountOf(*q.lost_events, "event") : "an unknown number of events";
  std::string out = fmt::format("lost {}", lost);
  if (q.lost_gaps > 0) out += fmt::format(" in {}", CountOf(q.lost_gaps, "place"));
  return out + fmt::format("; {} that this may have touched {} in no percentile",
                           CountOf(q.match.tainted, "item"), q.match.tainted == 1 ? "is" : "are");
}

std::string TextOf(const Finding& f, const Report& report) {
  switch (f.kind) {
    case FindingKind::kStall:
      return StallText(f);
    case FindingKind::kActivationWait:
      return ActivationText(f, report);
    case FindingKind::kDispatchWait:
      return DispatchText(f);
    case FindingKind::kLongExecution:
      return fmt::format("{} {} for {} on {}, {} of {} or more", WorkText(f.function, f.workqueue),
                         report.source.has_sched ? "kept the CPU" : "executed",
                         DurationText(f.worst), f.pool, CountOf(f.count, "execution"), "10ms");
    case FindingKind::kIdleCpu:
      return fmt::format("{}: {} waited up to {} although {} was idle ({})", f.pool,
                         CountOf(f.count, "activated item"), DurationText(f.worst),
                         f.cpu == Cpu::kNone ? "a CPU of the pool" : CpuText(f.cpu), ShareText(f));
    case FindingKind::kLoop:
      return LoopText(f);
    case FindingKind::kFlushWait:
      return FlushFindingText(f);
    case FindingKind::kPendingAtEnd:
      return PendingText(f);
    case FindingKind::kLostEvents:
      return LossText(report);
    case FindingKind::kUnmatched:
      return fmt::format("{} no queue event, though nothing was lost",
                         CountOf(f.count, "start has", "starts have"));
  }
  return "";
}

std::string BecauseOf(const Finding& f, const Report& report) {
  switch (f.kind) {
    case FindingKind::kStall:
      return StallBecause(f, report);
    case FindingKind::kActivationWait:
      return ActivationBecause(f, report);
    case FindingKind::kDispatchWait:
      return DispatchBecause(f, report);
    case FindingKind::kLongExecution:
      return "a per-CPU pool starts nothing else while an item keeps the CPU; nothing waited for "
             "it long enough for a stall";
    case FindingKind::kIdleCpu:
      return "workers were asleep, being made, or slow to come to their CPU";
    case FindingKind::kFlushWait:
      return FlushFindingBecause(f);
    case FindingKind::kLostEvents:
      return "the ring buffer was full";
    case FindingKind::kUnmatched:
      return "were all four workqueue events recorded, unfiltered?";
    case FindingKind::kLoop:
    case FindingKind::kPendingAtEnd:
      break;
  }
  return "";
}

}  // namespace

FindingWords WordsOf(const Finding& finding, const Report& report, const Invocation& by) {
  return {TextOf(finding, report),   BecauseOf(finding, report),
          DelayedText(finding),      StackLines(StacksOf(report, finding), kStacks),
          AdviceOn(finding, report), NextCommand(finding, report, by)};
}

std::string LookedFor(const Report& report) {
  const TraceInfo& info = report.source;
  std::vector<std::string> what = {
      fmt::format("stalls of {} or more", DurationText(report.stall_threshold))};
  if (info.has_activate) what.emplace_back("waits for max_active");
  what.emplace_back("waits for a worker");
  what.emplace_back("long executions");
  if (info.has_sched) what.emplace_back("idle CPUs");
  what.emplace_back("loops");
  if (info.flushes && !info.flushes->source.empty()) what.emplace_back("flushes");
  what.emplace_back("lost events");
  return fmt::format("{}", fmt::join(what, ", "));
}

namespace {

// A finding, and its words.
struct FindingRow {
  Finding finding;
  FindingWords words;
  std::vector<HolderStack> stacks;
};

Table TaskTable(const Task& task) {
  const Columns<Task> columns = {
      {{"comm"}, [](const Task& t) { return Word{t.comm}; }},
      {{"pid"}, [](const Task& t) { return t.pid; }},
      {{.key = "policy", .words = {"deadline", "rt", "fair"}},
       [](const Task& t) { return Word{std::string(PolicyOf(t))}; }},
      {{"prio"},
       [](const Task& t) { return t.prio ? std::optional(SignedId{*t.prio}) : std::nullopt; }},
  };
  return MakeRecord("task", columns, task);
}

std::optional<Table> OptionalTask(const std::optional<Task>& task) {
  return task ? std::optional(TaskTable(*task)) : std::nullopt;
}

// A column of tasks, which the trace may not name.
Column TaskColumn(Audience audience) {
  return {.key = "task", .audience = audience, .shape = std::make_shared<Table>(TaskTable({}))};
}

Table CulpritTable(const FindingRow& row) {
  using Culprit = Finding::Culprit;
  const Columns<Culprit> columns = {
      {{"function"}, [](const Culprit& c) { return Word{c.function}; }},
      {{"workqueue"}, [](const Culprit& c) { return Word{c.workqueue}; }},
      {TaskColumn(kAll), [](const Culprit& c) { return OptionalTask(c.task); }},
      {{"time_ns"}, [](const Culprit& c) { return c.time; }},
  };
  return MakeTable({.key = "culprits", .title = ""}, columns, row.finding.culprits);
}

Table DelayedTable(const FindingRow& row) {
  using Delayed = Finding::Delayed;
  const Columns<Delayed> columns = {
      {{"function"}, [](const Delayed& d) { return Word{d.function}; }},
      {{"workqueue"}, [](const Delayed& d) { return Word{d.workqueue}; }},
      {{"count"}, [](const Delayed& d) { return d.count; }},
      {{"worst_wait_ns"}, [](const Delayed& d) { return d.worst; }},
  };
  return MakeTable({.key = "delayed", .title = ""}, columns, row.finding.delayed);
}

std::optional<Nanos> IfAny(Nanos time) {
  return time > Nanos(0) ? std::optional(time) : std::nullopt;
}

Columns<FindingRow> FindingColumns() {
  using Row = FindingRow;
  return {
      {{"id", "", kMachine}, [](const Row& r) { return Id{static_cast<int64_t>(r.finding.id)}; }},
      {{.key = "kind", .audience = kMachine, .words = AllWords(FindingKind::kUnmatched)},
       [](const Row& r) { return ToString(r.finding.kind); }},
      {{.key = "severity", .audience = kMachine, .words = AllWords(Severity::kHigh)},
       [](const Row& r) { return ToString(r.finding.severity); }},
      {{"text", "", kMachine}, [](const Row& r) { return r.words.text; }},
      {{"because", "", kMachine}, [](const Row& r) { return Word{r.words.because}; }},
      {{"try", "", kMachine}, [](const Row& r) { return r.words.tries; }},
      {{"next", "", kMachine}, [](const Row& r) { return Word{r.words.next}; }},
      {{"pool", "", kMachine}, [](const Row& r) { return Word{r.finding.pool}; }},
      {{"workqueue", "", kMachine}, [](const Row& r) { return Word{r.finding.workqueue}; }},
      {{"function", "", kMachine}, [](const Row& r) { return Word{r.finding.function}; }},
      {{.key = "cause", .audience = kMachine, .words = AllWords(StallCause::kIdleCpu)},
       [](const Row& r) {
         const bool stall = r.finding.kind == FindingKind::kStall;
         return stall ? std::optional(ToString(r.finding.cause)) : std::nullopt;
       }},
      {{"others", "", kMachine}, [](const Row& r) { return r.finding.others; }},
      {TaskColumn(kJson),
       [](const Row& r) {
         const auto& culprits = r.finding.culprits;
         const bool flush = r.finding.kind == FindingKind::kFlushWait;
         if (flush || culprits.empty()) return OptionalTask(r.finding.flusher);
         return OptionalTask(culprits.front().task);
       }},
      {{"culprits", "", kJson}, CulpritTable},
      {{"delayed", "", kJson}, DelayedTable},
      {{.key = "holder_stacks",
        .audience = kJson,
        .about = "Where those stood who held it, taken while it went on by stat, top or watch."},
       [](const Row& r) { return HolderStackTable(r.stacks); }},
      {{"stall_ids", "", kMachine}, [](const Row& r) { return IdList{r.finding.stall_ids}; }},
      {{"item_ids", "", kMachine}, [](const Row& r) { return IdList{r.finding.item_ids}; }},
      {{"worst_ns", "", kMachine}, [](const Row& r) { return IfAny(r.finding.worst); }},
      {{"total_ns", "", kMachine}, [](const Row& r) { return IfAny(r.finding.total); }},
      {{.key = "at_least",
        .audience = kMachine,
        .about = "worst_ns and total_ns are lower bounds."},
       [](const Row& r) { return r.finding.at_least || r.finding.at_end; }},
      {{"waited_ns", "", kMachine}, [](const Row& r) { return IfAny(r.finding.waited); }},
      {{"share", "", kMachine},
       [](const Row& r) {
         return IfAny(r.finding.total) ? std::optional(Share{r.finding.share}) : std::nullopt;
       }},
      {{"count", "", kMachine}, [](const Row& r) { return r.finding.count; }},
  };
}

}  // namespace

Table FindingTable(const Report& report, const Invocation& by) {
  std::vector<FindingRow> rows;
  for (const Finding& finding : report.findings) {
    rows.push_back({finding, WordsOf(finding, report, by), StacksOf(report, finding)});
  }
  return MakeTable({.key = "findings", .title = "Findings"}, FindingColumns(), rows);
}

}  // namespace wqprof
