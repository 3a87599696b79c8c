// SPDX-License-Identifier: Apache-2.0
// Works cut by an edge of the trace, and events that nothing explains (doc/kernel.md §8, 12-15,
// 20a, 25, 46).
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "support/outcome.h"
#include "support/trace_builder.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

TEST(TraceEdgeTest, AQueuedAndActivatedWorkWithoutStartIsPendingAtTheEnd) {
  TraceBuilder trace;
  trace.Put(10us, kTask, kWorkA);
  const Outcome o = Reconstruct(trace);
  ASSERT_EQ(o.size(), 1u);
  EXPECT_EQ(o.items[0].state, ItemState::kPending);
  EXPECT_EQ(o.items[0].Latency(), std::nullopt);
  EXPECT_EQ(o.quality.pending_at_end, 1u);
}

TEST(TraceEdgeTest, AQueuedWorkWithoutActivationIsPendingAndNotDispatched) {
  TraceBuilder trace;
  trace.Queue(10us, kTask, kWorkA);
  const Outcome o = Reconstruct(trace);
  ASSERT_EQ(o.size(), 1u);
  EXPECT_EQ(o.items[0].state, ItemState::kPending);
  EXPECT_EQ(o.items[0].activated, kUnseen);
  EXPECT_TRUE(o.pools.empty() || o.pools[0].backlog_max == 0) << "an inactive work is no backlog";
}

TEST(TraceEdgeTest, AStartedWorkWithoutEndIsRunningAtTheEnd) {
  TraceBuilder trace;
  trace.Put(10us, kTask, kWorkA).Start(15us, kWorker, kWorkA);
  const Outcome o = Reconstruct(trace);
  ASSERT_EQ(o.size(), 1u);
  EXPECT_EQ(o.items[0].state, ItemState::kRunning);
  EXPECT_EQ(o.items[0].Latency(), 5us);
  EXPECT_EQ(o.items[0].Execution(), std::nullopt);
  EXPECT_EQ(o.quality.running_at_end, 1u);
  EXPECT_EQ(o.quality.executed, 1u);
}

TEST(TraceEdgeTest, AStartWithoutQueueBeforeAllCpusAreCoveredIsFromBeforeTheTrace) {
  TraceBuilder trace;
  trace.CoveredFrom(100us).Run(50us, 60us, kWorker, kWorkA);
  trace.Put(110us, kTask, kWorkB).Run(120us, 130us, kWorker, kWorkB);
  const Outcome o = Reconstruct(trace);
  const WorkItem i = o.StartedAt(50us);
  EXPECT_EQ(i.state, ItemState::kBeforeTrace);
  EXPECT_EQ(i.queued, kUnseen);
  EXPECT_EQ(i.Execution(), 10us);
  EXPECT_EQ(o.quality.before_trace, 1u);
  EXPECT_EQ(o.quality.unmatched_starts, 0u);
}

// It is held back for a while, as the clock of who queued it may be behind.
TEST(TraceEdgeTest, AStartWithoutQueueIsToldAtTheSameEventHoweverManyComeAtOnce) {
  const auto told = [](size_t batch) {
    TraceBuilder trace;
    trace.CoveredFrom(0ns).BatchSize(batch);
    trace.Put(10us, kTask, kWorkB).Run(20us, 30us, kWorker, kWorkB);
    trace.Run(40us, 50us, kWorker, kWorkA);
    for (Nanos at = 200us; at < 4ms; at += 200us) {
      trace.Put(at, kTask, kWorkB).Run(at + 10us, at + 20us, kWorker, kWorkB);
    }
    std::vector<Timestamp> starts;
    for (const WorkItem& item : Reconstruct(trace).items) starts.push_back(item.started);
    return starts;
  };
  const std::vector<Timestamp> one_by_one = told(1);
  EXPECT_TRUE(std::find(one_by_one.begin(), one_by_one.end() - 1, Timestamp(40us)) !=
              one_by_one.end() - 1)
      << "others came after it";
  for (const size_t batch : {7u, 1000u}) EXPECT_EQ(told(batch), one_by_one) << batch;
}

