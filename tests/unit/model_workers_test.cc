// SPDX-License-Identifier: Apache-2.0
// Who executes, and in which context (doc/kernel.md §3.1; §8, 21-32).
#include <gtest/gtest.h>

#include "model/matcher.h"
#include "support/outcome.h"
#include "support/trace_builder.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

constexpr Job kBhJob{"bh_fn", "events_bh", 0};

TEST(WorkerCommTest, TheNumberOfAPerCpuWorkerIsItsCpu) {
  EXPECT_EQ(ParseWorkerComm("kworker/3:1").kind, PoolKind::kPerCpu);
  EXPECT_EQ(ParseWorkerComm("kworker/3:1").number, 3);
  EXPECT_EQ(ParseWorkerComm("kworker/127:12").number, 127);
}

TEST(WorkerCommTest, AnHAtTheEndIsHighpri) {
  EXPECT_EQ(ParseWorkerComm("kworker/0:2H").kind, PoolKind::kHighpri);
  EXPECT_EQ(ParseWorkerComm("kworker/0:2H").number, 0);
}

TEST(WorkerCommTest, AUIsAnUnboundPoolAndItsId) {
  EXPECT_EQ(ParseWorkerComm("kworker/u8:5").kind, PoolKind::kUnbound);
  EXPECT_EQ(ParseWorkerComm("kworker/u8:5").number, 8);
  EXPECT_EQ(ParseWorkerComm("kworker/u129:10").number, 129);
}

TEST(WorkerCommTest, AnRIsARescuerWhateverFollows) {
  EXPECT_EQ(ParseWorkerComm("kworker/R-xfs_m").kind, PoolKind::kRescuer);
  EXPECT_EQ(ParseWorkerComm("kworker/R-ext4-").kind, PoolKind::kRescuer);
  EXPECT_EQ(ParseWorkerComm("kworker/R-").kind, PoolKind::kRescuer);
}

TEST(WorkerCommTest, TheSuffixThatProcShowsIsIgnored) {
  EXPECT_EQ(ParseWorkerComm("kworker/u8:1-events_unbound").kind, PoolKind::kUnbound);
  EXPECT_EQ(ParseWorkerComm("kworker/u8:1-events_unbound").number, 8);
  EXPECT_EQ(ParseWorkerComm("kworker/1:0+mm_percpu_wq").kind, PoolKind::kPerCpu);
  EXPECT_EQ(ParseWorkerComm("kworker/1:0H-kblockd").kind, PoolKind::kHighpri);
  EXPECT_EQ(ParseWorkerComm("kworker/1:0H+kblockd").number, 1);
}

TEST(WorkerCommTest, ADamagedWorkersNameIsUnknown) {
  for (const char* comm : {"", "<...>", "kworker/", "kworker/dying", "kworker/u", "kworker/u8",
                           "kworker/x:1", "kworker/:1", "kworker/1", "kworker/1:", "kworker/u:1",
                           "kworker/-1:1", "kworker/99999999999999999999:1", "kworker/4000000:1"}) {
    EXPECT_EQ(ParseWorkerComm(comm).kind, PoolKind::kUnknown) << comm;
    EXPECT_EQ(ParseWorkerComm(comm).number, -1) << comm;
  }
}

TEST(WorkerCommTest, AnyOtherNameIsThatOfAnOldRescuer) {
  for (const char* comm : {"xfs-log/sda1", "kblockd", "kworker", "my/kworker/1:1"}) {
    EXPECT_EQ(ParseWorkerComm(comm).kind, PoolKind::kRescuer) << comm;
  }
}

