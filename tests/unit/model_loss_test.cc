// SPDX-License-Identifier: Apache-2.0
// Lost events and clocks that disagree (doc/kernel.md §7; §8, 12, 24, 44-48).
#include <gtest/gtest.h>

#include "support/outcome.h"
#include "support/trace_builder.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

TEST(LossTest, AnItemThatWaitedThroughAGapIsTaintedInItsWait) {
  TraceBuilder trace;
  trace.Put(10us, kTask, kWorkA).Loss(12us, 14us, 0);
  trace.Run(20us, 30us, kWorker, kWorkA);
  const WorkItem i = Reconstruct(trace).QueuedAt(10us);
  EXPECT_TRUE(i.wait_tainted);
  EXPECT_FALSE(i.run_tainted);
}

TEST(LossTest, AGapOfAnyCpuMayHideARequeueOfAWaitingWork) {
  TraceBuilder trace;
  trace.Put(10us, kTask, kWorkA).Loss(12us, 14us, 7);
  trace.Run(20us, 30us, kWorker, kWorkA);
  EXPECT_TRUE(Reconstruct(trace).QueuedAt(10us).wait_tainted);
}

TEST(LossTest, AnExecutionAcrossAGapOfItsCpuIsTaintedInItsRun) {
  TraceBuilder trace;
  trace.Put(10us, kTask, kWorkA).Start(20us, kWorker, kWorkA);
  trace.Loss(22us, 24us, 0).End(30us, kWorker, kWorkA);
  const WorkItem i = Reconstruct(trace).QueuedAt(10us);
  EXPECT_FALSE(i.wait_tainted);
  EXPECT_TRUE(i.run_tainted);
}

TEST(LossTest, AnExecutionOfAPerCpuWorkerIsNotTouchedByGapsOfOtherCpus) {
  TraceBuilder trace;
  trace.Put(10us, kTask, kWorkA).Start(20us, kWorker, kWorkA);
  trace.Loss(22us, 24us, 1).End(30us, kWorker, kWorkA);
  EXPECT_FALSE(Reconstruct(trace).QueuedAt(10us).tainted());
}

TEST(LossTest, AnExecutionOfAWorkerThatMayMoveIsTouchedByAnyGap) {
  const Emitter movers[] = {kUnboundWorker,
                            {50, "kworker/R-xfs_m", 0, 0},
                            {51, "", 0, 0},
                            {52, "kworker/3:1", 0, 0}};  // disassociated: not on CPU 3
  for (const Emitter& worker : movers) {
    TraceBuilder trace;
    trace.Put(10us, kTask, kWorkA).Start(20us, worker, kWorkA);
    trace.Loss(22us, 24us, 1).End(30us, worker, kWorkA);
    EXPECT_TRUE(Reconstruct(trace).QueuedAt(10us).run_tainted) << worker.comm;
  }
}

TEST(LossTest, ItemsBeforeAndAfterAGapAreUntouched) {
  TraceBuilder trace;
  trace.Put(10us, kTask, kWorkA).Run(20us, 30us, kWorker, kWorkA);
  trace.Loss(40us, 50us, 0);
  trace.Put(60ms, kTask, kWorkB).Run(60ms + 10us, 61ms, kWorker, kWorkB);
  const Outcome o = Reconstruct(trace);
  EXPECT_FALSE(o.QueuedAt(10us).tainted());
  EXPECT_FALSE(o.QueuedAt(60ms).tainted());
  EXPECT_EQ(o.quality.tainted, 0u);
}

TEST(LossTest, AfterAGapAWorkMayBeInTheWindowOfAQueueEventThatWasLost) {
  // What was queued in the gap may have been dequeued already, its start event still to come.
  TraceBuilder trace;
  trace.Loss(40us, 50us, 0).Put(60us, kTask, kWorkA).Run(61us, 70us, kWorker, kWorkA);
  EXPECT_TRUE(Reconstruct(trace).QueuedAt(60us).wait_tainted);
}

TEST(LossTest, ASignOfLifeOfTheWorkerBetweenQueueAndStartExcludesThatWindow) {
  TraceBuilder trace;
  trace.Put(1us, kTask, kWorkB).Start(2us, kWorker, kWorkB).Loss(40us, 50us, 1);
  trace.Put(60us, kTask, kWorkA).End(61us, kWorker, kWorkB).Run(62us, 70us, kWorker, kWorkA);
  EXPECT_FALSE(Reconstruct(trace).QueuedAt(60us).wait_tainted);
}