TEST(TraceEdgeTest, CoverageCountsFromTheLastCpuToBegin) {
  // CPU 0 kept events since 5 s, CPU 1 only since 9 s: what was queued there is gone.
  TraceBuilder trace;
  trace.Put(5s, kTask, kWorkB).Run(5s + 1us, 5s + 2us, kWorker, kWorkB);
  trace.Put(6s, kTask, kWorkC).Run(6s + 1us, 6s + 2us, kWorker, kWorkC);
  trace.Run(7s, 7s + 1us, kWorker, kWorkA);
  trace.Put(9s, kTask.On(1), kWorkC, {"f", "wq", 1}).Run(9s + 1us, 9s + 2us, kWorkerOn1, kWorkC);
  const Outcome o = Reconstruct(trace);
  EXPECT_EQ(o.StartedAt(7s).state, ItemState::kBeforeTrace);
  EXPECT_EQ(o.quality.unmatched_starts, 0u);
}

TEST(TraceEdgeTest, AWorkQueuedBeforeTheTraceMayWaitLongForAPoolThatHasStartedNothingNewer) {
  TraceBuilder trace;
  trace.CoveredFrom(0us).Tick(0us, 0).Tick(0us, 1);
  trace.Put(10us, kTask, kWorkB);
  trace.Run(100us, 110us, kWorker, kWorkA);  // FIFO: it was there before B
  trace.Run(120us, 130us, kWorker, kWorkB);
  const Outcome o = Reconstruct(trace);
  EXPECT_EQ(o.StartedAt(100us).state, ItemState::kBeforeTrace);
  EXPECT_EQ(o.quality.unmatched_starts, 0u);
}

TEST(TraceEdgeTest, AStartWithoutQueueAfterNewerWorkOfItsPoolIsUnmatched) {
  TraceBuilder trace;
  trace.CoveredFrom(0us).Put(10us, kTask, kWorkB).Run(20us, 30us, kWorker, kWorkB);
  trace.Run(40us, 50us, kWorker, kWorkA);
  const Outcome o = Reconstruct(trace);
  const WorkItem i = o.StartedAt(40us);
  EXPECT_EQ(i.state, ItemState::kUnmatched);
  EXPECT_EQ(i.Latency(), std::nullopt);
  EXPECT_EQ(i.Execution(), 10us);
  EXPECT_EQ(o.quality.unmatched_starts, 1u);
  EXPECT_EQ(o.quality.before_trace, 0u);
}

// The buffer of CPU 0 was overwritten up to 100 us, and with it the queue event of an item that
// waited behind one of CPU 1.
TEST(TraceEdgeTest, NewerWorkProvesNothingUnlessItWasQueuedWhenAllCpusAreCovered) {
  for (const auto& [queued, state] :
       {std::pair(90us, ItemState::kBeforeTrace), std::pair(101us, ItemState::kUnmatched)}) {
    TraceBuilder trace;
    trace.CoveredFrom(100us).Put(10us, kTask, kWorkA, {"f", "wq", 0});
    trace.Run(20us, 30us, kWorkerOn1, kWorkA).Put(queued, kTask, kWorkB, {"f", "wq", 0});
    trace.Run(120us, 121us, kWorker, kWorkB).Run(20ms, 21ms, kWorker, kWorkC);
    EXPECT_EQ(Reconstruct(trace).StartedAt(20ms).state, state);
  }
}

TEST(TraceEdgeTest, NewerWorkOfAnotherPoolProvesNothing) {
  TraceBuilder trace;
  trace.CoveredFrom(0us).Put(10us, kTask, kWorkB, {"f", "wq", 1});
  trace.Run(20us, 30us, kWorkerOn1, kWorkB).Run(40us, 50us, kWorker, kWorkA);
  const Outcome o = Reconstruct(trace);
  EXPECT_EQ(o.StartedAt(40us).state, ItemState::kBeforeTrace);
}

