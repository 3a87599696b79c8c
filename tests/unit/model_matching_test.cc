// SPDX-License-Identifier: Apache-2.0
// One work at a time: which queue event belongs to which start (doc/kernel.md §8, 1-5, 12-15, 20).
#include <gtest/gtest.h>

#include "support/outcome.h"
#include "support/trace_builder.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

TEST(MatchingTest, QueueActivateStartAndEndOfOneWorkAreOneItemWithExactTimes) {
  TraceBuilder trace;
  trace.Queue(10us, kTask, kWorkA, {"f", "wq", 0}).Activate(12us, kTask, kWorkA);
  trace.Start(15us, kWorker, kWorkA, {"f"}).End(21us, kWorker, kWorkA, {"f"});
  const Outcome o = Reconstruct(trace);
  ASSERT_EQ(o.size(), 1u);
  const WorkItem& i = o.items[0];
  EXPECT_EQ(i.state, ItemState::kDone);
  EXPECT_EQ(i.work, kWorkA);
  EXPECT_EQ(i.ActivationWait(), 2us);
  EXPECT_EQ(i.DispatchWait(), 3us);
  EXPECT_EQ(i.Latency(), 5us);
  EXPECT_EQ(i.Execution(), 6us);
  EXPECT_EQ(i.Total(), 11us);
  EXPECT_EQ(trace.names().Get(i.function), "f");
  EXPECT_EQ(trace.names().Get(i.workqueue), "wq");
  EXPECT_EQ(i.worker, Pid{kWorker.pid});
  EXPECT_FALSE(i.tainted() || i.ambiguous || i.softirq || i.requeued_by_self || i.collided);
  EXPECT_EQ(o.quality.executed, 1u);
}

TEST(MatchingTest, EachCpuOfAnItemIsTheOneThatEmittedThatEvent) {
  TraceBuilder trace;
  trace.Put(10us, kTask.On(3), kWorkA, {"f", "wq", 1});
  trace.Start(15us, kWorkerOn1.On(1), kWorkA).End(20us, kWorkerOn1.On(2), kWorkA);
  const WorkItem i = Reconstruct(trace).QueuedAt(10us);
  EXPECT_EQ(i.queue_cpu, Cpu{3});
  EXPECT_EQ(i.target_cpu, Cpu{1});
  EXPECT_EQ(i.run_cpu, Cpu{1});
  EXPECT_EQ(i.end_cpu, Cpu{2});
}

TEST(MatchingTest, LivesOfOneWorkFollowEachOther) {
  TraceBuilder trace;
  for (int n = 0; n < 3; ++n) {
    const Nanos t = n * 100us;
    trace.Put(t + 1us, kTask, kWorkA).Run(t + 10us, t + 20us, kWorker, kWorkA);
  }
  const Outcome o = Reconstruct(trace);
  ASSERT_EQ(o.size(), 3u);
  for (const WorkItem& i : o.items) {
    EXPECT_EQ(i.state, ItemState::kDone);
    EXPECT_EQ(i.Latency(), 9us);
    EXPECT_EQ(i.Execution(), 10us);
  }
}

TEST(MatchingTest, AWorkQueuedAgainBeforeItStartedSupersedesItsFirstLife) {
  TraceBuilder trace;
  trace.Put(10us, kTask, kWorkA).Put(20us, kTask, kWorkA);
  trace.Run(30us, 40us, kWorker, kWorkA);
  trace.Put(50us, kTask, kWorkA).Run(60us, 70us, kWorker, kWorkA);
  const Outcome o = Reconstruct(trace);
  ASSERT_EQ(o.size(), 3u);
  EXPECT_EQ(o.QueuedAt(10us).state, ItemState::kSuperseded);
  EXPECT_EQ(o.QueuedAt(10us).Latency(), std::nullopt);
  EXPECT_EQ(o.QueuedAt(20us).Latency(), 10us);
  EXPECT_EQ(o.QueuedAt(50us).Latency(), 10us);
  EXPECT_EQ(o.quality.superseded, 1u);
  EXPECT_EQ(o.quality.executed, 2u);
}

TEST(MatchingTest, ManyRequeuesBeforeAStartSupersedeAllButTheNewest) {
  TraceBuilder trace;
  for (int n = 1; n <= 5; ++n) trace.Put(n * 10us, kTask, kWorkA);
  trace.Run(60us, 70us, kWorker, kWorkA);
  const Outcome o = Reconstruct(trace);
  EXPECT_EQ(o.InState(ItemState::kSuperseded).size(), 4u);
  EXPECT_EQ(o.QueuedAt(50us).Latency(), 10us);
  EXPECT_EQ(o.QueuedAt(50us).activated, Timestamp(50us));
}

