// SPDX-License-Identifier: Apache-2.0
// What a page draws is what happened, whatever the width of a bin and however much there is.
#include <gtest/gtest.h>

#include <cstdint>

#include "page/heat_maps.h"
#include "support/busy_trace.h"
#include "support/trace_builder.h"
#include "wqprof/analyze.h"
#include "wqprof/page.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

PageData DataOf(TraceBuilder& t, const ItemFilter& filter = {}) {
  t.Rewind();
  Pipeline pipeline(t);
  PageCollector collector(t, pipeline.model(), {filter});
  pipeline.Attach(collector);
  EXPECT_TRUE(pipeline.Run().ok());
  return collector.Take();
}

uint64_t SumOf(const HeatMap& map) {
  uint64_t sum = 0;
  for (const auto& row : map.rows) {
    for (const uint32_t count : row) sum += count;
  }
  return sum;
}

// The row and the column of the only item.
std::pair<size_t, size_t> PlaceOfTheItem(const HeatMap& map) {
  for (size_t row = 0; row < map.rows.size(); ++row) {
    for (size_t bin = 0; bin < map.rows[row].size(); ++bin) {
      if (map.rows[row][bin] > 0) return {row, bin};
    }
  }
  return {HeatMap::kRows, 0};
}

TEST(PageCollectorTest, AnItemIsWhereItStartedAndAsHighAsItWaited) {
  TraceBuilder t;
  t.Put(0us, kTask, kWorkA).Run(100us, 300us, kWorker, kWorkA);
  t.Tick(1000us, 0);
  const PageData data = DataOf(t);
  ASSERT_EQ(data.heat.size(), 2u);
  EXPECT_EQ(SumOf(data.heat[0]), 1u);
  EXPECT_EQ(data.heat[0].rows, data.heat[1].rows);
  const auto [row, bin] = PlaceOfTheItem(data.heat[0]);
  // 2^16 ns < 100 us <= 2^17 ns, in its upper half: below 2^16.5 are 92.7 us.
  EXPECT_EQ(row, 2u * 16 + 1 - HeatMap::kFirstRow);
  EXPECT_EQ(bin, static_cast<size_t>(100us / data.bin));
  ASSERT_EQ(data.slices.size(), 1u);
  EXPECT_EQ(data.slices[0].to - data.slices[0].from, 200us);
  ASSERT_EQ(data.item_places.size(), 1u);
  EXPECT_EQ(data.item_places[0].waited, 100us);
  EXPECT_EQ(data.items.rows.size(), 1u);
}

TEST(PageCollectorTest, EveryItemOfALongTraceIsInACell) {
  TraceBuilder t = BusyTrace(20000);
  t.BatchSize(512);
  const PageData data = DataOf(t);
  t.Rewind();
  const absl::StatusOr<Report> report = Analyze(t, {});
  ASSERT_TRUE(report.ok());
  uint64_t items = 0, of_functions = 0;
  for (const FunctionRow& row : report->functions) {
    items += row.measures[Measure::kLatency].count();
  }
  EXPECT_EQ(SumOf(data.heat[0]), items);
  for (size_t i = 1; i < data.heat.size(); ++i) of_functions += SumOf(data.heat[i]);
  EXPECT_EQ(of_functions, items);
  EXPECT_LE(data.bins, PageCollector::kBins);
  EXPECT_GT(data.bins, PageCollector::kBins / 4);
  EXPECT_EQ(data.slices.size(), PageCollector::kSlices);
  EXPECT_GT(data.executions, PageCollector::kSlices);
  EXPECT_EQ(data.item_places.size(), PageCollector::kItems);
}

TEST(PageCollectorTest, AFilterLeavesExecutionsInAndItemsOut) {
  TraceBuilder t;
  t.Put(0us, kTask, kWorkA).Run(100us, 300us, kWorker, kWorkA);
  t.Tick(1000us, 0);
  ItemFilter filter;
  filter.functions = {"no_such_function"};
  const PageData data = DataOf(t, filter);
  EXPECT_EQ(SumOf(data.heat[0]), 0u);
  EXPECT_EQ(data.slices.size(), 1u);
  EXPECT_EQ(data.items_seen, 0u);
}

TEST(HeatMapsTest, TooManyFunctionsCostNoMoreMemoryAndNoItemOfAll) {
  HeatMaps maps(1ns);
  maps.Begin(Timestamp(0ns));
  constexpr uint64_t kFunctions = PageCollector::kMaxRows + 100;
  for (uint64_t key = 0; key < kFunctions; ++key) {
    maps.Add(key, Timestamp(Nanos(static_cast<int64_t>(key))), 100ns);
  }
  size_t kept = 0;
  maps.ForEach(maps.bins().size(), [&](uint64_t, Nanos waited, const HeatMap& map) {
    ++kept;
    EXPECT_EQ(SumOf(map), 1u);
    EXPECT_EQ(waited, 100ns);
  });
  EXPECT_EQ(kept, PageCollector::kMaxRows);
  EXPECT_EQ(SumOf(maps.All(maps.bins().size())), kFunctions);
}

TEST(HeatMapsTest, WaitsBeyondTheRowsAreInTheFirstAndTheLast) {
  HeatMaps maps(1ns);
  maps.Begin(Timestamp(0ns));
  maps.Add(1, Timestamp(0ns), 0ns);
  maps.Add(1, Timestamp(0ns), Nanos::max());
  const HeatMap all = maps.All(1);
  EXPECT_EQ(all.rows.front().at(0), 1u);
  EXPECT_EQ(all.rows.back().at(0), 1u);
}

}  // namespace
}  // namespace wqprof::testing
