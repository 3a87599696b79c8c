// SPDX-License-Identifier: Apache-2.0
// A live view shows what happened lately, and forgets the rest.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "analyze/sliced.h"
#include "support/trace_builder.h"
#include "wqprof/window.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

// A recording that goes on: events are added and then looked at.
class Live {
 public:
  explicit Live(TraceBuilder trace, const WindowLimits& limits = {}, const ItemFilter& filter = {})
      : trace_(std::move(trace)),
        pipeline_(trace_),
        window_(trace_, pipeline_.model(), filter, 10ms, limits) {
    pipeline_.Attach(window_);
    trace_.Rewind();
    EXPECT_TRUE(pipeline_.Poll().ok());
  }
  Window Look(Nanos span) { return window_.Look(pipeline_.now(), span); }

 private:
  TraceBuilder trace_;
  Pipeline pipeline_;
  WindowCollector window_;
};

const WindowFunction& FunctionOf(const Window& window, const std::string& name) {
  static const WindowFunction kNone;
  for (const WindowFunction& row : window.functions) {
    if (row.function == name) return row;
  }
  ADD_FAILURE() << "no row of " << name;
  return kNone;
}

// One work each 100 ms from `from` on, which waits for 10 us and executes for 50 ms.
void Steady(TraceBuilder& t, Nanos from, int count, const Job& job = {}) {
  for (int i = 0; i < count; ++i) {
    const Nanos at = from + i * 100ms;
    t.Put(at, kTask, kWorkA, job).Run(at + 10us, at + 50ms, kWorker, kWorkA, job);
  }
}

TEST(SlicedLatencyTest, QuantilesAreThoseOfTheLatencies) {
  SlicedLatency latency;
  for (int i = 1; i <= 1000; ++i) latency.Add(i * 1us);
  latency.MoveTo(1);
  const SlicedLatency::Sum sum = latency.SumFrom(0);
  EXPECT_EQ(sum.count, 1000u);
  EXPECT_EQ(sum.worst, 1000us);
  EXPECT_NEAR(static_cast<double>(sum.Quantile(0.5)->count()), 500e3, 500e3 * 0.023);
  EXPECT_NEAR(static_cast<double>(sum.Quantile(0.99)->count()), 990e3, 990e3 * 0.023);
  EXPECT_EQ(latency.SumFrom(1).count, 0u) << "the new slice is empty";
  EXPECT_EQ(latency.SumFrom(1).Quantile(0.5), std::nullopt);
}

