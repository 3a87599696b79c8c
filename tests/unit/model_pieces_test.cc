// SPDX-License-Identifier: Apache-2.0
// The pieces of the matcher, each alone.
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "model/activations_ahead.h"
#include "model/cpu_tasks.h"
#include "model/interrupts.h"
#include "model/item_outlet.h"
#include "model/item_splitter.h"
#include "model/orphan_starts.h"
#include "model/pending_window.h"
#include "model/pid_table.h"
#include "model/pool_levels.h"
#include "model/pool_table.h"
#include "model/pool_tracker.h"
#include "model/pwq_table.h"
#include "model/tables.h"
#include "model/worker_names.h"
#include "support/trace_builder.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

constexpr Timestamp At(Nanos since) { return Timestamp(since); }

// All pieces that PendingWindow and OrphanStarts need, and what comes out.
struct Bench {
  TraceBuilder trace;
  Tables tables{trace};
  ItemOutlet outlet{WorkqueueEvents::All()};
  Interrupts interrupts{tables.workers, tables.sched};
  ItemSplitter splitter{tables, interrupts, outlet};
  PendingWindow window{tables, splitter, outlet};
  OrphanStarts orphans{tables, outlet};

  Bench() { tables.now = At(1s); }

  SlabIndex Queued(uint64_t id, Nanos at, WorkAddr work = kWorkA) {
    const SlabIndex index = tables.works.Get(work);
    QueueRecord& q = tables.works[index].queue;
    q.id = id;
    q.work = work;
    q.queued = At(at);
    q.activated = At(at);
    q.pwq = tables.occupancy.pwqs().Of(NameId::kUnknown, Cpu{0}, Cpu{0});
    tables.works[index].queued = true;
    return index;
  }
  QueueRecord Record(uint64_t id, Nanos at) {
    QueueRecord q;
    q.id = id;
    q.work = kWorkA;
    q.queued = At(at);
    return q;
  }
  OpenExecution& Start(ExecutionContext& context, uint64_t id, Nanos at) {
    OpenExecution& run = context.stack.emplace_back();
    run.item.id = id;
    run.item.work = kWorkA;
    run.item.started = At(at);
    run.item.run_cpu = Cpu{0};
    return run;
  }
  std::vector<WorkItem> Out() {
    Completed out;
    outlet.Take(out);
    return {out.items.begin(), out.items.end()};
  }
};

WorkItem Item(uint64_t id, ItemState state, Nanos queued) {
  WorkItem item;
  item.id = id;
  item.work = kWorkA;
  item.state = state;
  item.queued = At(queued);
  return item;
}

TEST(ItemOutletTest, HoldsItemsBackUntilAllKindsOfEventsWereSeen) {
  ItemOutlet outlet(std::nullopt);
  outlet.See(EventKind::kQueueWork);
  outlet.Emit(Item(1, ItemState::kSuperseded, 1us));
  Completed out;
  outlet.Take(out);
  EXPECT_TRUE(out.items.empty());
  outlet.See(EventKind::kExecuteStart);
  outlet.See(EventKind::kExecuteEnd);
  outlet.Take(out);
  ASSERT_EQ(out.items.size(), 1u);
  EXPECT_EQ(outlet.quality().superseded, 1u);
}

TEST(ItemOutletTest, WithoutStartEventsAnEndIsThatOfTheOneItemQueuedBeforeIt) {
  ItemOutlet outlet(std::nullopt);
  outlet.See(EventKind::kQueueWork);
  outlet.See(EventKind::kExecuteEnd);
  outlet.Emit(Item(1, ItemState::kPending, 1us));
  WorkItem end = Item(2, ItemState::kUnmatched, 0us);
  end.queued = kUnseen;
  end.ended = At(5us);
  outlet.Emit(end);
  outlet.Finish({});
  Completed out;
  outlet.Take(out);
  ASSERT_EQ(out.items.size(), 1u);
  EXPECT_EQ(out.items[0].id, 1u);
  EXPECT_EQ(out.items[0].ended, At(5us));
  EXPECT_EQ(out.items[0].state, ItemState::kDone);
}

