// SPDX-License-Identifier: Apache-2.0
// Items that waited while a CPU had nothing to run.
#include <gtest/gtest.h>

#include "model/idle_tracker.h"
#include "support/outcome.h"
#include "support/trace_builder.h"
#include "wqprof/analyze.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

constexpr Emitter kIdle{0, "swapper/0", 0, 0};
constexpr Emitter kIdleOn1{0, "swapper/1", 1, 0};

Timestamp At(Nanos at) { return Timestamp(at); }

TEST(StretchesTest, CoverTheirPartOfAnySpan) {
  Stretches s;
  EXPECT_EQ(s.Between(At(0us), At(9us)), 0us);
  s.Begin(At(10us));
  s.End(At(20us));
  s.Begin(At(30us));
  s.End(At(40us));
  EXPECT_EQ(s.Between(At(0us), At(50us)), 20us);
  EXPECT_EQ(s.Between(At(15us), At(35us)), 10us);
  EXPECT_EQ(s.Between(At(21us), At(29us)), 0us);
  EXPECT_EQ(s.Between(At(35us), At(15us)), 0us) << "an empty span";
  s.Begin(At(60us));
  EXPECT_EQ(s.Between(At(35us), At(70us)), 15us) << "the one that goes on";
  s.Drop();
  EXPECT_EQ(s.Between(At(35us), At(70us)), 5us);
}

TEST(StretchesTest, WhatIsForgottenDoesNotChangeTheRest) {
  Stretches s;
  for (int n = 0; n < 10; ++n) {
    s.Begin(At(n * 10us));
    s.End(At(n * 10us + 5us));
  }
  s.Trim(At(52us));
  EXPECT_EQ(s.size(), 5u);
  EXPECT_EQ(s.Between(At(52us), At(95us)), 3us + 4 * 5us);
}

// The pool's only worker is on its way, while its CPU idles from 10 us to 5 ms.
TraceBuilder Late() {
  TraceBuilder t;
  t.Switch(1us, 0, kWorker, kTask, 'I').Put(5us, kTask, kWorkA);
  t.Waking(6us, kTask, kWorker).Switch(10us, 0, kTask, kIdle);
  t.Switch(5ms, 0, kIdle, kWorker).Run(5001us, 5002us, kWorker, kWorkA);
  return t;
}

TEST(IdleWaitTest, AnItemThatWaitsWhileItsCpuIdlesIsCounted) {
  TraceBuilder t = Late();
  const Outcome o = Reconstruct(t);
  ASSERT_EQ(o.idle_waits.size(), 1u);
  EXPECT_EQ(o.idle_waits[0].items, 1u);
  EXPECT_EQ(o.idle_waits[0].waited, 5ms - 10us);
  EXPECT_EQ(o.idle_waits[0].worst, 5ms - 10us);
}

TEST(IdleWaitTest, TimeInWhichSeveralWaitCountsOnce) {
  TraceBuilder t;
  t.Switch(1us, 0, kWorker, kTask, 'I').Put(5us, kTask, kWorkA).Put(6us, kTask, kWorkB);
  t.Switch(10us, 0, kTask, kIdle).Switch(5ms, 0, kIdle, kWorker);
  t.Run(5001us, 5002us, kWorker, kWorkA).Run(5003us, 5004us, kWorker, kWorkB);
  const Outcome o = Reconstruct(t);
  ASSERT_EQ(o.idle_waits.size(), 1u);
  EXPECT_EQ(o.idle_waits[0].items, 2u);
  EXPECT_EQ(o.idle_waits[0].waited, 5ms - 10us);
}

TEST(IdleWaitTest, ACpuOnWhichATaskIsSeenIsNotTakenForIdle) {
  TraceBuilder t;
  t.Switch(1us, 0, kWorker, kTask, 'I').Put(5us, kTask, kWorkA);
  t.Waking(6us, kTask, kWorker).Switch(10us, 0, kTask, kIdle);
  t.Put(20us, kTask, kWorkB);  // the switches to the task and from it are missing
  t.Switch(5ms, 0, kIdle, kWorker).Run(5001us, 5002us, kWorker, kWorkA);
  EXPECT_TRUE(Reconstruct(t).idle_waits.empty());
}

TEST(IdleWaitTest, ABusyCpuIsNoIdleOne) {
  TraceBuilder t;
  t.Switch(1us, 0, kWorker, kTask, 'I').Put(5us, kTask, kWorkA);
  t.Switch(5ms, 0, kTask, kWorker).Run(5001us, 5002us, kWorker, kWorkA);
  EXPECT_TRUE(Reconstruct(t).idle_waits.empty());
}

