// SPDX-License-Identifier: Apache-2.0
// What counts in which measure, and what stays out (doc/spec.md §5; doc/kernel.md §8, 44, 48).
#include <gtest/gtest.h>

#include "support/trace_builder.h"
#include "wqprof/analyze.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

Report Analyzed(TraceBuilder& trace, const AnalyzeOptions& options = {}) {
  auto report = Analyze(trace, options);
  EXPECT_TRUE(report.ok()) << report.status().ToString();
  return report.ok() ? *std::move(report) : Report{};
}

FunctionRow RowOf(const Report& report, std::string_view function) {
  for (const FunctionRow& row : report.functions) {
    if (row.function == function) return row;
  }
  ADD_FAILURE() << "no row of " << function;
  return {};
}

TEST(MeasuresTest, AnItemCountsInAllFive) {
  TraceBuilder t;
  t.Queue(10us, kTask, kWorkA, {"f", "wq", 0}).Activate(12us, kTask, kWorkA);
  t.Run(15us, 21us, kWorker, kWorkA, {"f"});
  const Report report = Analyzed(t);
  const Measures m = RowOf(report, "f").measures;
  EXPECT_EQ(m.queued, 1u);
  EXPECT_EQ(m.executed, 1u);
  EXPECT_EQ(m[Measure::kActivationWait].max(), 2us);
  EXPECT_EQ(m[Measure::kDispatchWait].max(), 3us);
  EXPECT_EQ(m[Measure::kLatency].max(), 5us);
  EXPECT_EQ(m[Measure::kExecution].max(), 6us);
  EXPECT_EQ(m[Measure::kTotal].max(), 11us);
  EXPECT_EQ(RowOf(report, "f").workqueue, "wq");
}

TEST(MeasuresTest, ModulesAreToldApartFromTheirFunctions) {
  TraceBuilder t;
  t.Put(10us, kTask, kWorkA, {"f [xfs]", "wq", 0}).Run(15us, 21us, kWorker, kWorkA, {"f [xfs]"});
  EXPECT_EQ(RowOf(Analyzed(t), "f").module, "xfs");
}

TEST(MeasuresTest, SupersededItemsAreQueuedButNeverMeasured) {
  TraceBuilder t;
  t.Put(1us, kTask, kWorkA, {"f"}).Put(5us, kTask, kWorkA, {"f"});
  t.Run(9us, 10us, kWorker, kWorkA, {"f"});
  const Measures m = RowOf(Analyzed(t), "f").measures;
  EXPECT_EQ(m.queued, 2u);
  EXPECT_EQ(m.superseded, 1u);
  EXPECT_EQ(m.executed, 1u);
  EXPECT_EQ(m[Measure::kLatency].count(), 1u);
  EXPECT_EQ(m[Measure::kLatency].max(), 4us);
}

TEST(MeasuresTest, BarriersAreInNoRowButInTheirPool) {
  TraceBuilder t;
  t.Put(1us, kTask, kWorkA, {"f"}).Run(2us, 3us, kWorker, kWorkA, {"f"});
  t.Run(4us, 5us, kWorker, kWorkB, kBarrierJob);
  const Report report = Analyzed(t);
  EXPECT_EQ(report.functions.size(), 1u);
  EXPECT_EQ(report.quality.match.barriers, 1u);
  ASSERT_EQ(report.pools.size(), 1u);
  EXPECT_EQ(report.pools[0].occupancy.executions, 2u);
}

