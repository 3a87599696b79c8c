// SPDX-License-Identifier: Apache-2.0
// What is drawn over time is what happened, whatever the width of a bin.
#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "support/busy_trace.h"
#include "support/trace_builder.h"
#include "wqprof/time_bins.h"
#include "wqprof/timeline.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

Timeline TimelineOf(TraceBuilder& t, const TimelineOptions& options = {}) {
  t.Rewind();
  Pipeline pipeline(t);
  TimelineCollector collector(t, pipeline.model(), options);
  pipeline.Attach(collector);
  EXPECT_TRUE(pipeline.Run().ok());
  return collector.Take();
}

Nanos SumOf(const std::vector<Nanos>& bins) {
  return std::accumulate(bins.begin(), bins.end(), Nanos(0));
}

TEST(TimeBinsTest, FoldingKeepsTheSums) {
  TimeBins bins(8, 10ns);
  bins.Begin(Timestamp(100ns));
  std::vector<int> series = {1, 2, 3, 4, 5, 6, 7, 8};
  EXPECT_EQ(bins.Reach(Timestamp(179ns)), 0);
  EXPECT_EQ(bins.Reach(Timestamp(180ns)), 1);
  EXPECT_EQ(bins.width(), 20ns);
  TimeBins::Fold(series, [](int& into, int other) { into += other; });
  EXPECT_EQ(series, (std::vector<int>{3, 7, 11, 15, 0, 0, 0, 0}));
  Nanos sum(0);
  bins.Spread(Timestamp(90ns), Timestamp(1000ns), [&](size_t, Nanos part) { sum += part; });
  EXPECT_EQ(sum, 160ns) << "what lies outside is left out";
}

TEST(TimeBinsTest, TimesOfAHostileTraceOverflowNothing) {
  TimeBins late(8, 1ns);
  late.Begin(Timestamp::max() - 3ns);
  EXPECT_EQ(late.end(), Timestamp::max());
  EXPECT_EQ(late.BinOf(Timestamp::max()), 3u);
  Nanos sum(0);
  late.Spread(late.begin(), Timestamp::max(), [&](size_t, Nanos part) { sum += part; });
  EXPECT_EQ(sum, 3ns);
  TimeBins early(8, 1ns);
  early.Begin(Timestamp::min() + 1ns);
  early.Reach(Timestamp::max());
  EXPECT_EQ(early.BinOf(Timestamp::max()), 7u);
}

TEST(TimelineTest, AnExecutionIsWhereItWas) {
  TraceBuilder t;
  t.Put(0us, kTask, kWorkA).Run(100us, 300us, kWorker, kWorkA);
  t.Put(400us, kTask, kWorkA).Run(500us, 600us, kWorker, kWorkA, {"other_fn"});
  t.Tick(1000us, 0);
  const Timeline timeline = TimelineOf(t);
  ASSERT_EQ(timeline.pools.size(), 1u);
  const TimelinePool& pool = timeline.pools[0];
  EXPECT_EQ(pool.pool.name, "cpu0");
  EXPECT_EQ(pool.busy, 300us);
  ASSERT_EQ(pool.lanes.size(), 1u);
  EXPECT_EQ(pool.lanes[0].executions, 2u);
  EXPECT_EQ(SumOf(pool.lanes[0].busy_in), 300us);
  const auto bin = [&](Nanos at) { return static_cast<size_t>(at / timeline.bin); };
  EXPECT_EQ(pool.lanes[0].busy_in[bin(50us)], 0us);
  EXPECT_EQ(pool.lanes[0].busy_in[bin(200us)], timeline.bin);
  EXPECT_EQ(pool.backlog_mean[bin(450us)], 1.0);
  EXPECT_EQ(pool.backlog_mean[bin(550us)], 0.0);
  ASSERT_EQ(timeline.functions.size(), 2u);
  EXPECT_EQ(timeline.functions[0].execution, 200us);
}

TEST(TimelineTest, ALongTraceHasNoMoreBinsThanAShortOne) {
  TraceBuilder t = BusyTrace(20000);
  t.BatchSize(512);
  const Timeline timeline = TimelineOf(t);
  EXPECT_LE(timeline.bins, TimelineCollector::kBins);
  EXPECT_GT(timeline.bins, TimelineCollector::kBins / 4);
  Nanos busy(0), lanes(0);
  for (const TimelinePool& pool : timeline.pools) {
    busy += pool.busy;
    for (const TimelineLane& lane : pool.lanes) lanes += SumOf(lane.busy_in);
  }
  EXPECT_EQ(lanes, busy) << "executions drawn as lanes, and counted by steps";
}

TEST(TimelineTest, AWindowHoldsItsOwnTimeOnly) {
  TraceBuilder t;
  t.Put(0us, kTask, kWorkA).Run(100us, 300us, kWorker, kWorkA);
  t.Tick(1000us, 0);
  const Timeline timeline =
      TimelineOf(t, {Timestamp(200us), Timestamp(250us), std::chrono::milliseconds(10)});
  ASSERT_EQ(timeline.pools.size(), 1u);
  EXPECT_EQ(timeline.begin, Timestamp(200us));
  EXPECT_EQ(timeline.end, Timestamp(250us));
  ASSERT_EQ(timeline.pools[0].lanes.size(), 1u);
  EXPECT_EQ(timeline.pools[0].lanes[0].busy, 50us);
  EXPECT_EQ(timeline.pools[0].busy, 50us);
}

TEST(TimelineTest, AStallIsDrawnWhereItWas) {
  TraceBuilder t;
  t.Put(0us, kTask, kWorkB).Run(1us, 2us, kWorker, kWorkB);
  t.Put(10us, kTask, kWorkA).Run(210us, 220us, kWorker, kWorkA);
  const Timeline timeline = TimelineOf(t, {kUnseen, kUnseen, 100us});
  ASSERT_EQ(timeline.pools.size(), 1u);
  EXPECT_EQ(timeline.pools[0].stalled, 200us);
  EXPECT_EQ(SumOf(timeline.pools[0].stalled_in), 200us);
}

}  // namespace
}  // namespace wqprof::testing
