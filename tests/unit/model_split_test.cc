// SPDX-License-Identifier: Apache-2.0
// Where the time of waits and executions went, by the scheduler's events.  That the parts add
// up to the whole, to the nanosecond, is checked for every item by Reconstruct().
#include <gtest/gtest.h>

#include "support/outcome.h"
#include "support/trace_builder.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

constexpr Emitter kIdle{0, "swapper/0", 0, 0};

// A trace in which both workers of CPU 0 are known to sleep, idle, from 2 us on.
TraceBuilder WithIdleWorkers() {
  TraceBuilder t;
  t.Switch(1us, 0, kWorker, kIdle, 'I').Switch(2us, 0, kWorker2, kIdle, 'I');
  return t;
}

WaitSplit WaitOf(const Outcome& o, const WorkItem& item) {
  const auto it = o.splits.find(item.id);
  EXPECT_TRUE(it != o.splits.end() && it->second.wait.has_value());
  return it != o.splits.end() ? it->second.wait.value_or(WaitSplit{}) : WaitSplit{};
}

RunSplit RunOf(const Outcome& o, const WorkItem& item) {
  const auto it = o.splits.find(item.id);
  EXPECT_TRUE(it != o.splits.end() && it->second.run.has_value());
  return it != o.splits.end() ? it->second.run.value_or(RunSplit{}) : RunSplit{};
}

TEST(WaitSplitTest, SleepWakeUpRunqueueAndTheWayToTheItemAreToldApart) {
  TraceBuilder t = WithIdleWorkers();
  t.Put(10us, kTask, kWorkA).Waking(13us, kTask, kWorker).Wakeup(18us, kTask, kWorker);
  t.Switch(28us, 0, kTask, kWorker).Run(30us, 40us, kWorker, kWorkA);
  const Outcome o = Reconstruct(t);
  const WaitSplit w = WaitOf(o, o.QueuedAt(10us));
  EXPECT_EQ(w.hold, 3us);
  EXPECT_EQ(w.wakeup, 5us);
  EXPECT_EQ(w.runqueue, 10us);
  EXPECT_EQ(w.pre_work, 2us);
  EXPECT_EQ(w.head_of_line + w.worker_creation + w.unknown, 0us);
}

TEST(WaitSplitTest, APreemptedItemHoldsThePoolAlthoughItIsOffTheCpu) {
  // The pool counts it as running, so that the idle worker is not woken.
  TraceBuilder t = WithIdleWorkers();
  t.Put(10us, kTask, kWorkA).Waking(10us, kTask, kWorker).Wakeup(11us, kTask, kWorker);
  t.Switch(12us, 0, kTask, kWorker).Start(13us, kWorker, kWorkA);
  t.Switch(20us, 0, kWorker, kTask, 'R', true).Put(21us, kTask, kWorkB);
  t.Switch(60us, 0, kTask, kWorker).End(70us, kWorker, kWorkA).Run(71us, 72us, kWorker, kWorkB);
  const Outcome o = Reconstruct(t);
  EXPECT_EQ(WaitOf(o, o.QueuedAt(21us)).head_of_line, 49us);
  EXPECT_EQ(WaitOf(o, o.QueuedAt(21us)).pre_work, 1us);
  EXPECT_EQ(RunOf(o, o.QueuedAt(10us)).preempted, 40us);
}

TEST(WaitSplitTest, AnItemThatBlocksEndsTheHoldOfTheNext) {
  TraceBuilder t = WithIdleWorkers();
  t.Put(10us, kTask, kWorkA).Waking(10us, kTask, kWorker).Wakeup(10us, kTask, kWorker);
  t.Switch(11us, 0, kTask, kWorker).Start(12us, kWorker, kWorkA).Put(20us, kWorker, kWorkB);
  // A worker that goes to sleep wakes the next one before it is off the CPU.
  t.Waking(50us, kWorker, kWorker2).Wakeup(51us, kWorker, kWorker2);
  t.Switch(53us, 0, kWorker, kWorker2, 'D').Run(54us, 60us, kWorker2, kWorkB);
  t.Waking(80us, kTask, kWorker)
      .Wakeup(80us, kTask, kWorker)
      .Switch(85us, 0, kWorker2, kWorker, 'I');
  t.End(90us, kWorker, kWorkA);
  const Outcome o = Reconstruct(t);
  const WaitSplit w = WaitOf(o, o.QueuedAt(20us));
  EXPECT_EQ(w.hold, 30us);
  EXPECT_EQ(w.wakeup, 1us);
  EXPECT_EQ(w.runqueue, 2us);
  EXPECT_EQ(w.pre_work, 1us);
  const RunSplit r = RunOf(o, o.QueuedAt(10us));
  EXPECT_EQ(r.blocked, 27us);
  EXPECT_EQ(r.blocked_in_d, 27us);
  EXPECT_EQ(r.runnable, 5us);
  EXPECT_EQ(r.on_cpu, 41us + 5us);
}

