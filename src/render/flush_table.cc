// SPDX-License-Identifier: Apache-2.0
#include "render/flush_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "render/task_text.h"
#include "wqprof/number_text.h"

namespace wqprof {
namespace {

std::string WorkName(std::string_view function, std::string_view workqueue) {
  std::string out(function.empty() ? "a function unknown" : function);
  if (!workqueue.empty()) out += fmt::format(" [{}]", workqueue);
  return out;
}

// "flush_work for aio_fsync_work", "drain_workqueue of loop0".
std::string FlushWords(const Finding& f) {
  if (IsOfWorkqueue(f.flush)) {
    return fmt::format("{} of {}", ToString(f.flush), f.workqueue.empty() ? "?" : f.workqueue);
  }
  const std::string_view by =
      f.flush == FlushKind::kFlushOrCancel ? "flush_work or cancel_work_sync" : ToString(f.flush);
  return fmt::format("{} for {}", by, WorkName(f.function, f.workqueue));
}

// "aio_fsync_work [dio/loop0], which executed for 20.1ms after it had waited 3.00ms".
std::string BehindWords(const FlushBehind& behind) {
  std::string out = WorkName(behind.function, behind.workqueue);
  if (behind.executed)
    out += fmt::format(", which executed for {}", DurationText(*behind.executed));
  if (behind.waited) {
    out += fmt::format("{} it had waited {}", behind.executed ? " after" : ", and before that",
                       DurationText(*behind.waited));
  }
  return out;
}

std::string FlushedWords(const FlushRow& row) {
  if (IsOfWorkqueue(row.kind)) return row.workqueue;
  return row.module.empty() ? row.function : fmt::format("{} [{}]", row.function, row.module);
}

std::string TaskWords(const FlushRow& row) {
  const std::string comm = row.comm.empty() ? "?" : row.comm;
  return row.task == Pid::kNone ? comm : fmt::format("{}[{}]", comm, ToInt(row.task));
}

// "f ran 12.0ms, waited 3.00ms", of which the function may be that of the row.
std::string ShortBehind(const FlushRow& row) {
  if (!row.behind) return "";
  const FlushBehind& behind = *row.behind;
  std::string out = behind.function.empty() ? "?" : behind.function;
  if (behind.executed) out += fmt::format(" ran {}", DurationText(*behind.executed));
  if (behind.waited) {
    out += fmt::format("{} waited {}", behind.executed ? "," : "", DurationText(*behind.waited));
  }
  return out;
}

Table BehindTable(const FlushBehind& behind) {
  const Columns<FlushBehind> columns = {
      {{"item_id"},
       [](const FlushBehind& b) {
         return b.item != 0 ? std::optional(Id{static_cast<int64_t>(b.item)}) : std::nullopt;
       }},
      {{"function"}, [](const FlushBehind& b) { return Word{b.function}; }},
      {{"workqueue"}, [](const FlushBehind& b) { return Word{b.workqueue}; }},
      {{"executed_ns"}, [](const FlushBehind& b) { return b.executed; }},
      {{.key = "latency_ns", .about = "Before that, from queue to start."},
       [](const FlushBehind& b) { return Signed(b.waited); }},
  };
  return MakeRecord("behind", columns, behind);
}

std::optional<Estimate> WaitOf(const FlushRow& row, std::optional<Nanos> value) {
  return value ? std::optional(Estimate{*value, false, row.at_least}) : std::nullopt;
}

auto QuantileOf(double q) {
  return [q](const FlushRow& row) { return WaitOf(row, row.wait.Quantile(q)); };
}

Table HookTable(const FlushLog& log) {
  const Columns<FlushHook> columns = {
      {{.key = "kind", .words = AllWords(FlushKind::kDrainWorkqueue)},
       [](const FlushHook& hook) { return ToString(hook.kind); }},
      {{.key = "kernel_functions", .about = "That were watched; none: such waits were not seen."},
       [](const FlushHook& hook) { return hook.functions; }},
      {{.key = "absent_by", .about = "Why none, or not all."},
       [](const FlushHook& hook) { return Word{hook.absent_by}; }},
      {{.key = "calls", .about = "null: nobody counted them."},
       [](const FlushHook& hook) { return hook.calls; }},
      {{.key = "waits", .about = "Of these, of floor_ns or longer."},
       [](const FlushHook& hook) { return hook.waited; }},
  };
  return MakeTable({.key = "kinds", .title = ""}, columns, log.hooks);
}

// Where nothing was watched nothing was counted; what lost events hid is counted by nobody.
auto Counted(uint64_t FlushLog::*count, bool by_events = false) {
  return [count, by_events](const FlushLog& log) {
    const bool known = !log.source.empty() && (by_events || !log.by_events());
    return known ? std::optional(log.*count) : std::nullopt;
  };
}

Table LogTable(const FlushLog& log) {
  const Columns<FlushLog> columns = {
      {{.key = "from",
        .about = "bpf; events: lower bounds, by barriers and scheduler events; null: nothing was "
                 "watched."},
       [](const FlushLog& l) { return Word{l.source}; }},
      {{.key = "limited_by", .about = "Why not by BPF."},
       [](const FlushLog& l) { return Word{l.limited_by}; }},
      {{"floor_ns"},
       [](const FlushLog& l) { return l.source.empty() ? std::nullopt : std::optional(l.floor); }},
      {{"begin_ns"}, [](const FlushLog& l) { return l.begin; }},
      {{"end_ns"}, [](const FlushLog& l) { return l.end; }},
      {{.key = "lost", .about = "Waits that came too fast."}, Counted(&FlushLog::lost)},
      {{.key = "unfollowed", .about = "Calls whose length is not known."},
       Counted(&FlushLog::unfollowed, true)},
      {{.key = "left_out", .about = "Waits that had no room, the shortest ones."},
       Counted(&FlushLog::left_out)},
      {{"kinds"}, HookTable},
  };
  return MakeRecord("flush_watch", columns, log);
}

void AddBoundNotes(const FlushLog& log, std::vector<std::string>& notes) {
  std::vector<std::string_view> seen, absent;
  for (const FlushHook& hook : log.hooks) {
    (hook.functions.empty() ? absent : seen).push_back(ToString(hook.kind));
  }
  notes.push_back(
      fmt::format("flushes: lower bounds (>) of {}, by the barriers that ended them and scheduler "
                  "events, as {}",
                  fmt::join(seen, " and "), log.limited_by));
  if (!absent.empty()) {
    notes.push_back(
        fmt::format("flushes not seen: {}: no event shows them", fmt::join(absent, ", ")));
  }
  if (log.unfollowed > 0) {
    notes.push_back(
        fmt::format("flushes that are missing: {} that began before the recording, or while events "
                    "were lost",
                    CountText(log.unfollowed)));
  }
}

}  // namespace

Table FlushTable(const Report& report) {
  using Row = FlushRow;
  const auto shape = std::make_shared<Table>(BehindTable({}));
  const Columns<Row> columns = {
      {{"flushed", "FLUSHED", kText, 20}, [](const Row& row) { return Word{FlushedWords(row)}; }},
      {{.key = "kind", .heading = "BY", .words = AllWords(kLastFlushKind)},
       [](const Row& row) { return ToString(row.kind); }},
      {{"function", "", kMachine, 0, 0, "Of the work; null: all works of a workqueue."},
       [](const Row& row) { return Word{row.function}; }},
      {{"module", "", kMachine}, [](const Row& row) { return Word{row.module}; }},
      {{"workqueue", "", kMachine, 0, 0, "Of a work where its executions show it."},
       [](const Row& row) { return Word{row.workqueue}; }},
      {{"waits", "WAITS", kAll, 0, 0, "Of floor_ns or longer, as far as they were kept."},
       [](const Row& row) { return row.wait.count(); }},
      {{"wait", "", kMachine}, [](const Row& row) { return &row.wait; }},
      {{"p50", "p50", kText}, QuantileOf(0.5)},
      {{"p99", "p99", kText}, QuantileOf(0.99)},
      {{"max", "max", kText}, [](const Row& row) { return WaitOf(row, row.wait.max()); }},
      {{"at_least", "", kMachine, 0, 0, "All times of the waits are lower bounds."},
       [](const Row& row) { return row.at_least; }},
      {{"longest_by", "LONGEST BY", kText, 12},
       [](const Row& row) { return Word{TaskWords(row)}; }},
      {{"comm", "", kMachine, 0, 0, "Who waited longest."},
       [](const Row& row) { return Word{row.comm}; }},
      {{"pid", "", kMachine}, [](const Row& row) { return row.task; }},
      {{"begin_ns", "", kMachine, 0, 0, "When the longest wait began."},
       [](const Row& row) { return row.begin; }},
      {{"behind_words", "BEHIND", kText, 16, 1},
       [](const Row& row) { return Word{ShortBehind(row)}; }},
      {{.key = "behind",
        .audience = kJson,
        .about = "What the longest wait was behind: of the executions of that work, or workqueue, "
                 "that ended within it, the last one. null: that was not seen.",
        .shape = shape},
       [](const Row& row) {
         return row.behind ? std::optional(BehindTable(*row.behind)) : std::nullopt;
       }},
      {{"long_waits", "", kMachine, 0, 0, "As long as what counts for a stall."},
       [](const Row& row) { return row.long_waits; }},
      {{"long_time_ns", "", kMachine, 0, 0, "Time in which at least one of these went on."},
       [](const Row& row) { return row.long_time; }},
  };
  const FlushLog* const log = report.source.flushes.get();
  const std::string title = log == nullptr
                                ? "Flushes"
                                : fmt::format("Flushes (who waited {} or longer for works to end)",
                                              DurationText(log->floor));
  return MakeTable({.key = "flushes", .title = title}, columns, report.flushes);
}

ColumnOf<Report> FlushSourceColumn() {
  return {{.key = "flush_watch",
           .audience = kJson,
           .about = "How waits in flushes were watched; null: that was not asked for.",
           .shape = std::make_shared<Table>(LogTable({}))},
          [](const Report& r) {
            return r.source.flushes ? std::optional(LogTable(*r.source.flushes)) : std::nullopt;
          }};
}

void AddFlushNotes(const FlushLog* log, std::vector<std::string>& notes) {
  if (log == nullptr) return;
  if (log->source.empty()) {
    notes.push_back("flushes: not recorded: " + log->limited_by);
    return;
  }
  if (log->by_events()) {
    AddBoundNotes(*log, notes);
    return;
  }
  std::vector<std::string> seen, absent;
  for (const FlushHook& hook : log->hooks) {
    if (hook.functions.empty()) {
      absent.push_back(fmt::format("{} ({})", ToString(hook.kind), hook.absent_by));
      continue;
    }
    if (!hook.calls) continue;
    seen.push_back(fmt::format("{} {}", ToString(hook.kind), CountText(*hook.calls)));
    if (hook.waited > uint64_t{0})
      seen.back() += fmt::format(" ({} long)", CountText(*hook.waited));
  }
  if (!seen.empty()) {
    notes.push_back(fmt::format("flushes: calls by kind, and those of {} or longer: {}",
                                DurationText(log->floor), fmt::join(seen, ", ")));
  }
  if (!absent.empty()) {
    notes.push_back(fmt::format("flushes not seen: {}", fmt::join(absent, ", ")));
  }
  if (log->lost + log->unfollowed + log->left_out > 0) {
    notes.push_back(fmt::format(
        "flushes that are missing: {} lost, {} of unknown length, {} left out, the shortest ones",
        CountText(log->lost), CountText(log->unfollowed), CountText(log->left_out)));
  }
}

std::string WhyNoFlushes(const Report& report, bool live) {
  const FlushLog* const log = report.source.flushes.get();
  if (log == nullptr) {
    return live ? "who waited in flushes was not recorded: ask for it, with --flushes"
                : "the recording does not know who waited in flushes: record --flushes";
  }
  if (log->source.empty()) {
    return fmt::format("who waited in flushes could not be recorded: {}", log->limited_by);
  }
  if (!report.source.clock_is_ns) return "the clock of the recording does not count nanoseconds";
  return "";
}

std::string FlushFindingText(const Finding& f) {
  std::string out =
      fmt::format("{} waited {}{} in {} ({} of the trace)",
                  f.flusher ? TaskText(*f.flusher) : "a task", f.at_least ? "at least " : "",
                  DurationText(f.worst), FlushWords(f), PercentText(std::min(1.0, f.share)));
  if (f.count > 1) out += fmt::format("; {} so long", CountOf(f.count, "such wait"));
  return out;
}

std::string FlushFindingBecause(const Finding& f) {
  if (!f.behind && f.at_least) {
    return "unknown: what the worker executed that woke it was not seen whole";
  }
  if (!f.behind) return "unknown: which execution of it ended last within the wait was not seen";
  return "it waited for " + BehindWords(*f.behind);
}

}  // namespace wqprof
