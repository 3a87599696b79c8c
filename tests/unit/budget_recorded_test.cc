// SPDX-License-Identifier: Apache-2.0
// Limits on what was not recorded: neither a pass nor a failure.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/trace_builder.h"
#include "wqprof/budget.h"

namespace wqprof {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::kTask;
using testing::kWorkA;
using testing::kWorkB;
using testing::kWorker;
using testing::TraceBuilder;

constexpr EventKind kQueue = EventKind::kQueueWork, kActivate = EventKind::kActivateWork,
                    kStart = EventKind::kExecuteStart, kEnd = EventKind::kExecuteEnd;

// A stall of 30 ms, a latency of 31 ms, executions of 32 ms.
TraceBuilder Stalled() {
  TraceBuilder trace;
  trace.Put(1ms, kTask, kWorkA).Start(2ms, kWorker, kWorkA).Put(4ms, kTask, kWorkB);
  trace.End(34ms, kWorker, kWorkA).Run(35ms, 36ms, kWorker, kWorkB);
  trace.Tick(100ms, 0);
  return trace;
}

CheckResult Check(const std::string& limits, TraceBuilder trace) {
  ParsedBudget parsed = ParseBudget("schema = 1\n[[budget]]\nname = \"x\"\n" + limits, "b.toml");
  EXPECT_TRUE(parsed.ok());
  RunSet runs(WantedBy(parsed.budget), ShortestStall(parsed.budget));
  trace.Rewind();
  EXPECT_TRUE(runs.Add(trace).ok());
  return CheckBudget(parsed.budget, runs, nullptr);
}

// The verdict on a limit when only these events were recorded, with a note and without one.
Verdict VerdictOn(const std::string& limits, WorkqueueEvents recorded) {
  TraceBuilder trace = Stalled();
  trace.Only(recorded);
  const CheckResult noted = Check(limits, trace.Noted(recorded));
  const CheckResult found = Check(limits, trace.Noted(std::nullopt));
  EXPECT_FALSE(noted.outcomes.empty()) << "a rule without a verdict";
  if (noted.outcomes.empty() || found.outcomes.empty()) return Verdict::kPass;
  EXPECT_EQ(noted.outcomes[0].verdict, found.outcomes[0].verdict) << limits;
  return noted.outcomes[0].verdict;
}

TEST(NotRecordedTest, ARecordingThatItsNoteCallsIncompleteOrDisturbedPassesNothing) {
  const std::string kept = "latency.max = \"1s\"\n";
  EXPECT_EQ(Check(kept, Stalled()).outcomes[0].verdict, Verdict::kPass);
  TraceBuilder incomplete = Stalled();
  incomplete.mutable_info().incomplete = true;
  EXPECT_EQ(Check(kept, std::move(incomplete)).outcomes[0].verdict, Verdict::kInconclusive);
  TraceBuilder disturbed = Stalled();
  disturbed.mutable_info().disturbances = {"tracing was switched off"};
  EXPECT_EQ(Check(kept, std::move(disturbed)).outcomes[0].verdict, Verdict::kInconclusive);
}

// A limit that the trace keeps, one that it breaks, and the events that they rest on.
struct LimitCase {
  const char* kept;
  const char* broken;
  WorkqueueEvents needed;
};

TEST(NotRecordedTest, ALimitIsJudgedOnlyOnTheEventsThatItRestsOn) {
  const LimitCase cases[] = {
      {"latency.max = \"1s\"", "latency.max = \"1ms\"", {kQueue, kStart}},
      {"dispatch_wait.max = \"1s\"", "dispatch_wait.max = \"1ms\"", {kActivate, kStart}},
      {"execution.max = \"1s\"", "execution.max = \"1ms\"", {kStart, kEnd}},
      {"total.max = \"1s\"", "total.max = \"1ms\"", {kQueue, kEnd}},
      {"stalls = 5", "stalls = 0", {kActivate, kStart}},
      {"stall.max = \"1s\"", "stall.max = \"10ms\"", {kActivate, kStart}},
      {"busy_fraction.max = 0.9", "busy_fraction.max = 0.1", {kStart, kEnd}},
      {"for_each = \"pool\"\nbusy_fraction.max = 0.9",
       "for_each = \"pool\"\nbusy_fraction.max = 0.1",
       {kStart, kEnd}},
      {"for_each = \"pool\"\nbacklog.max = 9",
       "for_each = \"pool\"\nbacklog.max = 0",
       {kQueue, kActivate, kStart}},
      {"workqueue = \"wq\"\nexecution.max = \"1s\"",
       "workqueue = \"wq\"\nexecution.max = \"1ms\"",
       {kQueue, kStart, kEnd}},
  };
  for (const LimitCase& limit : cases) {
    for (unsigned set = 0; set < 16; ++set) {
      WorkqueueEvents recorded;
      for (const EventKind kind : kWorkqueueEventKinds) {
        if (set >> static_cast<int>(kind) & 1) recorded.Add(kind);
      }
      SCOPED_TRACE(::testing::Message() << limit.kept << ", set " << set);
      const bool told = recorded.HasAll(limit.needed);
      EXPECT_EQ(VerdictOn(limit.kept, recorded), told ? Verdict::kPass : Verdict::kInconclusive);
      EXPECT_EQ(VerdictOn(limit.broken, recorded), told ? Verdict::kFail : Verdict::kInconclusive);
    }
  }
}

TEST(NotRecordedTest, TheEventsThatAreNeededAreNamed) {
  TraceBuilder trace = Stalled();
  trace.Only({kStart, kEnd}).Noted(std::nullopt);
  const CheckResult result = Check("stalls = 0", trace);
  ASSERT_EQ(result.outcomes.size(), 1u);
  EXPECT_THAT(result.outcomes[0].why, HasSubstr("workqueue_activate_work"));
  EXPECT_TRUE(result.insufficient());
}

TEST(NotRecordedTest, WhatMayMatchNothingMayHaveMatchedWhatWasNotRecorded) {
  TraceBuilder trace = Stalled();
  trace.Only({kStart, kEnd});
  const std::string rule = "workqueue = \"wq\"\nmatch = \"optional\"\nlatency.max = \"1s\"";
  EXPECT_TRUE(Check(rule, trace.Noted(std::nullopt)).insufficient());
}

TEST(NotRecordedTest, ARecordingInWhichNothingWasQueuedIsEvidence) {
  TraceBuilder trace;
  trace.Tick(1ms, 0).Tick(900ms, 0);
  EXPECT_EQ(Check("stalls = 0", trace).outcomes.at(0).verdict, Verdict::kPass);
  EXPECT_TRUE(Check("latency.max = \"1s\"", trace).insufficient()) << "nothing matched";
  EXPECT_FALSE(Check("match = \"optional\"\nlatency.max = \"1s\"", trace).insufficient());
  trace.Noted(std::nullopt);
  EXPECT_TRUE(Check("stalls = 0", trace).insufficient()) << "nobody knows what was recorded";
}

TEST(NotRecordedTest, ARuleForEachPoolWithoutAPoolHasAVerdict) {
  TraceBuilder trace;
  trace.Put(1ms, kTask, kWorkA).Tick(2ms, 0);
  const CheckResult result = Check("for_each = \"pool\"\nbusy_fraction.max = 0.9", trace);
  ASSERT_EQ(result.outcomes.size(), 1u);
  EXPECT_EQ(result.outcomes[0].verdict, Verdict::kInconclusive);
}

TEST(ClockTest, TicksOfAnotherClockAreNoDurations) {
  TraceBuilder trace = Stalled();
  trace.Clock("counter", false);
  for (const char* limit : {"latency.max = \"1ns\"", "latency.max = \"1h\"", "stalls = 0",
                            "busy_fraction.max = 0.99", "execution.max = \"1h\""}) {
    SCOPED_TRACE(limit);
    const CheckResult result = Check(limit, trace);
    ASSERT_EQ(result.outcomes.size(), 1u);
    EXPECT_EQ(result.outcomes[0].verdict, Verdict::kInconclusive);
    EXPECT_THAT(result.outcomes[0].why, HasSubstr("counter"));
    EXPECT_EQ(result.outcomes[0].value, std::nullopt);
  }
}

TEST(ClockTest, ItemsThatStartBeforeTheyAreQueuedMakeAPassNone) {
  TraceBuilder trace = Stalled();
  trace.Start(150ms, kWorker, kWorkA)
      .Queue(150ms + 5us, kTask.On(1), kWorkA)
      .End(151ms, kWorker, kWorkA);
  trace.Put(160ms, kTask, kWorkB).Run(161ms, 162ms, kWorker, kWorkB);
  const CheckResult result = Check("latency.max = \"1s\"", trace);
  ASSERT_EQ(result.runs.at(0).quality.match.negative_latencies, 1u);
  EXPECT_EQ(result.outcomes.at(0).verdict, Verdict::kInconclusive);
  EXPECT_EQ(Check("latency.max = \"1ms\"", trace).outcomes.at(0).verdict, Verdict::kFail);
}

// A pool's list is first in, first out: what later items have overtaken was cancelled.
TEST(CancelledTest, AWorkThatLaterOnesOfItsPoolOvertookDoesNotWait) {
  TraceBuilder trace;
  const testing::Job other{"other_fn", "other_wq", 0};
  trace.Put(1ms, kTask, kWorkB, other).Run(2ms, 3ms, kWorker, kWorkB, other);
  trace.Put(10ms, kTask, kWorkB, other);  // cancelled: no event tells
  for (Nanos at = 20ms; at < 100ms; at += 10ms) {
    trace.Put(at, kTask, kWorkA).Run(at + 1ms, at + 2ms, kWorker, kWorkA);
  }
  trace.Tick(500ms, 0);
  EXPECT_EQ(Check("latency.max = \"5ms\"", trace).outcomes.at(0).verdict, Verdict::kPass);
  // The last one of the list may well wait.
  trace.Put(510ms, kTask, kWorkB, other).Tick(900ms, 0);
  EXPECT_EQ(Check("latency.max = \"5ms\"", trace).outcomes.at(0).verdict, Verdict::kFail);
}

TEST(RepeatedTest, TheSameRecordingIsOneRunHoweverOftenItIsGiven) {
  TraceBuilder trace = Stalled();
  TraceBuilder other = Stalled();
  trace.Uname("Linux box 6.12.1 x86_64");
  other.Uname("Linux box 6.12.1 x86_64").Tick(101ms, 0);
  RunSet runs({}, 10ms);
  for (TraceBuilder* each : {&trace, &trace, &other, &trace}) {
    each->Rewind();
    ASSERT_TRUE(runs.Add(*each).ok());
  }
  EXPECT_EQ(runs.size(), 2u);
  ASSERT_EQ(runs.repeated().size(), 2u);
  EXPECT_THAT(runs.repeated()[0], HasSubstr("counts once"));
}

TEST(RepeatedTest, ARecordingIsNoBaselineOfItself) {
  const ParsedBudget parsed = ParseBudget(
      "schema = 1\n[[regression]]\nname = \"r\"\nmetric = \"latency.mean\"\nmax_ratio = 1.1\n"
      "min_runs = 5\nmin_samples = 1\n",
      "b.toml");
  ASSERT_TRUE(parsed.ok());
  TraceBuilder trace = Stalled();
  trace.Uname("Linux box 6.12.1 x86_64");
  RunSet base(WantedBy(parsed.budget), 10ms), now(WantedBy(parsed.budget), 10ms);
  for (RunSet* runs : {&base, &now}) {
    trace.Rewind();
    ASSERT_TRUE(runs->Add(trace).ok());
  }
  const CheckResult result = CheckBudget(parsed.budget, now, &base);
  ASSERT_EQ(result.outcomes.size(), 1u);
  EXPECT_EQ(result.outcomes[0].verdict, Verdict::kInconclusive);
  EXPECT_THAT(result.outcomes[0].why, HasSubstr("its own baseline"));
}

TEST(NotRecordedTest, PartsOfASplitTakeSchedulerEventsOfEachRun) {
  for (const std::string part : {"dispatch_wait.runqueue", "execution.preempted"}) {
    SCOPED_TRACE(part);
    TraceBuilder without = Stalled();
    without.mutable_info().has_sched = false;
    for (const std::string limit :
         {".max = \"1s\"", ".count = 5", ".max = \"1s\"\nmin_samples = 1"}) {
      const CheckResult result = Check(part + limit, without);
      ASSERT_EQ(result.outcomes.size(), 1u);
      EXPECT_EQ(result.outcomes[0].verdict, Verdict::kInconclusive);
      EXPECT_THAT(result.outcomes[0].why, HasSubstr("no scheduler events"));
      EXPECT_EQ(result.outcomes[0].value, std::nullopt);
    }
  }
}

// Two groups of a run each; the new one recorded what `change` leaves of it.
DiffResult DiffOf(const std::string& metric, void (*change)(TraceInfo&)) {
  DiffOptions options;
  options.metrics = {*ParseMetric(metric), *ParseMetric("latency.max")};
  RunSet base(WantedBy(options), 10ms), now(WantedBy(options), 10ms);
  for (RunSet* runs : {&base, &now}) {
    TraceBuilder trace = Stalled();
    TraceInfo& info = trace.mutable_info();
    info.has_sched = info.has_timers = true;
    if (runs == &now) change(info);
    trace.Rewind();
    EXPECT_TRUE(runs->Add(trace).ok());
  }
  return Diff(options, base, now);
}

TEST(DiffTest, AMeasureThatOneSideLacksIsNotKnown) {
  const DiffResult result =
      DiffOf("dispatch_wait.runqueue.max", [](TraceInfo& i) { i.has_sched = false; });
  ASSERT_FALSE(result.rows.empty());
  for (const DiffRow& row : result.rows) {
    EXPECT_EQ(row.changes[0].verdict, Change::Verdict::kNotKnown);
    EXPECT_EQ(row.changes[0].base, std::nullopt);
    EXPECT_EQ(row.changes[0].now, std::nullopt);
    EXPECT_EQ(row.changes[1].verdict, Change::Verdict::kTooFewRuns);
    EXPECT_NE(row.changes[1].now, std::nullopt);
  }
  EXPECT_THAT(result.losses, ElementsAre(HasSubstr("no scheduler events")));
}

TEST(DiffTest, RunsThatRecordedOtherEventsDifferInWhatRecordingCosts) {
  EXPECT_TRUE(DiffOf("latency.max", [](TraceInfo&) {}).cautions.empty());
  const DiffResult sched = DiffOf("latency.max", [](TraceInfo& i) { i.has_sched = false; });
  EXPECT_THAT(sched.differences, ElementsAre("scheduler events: recorded -> not recorded"));
  EXPECT_THAT(sched.cautions, ElementsAre(HasSubstr("recording costs the load time"),
                                          HasSubstr("1 of 1 base and 0 of 1 new runs")));
  const DiffResult irqs =
      DiffOf("latency.max", [](TraceInfo& i) { i.events.emplace_back("irq:irq_handler_entry"); });
  EXPECT_THAT(irqs.differences, ElementsAre("interrupts: not recorded -> recorded"));
  EXPECT_THAT(irqs.cautions, ElementsAre(HasSubstr("recording costs the load time")));
}

// A stretch of time in which nothing happened costs nothing.
TEST(LongRunTest, MemoryDoesNotGrowWithTheTimeSpanned) {
  TraceBuilder trace;
  for (int i = 0; i < 1000; ++i) {
    const Nanos at = (i + 1) * 1ms;
    trace.Put(at, kTask, kWorkA).Run(at + 10us, at + 20us, kWorker, kWorkA);
  }
  trace.Tick(24h * 26, 0);
  const CheckResult result = Check("latency.p99 = \"1s\"\nlatency.mean = \"1s\"", trace);
  ASSERT_EQ(result.outcomes.size(), 2u);
  EXPECT_EQ(result.outcomes[0].verdict, Verdict::kPass);
}

}  // namespace
}  // namespace wqprof