TEST(WaitSplitTest, TheSecondOfABurstWaitsInLineAndMissesNoWakeUp) {
  TraceBuilder t = WithIdleWorkers();
  t.Put(10us, kTask, kWorkA).Waking(11us, kTask, kWorker).Wakeup(11us, kTask, kWorker);
  t.Put(12us, kTask, kWorkB).Switch(20us, 0, kTask, kWorker);
  t.Run(21us, 31us, kWorker, kWorkA).Run(32us, 33us, kWorker, kWorkB);
  const Outcome o = Reconstruct(t);
  const WaitSplit w = WaitOf(o, o.QueuedAt(12us));
  EXPECT_EQ(w.head_of_line, 10us);
  EXPECT_EQ(w.runqueue, 8us);
  EXPECT_EQ(w.pre_work, 2us);
  EXPECT_EQ(w.unknown + w.hold, 0us);
}

TEST(WaitSplitTest, AWorkerThatIsWokenInVainIsChargedWithNothing) {
  TraceBuilder t = WithIdleWorkers();
  t.Put(10us, kTask, kWorkA).Waking(10us, kTask, kWorker2).Wakeup(11us, kTask, kWorker2);
  t.Switch(12us, 0, kTask, kWorker2).Waking(13us, kTask, kWorker).Wakeup(13us, kTask, kWorker);
  t.Switch(14us, 0, kWorker2, kWorker, 'I').Run(15us, 20us, kWorker, kWorkA);
  const Outcome o = Reconstruct(t);
  const WaitSplit w = WaitOf(o, o.QueuedAt(10us));
  EXPECT_EQ(w.hold, 3us);
  EXPECT_EQ(w.runqueue, 1us);
  EXPECT_EQ(w.pre_work, 1us);
}

TEST(WaitSplitTest, AWorkerThatSleepsBeforeItsItemIsMakingAnother) {
  TraceBuilder t = WithIdleWorkers();
  t.Put(10us, kTask, kWorkA).Waking(10us, kTask, kWorker).Wakeup(10us, kTask, kWorker);
  t.Switch(11us, 0, kTask, kWorker).Switch(13us, 0, kWorker, kIdle, 'D');
  t.Waking(93us, kTask, kWorker).Wakeup(93us, kTask, kWorker).Switch(94us, 0, kIdle, kWorker, 'R');
  t.Run(96us, 99us, kWorker, kWorkA);
  const Outcome o = Reconstruct(t);
  const WaitSplit w = WaitOf(o, o.QueuedAt(10us));
  EXPECT_EQ(w.worker_creation, 80us);
  EXPECT_EQ(w.pre_work, 2us + 2us);
  EXPECT_EQ(w.runqueue, 1us + 1us);
}

TEST(WaitSplitTest, AWorkerThatIsNamedWhenItIsForkedWasNotThereBefore) {
  TraceBuilder t;
  const Emitter made{60, "kworker/0:9", 0, 0};
  t.Switch(1us, 0, kIdle, kTask).Put(10us, kTask, kWorkA);
  t.Fork(20us, kTask, 60, made.comm).Wakeup(22us, kTask, made).Switch(25us, 0, kTask, made);
  t.Switch(26us, 0, made, kTask, 'D').Waking(46us, kTask, made).Wakeup(46us, kTask, made);
  t.Switch(47us, 0, kTask, made).Run(50us, 60us, made, kWorkA);
  const Outcome o = Reconstruct(t);
  const WaitSplit w = WaitOf(o, o.QueuedAt(10us));
  EXPECT_EQ(w.unknown, 0us);
  EXPECT_EQ(w.hold, 12us);
  EXPECT_EQ(w.worker_creation, 20us);
}