TEST(LossTest, AnItemQueuedInsideTheGapOfAnotherCpuIsTainted) {
  TraceBuilder trace;
  trace.LossBegin(10us, 1).Put(12us, kTask, kWorkA).LossEnd(14us, 1);
  trace.Run(20us, 30us, kWorker, kWorkA);
  EXPECT_TRUE(Reconstruct(trace).QueuedAt(12us).wait_tainted);
}

TEST(LossTest, AnItemThatWaitsAndRunsWhollyInsideAGapOfAnotherCpuIsTaintedInItsWaitOnly) {
  TraceBuilder trace;
  trace.LossBegin(10us, 1).Put(12us, kTask, kWorkA);
  trace.Run(13us, 14us, kWorker, kWorkA).LossEnd(20us, 1);
  const WorkItem i = Reconstruct(trace).QueuedAt(12us);
  EXPECT_TRUE(i.wait_tainted);
  EXPECT_FALSE(i.run_tainted);
}

TEST(LossTest, AStartWithoutQueueEventAfterALossIsNotCountedAsUnexplained) {
  TraceBuilder trace;
  trace.CoveredFrom(0us).Put(1us, kTask, kWorkB).Run(2us, 3us, kWorker, kWorkB);
  trace.Loss(10us, 20us, 1).Run(30us, 40us, kWorker, kWorkA);
  const Outcome o = Reconstruct(trace);
  const WorkItem i = o.StartedAt(30us);
  EXPECT_EQ(i.queued, kUnseen);
  EXPECT_TRUE(i.wait_tainted) << "its queue event may lie in the gap";
  EXPECT_NE(i.state, ItemState::kDone);
}

TEST(LossTest, TheStartThatAGapSwallowedIsNotInventedFromALaterOne) {
  // Lost on CPU 0: start and end of A's first life, and the queue event of its second.
  TraceBuilder trace;
  trace.Put(10us, kTask, kWorkA).Loss(12us, 40us, 0, 6).Run(50us, 60us, kWorker, kWorkA);
  const Outcome o = Reconstruct(trace);
  for (const WorkItem& i : o.items) {
    if (i.state == ItemState::kDone) {
      EXPECT_TRUE(i.wait_tainted);
    }
  }
}

TEST(LossTest, AnEndSwallowedByAGapIsToldByTheNextStart) {
  TraceBuilder trace;
  trace.Put(10us, kTask, kWorkA).Start(20us, kWorker, kWorkA).Loss(25us, 40us, 0, 2);
  trace.Put(50ms, kTask, kWorkB).Run(60ms, 70ms, kWorker, kWorkB);
  const Outcome o = Reconstruct(trace);
  const WorkItem a = o.QueuedAt(10us);
  EXPECT_EQ(a.ended, kUnseen);
  EXPECT_TRUE(a.run_tainted);
  EXPECT_EQ(a.state, ItemState::kDone);
  EXPECT_FALSE(o.QueuedAt(50ms).tainted());
}

TEST(LossTest, AnEndAfterAGapDoesNotEndAnOlderExecutionUntainted) {
  // Between start and end another start of the same work on the same worker may be lost.
  TraceBuilder trace;
  trace.Put(10us, kTask, kWorkA).Start(20us, kWorker, kWorkA).Loss(25us, 40us, 0, 4);
  trace.End(50us, kWorker, kWorkA);
  EXPECT_TRUE(Reconstruct(trace).QueuedAt(10us).run_tainted);
}

TEST(LossTest, AnEndWithoutStartAfterALossOfItsCpuIsTaintedNotInvented) {
  TraceBuilder trace;
  trace.CoveredFrom(0us).Put(1us, kTask, kWorkB).Run(2us, 3us, kWorker, kWorkB);
  trace.Loss(10us, 20us, 0).End(30us, kWorker, kWorkA);
  const Outcome o = Reconstruct(trace);
  const WorkItem i = o.EndedAt(30us);
  EXPECT_EQ(i.started, kUnseen);
  EXPECT_TRUE(i.tainted());
  EXPECT_NE(i.state, ItemState::kDone);
}

TEST(LossTest, APendingWindowIsNotShiftedAcrossALossUntainted) {
  TraceBuilder trace;
  trace.Put(10us, kTask, kWorkA).Put(19us, kOtherTask, kWorkA);
  trace.Run(20us, 30us, kWorker, kWorkA);
  trace.Loss(32us, 40us, 1, 2);  // A's third queue event may be lost here
  trace.Run(50us, 60us, kWorker, kWorkA);
  const Outcome o = Reconstruct(trace);
  EXPECT_TRUE(o.StartedAt(50us).wait_tainted);
}