TEST(PendingWindowTest, ASecondStartWithoutAQueueEventShowsThatTheRequeueFellIntoTheWindow) {
  TraceBuilder trace;
  trace.Put(10us, kTask, kWorkA).Put(19us, kOtherTask, kWorkA);
  trace.Run(20us, 30us, kWorker, kWorkA).Run(31us, 40us, kWorker, kWorkA);
  const Outcome o = Reconstruct(trace);
  ASSERT_EQ(o.size(), 2u);
  EXPECT_EQ(o.QueuedAt(10us).started, Timestamp(20us));
  EXPECT_EQ(o.QueuedAt(10us).ended, Timestamp(30us));
  EXPECT_EQ(o.QueuedAt(10us).activated, Timestamp(10us));
  EXPECT_EQ(o.QueuedAt(19us).started, Timestamp(31us));
  EXPECT_EQ(o.QueuedAt(19us).ended, Timestamp(40us));
  EXPECT_EQ(o.QueuedAt(19us).activated, Timestamp(19us));
  for (const WorkItem& i : o.items) {
    EXPECT_EQ(i.state, ItemState::kDone);
    EXPECT_FALSE(i.ambiguous);
  }
  EXPECT_EQ(o.quality.superseded, 0u);
  EXPECT_EQ(o.quality.unmatched_starts, 0u);
}

TEST(PendingWindowTest, TheSecondStartMayComeFromAnotherWorkerWhileTheFirstStillRuns) {
  TraceBuilder trace;
  trace.Put(10us, kTask, kWorkA, {"f"}).Put(19us, kOtherTask, kWorkA, {"g"});
  trace.Start(20us, kWorker, kWorkA, {"f"}).Start(25us, kWorker2, kWorkA, {"g"});
  trace.End(30us, kWorker, kWorkA, {"f"}).End(40us, kWorker2, kWorkA, {"g"});
  const Outcome o = Reconstruct(trace);
  EXPECT_EQ(o.QueuedAt(10us).ended, Timestamp(30us));
  EXPECT_EQ(o.QueuedAt(19us).started, Timestamp(25us));
  EXPECT_EQ(o.QueuedAt(19us).ended, Timestamp(40us));
}

TEST(PendingWindowTest, AnEventOfTheWorkerAfterTheRequeueProvesThatTheFirstLifeWasStolen) {
  TraceBuilder trace;
  trace.Put(1us, kTask, kWorkB).Start(2us, kWorker, kWorkB);
  trace.Put(10us, kTask, kWorkA).Put(15us, kTask, kWorkA);
  trace.End(18us, kWorker, kWorkB).Run(20us, 30us, kWorker, kWorkA);
  trace.Put(50us, kTask, kWorkA).Run(60us, 70us, kWorker, kWorkA);
  const Outcome o = Reconstruct(trace);
  EXPECT_EQ(o.QueuedAt(10us).state, ItemState::kSuperseded);
  EXPECT_EQ(o.QueuedAt(15us).started, Timestamp(20us));
  EXPECT_FALSE(o.QueuedAt(15us).ambiguous);
  EXPECT_EQ(o.quality.ambiguous, 0u);
}

TEST(PendingWindowTest, AWorkerThatWentOnToALaterItemHadNoSecondLifeToStart) {
  // Worklists are first in, first out: had A's second life been pending, it came before B.
  TraceBuilder trace;
  trace.Put(10us, kTask, kWorkA).Put(15us, kTask, kWorkA).Put(16us, kTask, kWorkB);
  trace.Run(20us, 30us, kWorker, kWorkA).Run(31us, 40us, kWorker, kWorkB);
  // Another worker might have taken it; its start would have come by now.
  trace.Put(50ms, kTask, kWorkA).Run(60ms, 70ms, kWorker, kWorkA);
  const Outcome o = Reconstruct(trace);
  EXPECT_EQ(o.QueuedAt(10us).state, ItemState::kSuperseded);
  EXPECT_EQ(o.QueuedAt(15us).started, Timestamp(20us));
  EXPECT_EQ(o.quality.ambiguous, 0u);
}

TEST(PendingWindowTest, WithoutProofTheNewestIsTakenAndToldToBeAmbiguous) {
  TraceBuilder trace;
  trace.Put(10us, kTask, kWorkA).Put(15us, kTask, kWorkA);
  trace.Run(20us, 30us, kWorker, kWorkA);
  trace.Put(50ms, kTask, kWorkA).Run(60ms, 70ms, kWorker, kWorkA);
  const Outcome o = Reconstruct(trace);
  EXPECT_EQ(o.QueuedAt(10us).state, ItemState::kSuperseded);
  EXPECT_TRUE(o.QueuedAt(10us).ambiguous);
  EXPECT_TRUE(o.QueuedAt(15us).ambiguous);
  EXPECT_EQ(o.QueuedAt(15us).started, Timestamp(20us));
  EXPECT_EQ(o.QueuedAt(50ms).started, Timestamp(60ms));
  EXPECT_FALSE(o.QueuedAt(50ms).ambiguous);
  EXPECT_EQ(o.quality.ambiguous, 2u);
}