TEST(WaitSplitTest, WhatWasBeforeAWorkersFirstSchedulerEventIsUnknown) {
  TraceBuilder t;
  t.Switch(1us, 0, kIdle, kTask).Put(10us, kTask, kWorkA);
  t.Switch(20us, 0, kTask, kWorker).Run(21us, 22us, kWorker, kWorkA);
  const Outcome o = Reconstruct(t);
  const WaitSplit w = WaitOf(o, o.QueuedAt(10us));
  EXPECT_EQ(w.unknown, 10us);
  EXPECT_EQ(w.pre_work, 1us);
}

TEST(RunSplitTest, AWorkerThatLeavesItsCpuHadItSinceItsStart) {
  TraceBuilder t;
  t.Switch(1us, 0, kIdle, kTask).Put(5us, kTask, kWorkA);
  t.Start(10us, kWorker, kWorkA).Switch(30us, 0, kWorker, kTask, 'D');
  t.Switch(40us, 0, kTask, kWorker).End(50us, kWorker, kWorkA);
  const Outcome o = Reconstruct(t);
  const RunSplit r = RunOf(o, o.QueuedAt(5us));
  EXPECT_EQ(r.on_cpu, 30us);
  EXPECT_EQ(r.blocked_in_d, 10us);
  EXPECT_EQ(r.unknown, 0us);
}

TEST(RunSplitTest, ButNotFromBeforeALoss) {
  TraceBuilder t;
  t.Switch(1us, 0, kIdle, kTask).Put(5us, kTask, kWorkA);
  t.Start(10us, kWorker, kWorkA).LossBegin(15us, 1).LossEnd(20us, 1);
  t.Switch(30us, 0, kWorker, kTask, 'D').Switch(40us, 0, kTask, kWorker);
  t.End(50us, kWorker, kWorkA);
  const Outcome o = Reconstruct(t);
  const RunSplit r = RunOf(o, o.QueuedAt(5us));
  EXPECT_EQ(r.unknown, 10us) << "up to the end of the loss";
}

TEST(RunSplitTest, NorFromWithinOne) {
  TraceBuilder t;
  t.Switch(1us, 0, kIdle, kTask).Put(5us, kTask, kWorkA).LossBegin(8us, 1);
  t.Start(10us, kWorker, kWorkA).LossEnd(20us, 1);
  t.Switch(30us, 0, kWorker, kTask, 'D').Switch(40us, 0, kTask, kWorker);
  t.End(50us, kWorker, kWorkA);
  const Outcome o = Reconstruct(t);
  EXPECT_EQ(RunOf(o, o.QueuedAt(5us)).unknown, 10us) << "up to the end of the loss";
}

TEST(RunSplitTest, ALongExecutionIsToldWholeHoweverManyOthersComeMeanwhile) {
  TraceBuilder t = WithIdleWorkers();
  t.Put(10us, kTask, kWorkA).Switch(11us, 0, kTask, kWorker).Start(12us, kWorker, kWorkA);
  Nanos at = 20us;
  for (int i = 0; i < 3000; ++i, at += 10us) {
    t.Switch(at, 0, kWorker, kWorker2, 'D').Put(at + 1us, kWorker2, kWorkB);
    t.Run(at + 2us, at + 3us, kWorker2, kWorkB).Switch(at + 4us, 0, kWorker2, kWorker);
  }
  // What is not needed any more is forgotten between batches.
  t.End(at, kWorker, kWorkA).BatchSize(100);
  const Outcome o = Reconstruct(t);
  const RunSplit r = RunOf(o, o.QueuedAt(10us));
  EXPECT_EQ(r.unknown, 0us);
  EXPECT_EQ(r.blocked_in_d, 3000 * 4us);
}

TEST(WaitSplitTest, ALossMakesTheStateOfAllWorkersUnknown) {
  TraceBuilder t = WithIdleWorkers();
  t.Put(10us, kTask, kWorkA).LossBegin(15us, 1).LossEnd(25us, 1);
  t.Waking(30us, kTask, kWorker).Wakeup(31us, kTask, kWorker).Switch(32us, 0, kTask, kWorker);
  t.Run(33us, 34us, kWorker, kWorkA);
  const Outcome o = Reconstruct(t);
  const WaitSplit w = WaitOf(o, o.QueuedAt(10us));
  EXPECT_EQ(w.hold, 5us);
  EXPECT_EQ(w.unknown, 15us);
}

TEST(WaitSplitTest, WithoutSchedulerEventsThereIsNone) {
  TraceBuilder t;
  t.Put(10us, kTask, kWorkA).Run(20us, 21us, kWorker, kWorkA);
  EXPECT_TRUE(Reconstruct(t).splits.empty());
}