TEST(ItemOutletTest, ASplitGoesOutWithItsItem) {
  ItemOutlet outlet(WorkqueueEvents::All());
  WorkItem plain = Item(1, ItemState::kDone, 1us);
  WorkItem split = Item(2, ItemState::kDone, 2us);
  outlet.SplitFor(split).wait.emplace().hold = 7ns;
  outlet.Emit(plain);
  outlet.Emit(split);
  Completed out;
  outlet.Take(out);
  ASSERT_EQ(out.items.size(), 2u);
  EXPECT_EQ(out.SplitOf(out.items[0]), nullptr);
  ASSERT_NE(out.SplitOf(out.items[1]), nullptr);
  EXPECT_EQ(out.SplitOf(out.items[1])->wait->hold, 7ns);
}

TEST(PendingWindowTest, OfThreeQueueingsTheFirstIsSuperseded) {
  Bench bench;
  WorkState& work = bench.tables.works[bench.Queued(3, 30us)];
  QueueRecord first = bench.Record(1, 10us), second = bench.Record(2, 20us);
  bench.window.Displace(work, first);
  EXPECT_TRUE(bench.Out().empty());
  bench.window.Displace(work, second);
  const std::vector<WorkItem> out = bench.Out();
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].id, 1u);
  EXPECT_EQ(out[0].state, ItemState::kSuperseded);
  EXPECT_EQ(bench.window.Displaced(work).id, 2u);
  EXPECT_TRUE(bench.window.TakeDisplaced(work).doubtful);
  EXPECT_EQ(work.displaced, SlabIndex::kNone);
}

TEST(PendingWindowTest, OneMoreStartTurnsTheMatchAround) {
  Bench bench;
  const SlabIndex work = bench.Queued(2, 20us);
  ExecutionContext& worker = bench.tables.workers.Worker(Pid{10}, Cpu{0});
  OpenExecution& run = bench.Start(worker, 2, 21us);
  bench.window.Open(work, worker, bench.Record(1, 10us), run);
  run.item.ended = At(25us);
  ASSERT_TRUE(bench.window.Hold(run));
  EXPECT_TRUE(bench.Out().empty());
  const auto left = bench.window.Shift(bench.tables.works[work]);
  ASSERT_TRUE(left.has_value());
  EXPECT_EQ(left->id, 2u);
  const std::vector<WorkItem> out = bench.Out();
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].id, 1u);  // the start was of the queueing before
  EXPECT_EQ(out[0].queued, At(10us));
  EXPECT_EQ(out[0].started, At(21us));
}

TEST(PendingWindowTest, WithoutAnotherStartTheFirstQueueingNeverStarted) {
  Bench bench;
  const SlabIndex work = bench.Queued(2, 20us);
  ExecutionContext& worker = bench.tables.workers.Worker(Pid{10}, Cpu{0});
  OpenExecution& run = bench.Start(worker, 2, 21us);
  bench.window.Open(work, worker, bench.Record(1, 10us), run);
  bench.window.Resolve(bench.tables.works[work].provisional, true);
  const std::vector<WorkItem> out = bench.Out();
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].id, 1u);
  EXPECT_TRUE(out[0].ambiguous);
  EXPECT_TRUE(run.item.ambiguous);
  EXPECT_EQ(run.provisional, SlabIndex::kNone);
}

TEST(PendingWindowTest, ALossInTheChainLeavesNothingCertain) {
  Bench bench;
  const SlabIndex work = bench.Queued(2, 20us);
  ExecutionContext& worker = bench.tables.workers.Worker(Pid{10}, Cpu{0});
  OpenExecution& run = bench.Start(worker, 2, 21us);
  bench.window.Open(work, worker, bench.Record(1, 10us), run);
  bench.tables.losses.Begin(Cpu{1}, At(22us));
  bench.tables.losses.End(Cpu{1}, At(23us));
  EXPECT_FALSE(bench.window.Shift(bench.tables.works[work]).has_value());
  EXPECT_EQ(bench.tables.works[work].provisional, SlabIndex::kNone);
}

