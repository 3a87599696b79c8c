// SPDX-License-Identifier: Apache-2.0
// Works that are queued while they run, addresses that serve several works, barriers
// (doc/kernel.md §8, 6-11, 17-20d).
#include <gtest/gtest.h>

#include "support/outcome.h"
#include "support/trace_builder.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

TEST(RequeueTest, AWorkQueuedWhileItRunsWaitsForItsOwnEnd) {
  TraceBuilder trace;
  trace.Put(10us, kTask, kWorkA).Start(20us, kWorker, kWorkA);
  trace.Put(30us, kOtherTask, kWorkA);
  trace.End(40us, kWorker, kWorkA).Run(41us, 50us, kWorker, kWorkA);
  const Outcome o = Reconstruct(trace);
  ASSERT_EQ(o.size(), 2u);
  EXPECT_EQ(o.QueuedAt(10us).Execution(), 20us);
  EXPECT_FALSE(o.QueuedAt(10us).collided);
  const WorkItem second = o.QueuedAt(30us);
  EXPECT_EQ(second.Latency(), 11us) << "counts from its own queue event";
  EXPECT_TRUE(second.collided);
  EXPECT_FALSE(second.requeued_by_self);
}

TEST(RequeueTest, AQueueEventByTheExecutingWorkerIsItsChild) {
  TraceBuilder trace;
  trace.Put(10us, kTask, kWorkA, {"parent"}).Start(20us, kWorker, kWorkA, {"parent"});
  trace.Put(25us, kWorker, kWorkB, {"child"}).Put(26us, kWorker, kWorkA, {"parent"});
  trace.End(30us, kWorker, kWorkA, {"parent"});
  trace.Run(40us, 50us, kWorker, kWorkB, {"child"});
  trace.Run(60us, 70us, kWorker, kWorkA, {"parent"});
  const Outcome o = Reconstruct(trace);
  const WorkItem child = o.QueuedAt(25us);
  EXPECT_EQ(child.origin.kind, Origin::Kind::kWork);
  EXPECT_EQ(trace.names().Get(child.origin.function), "parent");
  EXPECT_EQ(child.origin.pid, Pid{kWorker.pid});
  EXPECT_FALSE(child.requeued_by_self);
  const WorkItem again = o.QueuedAt(26us);
  EXPECT_EQ(again.origin.kind, Origin::Kind::kWork);
  EXPECT_TRUE(again.requeued_by_self);
}

TEST(RequeueTest, AnInterruptOfTheExecutingWorkerIsNotItsChild) {
  TraceBuilder trace;
  trace.Put(10us, kTask, kWorkA).Start(20us, kWorker, kWorkA);
  trace.Put(25us, kWorker.In(kFlagHardirq | kFlagIrqsOff), kWorkA);
  trace.End(30us, kWorker, kWorkA).Run(31us, 40us, kWorker, kWorkA);
  const WorkItem i = Reconstruct(trace).QueuedAt(25us);
  EXPECT_EQ(i.origin.kind, Origin::Kind::kHardirq);
  EXPECT_FALSE(i.requeued_by_self);
}

TEST(OriginTest, TheContextOfTheQueueEventIsTold) {
  TraceBuilder trace;
  trace.Put(1us, kTask, WorkAddr{1}).Put(2us, kTask.In(kFlagHardirq), WorkAddr{2});
  trace.Put(3us, kTask.In(kFlagSoftirq), WorkAddr{3}).Put(4us, kTask.In(kFlagNmi), WorkAddr{4});
  trace.Put(5us, kTask.In(kFlagSoftirq | kFlagHardirq), WorkAddr{5});
  trace.Put(6us, kTask.In(kFlagIrqsOff), WorkAddr{6});
  const Outcome o = Reconstruct(trace);
  EXPECT_EQ(o.QueuedAt(1us).origin.kind, Origin::Kind::kTask);
  EXPECT_EQ(o.QueuedAt(1us).origin.pid, Pid{kTask.pid});
  EXPECT_EQ(o.QueuedAt(2us).origin.kind, Origin::Kind::kHardirq);
  EXPECT_EQ(o.QueuedAt(3us).origin.kind, Origin::Kind::kSoftirq);
  EXPECT_EQ(o.QueuedAt(4us).origin.kind, Origin::Kind::kNmi);
  EXPECT_EQ(o.QueuedAt(5us).origin.kind, Origin::Kind::kHardirq) << "it interrupted the softirq";
  EXPECT_EQ(o.QueuedAt(6us).origin.kind, Origin::Kind::kTask);
}

TEST(OriginTest, AnIdleWorkerThatQueuesIsATask) {
  TraceBuilder trace;
  trace.Put(1us, kTask, kWorkA).Run(2us, 3us, kWorker, kWorkA);
  trace.Put(5us, kWorker, kWorkB);
  EXPECT_EQ(Reconstruct(trace).QueuedAt(5us).origin.kind, Origin::Kind::kTask);
}

