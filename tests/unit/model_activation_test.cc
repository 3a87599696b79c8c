// SPDX-License-Identifier: Apache-2.0
// Who had the slots of max_active while items were inactive.
#include <gtest/gtest.h>

#include "support/trace_builder.h"
#include "wqprof/model.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

constexpr WorkAddr kWorkD{0xffff888000004000};
constexpr Emitter kThaw{700, "thaw", 0, 0};

// What the model says of a trace.
struct Told {
  std::vector<ActivationAccount> accounts;
  std::vector<WorkItem> items;
};

Told Tell(TraceBuilder& trace) {
  trace.Rewind();
  Reconstructor model(trace);
  model.Add(trace.events());
  model.Finish();
  Completed completed;
  model.Take(completed);
  return {model.Activations(), {completed.items.begin(), completed.items.end()}};
}

// How long items of `function` were active while others waited.
Nanos HeldBy(TraceBuilder& trace, const ActivationAccount& account, std::string_view function) {
  for (const auto& holder : account.holders) {
    if (trace.names().Get(holder.function) == function) return holder.held;
  }
  return Nanos(0);
}

TEST(ActivationTest, ItemsThatAreActivatedAtOnceAreNoWaits) {
  TraceBuilder t;
  t.Put(1us, kTask, kWorkA).Run(2us, 3us, kWorker, kWorkA);
  t.Put(4us, kTask, kWorkB).Run(5us, 6us, kWorker, kWorkB);
  EXPECT_TRUE(Tell(t).accounts.empty());
}

TEST(ActivationTest, AnOrderedQueueIsHeldByTheItemThatRuns) {
  TraceBuilder t;
  t.Put(0us, kTask, kWorkA, {"first"}).Start(1us, kWorker, kWorkA, {"first"});
  t.Queue(10us, kTask, kWorkB, {"second"}).Queue(20us, kTask, kWorkC, {"third"});
  t.End(30us, kWorker, kWorkA, {"first"}).Activate(30us, kWorker, kWorkB);
  t.Run(31us, 50us, kWorker, kWorkB, {"second"}).Activate(50us, kWorker, kWorkC);
  t.Run(51us, 52us, kWorker, kWorkC, {"third"});
  const Told told = Tell(t);
  ASSERT_EQ(told.accounts.size(), 1u);
  const ActivationAccount& account = told.accounts[0];
  EXPECT_EQ(account.items, 2u);
  EXPECT_EQ(account.waited, 20us + 30us);
  EXPECT_EQ(account.worst, 30us);
  EXPECT_EQ(account.at_limit, 40us) << "the waits overlap";
  EXPECT_EQ(account.inactive_max, 2u);
  EXPECT_EQ(account.active_min, 1u);
  EXPECT_EQ(account.active_max, 1u);
  EXPECT_EQ(HeldBy(t, account, "first"), 20us + 10us);
  EXPECT_EQ(HeldBy(t, account, "second"), 20us);
  EXPECT_EQ(HeldBy(t, account, "third"), 0us);
  EXPECT_EQ(account.unheld, 0us);
  EXPECT_EQ(account.released_by_end, 2u);
  EXPECT_TRUE(account.activators.empty());
}

TEST(ActivationTest, ALimitOfTwoIsSeenAndBothHoldersAreNamed) {
  TraceBuilder t;
  t.Put(0us, kTask, kWorkA, {"a"}).Put(0us, kTask, kWorkB, {"b"});
  t.Start(1us, kWorker, kWorkA, {"a"});
  t.Queue(10us, kTask, kWorkC, {"c"});
  t.End(20us, kWorker, kWorkA, {"a"}).Activate(20us, kWorker, kWorkC);
  t.Run(21us, 22us, kWorker, kWorkB, {"b"}).Run(23us, 24us, kWorker, kWorkC, {"c"});
  const Told told = Tell(t);
  ASSERT_EQ(told.accounts.size(), 1u);
  EXPECT_EQ(told.accounts[0].active_max, 2u);
  EXPECT_EQ(HeldBy(t, told.accounts[0], "a"), 10us);
  EXPECT_EQ(HeldBy(t, told.accounts[0], "b"), 10us) << "on the worklist it has a slot, too";
}

TEST(ActivationTest, AnItemTellsBehindHowManyItWaited) {
  TraceBuilder t;
  t.Put(0us, kTask, kWorkA).Start(1us, kWorker, kWorkA).Queue(2us, kTask, kWorkB);
  t.End(3us, kWorker, kWorkA).Activate(3us, kWorker, kWorkB).Run(4us, 5us, kWorker, kWorkB);
  for (const WorkItem& item : Tell(t).items) {
    EXPECT_EQ(item.inactive_behind, item.work == kWorkB ? 1 : -1);
  }
}

TEST(ActivationTest, WhatATaskLetsGoWasHeldByNobodyThatIsKnown) {
  TraceBuilder t;
  t.Put(0us, kTask, kWorkC).Run(1us, 2us, kWorker, kWorkC);
  t.Queue(10us, kTask, kWorkA).Activate(110us, kThaw, kWorkA).Run(111us, 112us, kWorker, kWorkA);
  t.Queue(200us, kTask, kWorkB).Activate(250us, kThaw, kWorkB).Run(251us, 252us, kWorker, kWorkB);
  const Told told = Tell(t);
  ASSERT_EQ(told.accounts.size(), 1u);
  const ActivationAccount& account = told.accounts[0];
  EXPECT_EQ(account.items, 2u);
  EXPECT_EQ(account.waited, 150us);
  EXPECT_EQ(account.unheld, 50us) << "of the first wait of all nothing is known";
  EXPECT_EQ(account.active_max, 0u);
  EXPECT_TRUE(account.holders.empty());
  EXPECT_EQ(account.released_by_end, 0u);
  ASSERT_EQ(account.activators.size(), 1u);
  EXPECT_EQ(t.names().Get(account.activators[0].comm), "thaw");
  EXPECT_EQ(account.activators[0].count, 2u);
}