TEST(BhTest, ABhWorkThatInterruptsAWorkerNestsAndStaysOutOfItsPool) {
  TraceBuilder trace;
  trace.Put(1us, kTask, kWorkA).Put(2us, kTask, kWorkB, kBhJob);
  trace.Start(10us, kWorker, kWorkA).Start(12us, kWorker.In(kFlagSoftirq), kWorkB, kBhJob);
  trace.End(15us, kWorker.In(kFlagSoftirq), kWorkB, kBhJob).End(20us, kWorker, kWorkA);
  const Outcome o = Reconstruct(trace);
  const WorkItem bh = o.QueuedAt(2us);
  EXPECT_TRUE(bh.softirq);
  EXPECT_EQ(bh.Execution(), 3us);
  EXPECT_EQ(o.PoolName(bh), "bh0");
  const WorkItem a = o.QueuedAt(1us);
  EXPECT_FALSE(a.softirq);
  EXPECT_EQ(a.Execution(), 10us);
  EXPECT_EQ(o.PoolName(a), "cpu0");
  EXPECT_EQ(o.Occupancy("cpu0").executions, 1u);
  EXPECT_EQ(o.Occupancy("cpu0").busy_max, 1u);
  EXPECT_EQ(o.Occupancy("bh0").executions, 1u);
  EXPECT_EQ(o.quality.lost_ends, 0u);
}

TEST(BhTest, TheIdleTasksOfTwoCpusAreTwoContexts) {
  const Emitter idle0{0, "<idle>", 0, kFlagSoftirq}, idle1{0, "<idle>", 1, kFlagSoftirq};
  TraceBuilder trace;
  trace.Put(1us, kTask, kWorkA, {"f", "events_bh", 0})
      .Put(2us, kTask, kWorkB, {"g", "events_bh", 1});
  trace.Start(10us, idle0, kWorkA, {"f"}).Start(11us, idle1, kWorkB, {"g"});
  trace.End(14us, idle0, kWorkA, {"f"}).End(18us, idle1, kWorkB, {"g"});
  const Outcome o = Reconstruct(trace);
  EXPECT_EQ(o.QueuedAt(1us).Execution(), 4us);
  EXPECT_EQ(o.QueuedAt(2us).Execution(), 7us);
  EXPECT_EQ(o.PoolName(o.QueuedAt(1us)), "bh0");
  EXPECT_EQ(o.PoolName(o.QueuedAt(2us)), "bh1");
}

// The pool of a BH work of `workqueue` that is executed in a softirq; 0: not known in which.
std::string BhPool(std::string_view workqueue, uint64_t vec, bool left = false) {
  const Emitter idle{0, "<idle>", 0, 0};
  TraceBuilder trace;
  trace.Put(1us, kTask, kWorkA, {"f", workqueue, 0});
  if (vec != 0) trace.Softirq(5us, idle, vec);
  if (left) trace.Interrupt(6us, idle, EventKind::kSoftirqExit);
  trace.Start(10us, idle.In(kFlagSoftirq), kWorkA, {"f"});
  trace.End(14us, idle.In(kFlagSoftirq), kWorkA, {"f"});
  const Outcome o = Reconstruct(trace);
  return std::string(o.PoolName(o.QueuedAt(1us)));
}

TEST(BhTest, ThePoolIsThatOfTheSoftirq) {
  EXPECT_EQ(BhPool("some_wq", Event::Softirq::kHi), "bh0-hi");
  EXPECT_EQ(BhPool("some_wq", Event::Softirq::kTasklet), "bh0");
  EXPECT_EQ(BhPool("some_wq", Event::Softirq::kHi, true), "unknown");
}

TEST(BhTest, WithoutSoftirqsOnlyTheKernelsOwnWorkqueuesHaveAKnownPool) {
  EXPECT_EQ(BhPool("events_bh", 0), "bh0");
  EXPECT_EQ(BhPool("events_bh_highpri", 0), "bh0-hi");
  EXPECT_EQ(BhPool("some_wq", 0), "unknown");
}