TEST(MeasuresTest, ItemsCutByAnEdgeOfTheTraceAreInNoPercentile) {
  TraceBuilder t;
  t.CoveredFrom(50us).Run(1us, 2us, kWorker, kWorkA, {"f"});              // queued before
  t.Put(60us, kTask, kWorkB, {"f"}).Start(70us, kWorker, kWorkB, {"f"});  // ends after
  t.Put(80us, kTask, kWorkC, {"f"});                                      // starts after
  const Report report = Analyzed(t);
  Measures all;
  for (const FunctionRow& row : report.functions) all.Merge(row.measures);
  EXPECT_EQ(all.queued, 2u);
  EXPECT_EQ(all.executed, 1u);
  EXPECT_EQ(all[Measure::kLatency].count(), 1u) << "the wait of the one that runs is whole";
  EXPECT_EQ(all[Measure::kExecution].count(), 0u);
  EXPECT_EQ(all[Measure::kTotal].count(), 0u);
  EXPECT_EQ(report.quality.match.before_trace, 1u);
  EXPECT_EQ(report.quality.match.running_at_end, 1u);
  EXPECT_EQ(report.quality.match.pending_at_end, 1u);
}

TEST(MeasuresTest, WhatALossTaintsIsInNoPercentile) {
  TraceBuilder t;
  t.Put(1us, kTask, kWorkA, {"f"}).Loss(2us, 3us, 0).Run(4us, 5us, kWorker, kWorkA, {"f"});
  t.Put(50ms, kTask, kWorkA, {"f"}).Start(50ms + 1us, kWorker, kWorkA, {"f"});
  t.Loss(50ms + 2us, 50ms + 3us, 0).End(50ms + 4us, kWorker, kWorkA, {"f"});
  const Report report = Analyzed(t);
  const Measures m = RowOf(report, "f").measures;
  EXPECT_EQ(m.executed, 2u);
  EXPECT_EQ(m[Measure::kLatency].count(), 1u);
  EXPECT_EQ(m[Measure::kLatency].max(), 1us);
  EXPECT_EQ(m[Measure::kExecution].count(), 1u);
  EXPECT_EQ(m[Measure::kTotal].count(), 0u);
  EXPECT_EQ(report.quality.match.tainted, 2u);
  EXPECT_FALSE(report.quality.complete());
}

TEST(MeasuresTest, ANegativeLatencyIsTheClocksFaultAndInNoPercentile) {
  TraceBuilder t;
  t.CoveredFrom(0us).Put(1us, kTask, kWorkB, {"g"}).Run(2us, 3us, kWorkerOn1, kWorkB, {"g"});
  t.Start(100us, kWorkerOn1, kWorkA, {"f"}).Put(103us, kTask, kWorkA, {"f", "wq", 1});
  t.End(110us, kWorkerOn1, kWorkA, {"f"});
  const Report report = Analyzed(t);
  EXPECT_EQ(RowOf(report, "f").measures[Measure::kLatency].count(), 0u);
  EXPECT_EQ(RowOf(report, "f").measures[Measure::kExecution].count(), 1u);
  EXPECT_EQ(report.quality.match.negative_latencies, 1u);
  EXPECT_FALSE(report.quality.complete());
}

TEST(MeasuresTest, AClockThatCountsNoNanosecondsGivesCountsButNoDurations) {
  TraceBuilder t;
  t.Clock("counter", false);
  t.Put(1ns, kTask, kWorkA, {"f"}).Run(20ms, 40ms, kWorker, kWorkA, {"f"});
  const Report report = Analyzed(t);
  const Measures m = RowOf(report, "f").measures;
  EXPECT_EQ(m.queued, 1u);
  EXPECT_EQ(m.executed, 1u) << "order, and so pairing, is right";
  EXPECT_EQ(m[Measure::kLatency].count(), 0u);
  EXPECT_EQ(m[Measure::kExecution].count(), 0u);
  EXPECT_TRUE(report.stalls.empty());
}

