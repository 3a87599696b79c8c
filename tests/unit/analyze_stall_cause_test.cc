// SPDX-License-Identifier: Apache-2.0
// What the cause of a stall is told to be, from what the pool's workers did meanwhile.
#include <gtest/gtest.h>

#include "analyze/stall_cause.h"
#include "support/trace_builder.h"
#include "wqprof/analyze.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

// A gap of 20 ms, ended by a worker that did `starter` in it.
PoolGap Gap(const WaitSplit& starter) {
  PoolGap gap;
  gap.begin = Timestamp(0ms);
  gap.end = Timestamp(20ms);
  gap.starter = starter;
  return gap;
}

GapHolder Holder(const RunSplit& split) {
  GapHolder holder;
  holder.overlap = 20ms;
  holder.split = split;
  return holder;
}

TEST(StallCauseTest, WorkersThatAllSleepAreBlocked) {
  PoolGap gap = Gap({.hold = 20ms});
  gap.holders = {Holder({.blocked = 20ms}), Holder({.blocked = 19ms})};
  EXPECT_EQ(CauseOf(gap, PoolKind::kPerCpu), StallCause::kAllBlocked);
}

TEST(StallCauseTest, NobodyTookOverBecauseANewWorkerWasBeingMade) {
  // Whoever ends the gap, in the end: one of those that slept, or a worker not seen before.
  for (const WaitSplit& starter : {WaitSplit{.hold = 20ms}, WaitSplit{.head_of_line = 20ms}}) {
    PoolGap gap = Gap(starter);
    gap.holders = {Holder({.blocked = 20ms}), Holder({.blocked = 9ms, .runnable = 11ms})};
    gap.creation = 12ms;
    EXPECT_EQ(CauseOf(gap, PoolKind::kPerCpu), StallCause::kNoIdleWorker);
  }
}

TEST(StallCauseTest, AHogIsTheCauseWhoeverIsMadeMeanwhile) {
  PoolGap gap = Gap({.hold = 20ms});
  gap.holders = {Holder({.on_cpu = 20ms})};
  gap.creation = 20ms;
  EXPECT_EQ(CauseOf(gap, PoolKind::kPerCpu), StallCause::kCpuHog);
}

TEST(StallCauseTest, ARescuerIsCalledWhenNoWorkerIsLeft) {
  PoolGap gap = Gap({.hold = 20ms});
  gap.rescued = true;
  EXPECT_EQ(CauseOf(gap, PoolKind::kPerCpu), StallCause::kNoIdleWorker);
}

TEST(StallCauseTest, WhatARescuerTookWaitsForTheRescuersItemBefore) {
  PoolGap gap = Gap({.pre_work = 1ms, .head_of_line = 19ms});
  gap.holders = {Holder({.blocked = 19ms})};
  gap.rescued = true;
  EXPECT_EQ(CauseOf(gap, PoolKind::kPerCpu), StallCause::kBehindItem);
}

// kworker/0:1 sleeps in its item, and kworker/0:2 over making another worker; a rescuer takes one
// item after the other.
TraceBuilder Rescued() {
  const Emitter rescuer{50, "kworker/R-xfs_m", 0, 0};
  const Emitter idle{0, "swapper/0", 0, 0};
  const Job job{"f", "xfs", 0};
  TraceBuilder t;
  t.Switch(0us, 0, idle, kWorker).Put(1us, kTask, kWorkA, job).Start(2us, kWorker, kWorkA, job);
  t.Switch(3us, 0, kWorker, kWorker2, 'D').Put(4us, kTask, kWorkB, job);
  t.Put(5us, kTask, kWorkC, job).Switch(6us, 0, kWorker2, idle, 'D');
  t.Switch(20ms, 0, idle, rescuer).Start(20010us, rescuer, kWorkB, job);
  t.Switch(20020us, 0, rescuer, idle, 'D').Switch(40ms, 0, idle, rescuer);
  t.End(40010us, rescuer, kWorkB, job).Run(40020us, 40030us, rescuer, kWorkC, job);
  return t;
}

TEST(StallCauseTest, TheRescuersItemIsToldAsTheHolder) {
  TraceBuilder t = Rescued();
  const auto report = Analyze(t, {});
  ASSERT_TRUE(report.ok());
  ASSERT_EQ(report->stalls.size(), 2u);
  EXPECT_EQ(report->stalls[0].pool, "cpu0");
  EXPECT_EQ(report->stalls[0].cause, StallCause::kNoIdleWorker);
  ASSERT_EQ(report->stalls[0].holders.size(), 1u);
  EXPECT_EQ(report->stalls[0].holders[0].worker, "kworker/0:1");
  EXPECT_EQ(report->stalls[1].cause, StallCause::kBehindItem);
  ASSERT_EQ(report->stalls[1].holders.size(), 2u);
  EXPECT_EQ(report->stalls[1].holders[1].worker, "kworker/R-xfs_m");
}