TEST(PendingWindowTest, WindowsMayFollowUponEachOtherAndAreSettledByTheLastStart) {
  TraceBuilder trace;
  trace.Put(10us, kTask, kWorkA).Put(19us, kOtherTask, kWorkA);
  trace.Run(20us, 30us, kWorker, kWorkA).Put(30us, kOtherTask, kWorkA);
  trace.Run(31us, 40us, kWorker, kWorkA).Run(41us, 50us, kWorker, kWorkA);
  const Outcome o = Reconstruct(trace);
  ASSERT_EQ(o.size(), 3u);
  EXPECT_EQ(o.QueuedAt(10us).started, Timestamp(20us));
  EXPECT_EQ(o.QueuedAt(19us).started, Timestamp(31us));
  EXPECT_EQ(o.QueuedAt(30us).started, Timestamp(41us));
  EXPECT_EQ(o.quality.ambiguous, 0u);
  EXPECT_EQ(o.quality.unmatched_starts, 0u);
}

TEST(PendingWindowTest, TheDoubtIsSettledAtTheEndOfTheTraceToo) {
  TraceBuilder trace;
  trace.Put(10us, kTask, kWorkA).Put(15us, kTask, kWorkA);
  trace.Run(20us, 30us, kWorker, kWorkA);
  const Outcome o = Reconstruct(trace);
  ASSERT_EQ(o.size(), 2u);
  EXPECT_EQ(o.QueuedAt(10us).state, ItemState::kSuperseded);
  EXPECT_EQ(o.QueuedAt(15us).state, ItemState::kDone);
  EXPECT_TRUE(o.QueuedAt(15us).ambiguous);
}

TEST(PendingWindowTest, TheWindowIsFoundAgainInTheNextLives) {
  TraceBuilder trace;
  trace.Put(10us, kTask, kWorkA).Put(19us, kOtherTask, kWorkA);
  trace.Start(20us, kWorker, kWorkA).End(25us, kWorker, kWorkA);
  trace.Run(26us, 30us, kWorker, kWorkA);
  trace.Put(40us, kTask, kWorkA).Put(49us, kOtherTask, kWorkA);
  trace.Run(50us, 55us, kWorker, kWorkA).Run(56us, 60us, kWorker, kWorkA);
  const Outcome o = Reconstruct(trace);
  ASSERT_EQ(o.size(), 4u);
  EXPECT_EQ(o.QueuedAt(10us).started, Timestamp(20us));
  EXPECT_EQ(o.QueuedAt(19us).started, Timestamp(26us));
  EXPECT_EQ(o.QueuedAt(40us).started, Timestamp(50us));
  EXPECT_EQ(o.QueuedAt(49us).started, Timestamp(56us));
}

TEST(PendingWindowTest, OnlyTheNewestOfSeveralSupersededLivesTakesTheShiftedStart) {
  TraceBuilder trace;
  trace.Put(5us, kTask, kWorkA).Put(10us, kTask, kWorkA).Put(19us, kOtherTask, kWorkA);
  trace.Run(20us, 30us, kWorker, kWorkA).Run(31us, 40us, kWorker, kWorkA);
  const Outcome o = Reconstruct(trace);
  EXPECT_EQ(o.QueuedAt(5us).state, ItemState::kSuperseded);
  EXPECT_EQ(o.QueuedAt(10us).started, Timestamp(20us));
  EXPECT_EQ(o.QueuedAt(19us).started, Timestamp(31us));
}

TEST(ActivationTest, AnActivationBelongsToTheNewestQueuedLifeThatLacksOne) {
  TraceBuilder trace;
  trace.Queue(10us, kTask, kWorkA).Queue(20us, kTask, kWorkA).Activate(25us, kTask, kWorkA);
  trace.Run(30us, 40us, kWorker, kWorkA);
  const Outcome o = Reconstruct(trace);
  EXPECT_EQ(o.QueuedAt(10us).activated, kUnseen);
  EXPECT_EQ(o.QueuedAt(20us).activated, Timestamp(25us));
}

