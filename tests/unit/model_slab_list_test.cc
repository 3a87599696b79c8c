// SPDX-License-Identifier: Apache-2.0
// Starts without a queue event come and go in any order, each in one step.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "model/slab_list.h"
#include "support/outcome.h"
#include "support/trace_builder.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

struct Node {
  int value = 0;
  SlabLinks links;
};

std::vector<int> ValuesOf(Slab<Node>& slab, SlabList<Node> list) {
  std::vector<int> out;
  while (!list.empty()) {
    out.push_back(slab[list.front()].value);
    list.Remove(slab, list.front());
  }
  return out;
}

TEST(SlabListTest, WhatIsLeftStaysInOrder) {
  // Any two of four may have gone.
  for (int first = 0; first < 4; ++first) {
    for (int second = 0; second < 4; ++second) {
      if (first == second) continue;
      Slab<Node> slab;
      SlabList<Node> list;
      std::vector<SlabIndex> at;
      for (int value = 0; value < 4; ++value) {
        at.push_back(slab.Add({value, {}}));
        list.PushBack(slab, at.back());
      }
      list.Remove(slab, at[static_cast<size_t>(first)]);
      list.Remove(slab, at[static_cast<size_t>(second)]);
      list.PushBack(slab, slab.Add({4, {}}));
      std::vector<int> expected;
      for (const int value : {0, 1, 2, 3, 4}) {
        if (value != first && value != second) expected.push_back(value);
      }
      EXPECT_EQ(ValuesOf(slab, list), expected) << first << second;
    }
  }
}

TEST(SlabListTest, IsEmptyWhenAllHaveGone) {
  Slab<Node> slab;
  SlabList<Node> list;
  const SlabIndex one = slab.Add({1, {}});
  list.PushBack(slab, one);
  list.Remove(slab, one);
  EXPECT_TRUE(list.empty());
  list.PushBack(slab, one);
  EXPECT_EQ(list.front(), one);
}

// Were each searched for among all, this would take minutes.
TEST(SlabListTest, ManyStartsWithoutAQueueEventAtOneInstantAreAllReported) {
  constexpr uint64_t kWorks = 150'000;
  TraceBuilder t;
  for (uint64_t i = 0; i < kWorks; ++i) {
    t.Run(1ms, 1ms, kWorker, WorkAddr{0xffff888000000000 + i * 0x100});
  }
  t.Tick(10ms, 0);
  t.Rewind();
  Reconstructor model(t);
  model.Add(t.events());
  model.Finish();
  Completed completed;
  model.Take(completed);
  std::set<WorkAddr> works;
  for (const WorkItem& item : completed.items) works.insert(item.work);
  EXPECT_EQ(completed.items.size(), kWorks);
  EXPECT_EQ(works.size(), kWorks);
}

}  // namespace
}  // namespace wqprof::testing