TEST(StallCauseTest, WhoStarvedAWorkerIsNamed) {
  const Emitter hog{77, "rt_hog", 0, 0};
  const Emitter idle{0, "swapper/0", 0, 0};
  TraceBuilder t;
  t.Put(0us, kTask, kWorkA).Switch(1us, 0, idle, kWorker).Run(2us, 3us, kWorker, kWorkA);
  t.Switch(4us, 0, kWorker, hog, 'I').Put(5us, kOtherTask, kWorkB);
  // A short run of another task comes last, but is not what the worker waited for.
  const Emitter other{9, "ksoftirqd/0", 0, 0};
  t.Wakeup(6us, kOtherTask, kWorker).Switch(29ms, 0, hog, other).Switch(30ms, 0, other, kWorker);
  t.Run(30010us, 30020us, kWorker, kWorkB);
  const auto report = Analyze(t, {});
  ASSERT_TRUE(report.ok());
  ASSERT_EQ(report->stalls.size(), 1u);
  EXPECT_EQ(report->stalls[0].cause, StallCause::kStarved);
  ASSERT_TRUE(report->stalls[0].starter.has_value());
  EXPECT_EQ(report->stalls[0].starter->preempted_by->comm, "rt_hog");
  EXPECT_EQ(report->stalls[0].starter->preempted_by->pid, Pid{77});
}

// The trace ends before the worker gets its CPU.
TEST(StallCauseTest, WhoStarvesAWokenWorkerIsNamedBeforeTheStallIsOver) {
  const Emitter hog{77, "rt_hog", 0, 0};
  const Emitter idle{0, "swapper/0", 0, 0};
  TraceBuilder t;
  t.Put(0us, kTask, kWorkA).Switch(1us, 0, idle, kWorker).Run(2us, 3us, kWorker, kWorkA);
  t.Switch(4us, 0, kWorker, hog, 'I').Put(5us, kOtherTask, kWorkB);
  t.Wakeup(6us, kOtherTask, kWorker).Tick(40ms, 0);
  const auto report = Analyze(t, {});
  ASSERT_TRUE(report.ok());
  ASSERT_EQ(report->stalls.size(), 1u);
  const Stall& stall = report->stalls[0];
  EXPECT_TRUE(stall.at_end);
  EXPECT_EQ(stall.cause, StallCause::kStarved);
  ASSERT_TRUE(stall.starter.has_value());
  EXPECT_EQ(stall.starter->worker_pid, Pid{kWorker.pid});
  ASSERT_TRUE(stall.starter->preempted_by.has_value());
  EXPECT_EQ(stall.starter->preempted_by->comm, "rt_hog");
}

TEST(StallCauseTest, AnIdleTaskStarvesNobody) {
  const Emitter idle{0, "swapper/0", 0, 0};
  TraceBuilder t;
  t.Put(0us, kTask, kWorkA).Switch(1us, 0, idle, kWorker).Run(2us, 3us, kWorker, kWorkA);
  t.Switch(4us, 0, kWorker, idle, 'I').Put(5us, kOtherTask, kWorkB);
  // Woken, perhaps even on the runqueue, and the CPU is late to notice.
  t.Waking(6us, kOtherTask, kWorker).Wakeup(15ms, idle, kWorker).Switch(30ms, 0, idle, kWorker);
  t.Run(30010us, 30020us, kWorker, kWorkB);
  const auto report = Analyze(t, {});
  ASSERT_TRUE(report.ok());
  ASSERT_EQ(report->stalls.size(), 1u);
  const Stall& stall = report->stalls[0];
  EXPECT_EQ(stall.cause, StallCause::kIdleCpu);
  EXPECT_EQ(stall.cpu_idle, 30ms - 5us);
  ASSERT_TRUE(stall.starter.has_value());
  EXPECT_FALSE(stall.starter->preempted_by.has_value()) << stall.starter->preempted_by->comm;
  EXPECT_EQ(stall.starter->idled, 30ms - 6us);
}

TEST(StallCauseTest, AWorkerWhoseCpuIdledIsNotStarvedByWhoRanForAMoment) {
  const Emitter hog{77, "short", 0, 0};
  const Emitter idle{0, "swapper/0", 0, 0};
  TraceBuilder t;
  t.Put(0us, kTask, kWorkA).Switch(1us, 0, idle, kWorker).Run(2us, 3us, kWorker, kWorkA);
  t.Switch(4us, 0, kWorker, idle, 'I').Put(5us, kOtherTask, kWorkB);
  t.Waking(6us, kOtherTask, kWorker).Switch(20ms, 0, idle, hog).Switch(21ms, 0, hog, kWorker);
  t.Run(21010us, 21020us, kWorker, kWorkB);
  const auto report = Analyze(t, {});
  ASSERT_TRUE(report.ok());
  ASSERT_EQ(report->stalls.size(), 1u);
  EXPECT_EQ(report->stalls[0].cause, StallCause::kIdleCpu);
  EXPECT_FALSE(report->stalls[0].starter->preempted_by.has_value());
}

TEST(StallCauseTest, SinceWhenAHolderSleepsIsTold) {
  const Emitter idle{0, "swapper/0", 0, 0};
  TraceBuilder t;
  t.Switch(0us, 0, idle, kWorker).Put(1us, kTask, kWorkA).Start(2us, kWorker, kWorkA);
  t.Put(3us, kWorker, kWorkB).Switch(7us, 0, kWorker, idle, 'D');
  t.Switch(30ms, 0, idle, kWorker2).Run(30010us, 30020us, kWorker2, kWorkB);
  const auto report = Analyze(t, {});
  ASSERT_TRUE(report.ok());
  ASSERT_EQ(report->stalls.size(), 1u);
  ASSERT_EQ(report->stalls[0].holders.size(), 1u);
  EXPECT_EQ(report->stalls[0].holders[0].asleep_in, "D");
  EXPECT_EQ(report->stalls[0].holders[0].asleep_since, Timestamp(7us));
}

}  // namespace
}  // namespace wqprof::testing
