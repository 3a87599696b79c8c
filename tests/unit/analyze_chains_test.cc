// SPDX-License-Identifier: Apache-2.0
// Which item queued which.
#include <gtest/gtest.h>

#include "support/trace_builder.h"
#include "wqprof/chains.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

ChainReport Chains(TraceBuilder& trace, const ChainOptions& options = {}) {
  trace.Rewind();
  Pipeline pipeline(trace);
  ChainCollector collector(trace, pipeline.model(), options);
  pipeline.Attach(collector);
  EXPECT_TRUE(pipeline.Run().ok());
  return std::move(collector).Take();
}

// A task queues `outer`, which queues `inner` 4us after its start.
void AddPair(TraceBuilder& t, Nanos at) {
  t.Put(at, kTask, kWorkA, {"outer", "wq1"}).Start(at + 2us, kWorker, kWorkA, {"outer"});
  t.Put(at + 6us, kWorker, kWorkB, {"inner", "wq2"}).End(at + 9us, kWorker, kWorkA, {"outer"});
  t.Run(at + 10us, at + 13us, kWorker, kWorkB, {"inner"});
}

TEST(ChainTest, LeadsFromTheFirstItemToTheLast) {
  TraceBuilder t;
  AddPair(t, 0us);
  const ChainReport report = Chains(t);
  EXPECT_EQ(report.edges, 1u);
  EXPECT_EQ(report.lost_parents, 0u);
  ASSERT_EQ(report.chains.size(), 2u);
  const Chain& chain = report.chains[0];
  EXPECT_TRUE(chain.whole);
  EXPECT_EQ(chain.origin_kind, "task");
  EXPECT_EQ(chain.origin_name, "task");
  ASSERT_EQ(chain.steps.size(), 2u);
  EXPECT_EQ(chain.steps[0].function, "outer");
  EXPECT_EQ(chain.steps[0].until_next, 4us);
  EXPECT_EQ(chain.steps[1].function, "inner");
  EXPECT_EQ(chain.steps[1].until_next, 3us) << "its execution";
  EXPECT_EQ(chain.Span(), 13us);
  EXPECT_EQ(*chain.Span(), 2us + 4us + 4us + 3us) << "waits and times until the next";
}

TEST(ChainTest, OfOneItemIsAllThatIsAskedFor) {
  TraceBuilder t;
  AddPair(t, 0us);
  const ChainReport report = Chains(t, {.filter = {}, .slowest = 5, .item = 1});
  ASSERT_EQ(report.chains.size(), 1u);
  EXPECT_EQ(report.chains[0].steps.size(), 1u);
}

TEST(ChainTest, TheTreeSumsUpByWhatLedThere) {
  TraceBuilder t;
  for (int n = 0; n < 3; ++n) AddPair(t, n * 100us);
  t.Put(900us, kTask, kWorkC, {"inner", "wq2"}).Run(901us, 902us, kWorker, kWorkC, {"inner"});
  const ChainReport report = Chains(t);
  ASSERT_EQ(report.tree.size(), 3u);
  EXPECT_EQ(report.tree[0].function, "outer");
  EXPECT_EQ(report.tree[0].depth, 0u);
  EXPECT_EQ(report.tree[0].items, 3u);
  EXPECT_EQ(report.tree[0].waited, 6us);
  EXPECT_EQ(report.tree[0].executed, 21us);
  EXPECT_EQ(report.tree[1].function, "inner");
  EXPECT_EQ(report.tree[1].depth, 1u);
  EXPECT_EQ(report.tree[1].items, 3u);
  EXPECT_EQ(report.tree[2].function, "inner");
  EXPECT_EQ(report.tree[2].depth, 0u);
  EXPECT_EQ(report.tree[2].items, 1u);
}

TEST(ChainTest, AnItemThatQueuesItselfCountsWithItself) {
  TraceBuilder self;
  self.Put(0us, kTask, kWorkA);
  for (int n = 0; n < 200; ++n) {
    self.Start(n * 10us + 1us, kWorker, kWorkA).Put(n * 10us + 5us, kWorker, kWorkA);
    self.End(n * 10us + 6us, kWorker, kWorkA);
  }
  const ChainReport report = Chains(self);
  ASSERT_EQ(report.tree.size(), 1u);
  EXPECT_EQ(report.tree[0].items, 200u);
  for (const Chain& chain : report.chains) EXPECT_LE(chain.steps.size(), 64u);
}

TEST(ChainTest, AParentAcrossALossIsNotKnown) {
  TraceBuilder t;
  t.Put(0us, kTask, kWorkA, {"outer"}).Start(2us, kWorker, kWorkA, {"outer"});
  t.Loss(3us, 4us, 0);
  t.Put(6us, kWorker, kWorkB, {"inner"}).End(9us, kWorker, kWorkA, {"outer"});
  t.Run(10us, 13us, kWorker, kWorkB, {"inner"});
  const ChainReport report = Chains(t);
  EXPECT_EQ(report.edges, 0u);
  EXPECT_EQ(report.lost_parents, 1u);
  for (const Chain& chain : report.chains) {
    EXPECT_EQ(chain.steps.size(), 1u);
    EXPECT_EQ(chain.whole, chain.steps[0].function == "outer");
  }
}

TEST(ChainTest, FiltersChooseItemsButNotWhatLedToThem) {
  TraceBuilder t;
  AddPair(t, 0us);
  ChainOptions options;
  options.filter.functions = {"inner"};
  const ChainReport report = Chains(t, options);
  ASSERT_EQ(report.chains.size(), 1u);
  EXPECT_EQ(report.chains[0].steps.size(), 2u);
  ASSERT_EQ(report.tree.size(), 2u);
  EXPECT_EQ(report.tree[0].items, 0u);
  EXPECT_EQ(report.tree[1].items, 1u);
}

}  // namespace
}  // namespace wqprof::testing