TEST(IdleWaitTest, AWakeUpOfMicrosecondsIsNone) {
  TraceBuilder t;
  t.Switch(1us, 0, kWorker, kIdle, 'I').Put(5us, kTask.On(1), kWorkA);
  t.Switch(400us, 0, kIdle, kWorker).Run(401us, 402us, kWorker, kWorkA);
  EXPECT_TRUE(Reconstruct(t).idle_waits.empty());
}

TEST(IdleWaitTest, OfAnUnboundPoolOnlyCpusCountOnWhichItHasExecuted) {
  TraceBuilder t;
  t.Switch(1us, 1, kTask, kIdleOn1).Put(5us, kTask, kWorkA, kUnboundJob);
  t.Switch(4ms, 0, kTask, kUnboundWorker);
  t.Run(4001us, 4002us, kUnboundWorker, kWorkA, kUnboundJob);
  t.Switch(4003us, 1, kIdleOn1, kUnboundWorker2).Put(4004us, kTask, kWorkB, kUnboundJob);
  t.Run(4005us, 4006us, kUnboundWorker2, kWorkB, kUnboundJob);
  EXPECT_TRUE(Reconstruct(t).idle_waits.empty()) << "CPU 1 idled, but served nothing so far";
  t.Switch(4007us, 1, kUnboundWorker2, kIdleOn1, 'I').Put(5ms, kTask, kWorkC, kUnboundJob);
  t.Run(8ms, 9ms, kUnboundWorker, kWorkC, kUnboundJob);
  const Outcome o = Reconstruct(t);
  ASSERT_EQ(o.idle_waits.size(), 1u);
  EXPECT_EQ(o.idle_waits[0].waited, 3ms);
}

TEST(IdleWaitTest, WhatALossHidesIsNotIdle) {
  TraceBuilder t;
  t.Switch(1us, 0, kWorker, kTask, 'I').Put(5us, kTask, kWorkA).Switch(10us, 0, kTask, kIdle);
  t.Loss(20us, 30us, 1);
  t.Switch(5ms, 0, kIdle, kWorker).Run(5001us, 5002us, kWorker, kWorkA);
  EXPECT_TRUE(Reconstruct(t).idle_waits.empty());
}

TEST(IdleWaitTest, ACpuThatLeavesAnotherTaskThanTheIdleOneDidNotIdleUntilThen) {
  TraceBuilder t;
  t.Switch(1us, 0, kWorker, kTask, 'I').Put(5us, kTask, kWorkA).Switch(10us, 0, kTask, kIdle);
  t.Switch(5ms, 0, kTask, kWorker).Run(5001us, 5002us, kWorker, kWorkA);
  EXPECT_TRUE(Reconstruct(t).idle_waits.empty());
}

TEST(IdleWaitTest, IsAFindingWhenItHappensAgainAndAgain) {
  TraceBuilder once = Late();
  const auto one = Analyze(once, {});
  ASSERT_TRUE(one.ok());
  EXPECT_TRUE(one->findings.empty());
  TraceBuilder t;
  for (int i = 0; i < 3; ++i) {
    const Nanos at = i * 10ms;
    t.Switch(at + 1us, 0, kWorker, kTask, 'I').Put(at + 5us, kTask, kWorkA);
    t.Waking(at + 6us, kTask, kWorker).Switch(at + 10us, 0, kTask, kIdle);
    t.Switch(at + 5ms, 0, kIdle, kWorker).Run(at + 5001us, at + 5002us, kWorker, kWorkA);
  }
  const auto report = Analyze(t, {});
  ASSERT_TRUE(report.ok());
  ASSERT_EQ(report->findings.size(), 1u);
  const Finding& finding = report->findings[0];
  EXPECT_EQ(finding.kind, FindingKind::kIdleCpu);
  EXPECT_EQ(finding.pool, "cpu0");
  EXPECT_EQ(finding.cpu, Cpu{0});
  EXPECT_EQ(finding.count, 3u);
  EXPECT_GE(finding.worst, 4990us);
}

TEST(IdleWaitTest, WithoutSchedulerEventsNothingIsSaid) {
  TraceBuilder t;
  t.Put(5us, kTask, kWorkA).Run(5001us, 5002us, kWorker, kWorkA);
  const auto report = Analyze(t, {});
  ASSERT_TRUE(report.ok());
  for (const Finding& finding : report->findings) EXPECT_NE(finding.kind, FindingKind::kIdleCpu);
  ASSERT_EQ(report->pools.size(), 1u);
  EXPECT_FALSE(report->pools[0].idle_waits.has_value());
}

}  // namespace
}  // namespace wqprof::testing