TEST(BarrierTest, ABarrierIsNoItemOfALatencyAndNoUnmatchedStart) {
  TraceBuilder trace;
  trace.CoveredFrom(0us).Put(10us, kTask, kWorkA).Run(20us, 30us, kWorker, kWorkA);
  trace.Run(31us, 33us, kWorker, kWorkB, kBarrierJob);
  const Outcome o = Reconstruct(trace);
  const WorkItem barrier = o.StartedAt(31us);
  EXPECT_EQ(barrier.state, ItemState::kBarrier);
  EXPECT_EQ(barrier.Execution(), 2us);
  EXPECT_EQ(barrier.Latency(), std::nullopt);
  EXPECT_EQ(o.quality.barriers, 1u);
  EXPECT_EQ(o.quality.unmatched_starts, 0u);
  EXPECT_EQ(o.quality.executed, 1u);
}

TEST(BarrierTest, ABarrierOccupiesItsWorker) {
  TraceBuilder trace;
  trace.Put(10us, kTask, kWorkA).Run(20us, 30us, kWorker, kWorkA);
  trace.Run(31us, 34us, kWorker, kWorkB, kBarrierJob);
  const Outcome o = Reconstruct(trace);
  EXPECT_EQ(o.Occupancy("cpu0").executions, 2u);
  EXPECT_EQ(o.Occupancy("cpu0").busy_sum, 13us);
}

TEST(BarrierTest, TwoBarriersAtOneAddressOverlapOnTwoWorkers) {
  // The flusher returned and used its stack again before the first one's end event.
  TraceBuilder trace;
  trace.Start(10us, kWorker, kWorkB, kBarrierJob);
  trace.Start(12us, kWorkerOn1, kWorkB, kBarrierJob);
  trace.End(13us, kWorker, kWorkB, kBarrierJob).End(16us, kWorkerOn1, kWorkB, kBarrierJob);
  const Outcome o = Reconstruct(trace);
  ASSERT_EQ(o.size(), 2u);
  EXPECT_EQ(o.StartedAt(10us).Execution(), 3us);
  EXPECT_EQ(o.StartedAt(12us).Execution(), 4us);
}

TEST(BarrierTest, ABarrierDoesNotTakeTheQueueEventOfAWorkAtItsAddress) {
  TraceBuilder trace;
  trace.Put(10us, kTask, kWorkA, {"on_stack_fn"});
  trace.Run(12us, 13us, kWorker2, kWorkA, kBarrierJob);
  trace.Run(20us, 30us, kWorker, kWorkA, {"on_stack_fn"});
  const Outcome o = Reconstruct(trace);
  EXPECT_EQ(o.StartedAt(12us).state, ItemState::kBarrier);
  EXPECT_EQ(o.QueuedAt(10us).started, Timestamp(20us));
}

TEST(AddressReuseTest, AnEndBelongsToTheWorkerThatStartedNotToTheAddress) {
  // The first object was freed by its own function and its memory queued anew.
  TraceBuilder trace;
  trace.Put(10us, kTask, kWorkA, {"f", "wq1"}).Start(20us, kWorker, kWorkA, {"f"});
  trace.Put(25us, kTask, kWorkA, {"g", "wq2"}).Start(30us, kWorker2, kWorkA, {"g"});
  trace.End(40us, kWorker, kWorkA, {"f"}).End(50us, kWorker2, kWorkA, {"g"});
  const Outcome o = Reconstruct(trace);
  ASSERT_EQ(o.size(), 2u);
  EXPECT_EQ(o.QueuedAt(10us).ended, Timestamp(40us));
  EXPECT_EQ(trace.names().Get(o.QueuedAt(10us).function), "f");
  EXPECT_EQ(o.QueuedAt(25us).started, Timestamp(30us));
  EXPECT_EQ(o.QueuedAt(25us).ended, Timestamp(50us));
  EXPECT_EQ(trace.names().Get(o.QueuedAt(25us).function), "g");
  EXPECT_EQ(trace.names().Get(o.QueuedAt(25us).workqueue), "wq2");
}

TEST(AddressReuseTest, TheSecondObjectMayEndFirst) {
  TraceBuilder trace;
  trace.Put(10us, kTask, kWorkA, {"f"}).Start(20us, kWorker, kWorkA, {"f"});
  trace.Put(25us, kTask, kWorkA, {"g"}).Start(30us, kWorker2, kWorkA, {"g"});
  trace.End(40us, kWorker2, kWorkA, {"g"}).End(50us, kWorker, kWorkA, {"f"});
  const Outcome o = Reconstruct(trace);
  EXPECT_EQ(o.QueuedAt(10us).Execution(), 30us);
  EXPECT_EQ(o.QueuedAt(25us).Execution(), 10us);
}

TEST(AddressReuseTest, TheFunctionThatEndedNamesTheItem) {
  // `func` was rewritten between the dequeue and the start event, which reads it late.
  TraceBuilder trace;
  trace.Put(10us, kTask, kWorkA, {"ran"}).Start(20us, kWorker, kWorkA, {"next"});
  trace.End(30us, kWorker, kWorkA, {"ran"});
  const Outcome o = Reconstruct(trace);
  ASSERT_EQ(o.size(), 1u);
  EXPECT_EQ(trace.names().Get(o.items[0].function), "ran");
  EXPECT_EQ(o.quality.unmatched_ends, 0u);
}

