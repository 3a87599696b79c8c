// SPDX-License-Identifier: Apache-2.0
// The account of pools: occupancy, backlog, gaps (doc/kernel.md §3.2, §4; §8, 50).
#include <gtest/gtest.h>

#include "support/outcome.h"
#include "support/trace_builder.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

constexpr Emitter kHighpriWorker{80, "kworker/0:1H", 0, 0};

TEST(PoolTest, PoolsAreNamedByTheirWorkers) {
  TraceBuilder trace;
  trace.Put(1us, kTask, kWorkA).Run(2us, 3us, kWorker, kWorkA);
  trace.Put(11us, kTask, kWorkA).Run(12us, 13us, kHighpriWorker, kWorkA);
  trace.Put(21us, kTask, kWorkA, kUnboundJob).Run(22us, 23us, kUnboundWorker, kWorkA);
  const Outcome o = Reconstruct(trace);
  ASSERT_EQ(o.pools.size(), 3u);
  EXPECT_EQ(o.pools[0].pool.name, "cpu0");
  EXPECT_EQ(o.pools[0].pool.kind, PoolKind::kPerCpu);
  EXPECT_EQ(o.pools[0].pool.cpu, Cpu{0});
  EXPECT_EQ(o.pools[1].pool.name, "cpu0-hi");
  EXPECT_EQ(o.pools[1].pool.kind, PoolKind::kHighpri);
  EXPECT_EQ(o.pools[1].pool.cpu, Cpu{0});
  EXPECT_EQ(o.pools[2].pool.name, "u8");
  EXPECT_EQ(o.pools[2].pool.kind, PoolKind::kUnbound);
  EXPECT_EQ(o.pools[2].pool.cpu, Cpu::kNone);
}

TEST(PoolTest, OccupancyIntegratesTheNumberOfOpenExecutions) {
  TraceBuilder trace;
  trace.Put(0us, kTask, kWorkA).Put(0us, kTask, kWorkB);
  trace.Start(10us, kWorker, kWorkA).Start(20us, kWorker2, kWorkB);
  trace.End(30us, kWorker, kWorkA).End(50us, kWorker2, kWorkB);
  const PoolOccupancy p = Reconstruct(trace).Occupancy("cpu0");
  EXPECT_EQ(p.executions, 2u);
  EXPECT_EQ(p.workers, 2u);
  EXPECT_EQ(p.busy_max, 2u);
  EXPECT_EQ(p.busy_sum, 20us + 30us);
  EXPECT_EQ(p.busy_any, 40us);
}

TEST(PoolTest, OccupancyOfAnOpenExecutionRunsToTheEndOfTheTrace) {
  TraceBuilder trace;
  trace.Put(0us, kTask, kWorkA).Start(10us, kWorker, kWorkA).Tick(100us, 0);
  const Outcome o = Reconstruct(trace);
  EXPECT_EQ(o.Occupancy("cpu0").busy_sum, 90us);
  EXPECT_EQ(o.workers.at(0).busy, 90us);
}

TEST(PoolTest, BacklogIntegratesTheActivatedItemsThatWait) {
  TraceBuilder trace;
  trace.Put(1us, kTask, kWorkC).Run(1us, 2us, kWorker, kWorkC);  // teaches: wq runs on cpu0
  trace.Put(10us, kTask, kWorkA).Put(20us, kTask, kWorkB);
  trace.Run(30us, 40us, kWorker, kWorkA).Run(50us, 60us, kWorker, kWorkB);
  const PoolOccupancy p = Reconstruct(trace).Occupancy("cpu0");
  EXPECT_EQ(p.backlog_max, 2u);
  EXPECT_EQ(p.backlog_sum, 20us + 30us);
}

TEST(PoolTest, InactiveTimeIsNoBacklog) {
  TraceBuilder trace;
  trace.Put(1us, kTask, kWorkC).Run(1us, 2us, kWorker, kWorkC);
  trace.Queue(10us, kTask, kWorkA).Activate(40us, kTask, kWorkA);
  trace.Run(50us, 60us, kWorker, kWorkA);
  const PoolOccupancy p = Reconstruct(trace).Occupancy("cpu0");
  EXPECT_EQ(p.backlog_sum, 10us);
}

