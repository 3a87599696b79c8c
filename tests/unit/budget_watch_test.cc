// SPDX-License-Identifier: Apache-2.0
// Conditions of a flight recorder: what they say, and what meets them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "support/trace_builder.h"
#include "wqprof/render_watch.h"
#include "wqprof/watch.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string ProblemOf(std::string_view text) {
  const auto condition = ParseWatchCondition(text);
  return condition.ok() ? "" : std::string(condition.status().message());
}

WatchCondition Condition(std::string_view text) {
  auto condition = ParseWatchCondition(text);
  EXPECT_TRUE(condition.ok()) << condition.status();
  return condition.ok() ? *std::move(condition) : WatchCondition();
}

TEST(WatchConditionTest, HasTheWordsOfBudgets) {
  const WatchCondition stall = Condition(" stall > 100ms ");
  EXPECT_EQ(stall.quantity, Quantity::kStall);
  EXPECT_EQ(stall.limit, 100e6);
  EXPECT_EQ(stall.text, "stall > 100ms");
  const WatchCondition latency = Condition(
      "latency>50ms,function=blk_mq_*,function = !blk_mq_timeout*, cpu=0-2, cpu=5,"
      "workqueue=kblockd,pool=cpu*,origin=task fio");
  EXPECT_EQ(latency.quantity, Quantity::kLatency);
  EXPECT_THAT(latency.selector.functions, ElementsAre("blk_mq_*", "!blk_mq_timeout*"));
  EXPECT_EQ(latency.selector.cpus.size(), 4u);
  EXPECT_THAT(latency.selector.workqueues, ElementsAre("kblockd"));
  EXPECT_THAT(latency.selector.pools, ElementsAre("cpu*"));
  EXPECT_THAT(latency.selector.origins, ElementsAre("task fio"));
  EXPECT_EQ(Condition("execution.max > 1s").quantity, Quantity::kExecution);
  EXPECT_TRUE(Condition("dispatch_wait.runqueue > 1ms").needs_sched());
  EXPECT_TRUE(Condition("timer_slack > 1ms").needs_timers());
  EXPECT_FALSE(stall.needs_sched() || stall.needs_timers());
  EXPECT_EQ(Condition("backlog > 1000, pool=cpu0").limit, 1000);
}

TEST(WatchConditionTest, SaysWhatIsWrongAndWhatWasMeant) {
  EXPECT_THAT(ProblemOf(""), HasSubstr("it has no '>'"));
  EXPECT_THAT(ProblemOf("stall"), HasSubstr("write it like 'stall > 100ms'"));
  EXPECT_THAT(ProblemOf("latncy > 1ms"), HasSubstr("did you mean 'latency'?"));
  EXPECT_THAT(ProblemOf("paired > 1"),
              HasSubstr("total, timer_slack, timer_delay, stall, backlog"));
  EXPECT_THAT(ProblemOf("stall > 100"), HasSubstr("'100' has no unit"));
  EXPECT_THAT(ProblemOf("stall > fast"), HasSubstr("'fast' is not a duration"));
  EXPECT_THAT(ProblemOf("latency.p99 > 1ms"), HasSubstr("each is looked at alone: write latency"));
  EXPECT_THAT(ProblemOf("stalls > 1"), HasSubstr("write stall"));
  EXPECT_THAT(ProblemOf("lost_events > 1"), HasSubstr("of a whole run only"));
  EXPECT_THAT(ProblemOf("busy_fraction > 1"), HasSubstr("of a whole run only"));
  EXPECT_THAT(ProblemOf("backlog > x"), HasSubstr("not a number of items"));
  EXPECT_THAT(ProblemOf("backlog > -1"), HasSubstr("not a number of items"));
  EXPECT_THAT(ProblemOf("backlog > inf"), HasSubstr("not a number of items"));
  EXPECT_THAT(ProblemOf("latency > 1ms, fucntion=x"), HasSubstr("did you mean 'function'?"));
  EXPECT_THAT(ProblemOf("latency > 1ms, function"), HasSubstr("write function=GLOB"));
  EXPECT_THAT(ProblemOf("latency > 1ms, cpu=x"), HasSubstr("not a list of CPUs"));
  EXPECT_THAT(ProblemOf("latency > 1ms,, cpu=1"), HasSubstr("unknown key ''"));
  EXPECT_THAT(ProblemOf("stall > 1ms, origin=task"), HasSubstr("stall has no origin"));
  EXPECT_THAT(ProblemOf("backlog > 1, function=x"), HasSubstr("select by pool or cpu only"));
}

