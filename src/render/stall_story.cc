// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "render/advice.h"
#include "render/holder_text.h"
#include "render/pictures.h"
#include "render/stall_picture.h"
#include "render/task_text.h"
#include "render/text.h"
#include "wqprof/render.h"
#include "wqprof/stack_text.h"
#include "wqprof/wall_clock.h"

namespace wqprof {
namespace {

// What a cause means, for someone who does not know the word.
std::string_view Meaning(StallCause cause) {
  switch (cause) {
    case StallCause::kCpuHog:
      return "an item kept the CPU; until it slept, the pool let no other worker run";
    case StallCause::kAllBlocked:
      return "all workers slept in their items, and no new one took over";
    case StallCause::kNoIdleWorker:
      return "no idle worker was left and a new one took long to create";
    case StallCause::kStarved:
      return "workers were runnable, but other tasks had the CPU";
    case StallCause::kBehindItem:
      return "the items had to wait for one item ahead of them";
    case StallCause::kSoftirqDelay:
      return "the softirq that runs these items came late";
    case StallCause::kIdleCpu:
      return "a worker was awake, but its CPU idled on: it was slow to leave a sleep state, or a "
             "host kept the virtual CPU waiting";
    case StallCause::kUnknown:
      break;
  }
  return "";
}

std::string Name(std::string_view function, std::string_view workqueue, bool ascii) {
  std::string out = function.empty() ? "a function unknown" : Escaped(function, ascii);
  if (!workqueue.empty()) out += fmt::format(" [{}]", Escaped(workqueue, ascii));
  return out;
}

// ", queued by sh x3, softirq": who queued what waited; empty if it is not known.
std::string OriginWords(const DelayedRow& row, bool ascii) {
  constexpr size_t kShown = 3;
  std::vector<std::string> words;
  for (const OriginCount& origin : row.origins) {
    if (words.size() == kShown) break;
    std::string word = origin.kind == "task" || origin.kind == "work" ? "" : origin.kind;
    if (!origin.name.empty()) word += (word.empty() ? "" : " ") + Escaped(origin.name, ascii);
    if (word.empty()) continue;
    if (row.origins.size() > 1) word += fmt::format(" x{}", CountText(origin.count));
    words.push_back(std::move(word));
  }
  if (words.empty()) return "";
  if (row.origins.size() > kShown) words.push_back("others");
  return fmt::format(", queued by {}", fmt::join(words, ", "));
}

// A line below: the calls by which it was queued, or most of it; none if they are not known.
std::string PathLine(std::string_view stack, bool all, size_t indent, bool ascii) {
  if (stack.empty()) return "";
  return fmt::format("{}queued {}in {}\n", std::string(indent, ' '), all ? "" : "mostly ",
                     Escaped(CallPath(stack), ascii));
}

// Less than a percent of a stall explains nothing of it.
bool Explains(Nanos time, const Stall& stall) { return time * 100 >= stall.duration; }

// What the worker did until then that ended the stall, or was woken to.
void AppendStarter(std::string& out, const Stall& stall, bool ascii) {
  if (!stall.starter) return;
  const StallStarter& starter = *stall.starter;
  std::vector<std::string> parts;
  const auto add = [&](Nanos time, std::string_view words) {
    if (Explains(time, stall) && time > Nanos(0)) {
      parts.push_back(fmt::format("{} {}", DurationText(time), words));
    }
  };
  add(starter.wait.hold, "asleep, nobody woke it");
  add(starter.wait.worker_creation, "waiting for a new worker, or for the pool's manager");
  add(starter.wait.wakeup, "woken, on its way to a runqueue");
  add(starter.wait.runqueue, starter.preempted_by
                                 ? fmt::format("on a runqueue, where {} had the CPU",
                                               Escaped(TaskText(*starter.preempted_by), ascii))
                                 : "on a runqueue");
  add(starter.wait.head_of_line, "executing what was ahead");
  add(starter.wait.pre_work, "on its CPU, not yet at the item");
  add(starter.wait.unknown, "unknown");
  // One that goes on has no id in a live view.
  out += fmt::format("  {} {}", stall.at_end || stall.id == 0 ? "Woken to end it was" : "Ended by",
                     starter.worker.empty() ? "a worker unknown" : Escaped(starter.worker, ascii));
  if (starter.worker_pid != Pid::kNone) out += fmt::format(" ({})", ToInt(starter.worker_pid));
  out += parts.empty()
             ? ".\n"
             : fmt::format(", which until then was\n    {}.\n", fmt::join(parts, ",\n    "));
}

// How long a CPU that the items could have run on had nothing to do.
void AppendIdle(std::string& out, const Stall& stall) {
  if (stall.cpu_idle) {
    if (*stall.cpu_idle > Nanos(0) && Explains(*stall.cpu_idle, stall)) {
      out += fmt::format("  The pool's CPU idled for {} of it.\n", DurationText(*stall.cpu_idle));
    }
  } else if (stall.starter && stall.starter->idled > Nanos(0) &&
             Explains(stall.starter->idled, stall)) {
    out += fmt::format("  The CPU on which it then ran idled for {} while it was awake.\n",
                       DurationText(stall.starter->idled));
  }
}

// Why the cause is not known, and what would show it.
std::string_view Doubt(const Report& report, const Stall& stall) {
  if (!report.source.has_sched) {
    return "Who had the CPU and who slept was not recorded.";
  }
  if (!stall.starter) {
    if (stall.id == 0) return "Nobody has ended it yet.";
    return stall.at_end ? "Nobody ended it: a longer recording shows who does." : "";
  }
  const WaitSplit& wait = stall.starter->wait;
  const Nanos half = stall.duration / 2;
  if (wait.pre_work >= half) {
    return "The worker had its CPU, and did not come to the item: interrupts took it, the pool was "
           "locked, or a host kept the virtual CPU waiting.";
  }
  if (wait.unknown >= half) {
    return "What the worker did before is not in this trace: it began too late, or lost events.";
  }
  return "No single thing took most of it.";
}

void AppendDelayed(std::string& out, const Stall& stall, bool ascii) {
  out += fmt::format("  {} waited, the longest for {}{}.\n", CountOf(stall.delayed_items, "item"),
                     stall.at_end ? "at least " : "", DurationText(stall.worst_latency));
  std::vector<DelayedRow> rows = stall.delayed;
  std::stable_sort(rows.begin(), rows.end(), [](const DelayedRow& a, const DelayedRow& b) {
    return a.worst_wait > b.worst_wait;
  });
  for (const DelayedRow& row : rows) {
    out += fmt::format("    {:>6}x {}, worst {}{}\n", CountText(row.count),
                       Name(row.function, row.workqueue, ascii), DurationText(row.worst_wait),
                       OriginWords(row, ascii));
    if (row.stacks.empty()) continue;
    out += PathLine(row.stacks.front().stack, row.stacks.size() == 1, 12, ascii);
  }
}

// "44.0ms on the CPU, 1.00ms preempted by X"; empty without scheduler events.
std::string TimesOf(const StallHolder& holder, bool ascii) {
  std::vector<std::string> parts;
  if (holder.on_cpu) parts.push_back(DurationText(*holder.on_cpu) + " on the CPU");
  if (holder.blocked) {
    const Nanos in_d = holder.blocked_in_d.value_or(Nanos(0));
    parts.push_back(DurationText(*holder.blocked) + " asleep" +
                    (in_d > Nanos(0) ? fmt::format(" ({} in D)", DurationText(in_d)) : ""));
  }
  if (holder.preempted) {
    parts.push_back(DurationText(*holder.preempted) + " preempted" +
                    (holder.preempted_by && *holder.preempted > Nanos(0)
                         ? " by " + Escaped(TaskText(*holder.preempted_by), ascii)
                         : ""));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

void AppendHolders(std::string& out, const Report& report, const Stall& stall, bool ascii) {
  if (stall.holders.empty()) {
    out += "  No execution on this pool was seen to overlap it.\n";
    return;
  }
  out += "  Meanwhile its workers ran:\n";
  for (const StallHolder& holder : stall.holders) {
    out += fmt::format("    {} on {}", Name(holder.function, holder.workqueue, ascii),
                       holder.worker.empty() ? "a worker unknown" : Escaped(holder.worker, ascii));
    if (holder.worker_pid != Pid::kNone) out += fmt::format(" ({})", ToInt(holder.worker_pid));
    if (holder.begin != kUnseen) {
      out += fmt::format(" since {}", SinceText(report.read.begin, holder.begin));
    }
    out += fmt::format(", {} of the stall", DurationText(holder.overlap));
    const std::string times = TimesOf(holder, ascii);
    if (!times.empty()) out += fmt::format(": {}", times);
    if (!holder.asleep_in.empty() && holder.asleep_since != kUnseen) {
      out += fmt::format("; in the end asleep in {} since {}", holder.asleep_in,
                         SinceText(report.read.begin, holder.asleep_since));
    }
    out += '\n' + PathLine(holder.stack, true, 6, ascii);
  }
}

void AppendStacks(std::string& out, const Report& report, const Stall& stall, bool ascii) {
  constexpr size_t kShown = 4;
  const std::vector<HolderStack> stacks = StacksOf(report, stall);
  const std::vector<std::string> lines = StackLines(stacks, kShown);
  if (!lines.empty()) out += "  Stack taken while it went on:\n";
  for (const std::string& line : lines) out += fmt::format("    {}\n", Escaped(line, ascii));
  if (stacks.empty() || !lines.empty()) return;
  out += fmt::format("  {}.\n", Escaped(NoStackText(stacks.front()), ascii));
}

Blame BlameOf(const Report& report, const Stall& stall) {
  Blame blame;
  blame.cause = stall.cause;
  blame.has_sched = report.source.has_sched;
  blame.tasks = 1;
  for (const PoolRow& row : report.pools) {
    if (row.occupancy.pool.name == stall.pool) blame.cpu = row.occupancy.pool.cpu;
  }
  if (!stall.delayed.empty()) {
    blame.waiter = report.source.config.Find(stall.delayed.front().workqueue);
  }
  if (stall.starter) blame.task = stall.starter->preempted_by;
  const auto most = [&stall](auto time_of) {
    return std::max_element(
        stall.holders.begin(), stall.holders.end(),
        [&](const StallHolder& a, const StallHolder& b) { return time_of(a) < time_of(b); });
  };
  if (stall.holders.empty()) return blame;
  const auto starved = most([](const StallHolder& h) { return h.preempted.value_or(Nanos(0)); });
  if (!blame.task) blame.task = starved->preempted_by;
  const bool hog = stall.cause == StallCause::kCpuHog;
  const auto holder =
      most([&](const StallHolder& h) { return hog ? h.on_cpu.value_or(Nanos(0)) : h.overlap; });
  blame.function = holder->function;
  blame.workqueue = holder->workqueue;
  blame.keeper = report.source.config.Find(holder->workqueue);
  return blame;
}

void AppendAdvice(std::string& out, const Report& report, const Stall& stall, bool ascii) {
  const std::vector<std::string> advice = AdviceOnStall(BlameOf(report, stall));
  out += "  Try:\n";
  for (size_t i = 0; i < advice.size(); ++i) {
    out += fmt::format("    {}. {}\n", i + 1, Escaped(advice[i], ascii));
  }
}

// Other stalls of the same finding.
void AppendAlike(std::string& out, const Report& report, const Stall& stall) {
  constexpr size_t kShown = 8;
  for (const Finding& finding : report.findings) {
    const std::vector<uint64_t>& ids = finding.stall_ids;
    if (ids.size() < 2 || std::find(ids.begin(), ids.end(), stall.id) == ids.end()) continue;
    std::vector<uint64_t> others;
    for (const uint64_t id : ids) {
      if (id != stall.id && others.size() < kShown) others.push_back(id);
    }
    std::sort(others.begin(), others.end());
    const size_t more = ids.size() - 1 - others.size();
    out += fmt::format("  Same cause: {} {}{}.\n", others.size() == 1 ? "stall" : "stalls",
                       fmt::join(others, ", "),
                       more > 0 ? fmt::format(" and {} more", CountText(more)) : "");
  }
}

// Lines that are too long go on below, indented a little more.
std::string Wrapped(const std::string& text, size_t columns) {
  if (columns == 0) return text;
  std::string out;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    const size_t indent = std::min(line.find_first_not_of(' '), line.size());
    begin = end + 1;
    if (DisplayWidth(line) <= columns) {
      out += line;
      out += '\n';
      continue;
    }
    std::string wrapped;
    AppendWrapped(wrapped, line.substr(indent), indent + 2, columns);
    out.append(indent, ' ');
    out += wrapped;
  }
  return out;
}

}  // namespace

std::string ExplainStall(const Report& report, const Stall& stall, const TextStyle& style,
                         const StallPicture* picture) {
  const bool ascii = !style.utf8;
  const bool goes_on = stall.id == 0;
  std::string title = fmt::format(
      "ool {} {} nothing for {}{}", Escaped(stall.pool, ascii), goes_on ? "has started" : "started",
      stall.at_end && !goes_on ? "at least " : "", DurationText(stall.duration));
  title = goes_on ? "P" + title : fmt::format("Stall {}: p{}", stall.id, title);
  std::string out = Emphasized(title, style) + "\n";
  std::string story;
  if (stall.begin != kUnseen) {
    std::string from = SinceText(report.read.begin, stall.begin);
    const auto clock = WallClock::Of(report.source.wall_begin, report.read.begin, style.utc);
    if (clock) {
      from = fmt::format("{} {}, {}", clock->TimeOfDay(stall.begin), Escaped(clock->Zone(), ascii),
                         from);
    }
    story += fmt::format("  From {} ({} on the trace's clock){}.\n", from, StampText(stall.begin),
                         goes_on        ? " until now"
                         : stall.at_end ? " to the end of the trace"
                                        : "");
  }
  if (picture != nullptr) {
    out += Wrapped(story, style.columns);
    story.clear();
    const std::string drawn = PictureText(*picture, report.read.begin, style);
    if (!drawn.empty()) out += "\n" + drawn + "\n";
  }
  AppendDelayed(story, stall, ascii);
  AppendHolders(story, report, stall, ascii);
  AppendStacks(story, report, stall, ascii);
  AppendStarter(story, stall, ascii);
  AppendIdle(story, stall);
  story += fmt::format("  Cause: {}", ToString(stall.cause));
  const std::string_view meaning = Meaning(stall.cause);
  story += meaning.empty() ? ".\n" : fmt::format(": {}.\n", meaning);
  const bool doubtful = stall.cause == StallCause::kUnknown || !report.source.has_sched;
  const std::string_view doubt = doubtful ? Doubt(report, stall) : "";
  if (!doubt.empty()) story += fmt::format("  {}\n", doubt);
  AppendAdvice(story, report, stall, ascii);
  AppendAlike(story, report, stall);
  return out + Wrapped(story, style.columns);
}

}  // namespace wqprof
