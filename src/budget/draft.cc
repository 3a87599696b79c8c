// SPDX-License-Identifier: Apache-2.0
// A budget to start from.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "budget/evidence.h"
#include "wqprof/number_text.h"

namespace wqprof {
namespace {

// What runs keep today they shall keep on a busier day.
constexpr double kHeadroom = 2;
constexpr size_t kMostRules = 10;
constexpr double kMostBusy = 0.95;              // of a pool
constexpr size_t kLatency = 0, kExecution = 1;  // in WantedForDraft()

// The next of 1, 2, 5, 10, 20, 50, ... ns, as a budget writes it.
std::string RoundedUp(double ns) {
  double step = 1;
  while (true) {
    for (const double digit : {1.0, 2.0, 5.0}) {
      if (step * digit < ns) continue;
      const double value = step * digit;
      if (value >= 1e9) return fmt::format("{:.0f}s", value / 1e9);
      if (value >= 1e6) return fmt::format("{:.0f}ms", value / 1e6);
      if (value >= 1e3) return fmt::format("{:.0f}us", value / 1e3);
      return fmt::format("{:.0f}ns", value);
    }
    step *= 10;
  }
}

std::string Text(double ns) { return DurationText(Nanos(static_cast<int64_t>(ns))); }

// A TOML string; names of functions and workqueues may hold anything.
std::string Quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(byte));
    } else {
      // What need not be UTF-8; in a glob it stands for any byte.
      out += byte < 0x80 ? c : '?';
    }
  }
  return out + '"';
}

// The rest of a line.
std::string InAComment(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c < 0x20 || c == 0x7f) c = '?';
  }
  return out;
}

// A name as a glob that matches nothing else.
std::string AsGlob(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == '*' || c == '?' || c == '[' || c == '\\' || (c == '!' && out.empty())) out += '\\';
    out += c;
  }
  return out;
}

// A function that has enough items to be limited.
struct Candidate {
  std::string name;
  double waited = 0;  // in all, which shows how much it matters
  Estimated latency, execution;
};

std::vector<Candidate> Candidates(const RunSet::State& runs) {
  Metric p99, max;
  p99.statistic = Metric::Statistic::kQuantile;
  p99.quantile = 0.99;
  max.quantity = Quantity::kExecution;
  std::vector<Candidate> out;
  for (const std::string& name : InstancesOf(runs, 0)) {
    Candidate c{name, 0, {}, {}};
    const auto series = SeriesOf(runs, 0, name, Quantity::kLatency);
    for (const RunOf& run : series) {
      c.waited += static_cast<double>(run.series->done.all().sum().count());
    }
    c.latency = Estimate(series, p99, INFINITY, RuleSettings().confidence);
    c.execution = Estimate(SeriesOf(runs, 0, name, Quantity::kExecution), max, INFINITY,
                           RuleSettings().confidence);
    if (c.latency.samples < SamplesNeeded(0.99) || !c.latency.high || !c.execution.value) continue;
    out.push_back(std::move(c));
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    return a.waited != b.waited ? a.waited > b.waited : a.name < b.name;
  });
  if (out.size() > kMostRules) out.resize(kMostRules);
  return out;
}

std::string FunctionOf(const Candidate& c) { return c.name.substr(c.name.rfind('/') + 1); }

// `certain`: there are runs enough to know how far a percentile varies from one to the next.
// `only`: no other candidate is of a function of this name.
void AppendFunction(std::string& out, const Candidate& c, bool certain, bool only) {
  const std::string workqueue = c.name.substr(0, c.name.rfind('/')), function = FunctionOf(c);
  out += fmt::format(
      "\n[[budget]]\nname = {}\nworkqueue = {}\nfunction = {}\n"
      "{:<26} # seen {}, surely below {}, {}\n{:<26} # seen {}\n",
      Quoted(fmt::format("{} starts promptly", only ? function : c.name)),
      Quoted(AsGlob(workqueue)), Quoted(AsGlob(function)),
      fmt::format("{}latency.p99 = \"{}\"", certain ? "" : "#",
                  RoundedUp(kHeadroom * *c.latency.high)),
      Text(*c.latency.value), Text(*c.latency.high), CountOf(c.latency.samples, "item"),
      fmt::format("execution.max = \"{}\"", RoundedUp(kHeadroom * *c.execution.value)),
      Text(*c.execution.value));
}

