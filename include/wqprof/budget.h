// SPDX-License-Identifier: Apache-2.0
// Budgets: limits that runs must keep, and whether what was measured proves that they do.
// A run is one trace.
#ifndef WQPROF_BUDGET_H_
#define WQPROF_BUDGET_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "wqprof/analyze.h"
#include "wqprof/event_source.h"
#include "wqprof/measure.h"
#include "wqprof/report.h"
#include "wqprof/types.h"

namespace wqprof {

// What of a run is measured.  The first are durations of items: the measures in the order of
// kMeasures, then the parts of the dispatch wait and of the execution in the order of kWaitParts
// and kRunParts; those have no constants of their own.
enum class Quantity : uint8_t {
  kLatency = static_cast<uint8_t>(Measure::kLatency),
  kActivationWait = static_cast<uint8_t>(Measure::kActivationWait),
  kDispatchWait = static_cast<uint8_t>(Measure::kDispatchWait),
  kExecution = static_cast<uint8_t>(Measure::kExecution),
  kTotal = static_cast<uint8_t>(Measure::kTotal),
  kStalls = kMeasures.size() + kWaitParts.size() + kRunParts.size(),  // their number
  kStall,                                                             // their lengths
  kBusyFraction,                                                      // of pools
  kBacklog,                                                           // of pools
  kLostEvents,
  kUnmatched,  // of a whole trace
};
inline constexpr size_t kDurations = static_cast<size_t>(Quantity::kStalls);
inline bool IsDurationOfItems(Quantity quantity) {
  return static_cast<size_t>(quantity) < kDurations;
}
// Null: not a measure.
inline const MeasureSpec* MeasureOf(Quantity quantity) {
  const auto i = static_cast<size_t>(quantity);
  return i < kMeasures.size() ? &kMeasures[i] : nullptr;
}
// Whether it is a part of a split, which takes scheduler events.
inline bool IsPart(Quantity quantity) {
  return IsDurationOfItems(quantity) && MeasureOf(quantity) == nullptr;
}

// "latency.p99": a quantity, and a statistic of its distribution.
struct Metric {
  enum class Statistic : uint8_t { kQuantile, kMean, kMax, kCount, kRate };
  Quantity quantity = Quantity::kLatency;
  Statistic statistic = Statistic::kMax;
  double quantile = 0;  // of kQuantile
  std::string name;     // as it is written
  // Whether values are durations, and limits need a unit.
  bool is_time() const;
  // Only an estimate of what it would be in other runs; the rest is a fact of the run.
  bool is_estimated() const {
    return IsDurationOfItems(quantity) &&
           (statistic == Statistic::kQuantile || statistic == Statistic::kMean);
  }
};
// kInvalidArgument with the nearest right word.
absl::StatusOr<Metric> ParseMetric(std::string_view text);

// A place in a budget file, from 1.
struct Place {
  uint32_t line = 0, column = 0;
};

// Which items a rule is about.
struct ItemSelector : ItemFilter {
  // Where the lists stand in the file.
  struct Places {
    Place workqueues, functions, pools, origins;
  } places = {};
};

// One instance of a rule for each of these.
enum class ForEach : uint8_t { kNone, kFunction, kWorkqueue, kPool, kCpu, kOrigin };
std::string_view ToString(ForEach each);

// What a rule takes from [defaults] unless it says otherwise.
struct RuleSettings {
  enum class OnInconclusive : uint8_t { kFail, kWarn, kPass };
  double confidence = 0.95;
  std::optional<uint64_t> min_samples;  // absent: what the quantile needs
  uint64_t max_lost_events = 0;
  double max_unmatched = 0.001;  // share of starts without a queue event
  OnInconclusive on_inconclusive = OnInconclusive::kFail;
  bool benjamini_hochberg = false;  // instead of Holm
  bool skip_few_samples = false;    // instances with too few are left out, not inconclusive
};

// An upper limit.
struct Limit {
  Metric metric;
  double value = 0;  // ns for times
  Place place;
};

// New runs against a baseline.
struct RegressionTest {
  Metric metric;
  double max_ratio = 1;
  double min_delta = 0;  // ns for times
  size_t min_runs = 5;
};

// One [[budget]] or [[regression]].
struct Rule {
  std::string name;
  Place place;
  ItemSelector selector;
  ForEach for_each = ForEach::kNone;
  RuleSettings settings;
  bool warn_only = false;
  bool match_required = true;
  std::vector<Limit> limits;                 // of a budget
  std::optional<RegressionTest> regression;  // of a regression
};

// A budget file.
struct Budget {
  std::string path;
  Nanos stall_threshold = std::chrono::milliseconds(10);
  std::vector<Rule> rules;
};

// Something wrong in a budget file.  A warning: the rule stands, but cannot do what it is for.
struct BudgetProblem {
  Place place;
  std::string text;
  bool warning = false;
};

// `budget` holds what could be understood; unless all problems are warnings it is not to be
// used.
struct ParsedBudget {
  Budget budget;
  std::vector<BudgetProblem> problems;
  bool ok() const;
};
ParsedBudget ParseBudget(std::string_view text, const std::string& path);

// What so few runs would leave undecided whatever they showed: known before any is made.
// Problems are warnings where the verdict would fail nothing.
std::vector<BudgetProblem> ProblemsOfRuns(const Budget& budget, size_t base_runs, size_t new_runs);

// What was run, and on what: runs with different ones are not comparable.
struct Fingerprint {
  std::string kernel, build, architecture;
  int cpus = 0;
  std::string clock;
  bool has_sched = false, has_timers = false;
  bool has_irqs = false, has_stacks = false, has_flushes = false;
};
// One line a difference: "kernel: 6.1.0 → 6.12.0".
std::vector<std::string> Differences(const Fingerprint& before, const Fingerprint& after);

// What is to be kept of runs: for each rule the durations of the items it selects.
struct Wanted {
  ItemSelector selector;
  ForEach for_each = ForEach::kNone;
  std::vector<Quantity> quantities;
};
std::vector<Wanted> WantedBy(const Budget& budget);

// A run that was summed up elsewhere: a host of a fleet.
struct SummedRun {
  std::string name;  // as its path
  std::string kernel;
  Nanos duration{0};
  Quality quality;
  std::map<std::string, Measures> instances;  // by the name of the instance
};

// Runs, each read once; memory does not grow with their length.
class RunSet {
 public:
  // `shortest_stall`: shorter ones are not kept.
  RunSet(std::vector<Wanted> wanted, Nanos shortest_stall);
  ~RunSet();
  RunSet(RunSet&&) noexcept;
  RunSet& operator=(RunSet&&) noexcept;

