// SPDX-License-Identifier: Apache-2.0
#include "analyze/findings.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <tuple>
#include <utility>

#include "wqprof/name_table.h"

namespace wqprof {
namespace {

constexpr size_t kMostCulprits = 16, kMostDelayed = 64;

void FindLosses(const Report& report, std::vector<Finding>& out) {
  const Quality& q = report.quality;
  if (q.lost_events == 0 && q.lost_gaps == 0) return;
  Finding finding;
  finding.kind = FindingKind::kLostEvents;
  finding.count = q.lost_events.value_or(0);
  // Where a tenth of the items cannot be trusted, nothing else can.
  const bool many = q.match.tainted * 10 >= q.match.executed && q.match.tainted > 0;
  finding.severity = many ? Severity::kHigh : Severity::kMedium;
  out.push_back(std::move(finding));
}

void FindUnmatched(const Report& report, std::vector<Finding>& out) {
  const MatchQuality& m = report.quality.match;
  if (m.unmatched_starts == 0 || m.unmatched_starts * 1000 < m.executed) return;
  Finding finding;
  finding.kind = FindingKind::kUnmatched;
  finding.count = m.unmatched_starts;
  finding.severity = m.unmatched_starts * 10 >= m.executed ? Severity::kHigh : Severity::kMedium;
  out.push_back(std::move(finding));
}

// Those that made nobody wait long enough for a stall: the stalls name the others.
void FindLongExecutions(const FindingFacts& facts, std::vector<Finding>& out) {
  std::map<std::pair<std::string, std::string>, Finding> by_function;
  for (const LongExecution& execution : facts.executions) {
    const bool told = std::any_of(out.begin(), out.end(), [&](const Finding& f) {
      return f.kind == FindingKind::kStall &&
             std::any_of(f.culprits.begin(), f.culprits.end(), [&](const auto& culprit) {
               return culprit.function == execution.function;
             });
    });
    if (told) continue;
    Finding& finding = by_function[{execution.workqueue, execution.function}];
    finding.kind = FindingKind::kLongExecution;
    finding.workqueue = execution.workqueue;
    finding.function = execution.function;
    finding.count += execution.times;
    if (execution.length <= finding.worst) continue;
    finding.worst = execution.length;
    finding.pool = execution.pool;
    finding.cpu = execution.cpu;
    finding.item_ids = {execution.item};
  }
  for (auto& [name, finding] : by_function) out.push_back(std::move(finding));
}

void FindPending(const Report& report, const OldestPending& oldest, std::vector<Finding>& out) {
  if (oldest.age < report.stall_threshold) return;
  // A stall at the end covers the items that were activated.
  const bool told =
      !oldest.inactive && std::any_of(out.begin(), out.end(), [](const Finding& finding) {
        return finding.kind == FindingKind::kStall && finding.at_end;
      });
  if (told) return;
  Finding finding;
  finding.kind = FindingKind::kPendingAtEnd;
  finding.workqueue = oldest.workqueue;
  finding.function = oldest.function;
  finding.inactive = oldest.inactive;
  finding.item_ids = {oldest.item};
  finding.count = 1;
  finding.at_end = true;
  finding.worst = finding.total = oldest.age;
  Weigh(finding, report.duration);
  out.push_back(std::move(finding));
}

}  // namespace

void Weigh(Finding& finding, Nanos duration) {
  constexpr Nanos kHigh = std::chrono::milliseconds(100), kMedium = std::chrono::milliseconds(10);
  finding.total = std::min(finding.total, std::max(duration, Nanos(0)));
  finding.share = duration > Nanos(0) ? static_cast<double>(finding.total.count()) /
                                            static_cast<double>(duration.count())
                                      : 0.0;
  if (finding.worst >= kHigh || finding.share >= 0.1) {
    finding.severity = Severity::kHigh;
  } else if (finding.worst >= kMedium || finding.share >= 0.01) {
    finding.severity = Severity::kMedium;
  } else {
    finding.severity = Severity::kLow;
  }
}

void AddCulprit(std::vector<Finding::Culprit>& all, const Finding::Culprit& one) {
  for (Finding::Culprit& known : all) {
    const bool same_task =
        known.task.has_value() == one.task.has_value() &&
        (!one.task || (known.task->pid == one.task->pid && known.task->comm == one.task->comm));
    if (!same_task || known.function != one.function || known.workqueue != one.workqueue) continue;
    known.time = AddSaturated(known.time, one.time);
    return;
  }
  all.push_back(one);
}

// No two rows are equal in all, so that the order is the same each time.
void Order(Finding& finding) {
  const auto key = [](const Finding::Culprit& row) {
    const bool task = row.task.has_value();
    return std::tuple(-row.time, std::string_view(row.function), std::string_view(row.workqueue),
                      task ? std::string_view(row.task->comm) : std::string_view(),
                      task ? row.task->pid : Pid::kNone);
  };
  std::sort(finding.culprits.begin(), finding.culprits.end(),
            [&](const auto& a, const auto& b) { return key(a) < key(b); });
  if (finding.culprits.size() > kMostCulprits) finding.culprits.resize(kMostCulprits);
  std::sort(finding.delayed.begin(), finding.delayed.end(), [](const auto& a, const auto& b) {
    return std::tie(b.worst, a.function, a.workqueue, a.count) <
           std::tie(a.worst, b.function, b.workqueue, b.count);
  });
  if (finding.delayed.size() > kMostDelayed) finding.delayed.resize(kMostDelayed);
}

std::vector<Finding> LoopFindings(const Report& report, const FindingFacts& facts) {
  std::vector<Finding> out;
  const auto name_of = [&](NameId id) {
    return std::string(SplitFunction(facts.names.Get(id)).name);
  };
  for (const WorkLoop& loop : facts.loops) {
    const Nanos span = loop.last - loop.first;
    if (span <= Nanos(0) || report.duration <= Nanos(0)) continue;
    Finding finding;
    finding.kind = FindingKind::kLoop;
    finding.function = name_of(loop.functions.front());
    finding.workqueue = facts.names.Get(loop.workqueue);
    Nanos executed{0};
    for (const NameId id : loop.functions) {
      const std::string name = name_of(id);
      if (id != loop.functions.front()) finding.others.push_back(name);
      for (const FunctionRow& row : report.functions) {
        if (row.function == name)
          executed = AddSaturated(executed, row.measures[Measure::kExecution].sum());
      }
    }
    const double of_span =
        static_cast<double>(executed.count()) / static_cast<double>(span.count());
    finding.cpu_share =
        static_cast<double>(executed.count()) / static_cast<double>(report.duration.count());
    constexpr uint64_t kMany = 100;
    if (loop.rounds < kMany ? of_span < 0.5 || finding.cpu_share < 0.5 : finding.cpu_share < 0.1) {
      continue;
    }
    finding.count = loop.rounds;
    finding.stretch = span;
    finding.severity = finding.cpu_share >= 0.5 ? Severity::kHigh : Severity::kMedium;
    out.push_back(std::move(finding));
  }
  return out;
}

std::vector<Finding> FlushFindings(const Report& report) {
  std::vector<Finding> out;
  for (const FlushRow& row : report.flushes) {
    if (row.long_waits == 0) continue;
    Finding finding;
    finding.kind = FindingKind::kFlushWait;
    finding.flush = row.kind;
    finding.function = row.function;
    finding.workqueue = row.workqueue;
    finding.flusher = Task{row.comm, row.task, std::nullopt};
    finding.behind = row.behind;
    finding.at_least = row.at_least;
    finding.count = row.long_waits;
    finding.worst = row.wait.max().value_or(Nanos(0));
    finding.total = row.long_time;
    if (row.behind) {
      if (row.behind->item != 0) finding.item_ids = {row.behind->item};
      finding.culprits = {{row.behind->function, row.behind->workqueue, std::nullopt,
                           row.behind->executed.value_or(Nanos(0))}};
    }
    Weigh(finding, report.duration);
    out.push_back(std::move(finding));
  }
  return out;
}

std::vector<Finding> FindFindings(const Report& report, const FindingFacts& facts) {
  std::vector<Finding> all = StallFindings(report);
  const auto append = [&all](std::vector<Finding> more) {
    all.insert(all.end(), std::make_move_iterator(more.begin()),
               std::make_move_iterator(more.end()));
  };
  FindLongExecutions(facts, all);
  append(ActivationFindings(report, facts));
  append(DispatchFindings(report, facts));
  append(LoopFindings(report, facts));
  append(FlushFindings(report));
  FindPending(report, facts.oldest, all);
  FindLosses(report, all);
  FindUnmatched(report, all);
  // What nobody waited for has no wall time: the doubtful first, then by what it took.
  const auto order = [](const Finding& f) {
    const bool doubt = f.kind == FindingKind::kLostEvents || f.kind == FindingKind::kUnmatched;
    const bool first = doubt && f.severity == Severity::kHigh;
    return std::tuple(!first, Nanos(0) - f.total, Nanos(0) - f.worst, -f.cpu_share, doubt);
  };
  std::stable_sort(all.begin(), all.end(),
                   [&](const Finding& a, const Finding& b) { return order(a) < order(b); });
  for (size_t i = 0; i < all.size(); ++i) all[i].id = i + 1;
  return all;
}

}  // namespace wqprof