TEST(PoolTest, ASupersededItemLeavesTheBacklog) {
  TraceBuilder trace;
  trace.Put(0us, kTask, kWorkC).Run(1us, 2us, kWorker, kWorkC);
  trace.Put(10us, kTask, kWorkA).Put(20us, kTask, kWorkA).Run(30us, 40us, kWorker, kWorkA);
  EXPECT_EQ(Reconstruct(trace).Occupancy("cpu0").backlog_max, 1u);
}

TEST(PoolGapTest, AStartAfterALongTimeWithoutOneEndsAGap) {
  TraceBuilder trace;
  trace.Put(0ms, kTask, kWorkB).Start(1ms, kWorker, kWorkB);
  trace.Put(2ms, kTask, kWorkA).End(30ms, kWorker, kWorkB);
  trace.Run(30ms, 31ms, kWorker, kWorkA);
  const Outcome o = Reconstruct(trace);
  ASSERT_EQ(o.gaps.size(), 1u);
  EXPECT_EQ(o.pool_of.at(o.gaps[0].pool).name, "cpu0");
  EXPECT_EQ(o.gaps[0].begin, Timestamp(2ms)) << "the list became non-empty then";
  EXPECT_EQ(o.gaps[0].end, Timestamp(30ms));
  EXPECT_EQ(o.gaps[0].waiting, 1u);
  EXPECT_FALSE(o.gaps[0].at_end);
}

TEST(PoolGapTest, AGapBeginsWithTheLastStartWhenItemsWaitedLonger) {
  TraceBuilder trace;
  trace.Put(0ms, kTask, kWorkA).Put(0ms, kTask, kWorkB).Put(1ms, kTask, kWorkC);
  trace.Run(5ms, 25ms, kWorker, kWorkA).Run(25ms, 26ms, kWorker, kWorkB);
  trace.Run(27ms, 28ms, kWorker, kWorkC);
  const Outcome o = Reconstruct(trace);
  ASSERT_EQ(o.gaps.size(), 1u);
  EXPECT_EQ(o.gaps[0].begin, Timestamp(5ms));
  EXPECT_EQ(o.gaps[0].end, Timestamp(25ms));
  EXPECT_EQ(o.gaps[0].waiting, 2u);
}

// Its starts would be recorded there, and may be missing.
TEST(PoolGapTest, AGapBeginsBehindALossOfThePoolsCpu) {
  TraceBuilder trace;
  trace.Put(0ms, kTask, kWorkB).Start(1ms, kWorker, kWorkB);
  trace.Put(2ms, kTask, kWorkA).Loss(5ms, 8ms, 0).End(30ms, kWorker, kWorkB);
  trace.Run(30ms, 31ms, kWorker, kWorkA);
  const Outcome o = Reconstruct(trace);
  ASSERT_EQ(o.gaps.size(), 1u);
  EXPECT_EQ(o.gaps[0].begin, Timestamp(8ms));
}

TEST(PoolGapTest, WhatALossMayHaveHiddenIsNoGap) {
  TraceBuilder trace;
  trace.Put(0ms, kTask, kWorkB).Start(1ms, kWorker, kWorkB);
  trace.Put(2ms, kTask, kWorkA).Loss(5ms, 25ms, 0).End(30ms, kWorker, kWorkB);
  trace.Run(30ms, 31ms, kWorker, kWorkA);
  EXPECT_TRUE(Reconstruct(trace).gaps.empty());
}

TEST(PoolGapTest, ALossOfAnotherCpuHidesNoStartOfAPerCpuPool) {
  TraceBuilder trace;
  trace.Put(0ms, kTask, kWorkB).Start(1ms, kWorker, kWorkB);
  trace.Put(2ms, kTask, kWorkA).Loss(5ms, 25ms, 1).End(30ms, kWorker, kWorkB);
  trace.Run(30ms, 31ms, kWorker, kWorkA);
  const Outcome o = Reconstruct(trace);
  ASSERT_EQ(o.gaps.size(), 1u);
  EXPECT_EQ(o.gaps[0].begin, Timestamp(2ms));
}

TEST(PoolGapTest, AnIdlePoolHasNoGap) {
  TraceBuilder trace;
  trace.Put(0ms, kTask, kWorkA).Run(1ms, 2ms, kWorker, kWorkA);
  trace.Put(100ms, kTask, kWorkA).Run(101ms, 102ms, kWorker, kWorkA);
  EXPECT_TRUE(Reconstruct(trace).gaps.empty());
}