  // Reads `source` to its end.  A recording that is in the set already, under whatever name, is
  // one run all the same: it does not count again.
  absl::Status Add(EventSource& source);
  // Of a set whose runs are compared by functions only, and by their measures.
  void Add(const SummedRun& run);
  size_t size() const;
  // A sentence on each that did not count again.
  const std::vector<std::string>& repeated() const;
  // Of run `i`: its path, facts, quality, and the names in it.
  const Report& report(size_t i) const;
  const Fingerprint& fingerprint(size_t i) const;

  struct State;
  const State& state() const { return *state_; }

 private:
  std::unique_ptr<State> state_;
};
// How the fingerprints of two groups differ, and those within a group.
std::vector<std::string> Differences(const RunSet& base, const RunSet& now);
// What such differences mean for a comparison, a sentence each: that recording more costs the load
// more, and what one side alone can know.
std::vector<std::string> Cautions(const RunSet& base, const RunSet& now);
// The stalls that a budget asks for may be shorter than its threshold.
Nanos ShortestStall(const Budget& budget);

enum class Verdict : uint8_t {
  kPass,
  kFail,
  kInconclusive,
  kSkipped,  // an instance with too few samples, where the rule lets it out
};
std::string_view ToString(Verdict verdict);

// What became of one limit of one rule for one instance.  Numbers are in ns for times.
struct RuleOutcome {
  size_t rule = 0;       // index in Budget::rules
  std::string name;      // of the rule
  std::string instance;  // "" unless for_each
  Metric metric;
  Place place;
  bool warn_only = false;
  Verdict verdict = Verdict::kInconclusive;
  std::string why;  // of anything but a plain pass or failure
  double limit = 0;
  std::optional<double> value, low, high;
  uint64_t samples = 0;
  size_t runs = 0;
  // Of a budget: the run that has the largest value, of a measure of items the longest item; ""
  // when none has any.  Of stalls, the number of the longest one in it, as stalls of
  // worst_threshold or more are counted; 0: none.
  std::string worst_run;
  uint64_t worst_stall = 0;
  Nanos worst_threshold{0};
  // Regressions: `value` is new over base; `limit` the ratio allowed.
  bool is_regression = false;
  size_t base_runs = 0;
  std::optional<double> base, now, p, corrected_p;
};

// All of it.
struct CheckResult {
  Budget budget;
  std::vector<RuleOutcome> outcomes;  // in the order of the file, then by instance
  struct RunNote {
    std::string path;
    bool baseline = false;
    Quality quality;
    Nanos duration{0};
    // Why it may not be the load that was meant; "" when nothing went wrong.  Whoever made the
    // run knows.
    std::string failure;
  };
  std::vector<RunNote> runs;             // the new ones first, in the order of their set
  Fingerprint fingerprint;               // of the first run
  std::vector<std::string> differences;  // of the baseline
  std::vector<std::string> cautions;     // what these mean
  uint64_t seed = 0;                     // of the bootstrap