TEST(BhTest, ADrainThatRunsADeadCpusItemsNests) {
  const Emitter softirq = kTask.In(kFlagSoftirq);
  TraceBuilder trace;
  trace.Put(1us, kTask, kWorkA, {"drain_dead_softirq_workfn", "bh", 0});
  trace.Put(2us, kTask, kWorkB, {"x", "bh", 1});
  trace.Start(10us, softirq, kWorkA, {"drain_dead_softirq_workfn"});
  trace.Start(11us, softirq, kWorkB, {"x"}).End(12us, softirq, kWorkB, {"x"});
  trace.End(20us, softirq, kWorkA, {"drain_dead_softirq_workfn"});
  const Outcome o = Reconstruct(trace);
  EXPECT_EQ(o.QueuedAt(2us).Execution(), 1us);
  EXPECT_EQ(o.QueuedAt(1us).Execution(), 10us);
  EXPECT_EQ(o.quality.lost_ends, 0u);
}

TEST(BhTest, AWorkQueuedByABhWorkDoesNotComeFromTheTaskThatItInterrupted) {
  TraceBuilder trace;
  trace.Put(1us, kTask, kWorkB, kBhJob);
  trace.Start(10us, kOtherTask.On(0).In(kFlagSoftirq), kWorkB, kBhJob);
  trace.Put(11us, kOtherTask.On(0).In(kFlagSoftirq), kWorkA);
  trace.End(12us, kOtherTask.On(0).In(kFlagSoftirq), kWorkB, kBhJob);
  const WorkItem child = Reconstruct(trace).QueuedAt(11us);
  EXPECT_NE(child.origin.kind, Origin::Kind::kTask);
  EXPECT_NE(child.origin.kind, Origin::Kind::kUnknown);
}

TEST(WorkerTest, AStartOnAWorkerWithAnOpenExecutionMeansThatItsEndWasLost) {
  TraceBuilder trace;
  trace.CoveredFrom(0us).Put(1us, kTask, kWorkA).Put(2us, kTask, kWorkB);
  trace.Start(10us, kWorker, kWorkA).Run(20us, 30us, kWorker, kWorkB);
  const Outcome o = Reconstruct(trace);
  const WorkItem a = o.QueuedAt(1us);
  EXPECT_EQ(a.state, ItemState::kDone);
  EXPECT_EQ(a.ended, kUnseen);
  EXPECT_TRUE(a.run_tainted);
  EXPECT_EQ(a.Latency(), 9us);
  EXPECT_EQ(o.QueuedAt(2us).Execution(), 10us);
  EXPECT_EQ(o.quality.lost_ends, 1u);
  EXPECT_LE(o.Occupancy("cpu0").busy_max, 1u) << "one worker runs one work at a time";
}

TEST(WorkerTest, AnUnboundWorkerMayMoveBetweenStartAndEnd) {
  TraceBuilder trace;
  trace.Put(1us, kTask, kWorkA, kUnboundJob).Start(10us, kUnboundWorker.On(0), kWorkA);
  trace.Put(11us, kTask, kWorkB, kUnboundJob).Start(12us, kUnboundWorker2.On(0), kWorkB);
  trace.End(20us, kUnboundWorker.On(1), kWorkA).End(25us, kUnboundWorker2.On(0), kWorkB);
  const Outcome o = Reconstruct(trace);
  EXPECT_EQ(o.QueuedAt(1us).run_cpu, Cpu{0});
  EXPECT_EQ(o.QueuedAt(1us).end_cpu, Cpu{1});
  EXPECT_EQ(o.QueuedAt(1us).Execution(), 10us);
  EXPECT_EQ(o.Occupancy("u8").workers, 2u);
  EXPECT_EQ(o.Occupancy("u8").busy_max, 2u);
}

TEST(WorkerTest, AWorkerOfAnUnpluggedCpuRunsElsewhereAndKeepsItsPool) {
  const Emitter moved{40, "kworker/3:1", 5, 0};
  TraceBuilder trace;
  trace.Put(1us, kTask, kWorkA, {"f", "wq", 3}).Run(10us, 20us, moved, kWorkA, {"f"});
  const Outcome o = Reconstruct(trace);
  EXPECT_EQ(o.PoolName(o.QueuedAt(1us)), "cpu3");
  EXPECT_EQ(o.QueuedAt(1us).run_cpu, Cpu{5});
}