TEST(OrphanStartsTest, AQueueEventOfAnotherCpuWithinAMillisecondIsItsOwn) {
  Bench bench;
  const SlabIndex work = bench.tables.works.Get(kWorkA);
  ExecutionContext& worker = bench.tables.workers.Worker(Pid{10}, Cpu{0});
  WorkItem item = Item(1, ItemState::kUnmatched, 0us);
  item.queued = kUnseen;
  item.started = At(100us);
  item.run_cpu = Cpu{0};
  bench.orphans.Add(work, worker, item);
  Event e;
  e.at = At(101us);
  e.cpu = Cpu{1};
  EXPECT_TRUE(bench.orphans.MayBelong(bench.tables.works[work], e));
  e.cpu = Cpu{0};  // one clock
  EXPECT_FALSE(bench.orphans.MayBelong(bench.tables.works[work], e));
  e.cpu = Cpu{1};
  e.at = At(5ms);
  EXPECT_FALSE(bench.orphans.MayBelong(bench.tables.works[work], e));
}

TEST(OrphanStartsTest, IsGivenUpOnceNoQueueEventCanCome) {
  Bench bench;
  const SlabIndex work = bench.tables.works.Get(kWorkA);
  ExecutionContext& worker = bench.tables.workers.Worker(Pid{10}, Cpu{0});
  WorkItem item = Item(1, ItemState::kUnmatched, 0us);
  item.started = At(100us);
  bench.orphans.Add(work, worker, item);
  OpenExecution ended;
  ended.item = item;
  EXPECT_TRUE(bench.orphans.Hold(bench.tables.works[work], ended));
  bench.tables.now = At(200us);
  bench.orphans.Expire();
  EXPECT_TRUE(bench.Out().empty());
  bench.tables.now = At(10ms);
  bench.orphans.Expire();
  EXPECT_EQ(bench.Out().size(), 1u);
  EXPECT_EQ(bench.outlet.quality().unmatched_starts, 1u);
  EXPECT_EQ(bench.tables.works[work].orphan, SlabIndex::kNone);
}

TEST(PwqTableTest, ABoundItemIsOfItsTargetAndAnUnboundOneOfWhereItWasQueued) {
  PwqTable pwqs;
  const NameId wq{7};
  const PwqId bound = pwqs.Of(wq, Cpu{3}, Cpu{0});
  EXPECT_EQ(pwqs.Of(wq, Cpu{3}, Cpu{1}), bound);
  EXPECT_NE(pwqs.Of(wq, Cpu{2}, Cpu{0}), bound);
  const PwqId unbound = pwqs.Of(wq, Cpu::kNone, Cpu{3});
  EXPECT_NE(unbound, bound);
  EXPECT_NE(pwqs.Of(wq, Cpu::kNone, Cpu{4}), unbound);
  EXPECT_EQ(pwqs[bound].pool, PoolId::kUnknown);
}

TEST(PoolTableTest, NamesFollowFromKindAndNumber) {
  PoolTable pools;
  EXPECT_EQ(pools[PoolId::kUnknown].name, "unknown");
  EXPECT_EQ(pools[pools.PerCpu(Cpu{2}, false)].name, "cpu2");
  EXPECT_EQ(pools[pools.PerCpu(Cpu{2}, true)].name, "cpu2-hi");
  EXPECT_EQ(pools[pools.Unbound(9)].name, "u9");
  EXPECT_EQ(pools[pools.Bh(Cpu{1}, true)].name, "bh1-hi");
  EXPECT_EQ(pools.PerCpu(Cpu{2}, false), pools.PerCpu(Cpu{2}, false));
  EXPECT_EQ(pools.size(), 5u);
}