  size_t Count(Verdict verdict) const;
  size_t warnings() const;  // failures that break nothing
  size_t failed_runs() const;
  bool broken() const;        // a failure that is no warning
  bool insufficient() const;  // evidence that was needed is missing, or a run failed
};

// REQUIRES: `runs` and `baseline` were read with WantedBy(budget).
CheckResult CheckBudget(const Budget& budget, const RunSet& runs, const RunSet* baseline);

// A commented budget that the runs keep, with headroom.
// REQUIRES: `runs` is not empty, and was read with WantedForDraft().
std::string DraftBudget(const RunSet& runs);
std::vector<Wanted> WantedForDraft();

// How a measure differs between two groups of runs.
struct Change {
  enum class Verdict : uint8_t {
    kNoEvidence,
    kSlower,
    kFaster,
    kTooFewRuns,
    kTooFewSamples,
    kNotKnown,  // no run of one side has what the metric takes
  };
  Metric metric;
  std::optional<double> base, now;         // medians of the runs, in ns
  std::optional<double> ratio, low, high;  // now / base, with bounds
  std::optional<double> p;                 // corrected for the number of rows
  Verdict verdict = Verdict::kTooFewSamples;
};
std::string_view ToString(Change::Verdict verdict);

// A function, workqueue or pool in both groups of runs.
struct DiffRow {
  std::string name;
  enum class Presence : uint8_t { kBoth, kNew, kVanished };
  Presence presence = Presence::kBoth;
  uint64_t base_samples = 0, new_samples = 0;
  double base_rate = 0, new_rate = 0;  // executions per second
  // Change of the means, in ns: what the change of the total is made of.
  std::optional<double> activation_wait_delta, dispatch_wait_delta, execution_delta;
  std::vector<Change> changes;  // by DiffOptions::metrics
  double load = 0;              // time of all its items in both groups, in ns
  double weight = 0;            // by how much time per second things changed
};

// What is compared.
struct DiffOptions {
  ForEach by = ForEach::kFunction;
  std::vector<Metric> metrics;  // the first one is the one shown
  double confidence = 0.95;
};

struct DiffResult {
  size_t base_runs = 0, new_runs = 0;
  ForEach by = ForEach::kFunction;
  std::vector<std::string> differences;  // of the fingerprints
  std::vector<std::string> cautions;     // what these mean
  std::vector<std::string> losses;       // runs whose data are not whole
  std::vector<DiffRow> rows;             // what matters most comes first
  // So many runs can prove changes in so many rows at once; absent: in any number.
  std::optional<size_t> provable_rows;
  double confidence = 0.95;
};
std::vector<Wanted> WantedBy(const DiffOptions& options);
// REQUIRES: both were read with WantedBy(options), and neither is empty.
DiffResult Diff(const DiffOptions& options, const RunSet& base, const RunSet& now);

// "latency.p99 > +15%".
struct FailCondition {
  Metric metric;
  double ratio = 1;
};
absl::StatusOr<FailCondition> ParseFailCondition(std::string_view text);

}  // namespace wqprof

#endif  // WQPROF_BUDGET_H_
