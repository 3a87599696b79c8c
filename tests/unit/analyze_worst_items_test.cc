// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "wqprof/worst_items.h"

namespace wqprof {
namespace {

WorkItem Item(uint64_t id, int64_t queued, int64_t started) {
  WorkItem item;
  item.id = id;
  item.queued = Timestamp(Nanos(queued));
  if (started >= 0) {
    item.started = Timestamp(Nanos(started));
    item.state = ItemState::kDone;
  }
  return item;
}

std::vector<uint64_t> Ids(WorstItems& slowest, int64_t end) {
  std::vector<uint64_t> ids;
  for (const WorstItems::Kept& kept : slowest.Take(Timestamp(Nanos(end)))) {
    ids.push_back(kept.item.id);
  }
  return ids;
}

TEST(WorstItems, KeepsTheLongestInOrder) {
  WorstItems slowest(SpecOf(Measure::kLatency), 2);
  for (const WorkItem& item : {Item(1, 0, 10), Item(2, 0, 30), Item(3, 0, 20), Item(4, 0, 5)}) {
    slowest.Add(item, nullptr);
  }
  EXPECT_EQ(Ids(slowest, 100), (std::vector<uint64_t>{2, 3}));
}

TEST(WorstItems, OfEqualOnesKeepsTheFirst) {
  WorstItems slowest(SpecOf(Measure::kLatency), 2);
  for (uint64_t id = 5; id > 0; --id) slowest.Add(Item(id, 0, 10), nullptr);
  EXPECT_EQ(Ids(slowest, 100), (std::vector<uint64_t>{1, 2}));
}

TEST(WorstItems, CountsWhoStillWaitsUntilTheEndOfTheTrace) {
  WorstItems slowest(SpecOf(Measure::kLatency), 2);
  slowest.Add(Item(1, 0, 50), nullptr);
  slowest.Add(Item(2, 20, -1), nullptr);
  slowest.Add(Item(3, 60, -1), nullptr);
  EXPECT_EQ(Ids(slowest, 100), (std::vector<uint64_t>{2, 1}));
}

TEST(WorstItems, LeavesOutWhatHasNoLatency) {
  WorstItems slowest(SpecOf(Measure::kLatency), 5);
  WorkItem superseded = Item(1, 0, -1);
  superseded.state = ItemState::kSuperseded;
  WorkItem barrier = Item(2, 0, 10);
  barrier.queued = kUnseen;
  slowest.Add(superseded, nullptr);
  slowest.Add(barrier, nullptr);
  EXPECT_TRUE(Ids(slowest, 100).empty());
}

TEST(WorstItems, GoByAnyMeasure) {
  WorstItems longest(SpecOf(Measure::kExecution), 2);
  WorkItem quick = Item(1, 0, 90), slow = Item(2, 0, 1), open = Item(3, 0, 70);
  quick.ended = Timestamp(Nanos(91));
  slow.ended = Timestamp(Nanos(21));
  open.state = ItemState::kRunning;
  for (const WorkItem& item : {quick, slow, open, Item(4, 0, -1)}) longest.Add(item, nullptr);
  EXPECT_EQ(longest.seen(), 3u);
  EXPECT_EQ(Ids(longest, 100), (std::vector<uint64_t>{3, 2}));
}

TEST(WorstItems, KeepsTheSplitThatTheModelForgets) {
  WorstItems slowest(SpecOf(Measure::kLatency), 1);
  {
    const ItemSplit split{WaitSplit{.runqueue = Nanos(3)}, std::nullopt};
    slowest.Add(Item(1, 0, 10), &split);
  }
  const std::vector<WorstItems::Kept> kept = slowest.Take(Timestamp());
  EXPECT_EQ(kept[0].split->wait->runqueue, Nanos(3));
}

}  // namespace
}  // namespace wqprof