// A recording that goes on: events are added and then looked at.
class Watched {
 public:
  Watched(TraceBuilder trace, const std::vector<std::string>& conditions)
      : trace_(std::move(trace)), pipeline_(trace_) {
    for (const std::string& text : conditions) conditions_.push_back(Condition(text));
    collector_.emplace(trace_, pipeline_.model(), conditions_);
    pipeline_.Attach(*collector_);
    Poll();
  }
  void Poll() {
    trace_.Rewind();
    EXPECT_TRUE(pipeline_.Poll().ok());
  }
  // Goes on with other events.
  void GoOn(const TraceBuilder& more) {
    trace_.Replace({more.events().begin(), more.events().end()});
    Poll();
  }
  TraceBuilder& trace() { return trace_; }
  std::vector<WatchHit> Look() { return collector_->Look(); }
  std::vector<std::string> Words() {
    std::vector<std::string> out;
    for (const WatchHit& hit : Look()) out.push_back(WatchText(hit, conditions_[hit.condition]));
    return out;
  }
  void Settle(const WatchHit& hit) { collector_->Settle(hit); }

 private:
  TraceBuilder trace_;
  Pipeline pipeline_;
  std::vector<WatchCondition> conditions_;
  std::optional<WatchCollector> collector_;
};

TraceBuilder Victims() {
  TraceBuilder t;
  // Which pool serves the feed of the victims is known once one of them has started.
  t.Put(0ms, kTask, kWorkB, {"victim_fn", "victims", 0})
      .Run(1ms, 2ms, kWorker, kWorkB, {"victim_fn"});
  t.Put(10ms, kTask, kWorkA, {"hog_fn", "hogs", 0}).Start(11ms, kWorker, kWorkA, {"hog_fn"});
  t.Put(20ms, kTask, kWorkB, {"victim_fn", "victims", 0});
  t.Put(21ms, kTask, kWorkC, {"victim_fn", "victims", 0});
  return t;
}

TEST(WatchCollectorTest, FindsAStallWhileItGoesOn) {
  TraceBuilder t = Victims();
  t.Tick(220ms, 0);
  Watched watched(t, {"stall > 100ms", "stall > 1s", "stall > 100ms, function=other_fn",
                      "stall > 100ms, function=hog_*, pool=cpu0", "stall > 100ms, cpu=1"});
  const std::string words =
      "stall of 200ms that goes on: pool cpu0 starts nothing, 2 items wait; it executed hog_fn "
      "[hogs] on kworker/0:1[10]";
  EXPECT_THAT(watched.Words(), ElementsAre(words, words));
}

TEST(WatchCollectorTest, AStallThatWasSettledIsNoneAgain) {
  TraceBuilder t = Victims();
  t.Tick(220ms, 0);
  Watched watched(t, {"stall > 100ms"});
  const auto hits = watched.Look();
  ASSERT_EQ(hits.size(), 1u);
  EXPECT_EQ(watched.Look().size(), 1u) << "nobody has settled it";
  watched.Settle(hits[0]);
  EXPECT_TRUE(watched.Look().empty());
  TraceBuilder more = watched.trace();
  more.Replace({});
  more.End(500ms, kWorker, kWorkA, {"hog_fn"})
      .Run(501ms, 502ms, kWorker, kWorkB, {"victim_fn"})
      .Run(503ms, 504ms, kWorker, kWorkC, {"victim_fn"});
  watched.GoOn(more);
  EXPECT_TRUE(watched.Look().empty()) << "nor as it is over";
}

TEST(WatchCollectorTest, FindsAStallThatIsOverBetweenTwoLooks) {
  TraceBuilder t = Victims();
  t.End(500ms, kWorker, kWorkA, {"hog_fn"}).Run(501ms, 502ms, kWorker, kWorkB, {"victim_fn"});
  t.Run(503ms, 504ms, kWorker, kWorkC, {"victim_fn"});
  Watched watched(t, {"stall > 100ms"});
  EXPECT_THAT(watched.Words(),
              ElementsAre("stall of 481ms: pool cpu0 started nothing; it executed hog_fn [hogs] on "
                          "kworker/0:1[10]"));
  EXPECT_TRUE(watched.Look().empty());
}