TEST(WorkerTest, ARescuerOf66OrLaterIsARescuerPool) {
  const Emitter rescuer{50, "kworker/R-xfs_m", 1, 0};
  TraceBuilder trace;
  trace.Put(1us, kTask, kWorkA, {"f", "xfs_mru_cache", 1}).Run(10us, 20us, rescuer, kWorkA, {"f"});
  const Outcome o = Reconstruct(trace);
  const WorkItem i = o.QueuedAt(1us);
  EXPECT_EQ(o.PoolName(i), "rescuer:kworker/R-xfs_m");
  EXPECT_EQ(o.pool_of.at(i.pool).kind, PoolKind::kRescuer);
  EXPECT_EQ(i.target_cpu, Cpu{1});
}

TEST(WorkerTest, AnOlderRescuerHasTheNameOfItsWorkqueue) {
  const Emitter rescuer{51, "xfs-log/sda1", 1, 0};
  TraceBuilder trace;
  trace.Put(1us, kTask, kWorkA, {"f", "xfs-log/sda1", 1}).Run(10us, 20us, rescuer, kWorkA, {"f"});
  const Outcome o = Reconstruct(trace);
  EXPECT_EQ(o.PoolName(o.QueuedAt(1us)), "rescuer:xfs-log/sda1");
}

TEST(WorkerTest, ARescuersItemsQueueBehindOneAnother) {
  const Emitter rescuer{50, "kworker/R-xfs_m", 0, 0};
  TraceBuilder trace;
  for (int n = 0; n < 5; ++n) trace.Put(n * 1us, kTask, WorkAddr{0x100u + n});
  for (int n = 0; n < 5; ++n) {
    trace.Run(n * 10us + 10us, n * 10us + 20us, rescuer, WorkAddr{0x100u + n});
  }
  const Outcome o = Reconstruct(trace);
  EXPECT_EQ(o.Occupancy("rescuer:kworker/R-xfs_m").executions, 5u);
  EXPECT_EQ(o.Occupancy("rescuer:kworker/R-xfs_m").workers, 1u);
  EXPECT_EQ(o.Occupancy("rescuer:kworker/R-xfs_m").busy_sum, 50us);
  EXPECT_EQ(o.QueuedAt(4us).Latency(), 46us);
}

TEST(WorkerTest, AWorkerWithoutAKnownNameKeepsItsExecutions) {
  for (const char* comm : {"", "kworker/dying"}) {
    TraceBuilder trace;
    trace.Put(1us, kTask, kWorkA).Run(10us, 20us, {60, comm, 0, 0}, kWorkA);
    const Outcome o = Reconstruct(trace);
    ASSERT_EQ(o.size(), 1u) << comm;
    EXPECT_EQ(o.items[0].state, ItemState::kDone) << comm;
    EXPECT_EQ(o.items[0].Execution(), 10us) << comm;
    EXPECT_EQ(o.PoolName(o.items[0]), "unknown") << comm;
  }
}

TEST(WorkerTest, TheNameAtTheTimeCountsWhenTheCommCacheOnlyHasTheLastOne) {
  const Emitter worker{60, "kworker/dying", 1, 0};
  TraceBuilder trace;
  trace.Switch(1us, 1, {0, "swapper/1", 1, 0}, worker.Named("kworker/1:3"), 'R');
  trace.Comm(60, "kworker/dying");
  trace.Put(2us, kTask, kWorkA, {"f", "wq", 1}).Run(10us, 20us, worker, kWorkA, {"f"});
  const Outcome o = Reconstruct(trace);
  EXPECT_EQ(o.PoolName(o.QueuedAt(2us)), "cpu1");
}

