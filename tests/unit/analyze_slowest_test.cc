// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "wqprof/slowest_items.h"

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

std::vector<uint64_t> Ids(SlowestItems& slowest, int64_t end) {
  std::vector<uint64_t> ids;
  for (const SlowestItems::Kept& kept : slowest.Take(Timestamp(Nanos(end)))) {
    ids.push_back(kept.item.id);
  }
  return ids;
}

TEST(SlowestItems, KeepsTheLongestInOrder) {
  SlowestItems slowest(2);
  for (const WorkItem& item : {Item(1, 0, 10), Item(2, 0, 30), Item(3, 0, 20), Item(4, 0, 5)}) {
    slowest.Add(item, nullptr);
  }
  EXPECT_EQ(Ids(slowest, 100), (std::vector<uint64_t>{2, 3}));
}

TEST(SlowestItems, OfEqualOnesKeepsTheFirst) {
  SlowestItems slowest(2);
  for (uint64_t id = 5; id > 0; --id) slowest.Add(Item(id, 0, 10), nullptr);
  EXPECT_EQ(Ids(slowest, 100), (std::vector<uint64_t>{1, 2}));
}

TEST(SlowestItems, CountsWhoStillWaitsUntilTheEndOfTheTrace) {
  SlowestItems slowest(2);
  slowest.Add(Item(1, 0, 50), nullptr);
  slowest.Add(Item(2, 20, -1), nullptr);
  slowest.Add(Item(3, 60, -1), nullptr);
  EXPECT_EQ(Ids(slowest, 100), (std::vector<uint64_t>{2, 1}));
}

TEST(SlowestItems, LeavesOutWhatHasNoLatency) {
  SlowestItems slowest(5);
  WorkItem superseded = Item(1, 0, -1);
  superseded.state = ItemState::kSuperseded;
  WorkItem barrier = Item(2, 0, 10);
  barrier.queued = kUnseen;
  slowest.Add(superseded, nullptr);
  slowest.Add(barrier, nullptr);
  EXPECT_TRUE(Ids(slowest, 100).empty());
}

TEST(SlowestItems, KeepsTheSplitThatTheModelForgets) {
  SlowestItems slowest(1);
  {
    const ItemSplit split{WaitSplit{.runqueue = Nanos(3)}, std::nullopt};
    slowest.Add(Item(1, 0, 10), &split);
  }
  const std::vector<SlowestItems::Kept> kept = slowest.Take(Timestamp());
  EXPECT_EQ(kept[0].split->wait->runqueue, Nanos(3));
}

}  // namespace
}  // namespace wqprof