TEST(LossTest, AGapThatIsOpenAtTheEndOfTheTraceTaintsWhatIsOpen) {
  TraceBuilder trace;
  trace.Put(10us, kTask, kWorkA).Start(20us, kWorker, kWorkA).Put(21us, kTask, kWorkB);
  trace.LossBegin(30us, 0);
  const Outcome o = Reconstruct(trace);
  EXPECT_TRUE(o.QueuedAt(10us).run_tainted);
  EXPECT_TRUE(o.QueuedAt(21us).wait_tainted);
}

TEST(LossTest, AGapOfAnUnknownNumberOfEventsIsAGap) {
  TraceBuilder trace;
  trace.Put(10us, kTask, kWorkA).Loss(12us, 14us, 0, -1);
  trace.Run(20us, 30us, kWorker, kWorkA);
  EXPECT_TRUE(Reconstruct(trace).QueuedAt(10us).wait_tainted);
}

TEST(LossTest, BarriersAcrossAGapAreTaintedToo) {
  TraceBuilder trace;
  trace.Start(10us, kWorker, kWorkB, kBarrierJob).Loss(12us, 14us, 0);
  trace.End(20us, kWorker, kWorkB, kBarrierJob);
  EXPECT_TRUE(Reconstruct(trace).StartedAt(10us).run_tainted);
}

TEST(SkewTest, AStartJustBeforeItsQueueEventOnAnotherCpuIsOneItemOfNegativeLatency) {
  TraceBuilder trace;
  trace.CoveredFrom(0us).Put(1us, kTask, kWorkB).Run(2us, 3us, kWorkerOn1, kWorkB);
  trace.Start(100us, kWorkerOn1, kWorkA);
  trace.Put(103us, kTask, kWorkA, {"work_fn", "wq", 1}).End(110us, kWorkerOn1, kWorkA);
  const Outcome o = Reconstruct(trace);
  ASSERT_EQ(o.size(), 2u);
  const WorkItem i = o.QueuedAt(103us);
  EXPECT_EQ(i.state, ItemState::kDone);
  EXPECT_EQ(i.Latency(), -3us);
  EXPECT_EQ(i.Execution(), 10us);
  EXPECT_EQ(o.quality.negative_latencies, 1u);
  EXPECT_EQ(o.quality.unmatched_starts, 0u);
}

TEST(SkewTest, OnOneCpuTheOrderIsTrueAndNothingIsPairedBackwards) {
  TraceBuilder trace;
  trace.CoveredFrom(0us).Put(1us, kTask, kWorkB).Run(2us, 3us, kWorker, kWorkB);
  trace.Start(100us, kWorker, kWorkA).Put(103us, kTask, kWorkA);
  trace.End(110us, kWorker, kWorkA).Run(112us, 115us, kWorker, kWorkA);
  const Outcome o = Reconstruct(trace);
  EXPECT_EQ(o.QueuedAt(103us).started, Timestamp(112us));
  EXPECT_EQ(o.quality.negative_latencies, 0u);
  EXPECT_EQ(o.quality.unmatched_starts, 1u);
}

TEST(SkewTest, AQueueEventWhoseOwnStartFollowsIsNotPairedBackwards) {
  TraceBuilder trace;
  trace.CoveredFrom(0us).Put(1us, kTask, kWorkB).Run(2us, 3us, kWorkerOn1, kWorkB);
  trace.Start(100us, kWorkerOn1, kWorkA).Put(103us, kTask, kWorkA);
  trace.End(110us, kWorkerOn1, kWorkA).Run(120us, 130us, kWorkerOn1, kWorkA);
  const Outcome o = Reconstruct(trace);
  EXPECT_EQ(o.QueuedAt(103us).started, Timestamp(120us));
  EXPECT_EQ(o.quality.negative_latencies, 0u);
}

TEST(SkewTest, AQueueEventLongAfterAnOrphanStartIsNotItsCause) {
  TraceBuilder trace;
  trace.CoveredFrom(0us).Put(1us, kTask, kWorkB).Run(2us, 3us, kWorkerOn1, kWorkB);
  trace.Run(100us, 110us, kWorkerOn1, kWorkA).Put(2ms, kTask, kWorkA);
  const Outcome o = Reconstruct(trace);
  EXPECT_EQ(o.QueuedAt(2ms).state, ItemState::kPending);
  EXPECT_EQ(o.quality.negative_latencies, 0u);
  EXPECT_EQ(o.quality.unmatched_starts, 1u);
}

}  // namespace
}  // namespace wqprof::testing