TEST(PoolLevelsTest, TwoChangesAtOneTimeAreOneStep) {
  PoolLevels levels;
  levels.ReportSteps();
  const PoolId pool{1};
  levels.ChangeWaiting(pool, At(10us), 2);
  levels.ChangeWaiting(pool, At(20us), -1);
  levels.ChangeBusy(pool, At(20us), 1);
  Completed::Batch<PoolStep> steps;
  levels.TakeSteps(steps);
  ASSERT_EQ(steps.size(), 2u);
  EXPECT_EQ(steps[0].backlog, 2u);
  EXPECT_EQ(steps[1].backlog, 1u);
  EXPECT_EQ(steps[1].busy, 1u);
  PoolOccupancy row;
  ASSERT_TRUE(levels.Fill(pool, At(30us), row));
  EXPECT_EQ(row.backlog_sum, 30us);
  EXPECT_EQ(row.busy_sum, 10us);
  EXPECT_FALSE(levels.Fill(PoolId{0}, At(30us), row));
  EXPECT_FALSE(levels.Fill(PoolId{9}, At(30us), row));
}

TEST(PoolTrackerTest, WhatWaitsInAPoolWorkqueueMovesToThePoolThatServesIt) {
  PoolTable pools;
  PoolTracker tracker(pools);
  const PoolId pool = pools.PerCpu(Cpu{0}, false);
  const PwqId pwq = tracker.pwqs().Of(NameId{7}, Cpu{0}, Cpu{0});
  tracker.ItemWaits(pwq, At(10us));
  tracker.ItemWaits(pwq, At(11us));
  EXPECT_EQ(tracker.levels().Waiting(pool), 0u);
  const auto started = tracker.ItemStarts(pool, pwq, At(10us), At(20us), 5us);
  tracker.ItemGone(pwq, At(20us));
  EXPECT_EQ(started.waited_in, pool);
  EXPECT_EQ(started.gap_begin, At(10us));
  EXPECT_EQ(tracker.levels().Waiting(pool), 1u);
  EXPECT_EQ(tracker.levels().Busy(pool), 1u);
}

TEST(PidTableTest, ACpuThatTookAPidForNobodyLearnsOfIt) {
  PidTable pids;
  EXPECT_EQ(pids.Find(Pid{10}, Cpu{0}), PidTable::kNone);
  pids.Set(Pid{11}, 5);
  EXPECT_EQ(pids.Find(Pid{11}, Cpu{0}), 5u);
  pids.Set(Pid{11}, 6);
  EXPECT_EQ(pids.Find(Pid{11}, Cpu{0}), 6u);
  pids.Erase(Pid{11});
  EXPECT_EQ(pids.Find(Pid{11}, Cpu{0}), PidTable::kNone);
  EXPECT_EQ(pids.Find(Pid::kNone, Cpu{0}), PidTable::kNone);
}

TEST(WorkerNamesTest, AnEventsNameIsNewerThanTheRecordings) {
  TraceBuilder trace;
  const NameId saved = trace.Intern("kworker/0:1"), noted = trace.Intern("kworker/1:1");
  trace.Comm(10, "kworker/0:1");
  WorkerNames names(trace);
  EXPECT_EQ(names.Of(Pid{10}), saved);
  EXPECT_TRUE(names.Note(Pid{10}, noted));
  EXPECT_FALSE(names.Note(Pid{10}, noted));
  EXPECT_EQ(names.Of(Pid{10}), noted);
  names.Forget(Pid{10});
  EXPECT_EQ(names.Of(Pid{10}), saved);
  EXPECT_TRUE(names.IsWorker(noted));
  EXPECT_FALSE(names.IsWorker(trace.Intern("bash")));
}