TEST(ActivationTest, WhatACancellerActivatesAndNobodyStartsWaitedForNothing) {
  TraceBuilder t;
  t.Put(0us, kTask, kWorkA).Start(1us, kWorker, kWorkA);
  t.Queue(10us, kTask, kWorkB).Queue(11us, kTask, kWorkC);
  t.Activate(20us, kOtherTask, kWorkB);  // cancelled
  t.End(30us, kWorker, kWorkA).Activate(30us, kWorker, kWorkC).Run(31us, 32us, kWorker, kWorkC);
  t.Put(40us, kTask, kWorkA).Start(41us, kWorker, kWorkA).Queue(42us, kTask, kWorkD);
  t.End(43us, kWorker, kWorkA).Activate(43us, kWorker, kWorkD).Run(44us, 45us, kWorker, kWorkD);
  const Told told = Tell(t);
  ASSERT_EQ(told.accounts.size(), 1u);
  EXPECT_EQ(told.accounts[0].items, 2u);
  EXPECT_EQ(told.accounts[0].waited, 19us + 1us);
  EXPECT_EQ(told.accounts[0].active_max, 1u);
}

TEST(ActivationTest, NothingIsToldAcrossALoss) {
  TraceBuilder t;
  t.Put(0us, kTask, kWorkA).Start(1us, kWorker, kWorkA).Queue(10us, kTask, kWorkB);
  t.Loss(11us, 12us, 1);
  t.End(30us, kWorker, kWorkA).Activate(30us, kWorker, kWorkB).Run(31us, 32us, kWorker, kWorkB);
  EXPECT_TRUE(Tell(t).accounts.empty());
}

TEST(ActivationTest, CpusOfAPerCpuWorkqueueHaveLimitsOfTheirOwn) {
  TraceBuilder t;
  t.Put(0us, kTask, kWorkA).Start(1us, kWorker, kWorkA).Queue(2us, kTask, kWorkB);
  t.Put(3us, kTask, kWorkC, {"work_fn", "wq", 1}).Run(4us, 5us, kWorkerOn1, kWorkC);
  t.End(6us, kWorker, kWorkA).Activate(6us, kWorker, kWorkB).Run(7us, 8us, kWorker, kWorkB);
  const Told told = Tell(t);
  ASSERT_EQ(told.accounts.size(), 1u);
  EXPECT_EQ(told.accounts[0].cpu, static_cast<Cpu>(0));
  EXPECT_EQ(HeldBy(t, told.accounts[0], "work_fn"), 4us);
}

TEST(ActivationTest, AnEndInOnePoolThatLetsGoAnItemOfAnotherSharesTheLimit) {
  constexpr Emitter kOtherPool{40, "kworker/u9:1", 1, 0};
  TraceBuilder t;
  t.Put(0us, kTask, kWorkA, kUnboundJob).Start(1us, kUnboundWorker, kWorkA);
  t.Queue(2us, kOtherTask, kWorkB, kUnboundJob);
  t.End(3us, kUnboundWorker, kWorkA).Activate(3us, kUnboundWorker, kWorkB);
  t.Run(4us, 5us, kOtherPool, kWorkB);
  const Told told = Tell(t);
  ASSERT_EQ(told.accounts.size(), 1u);
  EXPECT_EQ(told.accounts[0].cpu, Cpu::kNone);
  EXPECT_TRUE(told.accounts[0].shared_by_pools);
}

TEST(ActivationTest, AWorkThatGoesToAnotherWorkqueueWhileItRunsFreesItsSlotAsItEnds) {
  TraceBuilder t;
  const Job other{"work_fn", "other", 0};
  t.Put(0us, kTask, kWorkA).Start(1us, kWorker, kWorkA).Queue(2us, kTask, kWorkB);
  t.End(3us, kWorker, kWorkA).Activate(3us, kWorker, kWorkB).Start(4us, kWorker, kWorkB);
  t.Put(5us, kWorker, kWorkB, other).Queue(6us, kTask, kWorkC);
  t.End(7us, kWorker, kWorkB).Activate(7us, kWorker, kWorkC).Run(8us, 9us, kWorker, kWorkC);
  t.Run(10us, 11us, kWorker, kWorkB);
  t.Put(20us, kTask, kWorkA).Start(21us, kWorker, kWorkA).Queue(22us, kTask, kWorkC);
  t.End(23us, kWorker, kWorkA).Activate(23us, kWorker, kWorkC).Run(24us, 25us, kWorker, kWorkC);
  const Told told = Tell(t);
  ASSERT_EQ(told.accounts.size(), 1u);
  EXPECT_EQ(told.accounts[0].items, 3u);
  EXPECT_EQ(told.accounts[0].active_max, 1u);
}

TEST(ActivationTest, WithoutActivateEventsNothingIsTold) {
  TraceBuilder t;
  t.WithoutActivate();
  t.Queue(0us, kTask, kWorkA).Run(1us, 2us, kWorker, kWorkA);
  EXPECT_TRUE(Tell(t).accounts.empty());
}

}  // namespace
}  // namespace wqprof::testing