TEST(SlicedLatencyTest, AMinuteLaterNothingIsLeft) {
  SlicedLatency latency;
  latency.Add(0ns);
  latency.Add(1ns);
  latency.Add(Nanos::max());
  latency.MoveTo(59);
  EXPECT_EQ(latency.SumFrom(0).count, 3u);
  EXPECT_EQ(latency.SumFrom(0).Quantile(0), 0ns);
  latency.MoveTo(60);
  EXPECT_EQ(latency.SumFrom(1).count, 0u);
  latency.MoveTo(10'000);
  EXPECT_EQ(latency.SumFrom(10'000 - 59).count, 0u);
}

TEST(SliceClockTest, WhateverStampsComeNothingOverflows) {
  for (const Timestamp begin : {Timestamp(0ns), Timestamp::min() + 1ns, Timestamp::max() - 1s}) {
    SliceClock clock(1s, 60);
    clock.Begin(begin);
    if (clock.IsOver(Timestamp::max())) clock.MoveTo(Timestamp::max());
    EXPECT_GE(clock.BeginOf(clock.newest() + 1), clock.BeginOf(clock.newest()));
    Nanos sum(0);
    clock.Spread(Timestamp::min() + 1ns, Timestamp::max(),
                 [&](size_t, Nanos part) { sum += part; });
    EXPECT_LE(sum, 60s);
    EXPECT_FALSE(clock.IsOver(Timestamp::min() + 1ns));
  }
}

TEST(WindowTest, RatesAreThoseOfTheSpanLookedAt) {
  TraceBuilder t;
  Steady(t, 0s, 300, {"steady_fn", "wq", 0});  // for 30 s
  Steady(t, 30s, 50, {"late_fn", "wq", 0});    // for 5 s
  t.Tick(35s, 0);
  Live live(std::move(t));
  const Window ten = live.Look(10s);
  EXPECT_EQ(ten.end, Timestamp(35s));
  EXPECT_EQ(ten.length, 9s) << "whole seconds, and the one that has begun";
  EXPECT_EQ(FunctionOf(ten, "steady_fn").ended, 40u);
  EXPECT_EQ(FunctionOf(ten, "late_fn").ended, 50u);
  EXPECT_NEAR(FunctionOf(ten, "late_fn").per_second, 50.0 / 9, 1e-6);
  EXPECT_NEAR(FunctionOf(ten, "steady_fn").executing, 40 * 0.04999 / 9, 1e-6);
  EXPECT_EQ(FunctionOf(live.Look(60s), "steady_fn").ended, 300u);
}

TEST(WindowTest, WhatIsOlderThanAMinuteIsForgotten) {
  TraceBuilder t;
  Steady(t, 0s, 10, {"old_fn", "wq", 0});
  Steady(t, 70s, 10, {"new_fn", "wq", 0});
  Live live(std::move(t));
  const Window window = live.Look(60s);
  ASSERT_EQ(window.functions.size(), 1u);
  EXPECT_EQ(window.functions[0].function, "new_fn");
  EXPECT_EQ(window.functions[0].slowest.size(), 5u);
  ASSERT_EQ(window.workers.size(), 1u);
  ASSERT_EQ(window.workers[0].functions.size(), 1u) << "what it did before is forgotten, too";
  EXPECT_EQ(window.workers[0].functions[0].first, "new_fn");
}

TEST(WindowTest, TheSlowestOfTheYoungerOnesAreKnownOnceTheOlderOnesAreGone) {
  TraceBuilder t;
  for (int i = 0; i < 20; ++i) {  // at first each waits for 1 ms, a minute later for 20 to 39 us
    const Nanos at = i * 100ms;
    t.Put(at, kTask, kWorkA).Run(at + 1ms, at + 2ms, kWorker, kWorkA);
  }
  for (int i = 0; i < 20; ++i) {
    const Nanos at = 65s + i * 100ms;
    t.Put(at, kTask, kWorkA).Run(at + (20 + i) * 1us, at + 2ms, kWorker, kWorkA);
  }
  Live live(std::move(t));
  const WindowFunction row = FunctionOf(live.Look(60s), "work_fn");
  ASSERT_EQ(row.slowest.size(), 5u);
  EXPECT_EQ(row.slowest[0].latency, 39us);
  EXPECT_EQ(row.slowest[4].latency, 35us);
  EXPECT_EQ(row.slowest[0].origin, "task task");
  EXPECT_EQ(row.slowest[0].worker, "kworker/0:1");
  EXPECT_EQ(row.worst, 39us);
}

TEST(WindowTest, AnExecutionThatGoesOnCountsAlready) {
  TraceBuilder t;
  t.Put(0s, kTask, kWorkA, {"hog_fn", "hogs", 0}).Start(1s, kWorker, kWorkA, {"hog_fn"});
  t.Tick(8s, 0);
  Live live(std::move(t));
  const Window window = live.Look(10s);
  const WindowFunction& row = FunctionOf(window, "hog_fn");
  EXPECT_EQ(row.running, 1u);
  EXPECT_EQ(row.ended, 0u);
  EXPECT_NEAR(row.executing, 7.0 / 8, 1e-6);
  ASSERT_EQ(window.workers.size(), 1u);
  EXPECT_EQ(window.workers[0].running, "hog_fn");
  EXPECT_EQ(window.workers[0].running_for, 7s);
  EXPECT_NEAR(window.workers[0].busy, 7.0 / 8, 1e-6);
}

TEST(WindowTest, AStallIsShownWhileItGoesOnWithWhoHoldsThePool) {
  TraceBuilder t;
  // Which pool serves the feed of the victims is known once one of them has started.
  t.Put(0ms, kTask, kWorkB, {"victim_fn", "victims", 0})
      .Run(1ms, 2ms, kWorker, kWorkB, {"victim_fn"});
  t.Put(10ms, kTask, kWorkA, {"hog_fn", "hogs", 0}).Start(11ms, kWorker, kWorkA, {"hog_fn"});
  t.Put(20ms, kTask, kWorkB, {"victim_fn", "victims", 0});
  t.Put(21ms, kTask, kWorkC, {"victim_fn", "victims", 0});
  t.Tick(720ms, 0);
  Live live(std::move(t));
  const Window window = live.Look(10s);
  ASSERT_EQ(window.pools.size(), 1u);
  const WindowPool& pool = window.pools[0];
  EXPECT_EQ(pool.backlog, 2u);
  EXPECT_EQ(pool.busy, 1u);
  ASSERT_TRUE(pool.stall.has_value());
  EXPECT_EQ(pool.stall->begin, Timestamp(20ms));
  EXPECT_EQ(pool.stall->duration, 700ms);
  EXPECT_EQ(pool.stall->delayed_items, 2u);
  ASSERT_EQ(pool.stall->holders.size(), 1u);
  EXPECT_EQ(pool.stall->holders[0].function, "hog_fn");
  EXPECT_EQ(ToInt(pool.stall->holders[0].worker_pid), 10);
  EXPECT_TRUE(window.stalls.empty()) << "it is not over";
}

TEST(WindowTest, AStallThatIsOverIsAmongTheLastOnes) {
  TraceBuilder t;
  t.Put(0ms, kTask, kWorkB).Run(1ms, 2ms, kWorker, kWorkB);
  for (int i = 1; i <= 3; ++i) {
    const Nanos at = i * 100ms;
    t.Put(at, kTask, kWorkA).Run(at + i * 20ms, at + i * 20ms + 1ms, kWorker, kWorkA);
  }
  Live live(std::move(t), {.functions = 8, .workers = 8, .stalls = 2});
  const Window window = live.Look(10s);
  ASSERT_EQ(window.stalls.size(), 2u);
  EXPECT_EQ(window.stalls[0].duration, 60ms) << "the latest first";
  EXPECT_EQ(window.stalls[1].duration, 40ms);
  EXPECT_EQ(window.stalls_total, 3u);
  ASSERT_EQ(window.pools.size(), 1u);
  EXPECT_FALSE(window.pools[0].stall.has_value());
}

// The task that has the CPU of a pool whose worker is awake and does not get it.
TEST(WindowTest, AStarvedPoolNamesTheTaskThatHasItsCpu) {
  TraceBuilder t;
  const Emitter hog{700, "rt-hog", 0, 0};
  t.Put(0ms, kTask, kWorkB).Run(1ms, 2ms, kWorker, kWorkB);
  t.Switch(3ms, 0, kWorker, hog, 'I');
  t.Put(10ms, hog, kWorkA).Waking(10ms, hog, kWorker).Wakeup(10ms, hog, kWorker);
  t.Tick(60ms, 1);
  t.mutable_info().has_sched = true;
  Live live(std::move(t));
  const Window window = live.Look(10s);
  ASSERT_EQ(window.pools.size(), 1u);
  ASSERT_TRUE(window.pools[0].on_cpu.has_value());
  EXPECT_EQ(window.pools[0].on_cpu->comm, "rt-hog");
  EXPECT_EQ(window.pools[0].on_cpu_for, 57ms);
}

// Some kernels drop the switch to it; what it does on that CPU shows that it runs there.
TEST(WindowTest, ATaskIsNamedThoughTheSwitchToItIsMissing) {
  TraceBuilder t;
  const Emitter hog{700, "rt-hog", 0, 0}, idle{0, "swapper/0", 0, 0};
  t.Put(0ms, kTask, kWorkB).Run(1ms, 2ms, kWorker, kWorkB);
  t.Switch(3ms, 0, kWorker, idle, 'I');
  t.Put(10ms, hog, kWorkA).Waking(10ms, hog, kWorker).Wakeup(10ms, hog, kWorker);
  t.Tick(60ms, 1);
  t.mutable_info().has_sched = true;
  Live live(std::move(t));
  const Window window = live.Look(10s);
  ASSERT_EQ(window.pools.size(), 1u);
  ASSERT_TRUE(window.pools[0].on_cpu.has_value());
  EXPECT_EQ(window.pools[0].on_cpu->comm, "rt-hog");
  EXPECT_EQ(window.pools[0].on_cpu->prio, std::nullopt);
  EXPECT_EQ(window.pools[0].on_cpu_for, 50ms) << "at least";
}

TEST(WindowTest, FunctionsAndWorkersWithoutARowOfTheirOwnShareOne) {
  TraceBuilder t;
  std::vector<std::string> names;
  for (int i = 0; i < 20; ++i) names.push_back("fn" + std::to_string(i));
  for (int i = 0; i < 20; ++i) {
    const Nanos at = i * 10ms;
    const Emitter worker{100 + i, "kworker/0:9", 0, 0};
    const Job job{names[static_cast<size_t>(i)], "wq", 0};
    t.Put(at, kTask, kWorkA, job).Run(at + 1us, at + 2us, worker, kWorkA, job);
  }
  Live live(std::move(t), {.functions = 4, .workers = 3, .stalls = 2});
  const Window window = live.Look(10s);
  ASSERT_EQ(window.functions.size(), 5u);
  EXPECT_TRUE(window.functions.back().others);
  EXPECT_EQ(window.functions.back().ended, 16u);
  ASSERT_EQ(window.workers.size(), 4u);
  EXPECT_EQ(window.workers.back().ended, 17u);
}

TEST(WindowTest, FiltersChooseFunctionsAndNotPools) {
  TraceBuilder t;
  Steady(t, 0s, 5, {"a_fn", "a", 0});
  Steady(t, 1s, 5, {"b_fn", "b", 0});
  ItemFilter filter;
  filter.workqueues = {"b"};
  Live live(std::move(t), {}, filter);
  const Window window = live.Look(10s);
  ASSERT_EQ(window.functions.size(), 1u);
  EXPECT_EQ(window.functions[0].function, "b_fn");
  EXPECT_EQ(window.pools.size(), 1u);
}

TEST(WindowTest, WithSchedulerEventsTheShareOfACpuIsKnown) {
  TraceBuilder t;
  t.mutable_info().has_sched = true;
  t.Switch(0ms, 0, kTask, kWorker, 'S');
  t.Put(1ms, kOtherTask, kWorkA).Start(2ms, kWorker, kWorkA);
  t.Switch(252ms, 0, kWorker, kTask, 'D');  // asleep for half of it
  t.Waking(502ms, kTask, kWorker).Wakeup(502ms, kTask, kWorker);
  t.Switch(502ms, 0, kTask, kWorker, 'S');
  t.End(502ms, kWorker, kWorkA);
  t.Tick(1000ms, 0);
  Live live(std::move(t));
  const WindowFunction row = FunctionOf(live.Look(10s), "work_fn");
  EXPECT_NEAR(row.executing, 0.5, 1e-6);
  ASSERT_TRUE(row.cpu.has_value());
  EXPECT_NEAR(*row.cpu, 0.25, 1e-6);
}

}  // namespace
}  // namespace wqprof::testing