TEST(WatchCollectorTest, FindsTheWorstOfItems) {
  TraceBuilder t;
  for (int n = 1; n <= 5; ++n) {
    const Nanos at = n * 100ms;
    t.Put(at, kTask, kWorkA).Run(at + n * 10ms, at + n * 11ms, kWorker, kWorkA);
  }
  Watched watched(t, {"latency > 20ms", "execution > 4ms", "latency > 50ms",
                      "latency > 20ms, function=other", "total > 1us, workqueue=wq, origin=task*"});
  EXPECT_THAT(watched.Words(),
              ElementsAre("latency of 50.0ms: work_fn [wq] on kworker/0:1[10], queued by task task",
                          "execution of 5.00ms: work_fn [wq] on kworker/0:1[10], queued by task "
                          "task",
                          "total of 55.0ms: work_fn [wq] on kworker/0:1[10], queued by task task"));
}

TEST(WatchCollectorTest, AnItemIsFoundBeforeItEndsAndNotAgainAfter) {
  TraceBuilder t;
  t.Put(0ms, kTask, kWorkA).Start(60ms, kWorker, kWorkA).Tick(2s, 0);
  Watched watched(t, {"latency > 50ms", "execution > 1s"});
  const auto hits = watched.Look();
  ASSERT_EQ(hits.size(), 2u);
  EXPECT_EQ(hits[0].value, 60e6);
  EXPECT_FALSE(hits[0].goes_on);
  EXPECT_EQ(hits[1].value, 1940e6);
  EXPECT_TRUE(hits[1].goes_on);
  watched.Settle(hits[1]);
  TraceBuilder more = watched.trace();
  more.Replace({});
  more.End(3s, kWorker, kWorkA);
  watched.GoOn(more);
  EXPECT_TRUE(watched.Look().empty());
}

TEST(WatchCollectorTest, ABarrierIsNobodysWork) {
  TraceBuilder t;
  t.Start(0ms, kWorker, kWorkA, kBarrierJob).Tick(2s, 0);
  t.End(3s, kWorker, kWorkA, kBarrierJob).Tick(4s, 0);
  Watched watched(t, {"execution > 1s"});
  EXPECT_TRUE(watched.Look().empty());
}

TEST(WatchCollectorTest, WhatALossMayHaveTouchedMeetsNothing) {
  TraceBuilder t;
  t.Put(0ms, kTask, kWorkA).Loss(10ms, 20ms, 0).Run(100ms, 101ms, kWorker, kWorkA);
  t.Tick(200ms, 0);
  Watched watched(t, {"latency > 50ms"});
  EXPECT_TRUE(watched.Look().empty());
}

TEST(WatchCollectorTest, ABacklogIsNewsOnceUntilItIsGone) {
  TraceBuilder t = Victims();
  t.Tick(30ms, 0);
  Watched watched(t, {"backlog > 1", "backlog > 2", "backlog > 1, pool=cpu1"});
  const auto hits = watched.Look();
  ASSERT_EQ(hits.size(), 1u);
  EXPECT_EQ(WatchText(hits[0], Condition("backlog > 1")), "backlog of 2 items in pool cpu0");
  watched.Settle(hits[0]);
  EXPECT_TRUE(watched.Look().empty());
  TraceBuilder more = watched.trace();
  more.Replace({});
  more.End(40ms, kWorker, kWorkA, {"hog_fn"}).Run(41ms, 42ms, kWorker, kWorkB, {"victim_fn"});
  more.Run(43ms, 44ms, kWorker, kWorkC, {"victim_fn"}).Tick(50ms, 0);
  watched.GoOn(more);
  EXPECT_TRUE(watched.Look().empty());
  TraceBuilder again = watched.trace();
  again.Replace({});
  again.Put(60ms, kTask, kWorkB, {"victim_fn", "victims", 0});
  again.Put(61ms, kTask, kWorkC, {"victim_fn", "victims", 0}).Tick(70ms, 0);
  watched.GoOn(again);
  EXPECT_EQ(watched.Look().size(), 1u);
}

TEST(WatchWordTest, IsFitForTheNameOfAFile) {
  EXPECT_EQ(WatchWord(Condition("stall > 1s")), "stall");
  EXPECT_EQ(WatchWord(Condition("execution.blocked > 1s")), "execution-blocked");
}

}  // namespace
}  // namespace wqprof::testing