TEST(ActivationTest, ALateActivationByAnotherTaskOnAnotherCpuIsLegal) {
  TraceBuilder trace;
  trace.Queue(10us, kTask, kWorkA, {"f", "wq", 1});
  trace.Activate(50us, kUnboundWorker.On(3), kWorkA);
  trace.Run(60us, 70us, kWorkerOn1, kWorkA);
  const Outcome o = Reconstruct(trace);
  const WorkItem i = o.QueuedAt(10us);
  EXPECT_EQ(i.ActivationWait(), 40us);
  EXPECT_EQ(i.queue_cpu, Cpu{0});
  EXPECT_EQ(o.PoolName(i), "cpu1") << "where it was activated says nothing of the pool";
}

TEST(ActivationTest, AnOrderedWorkRequeuedWhileRunningWaitsForItsOwnSlot) {
  TraceBuilder trace;
  trace.Put(10us, kTask, kWorkA, kUnboundJob).Start(20us, kUnboundWorker, kWorkA);
  trace.Queue(30us, kTask, kWorkA, kUnboundJob);
  trace.End(40us, kUnboundWorker, kWorkA).Activate(41us, kUnboundWorker, kWorkA);
  trace.Run(42us, 50us, kUnboundWorker, kWorkA);
  const Outcome o = Reconstruct(trace);
  const WorkItem second = o.QueuedAt(30us);
  EXPECT_EQ(second.ActivationWait(), 11us);
  EXPECT_EQ(second.DispatchWait(), 1us);
  EXPECT_FALSE(second.collided) << "max_active held it, not its own execution";
}

TEST(ActivationTest, ACancelledInactiveWorkIsActivatedAndNeverStarts) {
  TraceBuilder trace;
  trace.Put(1us, kTask, kWorkB).Start(2us, kWorker, kWorkB);
  trace.Queue(10us, kTask, kWorkA).Activate(20us, kTask, kWorkA);
  trace.End(30us, kWorker, kWorkB);
  const Outcome o = Reconstruct(trace);
  ASSERT_EQ(o.size(), 2u);
  EXPECT_EQ(o.QueuedAt(10us).state, ItemState::kPending);
  EXPECT_EQ(o.QueuedAt(10us).started, kUnseen);
}

TEST(ActivationTest, ACancelledInactiveWorkThatIsQueuedAgainIsSuperseded) {
  TraceBuilder trace;
  trace.Queue(10us, kTask, kWorkA).Activate(20us, kTask, kWorkA);
  trace.Put(100us, kTask, kWorkA).Run(110us, 120us, kWorker, kWorkA);
  const Outcome o = Reconstruct(trace);
  ASSERT_EQ(o.size(), 2u);
  EXPECT_EQ(o.QueuedAt(10us).state, ItemState::kSuperseded);
  EXPECT_EQ(o.QueuedAt(100us).Latency(), 10us);
}

TEST(ActivationTest, ModDelayedWorkOnAnInactiveItemActivatesThenQueuesAgain) {
  TraceBuilder trace;
  trace.Queue(10us, kTask, kWorkA).Activate(50us, kTask.In(kFlagIrqsOff), kWorkA);
  trace.Put(50us, kTask.In(kFlagIrqsOff), kWorkA).Run(60us, 70us, kWorker, kWorkA);
  const Outcome o = Reconstruct(trace);
  ASSERT_EQ(o.size(), 2u);
  EXPECT_EQ(o.QueuedAt(10us).state, ItemState::kSuperseded);
  EXPECT_EQ(o.QueuedAt(50us).ActivationWait(), 0us);
  EXPECT_EQ(o.QueuedAt(50us).Latency(), 10us);
}

TEST(ActivationTest, AnActivationOfAWorkThatIsAlreadyActiveMakesNoItem) {
  TraceBuilder trace;
  trace.Put(10us, kTask, kWorkA).Activate(15us, kTask, kWorkA);
  trace.Run(20us, 30us, kWorker, kWorkA);
  const Outcome o = Reconstruct(trace);
  ASSERT_EQ(o.size(), 1u);
  EXPECT_EQ(o.items[0].activated, Timestamp(10us));
  EXPECT_EQ(o.quality.stray_activations, 1u);
}

TEST(ActivationTest, WithoutActivateEventsLatencyIsToldAndItsPartsAreNot) {
  TraceBuilder trace;
  trace.WithoutActivate().Queue(10us, kTask, kWorkA).Run(15us, 20us, kWorker, kWorkA);
  const WorkItem i = Reconstruct(trace).QueuedAt(10us);
  EXPECT_EQ(i.state, ItemState::kDone);
  EXPECT_EQ(i.Latency(), 5us);
  EXPECT_EQ(i.ActivationWait(), std::nullopt);
  EXPECT_EQ(i.DispatchWait(), std::nullopt);
}

}  // namespace
}  // namespace wqprof::testing
