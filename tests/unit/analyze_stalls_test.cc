// SPDX-License-Identifier: Apache-2.0
// Which waits are stalls, and which items count (doc/spec.md §1, §3; doc/kernel.md §8, 50).
#include <gtest/gtest.h>

#include <functional>

#include "support/trace_builder.h"
#include "wqprof/analyze.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

Report Analyzed(TraceBuilder& trace, const AnalyzeOptions& options = {}) {
  auto report = Analyze(trace, options);
  EXPECT_TRUE(report.ok()) << report.status().ToString();
  return report.ok() ? *std::move(report) : Report{};
}

// One work holds CPU 0's only worker for `hold`, three of another workqueue wait behind it.
TraceBuilder Hog(Nanos hold) {
  TraceBuilder t;
  t.Put(0ms, kTask, kWorkA, {"hog", "hogs", 0}).Start(1ms, kWorker, kWorkA, {"hog"});
  for (uint64_t n = 0; n < 3; ++n) {
    t.Put(2ms + Nanos(n), kTask, WorkAddr{0x500 + n}, {"victim", "victims", 0});
  }
  t.End(1ms + hold, kWorker, kWorkA, {"hog"});
  for (uint64_t n = 0; n < 3; ++n) {
    const Nanos at = 1ms + hold + (n + 1) * 10us;
    t.Run(at, at + 5us, kWorker, WorkAddr{0x500 + n}, {"victim"});
  }
  return t;
}

TEST(StallTest, APoolThatStartsNothingWhileItemsWaitIsStalled) {
  TraceBuilder t = Hog(50ms);
  const Report report = Analyzed(t);
  ASSERT_EQ(report.stalls.size(), 1u);
  const Stall& s = report.stalls[0];
  EXPECT_EQ(s.id, 1u);
  EXPECT_EQ(s.pool, "cpu0");
  EXPECT_EQ(s.begin, Timestamp(2ms));
  EXPECT_EQ(s.duration, 49ms + 10us);
  EXPECT_FALSE(s.at_end);
  EXPECT_EQ(s.delayed_items, 3u);
  EXPECT_GE(s.worst_latency, 49ms);
  EXPECT_EQ(report.stalls_total, 1u);
  ASSERT_EQ(report.pools.size(), 1u);
  EXPECT_EQ(report.pools[0].stalled, s.duration);
}

// Gaps come before the items of their batch.
TEST(StallTest, EachHasItsItemsHoweverManyABatchHolds) {
  TraceBuilder t;
  const int count = 700;
  for (int i = 0; i < count; ++i) {
    const Nanos at = i * 40ms;
    t.Put(at, kTask, kWorkA).Start(at + 1us, kWorker, kWorkA);
    t.Put(at + 2us, kTask, kWorkB).End(at + 30ms, kWorker, kWorkA);
    t.Run(at + 31ms, at + 32ms, kWorker, kWorkB);
  }
  const Report report = Analyzed(t);
  ASSERT_EQ(report.stalls.size(), static_cast<size_t>(count));
  for (const Stall& stall : report.stalls) {
    EXPECT_EQ(stall.delayed_items, 1u) << stall.id;
    EXPECT_EQ(stall.delayed.size(), 1u) << stall.id;
  }
}

// Each ends a gap that all of the others hold.
TEST(StallTest, ManyWorkersThatNeverEndTakeNoQuadraticTime) {
  TraceBuilder t;
  const int count = 40'000;
  for (int i = 0; i < count; ++i) {
    const WorkAddr work{0x100000u + 0x100u * static_cast<uint64_t>(i)};
    const Emitter worker{1000 + i, "kworker/0:1", 0, 0};
    t.Put(i * 20ms, kTask, work).Start(i * 20ms + 15ms, worker, work);
  }
  const Report report = Analyzed(t);
  EXPECT_EQ(report.stalls_total, static_cast<uint64_t>(count));
  EXPECT_EQ(report.stalls.back().holders.size(), 16u);
}