TEST(TraceEdgeTest, AnActivationWithoutQueueGivesAnItemWithAnUnknownQueueTime) {
  TraceBuilder trace;
  trace.CoveredFrom(0us).Activate(10us, kWorker2, kWorkA).Run(20us, 30us, kWorker, kWorkA);
  const Outcome o = Reconstruct(trace);
  ASSERT_EQ(o.size(), 1u);
  const WorkItem& i = o.items[0];
  EXPECT_EQ(i.state, ItemState::kBeforeTrace);
  EXPECT_EQ(i.queued, kUnseen);
  EXPECT_EQ(i.DispatchWait(), 10us);
  EXPECT_EQ(i.Latency(), std::nullopt);
}

TEST(TraceEdgeTest, AnEndThatIsTheFirstWordOfItsWorkerBeganBeforeTheTrace) {
  TraceBuilder trace;
  trace.CoveredFrom(0us).End(50us, kWorker, kWorkA);
  const Outcome o = Reconstruct(trace);
  ASSERT_EQ(o.size(), 1u);
  EXPECT_EQ(o.items[0].state, ItemState::kBeforeTrace);
  EXPECT_EQ(o.items[0].started, kUnseen);
  EXPECT_EQ(o.items[0].ended, Timestamp(50us));
  EXPECT_EQ(o.items[0].Execution(), std::nullopt);
  EXPECT_EQ(o.quality.before_trace, 1u);
  EXPECT_EQ(o.quality.unmatched_ends, 0u);
}

TEST(TraceEdgeTest, AnExecutionFromBeforeTheTraceKeptItsWorkerBusyFromTheBeginning) {
  TraceBuilder trace;
  trace.CoveredFrom(0us).Put(0us, kTask, kWorkB);
  trace.End(50us, kWorker, kWorkA).Run(60us, 70us, kWorker, kWorkB);
  const Outcome o = Reconstruct(trace);
  EXPECT_EQ(o.Occupancy("cpu0").busy_any, 60us);
  ASSERT_EQ(o.workers.size(), 1u);
  EXPECT_EQ(o.workers[0].busy, 60us);
}

TEST(TraceEdgeTest, ASecondEndOfAWorkerIsUnmatched) {
  TraceBuilder trace;
  trace.CoveredFrom(0us).Put(10us, kTask, kWorkA).Run(20us, 30us, kWorker, kWorkA);
  trace.End(40us, kWorker, kWorkB);
  const Outcome o = Reconstruct(trace);
  EXPECT_EQ(o.quality.unmatched_ends, 1u);
  EXPECT_EQ(o.EndedAt(40us).state, ItemState::kUnmatched);
  EXPECT_EQ(o.QueuedAt(10us).Execution(), 10us);
}

TEST(TraceEdgeTest, AnEndOfAnotherWorkThanTheOneStartedEndsNeither) {
  TraceBuilder trace;
  trace.CoveredFrom(0us).Put(10us, kTask, kWorkA).Start(20us, kWorker, kWorkA);
  trace.End(30us, kWorker, kWorkB);
  const Outcome o = Reconstruct(trace);
  const WorkItem i = o.QueuedAt(10us);
  EXPECT_EQ(i.ended, kUnseen) << "an end must not be guessed";
  EXPECT_TRUE(i.run_tainted || i.state == ItemState::kRunning);
}

TEST(TraceEdgeTest, AnEmptyTraceHasNoItems) {
  TraceBuilder trace;
  const Outcome o = Reconstruct(trace);
  EXPECT_EQ(o.size(), 0u);
  EXPECT_TRUE(o.pools.empty());
  EXPECT_TRUE(o.workers.empty());
}

TEST(TraceEdgeTest, EqualTimesOnOneCpuKeepTheirOrderAndMakeZeroLengths) {
  TraceBuilder trace;
  trace.Put(10us, kTask, kWorkA).Run(10us, 10us, kWorker, kWorkA);
  trace.Put(10us, kTask, kWorkA).Run(10us, 10us, kWorker, kWorkA);
  const Outcome o = Reconstruct(trace);
  ASSERT_EQ(o.size(), 2u);
  for (const WorkItem& i : o.items) {
    EXPECT_EQ(i.state, ItemState::kDone);
    EXPECT_EQ(i.Latency(), 0us);
    EXPECT_EQ(i.Execution(), 0us);
  }
}

}  // namespace
}  // namespace wqprof::testing