TEST(CpuTasksTest, TheTaskThatHadTheCpuLongestIsNamedUnlessItIdled) {
  TraceBuilder trace;
  trace.Switch(0us, 0, {0, "swapper/0"}, kTask)
      .Switch(900us, 0, kTask, kOtherTask)
      .Switch(1100us, 0, kOtherTask, {0, "swapper/0"});
  CpuTasks cpus(trace);
  for (const Event& e : trace.events()) cpus.OnSwitch(e);
  EXPECT_EQ(cpus.LongestIn(Cpu{0}, At(0us), At(1000us), {}).pid, Pid{kTask.pid});
  EXPECT_FALSE(cpus.LongestIn(Cpu{0}, At(1000us), At(5000us), {}).seen());
  EXPECT_FALSE(cpus.RunOn(Cpu{0}).task.seen());
  EXPECT_TRUE(cpus.SwitchedSince(Cpu{0}, At(1000us)));
  EXPECT_FALSE(cpus.LongestIn(Cpu{7}, At(0us), At(1000us), {}).seen());
}

// A queue event with its activation within it.
Event Queueing(Nanos at, Nanos activation, int cpu) {
  Event e{};
  e.at = At(at);
  e.cpu = Cpu{static_cast<int16_t>(cpu)};
  e.kind = EventKind::kQueueWork;
  e.work = {kWorkA,     NameId::kUnknown, NameId::kUnknown,
            Cpu::kNone, Cpu::kNone,       static_cast<uint32_t>((activation - at).count()) + 1};
  return e;
}

TEST(ActivationsAheadTest, TheyComeByTimeThenByCpu) {
  ActivationsAhead ahead;
  ahead.Add(ActivationWithin(Queueing(10ns, 30ns, 1)));
  ahead.Add(ActivationWithin(Queueing(15ns, 20ns, 2)));
  ahead.Add(ActivationWithin(Queueing(16ns, 30ns, 0)));
  std::vector<std::pair<Nanos, int>> order;
  while (!ahead.empty()) {
    const Event e = ahead.TakeFirst();
    EXPECT_EQ(e.kind, EventKind::kActivateWork);
    EXPECT_EQ(e.work.activation, 0u);
    order.emplace_back(e.at.time_since_epoch(), ToInt(e.cpu));
  }
  EXPECT_EQ(order, (std::vector<std::pair<Nanos, int>>{{20ns, 2}, {30ns, 0}, {30ns, 1}}));
}

TEST(ActivationsAheadTest, OneIsBeforeWhatIsLaterOrOfItsCpu) {
  ActivationsAhead ahead;
  ahead.Add(ActivationWithin(Queueing(10ns, 30ns, 1)));
  Event e = Queueing(29ns, 29ns, 0);
  EXPECT_FALSE(ahead.FirstIsBefore(e));
  e.cpu = Cpu{1};
  EXPECT_TRUE(ahead.FirstIsBefore(e));
  e = Queueing(30ns, 30ns, 2);
  EXPECT_FALSE(ahead.FirstIsBefore(e)) << "a work is queued before one is activated";
  e.kind = EventKind::kExecuteStart;
  EXPECT_TRUE(ahead.FirstIsBefore(e));
  e = Queueing(31ns, 31ns, 0);
  EXPECT_TRUE(ahead.FirstIsBefore(e));
}

TEST(ItemOutletTest, BarriersThatNobodyWantsAreCountedOnly) {
  for (const bool wanted : {false, true}) {
    ItemOutlet outlet(WorkqueueEvents::All());
    if (wanted) outlet.WantBarriers();
    WorkItem barrier;
    barrier.state = ItemState::kBarrier;
    barrier.started = At(1s);
    barrier.ended = At(2s);
    barrier.run_tainted = true;
    outlet.SplitFor(barrier).run.emplace();
    outlet.Emit(barrier);
    Completed out;
    outlet.Take(out);
    EXPECT_EQ(out.items.size(), wanted ? 1u : 0u);
    EXPECT_EQ(out.splits.size(), wanted ? 1u : 0u);
    EXPECT_EQ(outlet.quality().barriers, 1u);
    EXPECT_EQ(outlet.quality().tainted, 1u);
    WorkItem next;
    outlet.SplitFor(next);
    EXPECT_EQ(next.split, SplitId{1}) << "the place of its split is not used again";
  }
}

}  // namespace
}  // namespace wqprof::testing