TEST(PoolGapTest, AWaitBeforeActivationIsNoGap) {
  TraceBuilder trace;
  trace.Queue(0ms, kTask, kWorkA).Activate(50ms, kTask, kWorkA);
  trace.Run(51ms, 52ms, kWorker, kWorkA);
  EXPECT_TRUE(Reconstruct(trace).gaps.empty());
}

TEST(PoolGapTest, ASlowButMovingQueueHasNoGap) {
  TraceBuilder trace;
  for (uint64_t n = 0; n < 10; ++n) trace.Put(0ms, kTask, WorkAddr{0x100 + n});
  for (int n = 0; n < 10; ++n) {
    trace.Run(n * 9ms, n * 9ms + 8ms, kWorker, WorkAddr{0x100u + static_cast<uint64_t>(n)});
  }
  const Outcome o = Reconstruct(trace);
  EXPECT_TRUE(o.gaps.empty());
}

TEST(PoolGapTest, OneEndlessExecutionWithNothingBehindItIsNoGap) {
  TraceBuilder trace;
  trace.Put(0s, kTask, kWorkA).Start(1us, kWorker, kWorkA).Tick(40s, 0);
  EXPECT_TRUE(Reconstruct(trace).gaps.empty());
}

TEST(PoolGapTest, ItemsStillWaitingAtTheEndAreAGapThatIsNotOver) {
  TraceBuilder trace;
  trace.Put(0s, kTask, kWorkA).Start(1s, kWorker, kWorkA).Put(2s, kTask, kWorkB);
  trace.Tick(40s, 0);
  const Outcome o = Reconstruct(trace);
  ASSERT_FALSE(o.gaps.empty());
  const PoolGap gap = o.gaps.back();
  EXPECT_TRUE(gap.at_end);
  EXPECT_EQ(gap.begin, Timestamp(2s));
  EXPECT_EQ(gap.end, Timestamp(40s));
  EXPECT_EQ(gap.waiting, 1u);
  EXPECT_EQ(o.pool_of.at(gap.pool).name, "cpu0");
}

TEST(PoolGapTest, GapsShorterThanTheFloorAreNotTold) {
  const auto gaps_with = [](Nanos floor) {
    TraceBuilder trace;
    trace.Put(0us, kTask, kWorkA).Run(100us, 101us, kWorker, kWorkA);
    return Reconstruct(trace, {.gap_floor = floor}).gaps.size();
  };
  EXPECT_EQ(gaps_with(101us), 0u);
  EXPECT_EQ(gaps_with(100us), 1u);
  EXPECT_EQ(gaps_with(1us), 1u);
}

TEST(PoolGapTest, ARescuersProgressIsTheRescuersOwn) {
  // What a rescuer took was no progress of the pool, whose other item still waited.
  const Emitter rescuer{50, "kworker/R-xfs_m", 0, 0};
  TraceBuilder trace;
  trace.Put(0ms, kTask, kWorkC).Run(1us, 2us, kWorker, kWorkC);
  trace.Put(1ms, kTask, kWorkA, {"f", "xfs", 0}).Put(1ms, kTask, kWorkB);
  trace.Run(15ms, 16ms, rescuer, kWorkA).Run(30ms, 31ms, kWorker, kWorkB);
  const Outcome o = Reconstruct(trace);
  bool told = false;
  for (const PoolGap& g : o.gaps) {
    told |= o.pool_of.at(g.pool).name == "cpu0" && g.begin == Timestamp(1ms) &&
            g.end == Timestamp(30ms);
  }
  EXPECT_TRUE(told);
}

TEST(PoolGapTest, NoPoolIsBlamedWhenOnlyARescuerServesTheWorkqueue) {
  // Which worklist the item was on is not known, nor what that pool did meanwhile.
  const Emitter rescuer{50, "kworker/R-xfs_m", 0, 0};
  TraceBuilder trace;
  trace.Put(0ms, kTask, kWorkA, {"f", "xfs", 0}).Run(50ms, 51ms, rescuer, kWorkA);
  const Outcome o = Reconstruct(trace);
  EXPECT_TRUE(o.gaps.empty());
  ASSERT_EQ(o.items.size(), 1u);
  EXPECT_EQ(o.items[0].waited_in, PoolId::kUnknown);
  EXPECT_EQ(o.items[0].Latency(), Nanos(50ms));
}

}  // namespace
}  // namespace wqprof::testing