// Stalls and busy pools, as the worst run had them.
void AppendPools(std::string& out, const RunSet::State& runs) {
  uint64_t stalls = 0, backlog = 0;
  double busy = 0;
  Nanos longest{0};
  for (const RunData& run : runs.runs) {
    stalls = std::max(stalls, run.report.stalls_total);
    for (const Stall& stall : run.report.stalls) longest = std::max(longest, stall.duration);
    for (const PoolRow& row : run.report.pools) {
      backlog = std::max(backlog, row.occupancy.backlog_max);
      if (row.busy_known) busy = std::max(busy, row.busy_fraction);
    }
  }
  const auto line = [&out](const std::string& limit, const std::string& seen) {
    out += fmt::format("{:<26} # {}\n", limit, seen);
  };
  // What a run did not record limits nothing.
  const auto told = [&runs](Quantity quantity) {
    return std::all_of(runs.runs.begin(), runs.runs.end(), [quantity](const RunData& run) {
      return WhyUntold(run.report, quantity).empty();
    });
  };
  if (told(Quantity::kStalls)) {
    out += "\n[[budget]]\nname = \"no pool stands still\"\n";
    line(fmt::format("stalls = {}", 2 * stalls),
         fmt::format("of 10ms or more; seen {}", stalls == 0 ? "none" : CountText(stalls)));
  }
  if (stalls > 0) {
    line(fmt::format("stall.max = \"{}\"",
                     RoundedUp(kHeadroom * static_cast<double>(longest.count()))),
         "seen " + DurationText(longest));
  }
  const bool backlog_told = told(Quantity::kBacklog);
  // A limit of 1 could not fail.
  const bool limits_busy = told(Quantity::kBusyFraction) && busy < kMostBusy;
  if (!limits_busy && !backlog_told) return;
  out += "\n[[budget]]\nname = \"no pool is starved\"\nfor_each = \"pool\"\n";
  if (limits_busy) {
    line(fmt::format("busy_fraction.max = {:.2f}", std::clamp(kHeadroom * busy, 0.1, kMostBusy)),
         fmt::format("seen {:.2f}", busy));
  }
  if (!backlog_told) return;
  line(fmt::format("backlog.max = {}", std::max<uint64_t>(10, 2 * backlog)),
       fmt::format("seen {}", backlog));
}

}  // namespace

std::vector<Wanted> WantedForDraft() {
  std::vector<Quantity> quantities(2);
  quantities[kLatency] = Quantity::kLatency;
  quantities[kExecution] = Quantity::kExecution;
  return {{{}, ForEach::kFunction, quantities}};
}

std::string DraftBudget(const RunSet& set) {
  const RunSet::State& runs = set.state();
  std::string out = fmt::format(
      "# A budget for wqprof check, drafted from {} of kernel {}.\n"
      "# Limits are twice what was seen: tighten or widen them, and drop what does not matter.\n"
      "# wqprof-budget(5) explains every key; `wqprof check --lint FILE` checks this file.\n"
      "schema = 1\n\n"
      "[defaults]\n"
      "confidence = 0.95          # limits are held against bounds, not against lucky values\n"
      "min_samples = \"auto\"       # p95 needs 59 items, p99 299, p99.9 2995\n"
      "max_lost_events = 0        # a pass on lost data is no pass\n"
      "on_inconclusive = \"fail\"   # fail (exit 3), warn, pass\n",
      CountOf(runs.runs.size(), "run"), InAComment(runs.runs.front().fingerprint.kernel));
  const std::vector<Candidate> candidates = Candidates(runs);
  if (candidates.empty()) {
    out += fmt::format("\n# No function had the {} items that a p99 needs: record for longer.\n",
                       SamplesNeeded(0.99));
  }
  const bool certain = runs.runs.size() > 1;
  if (!certain && !candidates.empty()) {
    out +=
        "\n# Percentiles are commented out: one run does not show how much they vary from run to\n"
        "# run, and its neighbours would break them. Draft from five runs or more.\n";
  }
  for (const Candidate& c : candidates) {
    const auto same =
        std::count_if(candidates.begin(), candidates.end(),
                      [&](const Candidate& other) { return FunctionOf(other) == FunctionOf(c); });
    AppendFunction(out, c, certain, same == 1);
  }
  AppendPools(out, runs);
  out +=
      "\n# With five runs or more of a known good kernel in base/:\n"
      "#   wqprof check --budget FILE --baseline base/ new/*.dat\n"
      "#[[regression]]\n"
      "#name = \"no slower than base\"\n"
      "#for_each = \"function\"\n"
      "#metric = \"latency.p99\"\n"
      "#max_ratio = 1.15\n"
      "#min_delta = \"200us\"\n"
      "#min_runs = 5\n";
  return out;
}

}  // namespace wqprof
