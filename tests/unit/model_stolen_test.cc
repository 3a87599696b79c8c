// SPDX-License-Identifier: Apache-2.0
// What interrupts and BH works take from executions: a part of the time on the CPU, counted once
// however they nest, and absent where the trace does not tell.
#include <gtest/gtest.h>

#include "support/outcome.h"
#include "support/trace_builder.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

constexpr Emitter kIdle{0, "swapper/0", 0, 0};
const Emitter kInHardirq = kWorker.In(kFlagHardirq);
const Emitter kInSoftirq = kWorker.In(kFlagSoftirq);
constexpr Job kBhJob{"bh_fn", "bh_wq", 0};

// kWorker is on its CPU; kWorkA is queued.
TraceBuilder OnCpu() {
  TraceBuilder t;
  t.Switch(1us, 0, kIdle, kWorker).Put(2us, kTask.On(1), kWorkA);
  return t;
}

TraceBuilder& HardIrq(TraceBuilder& t, Nanos from, Nanos to) {
  return t.Interrupt(from, kInHardirq, EventKind::kIrqEntry)
      .Interrupt(to, kInHardirq, EventKind::kIrqExit);
}

RunSplit RunOf(TraceBuilder& t) {
  const Outcome o = Reconstruct(t);
  const auto it = o.splits.find(o.QueuedAt(2us).id);
  EXPECT_TRUE(it != o.splits.end() && it->second.run.has_value());
  return it != o.splits.end() ? it->second.run.value_or(RunSplit{}) : RunSplit{};
}

TEST(StolenTest, ABhWorkOnTheWorkersCpuIsToldAndStaysAPartOfTheTimeOnTheCpu) {
  TraceBuilder t = OnCpu();
  t.Start(10us, kWorker, kWorkA).Put(12us, kWorker, kWorkB, kBhJob);
  t.Run(20us, 27us, kInSoftirq, kWorkB, kBhJob).End(50us, kWorker, kWorkA);
  const RunSplit r = RunOf(t);
  EXPECT_EQ(r.on_cpu, 40us);
  EXPECT_EQ(r.stolen_bh, 7us);
  EXPECT_FALSE(r.stolen_irq.has_value()) << "no event of an interrupt was recorded";
}

TEST(StolenTest, ATraceWithoutInterruptsAndBhWorksTellsNothingAndNotZero) {
  TraceBuilder t = OnCpu();
  t.Run(10us, 50us, kWorker, kWorkA);
  EXPECT_FALSE(RunOf(t).Stolen().has_value());
}

TEST(StolenTest, OnceInterruptsAreSeenAnExecutionWithoutAnyHasZero) {
  TraceBuilder t = OnCpu();
  HardIrq(t, 4us, 5us).Run(10us, 50us, kWorker, kWorkA);
  const RunSplit r = RunOf(t);
  EXPECT_EQ(r.stolen_irq, 0us);
  EXPECT_FALSE(r.stolen_bh.has_value());
}

TEST(StolenTest, AnExecutionThatBeganBeforeTheFirstInterruptDoesNotTell) {
  TraceBuilder t = OnCpu();
  t.Start(10us, kWorker, kWorkA);
  HardIrq(t, 20us, 25us).End(50us, kWorker, kWorkA);
  EXPECT_FALSE(RunOf(t).stolen_irq.has_value());
}

TEST(StolenTest, WhatNestsIsCountedOnce) {
  TraceBuilder t = OnCpu();
  HardIrq(t, 4us, 5us).Start(10us, kWorker, kWorkA).Put(12us, kWorker, kWorkB, kBhJob);
  // A softirq with a BH work in it, which a hardirq interrupts.
  t.Interrupt(20us, kInSoftirq, EventKind::kSoftirqEntry).Start(21us, kInSoftirq, kWorkB, kBhJob);
  HardIrq(t, 23us, 26us).End(30us, kInSoftirq, kWorkB, kBhJob);
  t.Interrupt(32us, kInSoftirq, EventKind::kSoftirqExit).End(50us, kWorker, kWorkA);
  const RunSplit r = RunOf(t);
  EXPECT_EQ(r.stolen_bh, 6us);
  EXPECT_EQ(r.stolen_irq, 1us + 3us + 2us);
  EXPECT_EQ(r.Stolen(), 12us);
  EXPECT_EQ(r.on_cpu, 40us);
}

TEST(StolenTest, WhatInterruptsAnotherTaskIsTakenFromNoWork) {
  TraceBuilder t = OnCpu();
  HardIrq(t, 4us, 5us).Start(10us, kWorker, kWorkA).Switch(15us, 0, kWorker, kTask, 'D');
  t.Interrupt(20us, kTask.In(kFlagHardirq), EventKind::kIrqEntry);
  t.Interrupt(28us, kTask.In(kFlagHardirq), EventKind::kIrqExit);
  t.Wakeup(29us, kTask, kWorker).Switch(30us, 0, kTask, kWorker);
  HardIrq(t, 31us, 33us).End(50us, kWorker, kWorkA);
  const RunSplit r = RunOf(t);
  EXPECT_EQ(r.stolen_irq, 2us);
  EXPECT_EQ(r.on_cpu, 25us);
}

TEST(StolenTest, AnExecutionThatALossMayHaveTouchedDoesNotTell) {
  TraceBuilder t = OnCpu();
  HardIrq(t, 4us, 5us).Start(10us, kWorker, kWorkA).Loss(20us, 21us, 0);
  HardIrq(t, 30us, 33us).End(50us, kWorker, kWorkA);
  EXPECT_FALSE(RunOf(t).Stolen().has_value());
}

TEST(StolenTest, ASoftirqThatWasPreemptedLeavesADoubt) {
  // PREEMPT_RT runs softirqs in tasks, here in the worker itself.
  TraceBuilder t = OnCpu();
  HardIrq(t, 4us, 5us).Start(10us, kWorker, kWorkA);
  t.Interrupt(20us, kInSoftirq, EventKind::kSoftirqEntry);
  t.Switch(22us, 0, kWorker, kTask, 'R', true).Switch(40us, 0, kTask, kWorker);
  t.Interrupt(42us, kInSoftirq, EventKind::kSoftirqExit).End(50us, kWorker, kWorkA);
  const RunSplit r = RunOf(t);
  EXPECT_FALSE(r.Stolen().has_value());
  EXPECT_EQ(r.preempted, 18us);
}

TEST(StolenTest, AnExitWithoutItsEntryIsLetGo) {
  TraceBuilder t = OnCpu();
  t.Interrupt(4us, kInHardirq, EventKind::kIrqExit).Start(10us, kWorker, kWorkA);
  HardIrq(t, 20us, 21us).End(50us, kWorker, kWorkA);
  EXPECT_EQ(RunOf(t).stolen_irq, 1us);
}

}  // namespace
}  // namespace wqprof::testing
