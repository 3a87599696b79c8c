// SPDX-License-Identifier: Apache-2.0
#include "analyze/findings.h"

#include <fmt/format.h>

#include <algorithm>

#include "analyze/activation.h"
#include "wqprof/number_text.h"

namespace wqprof {
namespace {

// A wait below this is nobody's trouble, whatever its share.
constexpr Nanos kWorthTelling = std::chrono::milliseconds(1);

// A finding and how much time it stands for, by which findings are ordered.
struct Candidate {
  Nanos weight{0};
  Finding finding;
};

// "'name'" for a shell when the name needs it.
std::string Quoted(const std::string& name) {
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '.';
  });
  if (plain && !name.empty()) return name;
  std::string out = "'";
  for (const char c : name) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string Selector(const std::string& workqueue, const std::string& function) {
  std::string out;
  if (!workqueue.empty()) out += fmt::format(" -w {}", Quoted(workqueue));
  if (!function.empty()) out += fmt::format(" -f {}", Quoted(function));
  return out;
}

std::string FileArgument(const Report& report) {
  const std::string& path = report.source.path;
  return path.empty() || path == "wqprof.dat" ? "" : fmt::format(" {}", Quoted(path));
}

void FindLosses(const Report& report, std::vector<Candidate>& out) {
  const Quality& q = report.quality;
  if (q.lost_events == 0 && q.lost_gaps == 0) return;
  const std::string number = q.lost_events ? CountText(*q.lost_events) : "an unknown number of";
  out.push_back(
      {Nanos::max(),
       {0, "lost_events",
        fmt::format("{} events were lost in {}; {} that may be touched are left out of "
                    "the statistics",
                    number, CountOf(q.lost_gaps, "place"), CountOf(q.match.tainted, "item")),
        "wqprof record -b 64M   # a larger buffer per CPU"}});
}

void FindActivationWaits(const Report& report, std::vector<Candidate>& out) {
  for (const WorkqueueRow& row : report.workqueues) {
    const Measures& m = row.measures;
    const Nanos waited = m.activation_wait.sum();
    const auto p99 = m.activation_wait.Quantile(0.99);
    if (!p99 || *p99 < kWorthTelling || waited * 2 < m.latency.sum()) continue;
    const double share =
        m.latency.sum() > Nanos(0)
            ? static_cast<double>(waited.count()) / static_cast<double>(m.latency.sum().count())
            : 1.0;
    const std::string known = ActivationWords(report, row.workqueue);
    out.push_back(
        {waited,
         {0, "activation_wait",
          fmt::format("{}: {} of its wait is before activation (up to {}), {}", row.workqueue,
                      PercentText(share), DurationText(m.activation_wait.max().value_or(Nanos(0))),
                      known.empty() ? "for max_active, an ordered queue or a freeze" : known),
          fmt::format("wqprof report{} --by activation{}", FileArgument(report),
                      Selector(row.workqueue, ""))}});
  }
}

void FindStalls(const Report& report, std::vector<Candidate>& out) {
  if (report.stalls.empty()) return;
  const auto longest =
      std::max_element(report.stalls.begin(), report.stalls.end(),
                       [](const Stall& a, const Stall& b) { return a.duration < b.duration; });
  Nanos sum{0};
  for (const Stall& stall : report.stalls) sum += stall.duration;
  out.push_back({sum,
                 {0, "stall",
                  fmt::format("{} stalled {}; the longest, on {}, lasted {}{} and delayed {}",
                              report.stalls_total == 1 ? "a pool" : "pools",
                              CountOf(report.stalls_total, "time"), longest->pool,
                              longest->at_end ? "at least " : "", DurationText(longest->duration),
                              CountOf(longest->delayed_items, "item")),
                  fmt::format("wqprof stalls{} --explain {}", FileArgument(report), longest->id)}});
}

void FindLongExecutions(const Report& report, const std::vector<LongExecution>& executions,
                        std::vector<Candidate>& out) {
  const auto longest =
      std::max_element(executions.begin(), executions.end(),
                       [](const auto& a, const auto& b) { return a.length < b.length; });
  if (longest == executions.end()) return;
  const bool sched = report.source.has_sched;
  out.push_back(
      {longest->length,
       {0, "long_execution",
        fmt::format("{} {} for {} on {}, a per-CPU pool ({} of {} or more){}", longest->function,
                    sched ? "kept the CPU" : "executed", DurationText(longest->length),
                    longest->pool, CountOf(longest->times, "execution"), DurationText(kLongOnCpu),
                    sched ? "" : "; running or asleep: record --sched tells"),
        fmt::format("wqprof works{}{} --slowest 10", FileArgument(report),
                    Selector(longest->workqueue, longest->function))}});
}

// The pool in which most time passed so.
void FindIdleCpus(const Report& report, std::vector<Candidate>& out) {
  const PoolRow* worst = nullptr;
  size_t others = 0;
  for (const PoolRow& row : report.pools) {
    if (!row.idle_waits || row.idle_waits->items == 0) continue;
    ++others;
    if (worst == nullptr || worst->idle_waits->waited < row.idle_waits->waited) worst = &row;
  }
  if (worst == nullptr) return;
  const Pool& pool = worst->occupancy.pool;
  const IdleWaitAccount& waits = *worst->idle_waits;
  const std::string where = pool.cpu != Cpu::kNone ? fmt::format("CPU {}", ToInt(pool.cpu))
                                                   : std::string("a CPU on which it had executed");
  out.push_back({waits.waited,
                 {0, "idle_cpu",
                  fmt::format("{} of {} waited, activated, while {} idled: for {} in all, one of "
                              "them for {}{}",
                              CountOf(waits.items, "item"), pool.name, where,
                              DurationText(waits.waited), DurationText(waits.worst),
                              others > 1 ? fmt::format("; items of {} as well",
                                                       CountOf(others - 1, "other pool"))
                                         : ""),
                  fmt::format("wqprof report{} --split --by pool   # asleep, in creation or on "
                              "their way: what the workers did",
                              FileArgument(report))}});
}

void FindPending(const Report& report, const OldestPending& oldest, Nanos threshold,
                 std::vector<Candidate>& out) {
  if (oldest.age < threshold) return;
  out.push_back(
      {oldest.age,
       {0, "pending_at_end",
        fmt::format("{} ({}) waits since {} when the trace ends, {}, or was cancelled",
                    oldest.function, oldest.workqueue, DurationText(oldest.age),
                    oldest.inactive ? "not activated" : "activated"),
        fmt::format("wqprof works{} --state pending --slowest 10", FileArgument(report))}});
}

void FindUnmatched(const Report& report, std::vector<Candidate>& out) {
  const MatchQuality& m = report.quality.match;
  if (m.unmatched_starts == 0 || m.unmatched_starts * 1000 < m.executed) return;
  out.push_back({Nanos::max() - Nanos(1),
                 {0, "unmatched",
                  fmt::format("{} have no queue event, though the trace lost none: were all four "
                              "workqueue events recorded, unfiltered?",
                              CountOf(m.unmatched_starts, "start")),
                  fmt::format("wqprof info{}", FileArgument(report))}});
}

}  // namespace

std::vector<Finding> FindFindings(const Report& report,
                                  const std::vector<LongExecution>& long_executions,
                                  const OldestPending& oldest, Nanos threshold) {
  std::vector<Candidate> candidates;
  FindLosses(report, candidates);
  FindUnmatched(report, candidates);
  FindActivationWaits(report, candidates);
  FindStalls(report, candidates);
  FindLongExecutions(report, long_executions, candidates);
  FindIdleCpus(report, candidates);
  FindPending(report, oldest, threshold, candidates);
  std::stable_sort(candidates.begin(), candidates.end(),
                   [](const Candidate& a, const Candidate& b) { return a.weight > b.weight; });
  if (candidates.size() > kMaxFindings) candidates.resize(kMaxFindings);
  std::vector<Finding> findings;
  for (Candidate& candidate : candidates) {
    candidate.finding.id = findings.size() + 1;
    findings.push_back(std::move(candidate.finding));
  }
  return findings;
}

}  // namespace wqprof
