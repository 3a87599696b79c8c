// SPDX-License-Identifier: Apache-2.0
// What a budget says of traces written by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/trace_builder.h"
#include "wqprof/budget.h"

namespace wqprof {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::Job;
using testing::kTask;
using testing::kWorkA;
using testing::kWorkB;
using testing::kWorker;
using testing::TraceBuilder;

Budget BudgetOf(const std::string& rules) {
  ParsedBudget parsed = ParseBudget("schema = 1\n" + rules, "b.toml");
  for (const BudgetProblem& p : parsed.problems) EXPECT_TRUE(p.warning) << p.text;
  return std::move(parsed.budget);
}

CheckResult Check(const std::string& rules, std::vector<TraceBuilder*> traces,
                  std::vector<TraceBuilder*> base = {}) {
  const Budget budget = BudgetOf(rules);
  RunSet runs(WantedBy(budget), ShortestStall(budget));
  RunSet baseline(WantedBy(budget), ShortestStall(budget));
  const auto add = [](TraceBuilder* trace, RunSet& to) {
    trace->Rewind();
    EXPECT_TRUE(to.Add(*trace).ok());
  };
  for (TraceBuilder* trace : traces) add(trace, runs);
  for (TraceBuilder* trace : base) add(trace, baseline);
  return CheckBudget(budget, runs, base.empty() ? nullptr : &baseline);
}

// The only outcome of a budget on these traces.
RuleOutcome TheOutcome(const std::string& rules, std::vector<TraceBuilder*> traces,
                       std::vector<TraceBuilder*> base = {}) {
  const CheckResult result = Check(rules, traces, base);
  EXPECT_EQ(result.outcomes.size(), 1u);
  return result.outcomes.at(0);
}

std::string Limit(const std::string& limit) { return "[[budget]]\nname = \"x\"\n" + limit + "\n"; }

// Works that wait for `latency` each, one every millisecond, from `begin` on.
TraceBuilder& Steady(TraceBuilder& trace, int count, Nanos latency, Nanos begin = 1ms,
                     const Job& job = {}) {
  for (int i = 0; i < count; ++i) {
    const Nanos at = begin + i * 1ms;
    trace.Put(at, kTask, kWorkA, job);
    trace.Run(at + latency, at + latency + 10us, kWorker, kWorkA, job);
  }
  return trace;
}

TEST(LimitTest, IsKeptOrBrokenByTheLargestValue) {
  TraceBuilder trace;
  Steady(trace, 5, 100us);
  EXPECT_EQ(TheOutcome(Limit("latency.max = \"100us\""), {&trace}).verdict, Verdict::kPass);
  EXPECT_EQ(TheOutcome(Limit("latency.max = \"99us\""), {&trace}).verdict, Verdict::kFail);
  EXPECT_EQ(TheOutcome(Limit("latency.count = 5"), {&trace}).verdict, Verdict::kPass);
  EXPECT_EQ(TheOutcome(Limit("latency.count = 4"), {&trace}).verdict, Verdict::kFail);
}

TEST(LimitTest, IsBrokenByTheWorstOfSeveralRuns) {
  TraceBuilder fast, slow;
  Steady(fast, 5, 100us);
  Steady(slow, 5, 300us);
  const RuleOutcome outcome = TheOutcome(Limit("latency.max = \"200us\""), {&fast, &slow});
  EXPECT_EQ(outcome.verdict, Verdict::kFail);
  EXPECT_EQ(outcome.value, 300e3);
}

TEST(PercentileTest, NeedsEnoughItems) {
  TraceBuilder few, enough;
  Steady(few, 298, 100us);
  Steady(enough, 1000, 100us);
  const RuleOutcome outcome = TheOutcome(Limit("latency.p99 = \"1ms\""), {&few});
  EXPECT_EQ(outcome.verdict, Verdict::kInconclusive);
  EXPECT_THAT(outcome.why, HasSubstr("n=298, needs 299"));
  EXPECT_EQ(TheOutcome(Limit("latency.p99 = \"1ms\"\nfew_samples = \"skip\""), {&few}).verdict,
            Verdict::kSkipped);
  EXPECT_EQ(TheOutcome(Limit("latency.p99 = \"1ms\""), {&enough}).verdict, Verdict::kPass);
  EXPECT_EQ(TheOutcome(Limit("latency.p99 = \"50us\""), {&enough}).verdict, Verdict::kFail);
}

TEST(PartOfAWaitTest, AsksForSchedulerEvents) {
  TraceBuilder trace;
  Steady(trace, 5, 100us);
  const RuleOutcome outcome = TheOutcome(Limit("dispatch_wait.wakeup.max = \"1ms\""), {&trace});
  EXPECT_EQ(outcome.verdict, Verdict::kInconclusive);
  EXPECT_THAT(outcome.why, HasSubstr("record without --no-sched"));
}

TEST(CutTest, AWorkPendingBeyondItsLimitBreaksIt) {
  TraceBuilder trace;
  Steady(trace, 5, 100us);
  trace.Put(10ms, kTask, kWorkB);
  trace.Tick(40ms, 0);
  EXPECT_EQ(TheOutcome(Limit("latency.max = \"20ms\""), {&trace}).verdict, Verdict::kFail);
  EXPECT_EQ(TheOutcome(Limit("latency.max = \"30ms\""), {&trace}).verdict, Verdict::kPass);
  EXPECT_EQ(TheOutcome(Limit("execution.max = \"1ms\""), {&trace}).verdict, Verdict::kPass);
}

// A work that is cancelled leaves no event; but the next one on its list would not have
// started before it.
TEST(CutTest, AWorkThatLaterOnesHaveOvertakenWasCancelled) {
  TraceBuilder trace;
  trace.Put(1ms, kTask, kWorkB);
  Steady(trace, 5, 100us, 2ms);
  trace.Tick(40ms, 0);
  EXPECT_EQ(TheOutcome(Limit("latency.max = \"20ms\""), {&trace}).verdict, Verdict::kPass);
}

TEST(CutTest, AWorkRunningBeyondItsLimitBreaksIt) {
  TraceBuilder trace;
  Steady(trace, 5, 100us);
  trace.Put(10ms, kTask, kWorkB).Start(11ms, kWorker, kWorkB);
  trace.Tick(40ms, 0);
  EXPECT_EQ(TheOutcome(Limit("execution.max = \"20ms\""), {&trace}).verdict, Verdict::kFail);
  EXPECT_EQ(TheOutcome(Limit("latency.max = \"2ms\""), {&trace}).verdict, Verdict::kPass);
}

TEST(LossTest, MakesAPassInconclusiveAndAFailureStaysOne) {
  TraceBuilder trace;
  Steady(trace, 5, 100us);
  trace.Loss(20ms, 21ms, 1, 7);
  Steady(trace, 5, 100us, 30ms);
  const RuleOutcome pass = TheOutcome(Limit("latency.max = \"1ms\""), {&trace});
  EXPECT_EQ(pass.verdict, Verdict::kInconclusive);
  EXPECT_THAT(pass.why, HasSubstr("7 events were lost"));
  EXPECT_EQ(TheOutcome(Limit("latency.max = \"50us\""), {&trace}).verdict, Verdict::kFail);
  EXPECT_EQ(TheOutcome(Limit("latency.max = \"1ms\"\nmax_lost_events = 7"), {&trace}).verdict,
            Verdict::kPass);
  EXPECT_EQ(TheOutcome(Limit("lost_events = 6"), {&trace}).verdict, Verdict::kFail);
  EXPECT_EQ(TheOutcome(Limit("lost_events = 7"), {&trace}).verdict, Verdict::kPass);
}

TEST(SelectorTest, TakesGlobsListsAndEach) {
  TraceBuilder trace;
  Steady(trace, 3, 100us, 1ms, {"slow_fn", "wq_a"});
  Steady(trace, 3, 10us, 10ms, {"fast_fn", "wq_b"});
  EXPECT_EQ(TheOutcome(Limit("function = \"fast_*\"\nlatency.max = \"50us\""), {&trace}).verdict,
            Verdict::kPass);
  EXPECT_EQ(TheOutcome(Limit("workqueue = [\"wq_b\", \"wq_a\"]\nlatency.max = \"50us\""), {&trace})
                .verdict,
            Verdict::kFail);
  const CheckResult each =
      Check(Limit("for_each = \"function\"\nlatency.max = \"50us\""), {&trace});
  ASSERT_EQ(each.outcomes.size(), 2u);
  EXPECT_EQ(each.outcomes[0].instance, "wq_a/slow_fn");
  EXPECT_EQ(each.outcomes[0].verdict, Verdict::kFail);
  EXPECT_EQ(each.outcomes[1].verdict, Verdict::kPass);
  EXPECT_EQ(TheOutcome(Limit("origin = \"task tas?\"\nlatency.count = 6"), {&trace}).verdict,
            Verdict::kPass);
}

TEST(SelectorTest, ThatMatchesNothingIsNoPass) {
  TraceBuilder trace;
  Steady(trace, 3, 100us, 1ms, {"slow_fn", "wq_a"});
  const RuleOutcome typo =
      TheOutcome(Limit("function = \"slw_fn\"\nlatency.max = \"1s\""), {&trace});
  EXPECT_EQ(typo.verdict, Verdict::kInconclusive);
  EXPECT_THAT(typo.why, HasSubstr("(did you mean 'slow_fn'?)"));
  EXPECT_EQ(typo.place.line, 4u);
  EXPECT_EQ(TheOutcome(Limit("function = \"other\"\nlatency.max = \"1s\"\nmatch = \"optional\""),
                       {&trace})
                .verdict,
            Verdict::kSkipped);
}

TEST(StallTest, CountsForThePoolsAndWorksThatItDelayed) {
  TraceBuilder trace;
  trace.Put(1ms, kTask, kWorkA, {"victim", "wq"});
  trace.Run(31ms, 32ms, kWorker, kWorkA, {"victim", "wq"});
  EXPECT_EQ(TheOutcome(Limit("stalls = 0"), {&trace}).verdict, Verdict::kFail);
  EXPECT_EQ(TheOutcome(Limit("stall.max = \"40ms\""), {&trace}).verdict, Verdict::kPass);
  EXPECT_EQ(TheOutcome(Limit("function = \"victim\"\nstalls = 0"), {&trace}).verdict,
            Verdict::kFail);
}

TEST(RunTest, ThatFailedIsNoPass) {
  TraceBuilder trace;
  Steady(trace, 5, 100us);
  CheckResult result = Check(Limit("latency.max = \"1ms\""), {&trace});
  EXPECT_FALSE(result.insufficient());
  result.runs[0].failure = "load exited with code 7";
  EXPECT_TRUE(result.insufficient());
  EXPECT_FALSE(result.broken());
}

TEST(LevelTest, AWarningBreaksNothing) {
  TraceBuilder trace;
  Steady(trace, 5, 100us);
  const CheckResult result = Check(Limit("latency.max = \"1us\"\nlevel = \"warn\""), {&trace});
  EXPECT_EQ(result.Count(Verdict::kFail), 1u);
  EXPECT_EQ(result.warnings(), 1u);
  EXPECT_FALSE(result.broken());
  EXPECT_TRUE(Check(Limit("latency.max = \"1us\""), {&trace}).broken());
}

// Runs whose latencies are a little different each.
std::vector<TraceBuilder> Runs(int count, Nanos latency) {
  std::vector<TraceBuilder> out(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) Steady(out[static_cast<size_t>(i)], 60, latency + i * 1us);
  return out;
}

std::vector<TraceBuilder*> Pointers(std::vector<TraceBuilder>& runs) {
  std::vector<TraceBuilder*> out;
  for (TraceBuilder& run : runs) out.push_back(&run);
  return out;
}

constexpr char kRegression[] =
    "[[regression]]\nmetric = \"latency.p95\"\nmax_ratio = 1.15\nmin_delta = \"10us\"\n";

TEST(RegressionTest, FailsOnlyWhatIsProvenAndLarge) {
  std::vector<TraceBuilder> base = Runs(5, 100us), same = Runs(5, 101us), slower = Runs(5, 150us);
  EXPECT_EQ(TheOutcome(kRegression, Pointers(same), Pointers(base)).verdict, Verdict::kPass);
  const RuleOutcome outcome = TheOutcome(kRegression, Pointers(slower), Pointers(base));
  EXPECT_EQ(outcome.verdict, Verdict::kFail);
  EXPECT_NEAR(*outcome.value, 1.49, 0.02);
  EXPECT_NEAR(*outcome.p, 1.0 / 252, 1e-9);
  EXPECT_EQ(
      TheOutcome(std::string(kRegression) + "min_runs = 6\n", Pointers(slower), Pointers(base))
          .verdict,
      Verdict::kInconclusive);
  EXPECT_EQ(TheOutcome(kRegression, Pointers(slower)).verdict, Verdict::kInconclusive);
}

// 3 of the 25 pairs are not slower: proven one-sided (p = 0.028), not two-sided.
TEST(RegressionTest, HasBoundsThatSayWhatTheTestSays) {
  const auto runs = [](std::vector<Nanos> latencies) {
    std::vector<TraceBuilder> out(latencies.size());
    for (size_t i = 0; i < out.size(); ++i) Steady(out[i], 60, latencies[i]);
    return out;
  };
  std::vector<TraceBuilder> base = runs({100us, 101us, 102us, 103us, 160us});
  std::vector<TraceBuilder> now = runs({150us, 151us, 152us, 161us, 162us});
  const RuleOutcome outcome = TheOutcome(kRegression, Pointers(now), Pointers(base));
  EXPECT_EQ(outcome.verdict, Verdict::kFail);
  EXPECT_NEAR(*outcome.p, 7.0 / 252, 1e-9);
  EXPECT_GT(*outcome.low, 1);
}

TEST(RegressionTest, NamesTheInstanceThatCameNearest) {
  std::vector<TraceBuilder> base = Runs(5, 100us), now = Runs(5, 100us);
  for (TraceBuilder& run : base) Steady(run, 2, 10us, 100ms, {"a_rare_fn", "wq"});
  std::vector<TraceBuilder*> fewer = Pointers(now);
  fewer.pop_back();
  TraceBuilder short_run;
  Steady(short_run, 58, 100us);
  fewer.push_back(&short_run);
  const CheckResult result =
      Check(std::string(kRegression) + "for_each = \"function\"\n", fewer, Pointers(base));
  EXPECT_EQ(result.outcomes.at(0).verdict, Verdict::kInconclusive);
  EXPECT_THAT(result.outcomes.at(0).why,
              HasSubstr("the nearest, wq/work_fn: only 5 v 4 runs have the 59 items"));
}

TEST(DiffTest, TellsWhatIsSlowerAndWhy) {
  std::vector<TraceBuilder> base = Runs(5, 100us), slower = Runs(5, 150us);
  Steady(slower[0], 1, 10us, 100ms, {"new_fn", "wq"});
  DiffOptions options;
  options.metrics = {*ParseMetric("latency.p95")};
  RunSet before(WantedBy(options), 10ms), after(WantedBy(options), 10ms);
  for (TraceBuilder& run : base) ASSERT_TRUE(before.Add(run).ok());
  for (TraceBuilder& run : slower) ASSERT_TRUE(after.Add(run).ok());
  const DiffResult diff = Diff(options, before, after);
  ASSERT_EQ(diff.rows.size(), 2u);
  EXPECT_EQ(diff.rows[0].name, "wq/work_fn");
  EXPECT_EQ(diff.rows[0].changes[0].verdict, Change::Verdict::kSlower);
  EXPECT_NEAR(*diff.rows[0].dispatch_wait_delta, 50e3, 1);
  EXPECT_EQ(diff.rows[0].execution_delta, 0);
  EXPECT_EQ(diff.rows[1].presence, DiffRow::Presence::kNew);
}

}  // namespace
}  // namespace wqprof