TEST(StallTest, TheThresholdIsTheUsers) {
  for (const auto& [threshold, stalls] : std::initializer_list<std::pair<Nanos, size_t>>{
           {4ms, 1}, {4010us, 1}, {4011us, 0}, {10ms, 0}}) {
    TraceBuilder t = Hog(5ms);  // nothing starts from 2 ms to 6.01 ms
    AnalyzeOptions options;
    options.stall_threshold = threshold;
    EXPECT_EQ(Analyzed(t, options).stalls.size(), stalls) << threshold.count();
  }
}

TEST(StallTest, AWaitForASlotOfMaxActiveIsNoStall) {
  TraceBuilder t;
  t.Put(0ms, kTask, kWorkA, kUnboundJob).Start(1ms, kUnboundWorker, kWorkA);
  t.Queue(2ms, kTask, kWorkB, kUnboundJob).End(500ms, kUnboundWorker, kWorkA);
  t.Activate(500ms, kUnboundWorker, kWorkB).Run(500ms + 1us, 501ms, kUnboundWorker, kWorkB);
  const Report report = Analyzed(t);
  EXPECT_TRUE(report.stalls.empty());
  EXPECT_EQ(report.functions.at(0).measures[Measure::kActivationWait].max(), 498ms);
}

TEST(StallTest, AStallThatTheTraceCutsIsALowerBound) {
  TraceBuilder t;
  t.Put(0ms, kTask, kWorkA).Start(1ms, kWorker, kWorkA).Put(2ms, kTask, kWorkB).Tick(1s, 0);
  const Report report = Analyzed(t);
  ASSERT_EQ(report.stalls.size(), 1u);
  EXPECT_TRUE(report.stalls[0].at_end);
  EXPECT_EQ(report.stalls[0].duration, 998ms);
}

TEST(StallTest, StallsAreNumberedByTimeAndTheLongestAreKept) {
  TraceBuilder t;
  for (int n = 0; n < 20; ++n) {
    const Nanos begin = n * 1s;
    t.Put(begin, kTask, kWorkA).Run(begin + 20ms + n * 1ms, begin + 100ms, kWorker, kWorkA);
  }
  AnalyzeOptions options;
  options.max_stalls = 5;
  const Report report = Analyzed(t, options);
  EXPECT_EQ(report.stalls_total, 20u);
  ASSERT_EQ(report.stalls.size(), 5u);
  for (size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(report.stalls[i].duration, 35ms + static_cast<int>(i) * 1ms);
    if (i > 0) {
      EXPECT_LT(report.stalls[i - 1].begin, report.stalls[i].begin);
      EXPECT_LT(report.stalls[i - 1].id, report.stalls[i].id);
    }
  }
}

TEST(StallTest, TheHolderIsTheExecutionThatKeptTheWorker) {
  TraceBuilder t = Hog(50ms);
  const Report report = Analyzed(t);
  ASSERT_EQ(report.stalls.size(), 1u);
  ASSERT_EQ(report.stalls[0].holders.size(), 1u);
  const StallHolder& holder = report.stalls[0].holders[0];
  EXPECT_EQ(holder.function, "hog");
  EXPECT_EQ(holder.workqueue, "hogs");
  EXPECT_EQ(holder.worker, "kworker/0:1");
  EXPECT_EQ(holder.begin, Timestamp(1ms));
  EXPECT_EQ(holder.overlap, 49ms);
  EXPECT_EQ(holder.on_cpu, std::nullopt) << "without scheduler events nobody knows";
  ASSERT_EQ(report.stalls[0].delayed.size(), 1u);
  EXPECT_EQ(report.stalls[0].delayed[0].function, "victim");
  EXPECT_EQ(report.stalls[0].delayed[0].count, 3u);
}