TEST(MeasuresTest, FunctionsOfAWorkqueueAddUpToIt) {
  TraceBuilder t;
  for (int n = 0; n < 30; ++n) {
    const Job job{n % 3 ? "f" : "g", n % 2 ? "wq1" : "wq2", 0};
    t.Put(n * 10us, kTask, kWorkA, job).Run(n * 10us + 2us, n * 10us + 5us, kWorker, kWorkA, job);
  }
  const Report report = Analyzed(t);
  EXPECT_EQ(report.functions.size(), 4u);
  ASSERT_EQ(report.workqueues.size(), 2u);
  for (const WorkqueueRow& wq : report.workqueues) {
    EXPECT_EQ(wq.measures.executed, 15u);
    uint64_t executed = 0;
    Nanos sum{0};
    for (const FunctionRow& f : report.functions) {
      if (f.workqueue != wq.workqueue) continue;
      executed += f.measures.executed;
      sum += f.measures[Measure::kTotal].sum();
    }
    EXPECT_EQ(executed, wq.measures.executed);
    EXPECT_EQ(sum, wq.measures[Measure::kTotal].sum());
  }
}

TEST(MeasuresTest, SharesOfPoolsAndWorkersAreOfTheWholeTrace) {
  TraceBuilder t;
  t.Put(0us, kTask, kWorkA).Run(20us, 70us, kWorker, kWorkA).Tick(100us, 0);
  const Report report = Analyzed(t);
  ASSERT_EQ(report.pools.size(), 1u);
  EXPECT_DOUBLE_EQ(report.pools[0].busy_fraction, 0.5);
  EXPECT_DOUBLE_EQ(report.pools[0].busy_mean, 0.5);
  ASSERT_EQ(report.workers.size(), 1u);
  EXPECT_DOUBLE_EQ(report.workers[0].busy_fraction, 0.5);
  EXPECT_EQ(report.workers[0].comm, "kworker/0:1");
  EXPECT_EQ(report.workers[0].pool, "cpu0");
  EXPECT_EQ(report.duration, 100us);
}

TEST(MeasuresTest, AnEmptyTraceHasAnEmptyReport) {
  TraceBuilder t;
  const Report report = Analyzed(t);
  EXPECT_TRUE(report.functions.empty());
  EXPECT_EQ(report.duration, 0ns);
  EXPECT_EQ(report.quality.paired_fraction, std::nullopt) << "none of none is no fraction";
}

TEST(QualityTest, ThePairedFractionIsOfTheStartsThatTheTraceShouldExplain) {
  TraceBuilder t;
  t.CoveredFrom(0us);
  for (int n = 0; n < 3; ++n)
    t.Put(n * 10us, kTask, kWorkA).Run(n * 10us + 1us, n * 10us + 2us, kWorker, kWorkA);
  t.Run(50us, 51us, kWorker, kWorkB).Run(60us, 61us, kWorker, kWorkC, kBarrierJob);
  const Quality q = Analyzed(t).quality;
  EXPECT_EQ(q.match.unmatched_starts, 1u);
  ASSERT_TRUE(q.paired_fraction.has_value());
  EXPECT_DOUBLE_EQ(*q.paired_fraction, 0.75);
  EXPECT_FALSE(q.complete());
}

TEST(QualityTest, AWholeTraceIsComplete) {
  TraceBuilder t;
  t.Put(1us, kTask, kWorkA).Run(2us, 3us, kWorker, kWorkA);
  const Quality q = Analyzed(t).quality;
  EXPECT_TRUE(q.complete());
  EXPECT_DOUBLE_EQ(q.paired_fraction.value_or(0), 1.0);
  EXPECT_EQ(q.lost_events, 0u);
}

TEST(QualityTest, ALossWithoutANumberLeavesTheNumberUnknown) {
  TraceBuilder t;
  t.Put(1us, kTask, kWorkA).Loss(2us, 3us, 0, 5).Loss(4us, 5us, 0, -1).Tick(6us, 0);
  const Quality q = Analyzed(t).quality;
  EXPECT_EQ(q.lost_events, std::nullopt);
  EXPECT_EQ(q.lost_gaps, 2u);
}

}  // namespace
}  // namespace wqprof::testing