TEST(RunSplitTest, EveryWayToBeOffTheCpuHasItsPart) {
  TraceBuilder t = WithIdleWorkers();
  t.Put(10us, kTask, kWorkA).Waking(10us, kTask, kWorker).Wakeup(10us, kTask, kWorker);
  t.Switch(11us, 0, kTask, kWorker).Start(12us, kWorker, kWorkA);
  Nanos at = 20us;
  // R and R+ are preemption, any sleep is blocked: an open execution makes no worker idle.
  const std::tuple<char, bool, Nanos> off[] = {{'R', false, 1us},
                                               {'R', true, 10us},
                                               {'D', false, 100us},
                                               {'I', false, 200us},
                                               {'S', false, 400us}};
  for (const auto& [state, preempted, length] : off) {
    t.Switch(at, 0, kWorker, kIdle, state, preempted);
    at += length;
    if (state != 'R') t.Waking(at, kTask, kWorker).Wakeup(at, kTask, kWorker);
    t.Switch(at, 0, kIdle, kWorker, 'R');
    at += 3us;
  }
  t.End(at, kWorker, kWorkA);
  const Outcome o = Reconstruct(t);
  const RunSplit r = RunOf(o, o.QueuedAt(10us));
  EXPECT_EQ(r.preempted, 11us);
  EXPECT_EQ(r.blocked, 700us);
  EXPECT_EQ(r.blocked_in_d, 100us);
  EXPECT_EQ(r.blocked_in_i, 200us);
  EXPECT_EQ(r.blocked_in_s(), 400us);
  EXPECT_EQ(r.on_cpu, 8us + 5 * 3us);
  EXPECT_EQ(r.runnable + r.unknown, 0us);
}

TEST(GapTest, NamesTheWorkerThatEndedItAndTheTaskThatHadItsCpu) {
  const Emitter spinner{77, "spin", 0, 0};
  TraceBuilder t = WithIdleWorkers();
  t.Put(1ms, kTask, kWorkC).Waking(1ms, kTask, kWorker).Wakeup(1ms, kTask, kWorker);
  t.Switch(1ms + 1us, 0, kTask, kWorker).Run(1ms + 2us, 1ms + 3us, kWorker, kWorkC);
  t.Switch(1ms + 4us, 0, kWorker, spinner, 'I');
  t.Put(2ms, kTask.On(1), kWorkA)
      .Waking(2ms, kTask.On(1), kWorker)
      .Wakeup(2ms, kTask.On(1), kWorker);
  t.Switch(42ms, 0, spinner, kWorker, 'R', true).Run(42ms + 1us, 43ms, kWorker, kWorkA);
  const Outcome o = Reconstruct(t);
  ASSERT_EQ(o.gaps.size(), 1u);
  const PoolGap& gap = o.gaps[0];
  EXPECT_EQ(gap.starter_pid, Pid{kWorker.pid});
  ASSERT_TRUE(gap.starter.has_value());
  EXPECT_EQ(gap.starter->runqueue, 40ms);
  EXPECT_EQ(t.names().Get(gap.starter_preempted_by.comm), "spin");
}

TEST(GapTest, NamesTheTaskThatPreemptedAHolder) {
  const Emitter spinner{77, "spin", 0, 0};
  TraceBuilder t = WithIdleWorkers();
  t.Put(1ms, kTask, kWorkA).Waking(1ms, kTask, kWorker).Wakeup(1ms, kTask, kWorker);
  t.Switch(1ms + 1us, 0, kTask, kWorker).Start(1ms + 2us, kWorker, kWorkA);
  t.Switch(2ms, 0, kWorker, spinner, 'R', true).Put(3ms, kTask.On(1), kWorkB);
  t.Switch(43ms, 0, spinner, kWorker, 'R', true).End(44ms, kWorker, kWorkA);
  t.Run(44ms + 1us, 45ms, kWorker, kWorkB);
  const Outcome o = Reconstruct(t);
  ASSERT_EQ(o.gaps.size(), 1u);
  ASSERT_EQ(o.gaps[0].holders.size(), 1u);
  EXPECT_EQ(o.gaps[0].holders[0].split.value_or(RunSplit{}).preempted, 40ms);
  EXPECT_EQ(t.names().Get(o.gaps[0].holders[0].preempted_by.comm), "spin");
}

}  // namespace
}  // namespace wqprof::testing