// Queue events of the items that a filter lets through.
size_t CountWith(const std::function<void(ItemFilter&)>& set) {
  TraceBuilder t;
  t.Put(1ms, kTask, kWorkA, {"alpha", "wq1", 0}).Run(2ms, 3ms, kWorker, kWorkA, {"alpha"});
  t.Put(4ms, kTask, kWorkB, {"beta [mod]", "wq2", 1});
  t.Run(5ms, 6ms, kWorkerOn1, kWorkB, {"beta [mod]"});
  t.Put(7ms, kTask, kWorkC, {"alphabet", "wq2", 0});
  AnalyzeOptions options;
  set(options.filter);
  uint64_t queued = 0;
  for (const FunctionRow& row : Analyzed(t, options).functions) queued += row.measures.queued;
  return queued;
}

TEST(FilterTest, WithinAListGlobsAreOrAndBetweenListsAnd) {
  EXPECT_TRUE(ItemFilter{}.empty());
  EXPECT_EQ(CountWith([](ItemFilter&) {}), 3u);
  EXPECT_EQ(CountWith([](ItemFilter& f) { f.workqueues = {"wq1"}; }), 1u);
  EXPECT_EQ(CountWith([](ItemFilter& f) { f.workqueues = {"wq1", "wq2"}; }), 3u);
  EXPECT_EQ(CountWith([](ItemFilter& f) { f.workqueues = {"wq?"}; }), 3u);
  EXPECT_EQ(CountWith([](ItemFilter& f) { f.workqueues = {"wq2"}, f.functions = {"alpha*"}; }), 1u);
  EXPECT_EQ(CountWith([](ItemFilter& f) { f.functions = {"alpha"}; }), 1u);
  EXPECT_EQ(CountWith([](ItemFilter& f) { f.functions = {"beta"}; }), 1u)
      << "the module need not be named";
  EXPECT_EQ(CountWith([](ItemFilter& f) { f.functions = {"nothing"}; }), 0u);
}

TEST(FilterTest, ExclusionsPoolsAndOriginsAreFiltersAsInBudgets) {
  EXPECT_EQ(CountWith([](ItemFilter& f) { f.workqueues = {"!wq2"}; }), 1u);
  EXPECT_EQ(CountWith([](ItemFilter& f) { f.functions = {"alpha*", "!alphabet"}; }), 1u);
  EXPECT_EQ(CountWith([](ItemFilter& f) { f.pools = {"cpu1"}; }), 1u);
  EXPECT_EQ(CountWith([](ItemFilter& f) { f.origins = {"task"}; }), 3u);
  EXPECT_EQ(CountWith([](ItemFilter& f) { f.origins = {"task task"}; }), 3u);
  EXPECT_EQ(CountWith([](ItemFilter& f) { f.origins = {"!task*"}; }), 0u);
}

TEST(FilterTest, CpusAreThoseWhereItemsRanOrElseWereQueued) {
  EXPECT_EQ(CountWith([](ItemFilter& f) { f.cpus = {Cpu{1}}; }), 1u);
  EXPECT_EQ(CountWith([](ItemFilter& f) { f.cpus = {Cpu{0}}; }), 2u);
  EXPECT_EQ(CountWith([](ItemFilter& f) { f.cpus = {Cpu{5}}; }), 0u);
}

TEST(FilterTest, StatesAndTimesAreFiltersToo) {
  EXPECT_EQ(CountWith([](ItemFilter& f) { f.states = {ItemState::kPending}; }), 1u);
  EXPECT_EQ(CountWith([](ItemFilter& f) { f.states = {ItemState::kDone}; }), 2u);
  EXPECT_EQ(CountWith([](ItemFilter& f) { f.from = Timestamp(6ms); }), 2u);
  EXPECT_EQ(CountWith([](ItemFilter& f) { f.to = Timestamp(6ms); }), 2u);
  EXPECT_EQ(CountWith([](ItemFilter& f) { f.from = f.to = Timestamp(6ms); }), 1u);
}

}  // namespace
}  // namespace wqprof::testing