TEST(WorkerTest, ARenameMakesTwoWorkersOfOnePid) {
  const Emitter pid60{60, "", 0, 0};
  TraceBuilder trace;
  trace.Rename(0us, pid60, 60, "kworker/0:7");
  trace.Put(1us, kTask, kWorkA).Run(2us, 3us, pid60, kWorkA);
  trace.Exit(4us, pid60).Fork(10us, kTask, 60, "kthreadd").Rename(11us, pid60, 60, "kworker/u8:9");
  trace.Put(12us, kTask, kWorkB, kUnboundJob).Run(13us, 15us, pid60, kWorkB, kUnboundJob);
  trace.Comm(60, "kworker/u8:9");
  const Outcome o = Reconstruct(trace);
  EXPECT_EQ(o.PoolName(o.QueuedAt(1us)), "cpu0");
  EXPECT_EQ(o.PoolName(o.QueuedAt(12us)), "u8");
  ASSERT_EQ(o.workers.size(), 2u);
  EXPECT_EQ(o.workers[0].pid, o.workers[1].pid);
  EXPECT_NE(o.workers[0].pool, o.workers[1].pool);
  EXPECT_EQ(o.workers[0].busy, 1us);
  EXPECT_EQ(o.workers[1].busy, 2us);
}

TEST(WorkerTest, AWorkerThatExitsTakesItsOpenExecutionWithIt) {
  // Its end was not seen; the pid belongs to someone else from now on.
  const Emitter first{60, "kworker/0:7", 0, 0};
  TraceBuilder trace;
  trace.Put(1us, kTask, kWorkA).Start(2us, first, kWorkA).Exit(4us, first);
  trace.Rename(11us, first, 60, "kworker/0:8");
  trace.Put(12us, kTask, kWorkB).Run(13us, 15us, first, kWorkB);
  const Outcome o = Reconstruct(trace);
  EXPECT_EQ(o.QueuedAt(1us).ended, kUnseen);
  EXPECT_EQ(o.QueuedAt(12us).Execution(), 2us);
}

TEST(WorkerTest, WorkersWithOneTruncatedNameAreToldApartByPid) {
  TraceBuilder trace;
  trace.Put(1us, kTask, kWorkA, kUnboundJob).Put(1us, kTask, kWorkB, kUnboundJob);
  trace.Start(2us, {70, "kworker/u129:10", 0, 0}, kWorkA);
  trace.Start(3us, {71, "kworker/u129:10", 1, 0}, kWorkB);
  trace.End(5us, {70, "kworker/u129:10", 0, 0}, kWorkA);
  trace.End(9us, {71, "kworker/u129:10", 1, 0}, kWorkB);
  const Outcome o = Reconstruct(trace);
  EXPECT_EQ(o.workers.size(), 2u);
  EXPECT_EQ(o.Occupancy("u129").workers, 2u);
}

// A box that makes and ends workers for days.
TEST(WorkerTest, ThoseLongGoneAreForgottenOnRequest) {
  TraceBuilder t;
  t.Put(0ms, kTask, kWorkB).Start(0ms, kWorker, kWorkB);  // executes all the time
  constexpr int kWorkers = 20'000;
  for (int i = 0; i < kWorkers; ++i) {
    const Nanos at = 1ms + i * 10ms;
    const Emitter worker{1000 + i, "kworker/0:9", 0, 0};
    t.Switch(at, 0, kTask, worker, 'S');
    t.Put(at + 1us, kTask, kWorkA).Run(at + 2us, at + 3us, worker, kWorkA);
    t.Switch(at + 4us, 0, worker, kTask, 'I');
  }
  t.End(1s + kWorkers * 10ms, kWorker, kWorkB);
  for (const bool forget : {false, true}) {
    t.Rewind();
    Matcher matcher(t, {.gap_floor = 10ms, .forget_workers = forget});
    matcher.Add(t.events());
    matcher.Finish();
    EXPECT_EQ(matcher.quality().executed, kWorkers + 1u);
    EXPECT_EQ(matcher.quality().unmatched_starts + matcher.quality().unmatched_ends, 0u);
    if (forget) {
      EXPECT_LT(matcher.workers().size(), 6000u);
    } else {
      EXPECT_EQ(matcher.workers().size(), kWorkers + 1u);
    }
  }
}

}  // namespace
}  // namespace wqprof::testing