TEST(AddressReuseTest, AnEndWithoutFunctionKeepsTheNameOfTheStart) {
  TraceBuilder trace;
  trace.Put(10us, kTask, kWorkA, {"f"}).Start(20us, kWorker, kWorkA, {"f"});
  trace.EndWithoutFunction(30us, kWorker, kWorkA);
  const WorkItem i = Reconstruct(trace).QueuedAt(10us);
  EXPECT_EQ(trace.names().Get(i.function), "f");
  EXPECT_EQ(i.Execution(), 10us);
}

TEST(ReentrancyTest, OneWorkOnTwoWorkqueuesMayRunTwiceAtOnceAndIsFlagged) {
  TraceBuilder trace;
  trace.Put(10us, kTask, kWorkA, {"f", "wq1"}).Start(20us, kWorker, kWorkA, {"f"});
  trace.Put(21us, kTask, kWorkA, {"f", "wq2"}).Start(25us, kWorker2, kWorkA, {"f"});
  trace.End(30us, kWorker, kWorkA, {"f"}).End(40us, kWorker2, kWorkA, {"f"});
  const Outcome o = Reconstruct(trace);
  ASSERT_EQ(o.size(), 2u);
  EXPECT_TRUE(o.QueuedAt(21us).reentrant);
  EXPECT_EQ(o.QueuedAt(10us).Execution(), 10us);
  EXPECT_EQ(o.QueuedAt(21us).Execution(), 15us);
  EXPECT_FALSE(o.QueuedAt(21us).collided);
}

TEST(ReentrancyTest, LivesThatDoNotOverlapAreNotReentrant) {
  TraceBuilder trace;
  trace.Put(10us, kTask, kWorkA).Run(20us, 30us, kWorker, kWorkA);
  trace.Put(31us, kTask, kWorkA).Run(32us, 40us, kWorker2, kWorkA);
  for (const WorkItem& i : Reconstruct(trace).items) EXPECT_FALSE(i.reentrant);
}

TEST(ReentrancyTest, ARedirectToThePoolThatExecutesTheWorkIsLegal) {
  // Queued on CPU 0 without a wish, but it runs on CPU 1: it goes there.
  TraceBuilder trace;
  trace.Put(10us, kOtherTask, kWorkA, {"f", "wq", 1}).Start(20us, kWorkerOn1, kWorkA, {"f"});
  trace.Put(25us, kTask, kWorkA, {"f", "wq", 1, -1});
  trace.End(30us, kWorkerOn1, kWorkA, {"f"}).Run(31us, 40us, kWorkerOn1, kWorkA, {"f"});
  const Outcome o = Reconstruct(trace);
  const WorkItem i = o.QueuedAt(25us);
  EXPECT_EQ(i.queue_cpu, Cpu{0});
  EXPECT_EQ(i.target_cpu, Cpu{1});
  EXPECT_EQ(o.PoolName(i), "cpu1");
  EXPECT_EQ(i.state, ItemState::kDone);
}

TEST(AddressTest, WorksWithoutAnAddressAreNeverPaired) {
  TraceBuilder trace;
  trace.Put(10us, kTask, WorkAddr{}, {"f"}).Put(11us, kTask, WorkAddr{}, {"g"});
  trace.Run(20us, 23us, kWorker, WorkAddr{}, {"g"});
  const Outcome o = Reconstruct(trace);
  ASSERT_EQ(o.size(), 3u);
  EXPECT_EQ(o.InState(ItemState::kQueued).size(), 2u);
  EXPECT_EQ(o.StartedAt(20us).state, ItemState::kDone);
  EXPECT_EQ(o.StartedAt(20us).Execution(), 3us);
  EXPECT_EQ(o.StartedAt(20us).queued, kUnseen);
  EXPECT_EQ(o.quality.superseded, 0u);
  EXPECT_EQ(o.quality.pending_at_end, 0u);
  EXPECT_TRUE(o.gaps.empty());
}

TEST(OriginTest, ThatTheInputDoesNotTellIsUnknown) {
  TraceBuilder trace;
  trace.Put(10us, {-1, "", 0, 0}, kWorkA).Run(20us, 23us, kWorker, kWorkA);
  EXPECT_EQ(Reconstruct(trace).QueuedAt(10us).origin.kind, Origin::Kind::kUnknown);
}

TEST(WorkqueueNameTest, WorkqueuesOfOneNameAreToldUnderThatNameEach) {
  TraceBuilder trace;
  trace.Put(10us, kTask, kWorkA, {"f", "events", 0}).Run(11us, 12us, kWorker, kWorkA, {"f"});
  trace.Put(20us, kTask, kWorkB, {"g", "events", -1});
  trace.Run(21us, 22us, kUnboundWorker, kWorkB, {"g"});
  const Outcome o = Reconstruct(trace);
  EXPECT_EQ(o.PoolName(o.QueuedAt(10us)), "cpu0");
  EXPECT_EQ(o.PoolName(o.QueuedAt(20us)), "u8") << "behaviour is not inferred from a name";
}

}  // namespace
}  // namespace wqprof::testing
