// SPDX-License-Identifier: Apache-2.0
// What stands out of a trace, as data.
#include <gtest/gtest.h>

#include <algorithm>

#include "support/trace_builder.h"
#include "wqprof/analyze.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

constexpr Emitter kIdle{0, "swapper/0", 0, 0};

std::vector<Finding> FindingsOf(TraceBuilder& t, const AnalyzeOptions& options = {}) {
  const auto report = Analyze(t, options);
  EXPECT_TRUE(report.ok());
  return report.ok() ? report->findings : std::vector<Finding>();
}

// Three items of one function, 20 ms each, on one worker: two stalls in a row.
TraceBuilder Hogged() {
  const Job hog{"hog_fn", "hog_wq"};
  TraceBuilder t;
  t.Put(0us, kTask, kWorkA, hog).Put(1us, kTask, kWorkB, hog).Put(2us, kTask, kWorkC, hog);
  t.Run(3us, 20ms, kWorker, kWorkA, hog).Run(20001us, 40ms, kWorker, kWorkB, hog);
  t.Run(40001us, 40010us, kWorker, kWorkC, hog);
  return t;
}

TEST(Findings, StallsInARowByTheSameWorkAreOneStretch) {
  TraceBuilder t = Hogged();
  const std::vector<Finding> findings = FindingsOf(t);
  ASSERT_FALSE(findings.empty());
  const Finding& stall = findings[0];
  EXPECT_EQ(stall.kind, FindingKind::kStall);
  EXPECT_EQ(stall.severity, Severity::kHigh);
  EXPECT_EQ(stall.pool, "cpu0");
  EXPECT_EQ(stall.function, "hog_fn");
  EXPECT_EQ(stall.count, 2u);
  EXPECT_EQ(stall.stretches, 1u);
  EXPECT_EQ(stall.stretch, stall.total);
  EXPECT_EQ(stall.worst, 40001us - 2us);
  EXPECT_GT(stall.share, 0.99);
  EXPECT_EQ(stall.stall_ids.size(), 2u);
  // The last item waited through both, and is one.
  ASSERT_EQ(stall.delayed.size(), 1u);
  EXPECT_EQ(stall.delayed[0].count, 2u);
  // Its executions are long, but the stalls name them already.
  EXPECT_TRUE(std::none_of(findings.begin(), findings.end(),
                           [](const Finding& f) { return f.kind == FindingKind::kLongExecution; }));
}

TEST(Findings, AnItemPendingWithoutQueueEventsWaitsSinceItsActivation) {
  TraceBuilder t;
  t.Run(0us, 100us, kWorker, kWorkB);
  t.Put(10ms, kTask, kWorkA);
  t.Tick(2s, 0);
  const WorkqueueEvents some = {EventKind::kActivateWork, EventKind::kExecuteStart,
                                EventKind::kExecuteEnd};
  t.Only(some).Noted(some);
  const std::vector<Finding> findings = FindingsOf(t);
  const auto pending = std::find_if(findings.begin(), findings.end(), [](const Finding& f) {
    return f.kind == FindingKind::kPendingAtEnd;
  });
  ASSERT_NE(pending, findings.end());
  EXPECT_EQ(pending->worst, 2s - 10ms);
}

TEST(Findings, OneItemThatWaitedAMillisecondIsNone) {
  TraceBuilder t;
  t.Put(0us, kTask, kWorkA).Run(1200us, 1300us, kWorker, kWorkA);
  t.Put(900ms, kTask, kWorkB).Run(900001us, 1s, kWorker, kWorkB);
  const auto report = Analyze(t, {.stall_threshold = 200ms});
  ASSERT_TRUE(report.ok());
  for (const Finding& finding : report->findings) {
    EXPECT_NE(finding.kind, FindingKind::kDispatchWait);
  }
  EXPECT_EQ(report->long_waits.items, 1u);
  EXPECT_EQ(report->long_waits.worst, 1200us);
  EXPECT_EQ(report->long_waits.function, "work_fn");
}

// A worker that is awake waits 5 ms for its CPU, again and again.
TEST(Findings, WaitsForTheCpuWithoutAStallNameTheTaskThatHadIt) {
  const Emitter compiler{77, "cc1plus", 0, 0};
  TraceBuilder t;
  t.Put(0us, kTask, kWorkA).Switch(1us, 0, kIdle, kWorker).Run(2us, 3us, kWorker, kWorkA);
  t.Switch(4us, 0, kWorker, compiler, 'I');
  for (int i = 1; i <= 5; ++i) {
    const Nanos at = i * 6ms;
    t.Put(at, kOtherTask, kWorkB).Wakeup(at + 1us, kOtherTask, kWorker);
    t.Switch(at + 5ms, 0, compiler, kWorker).Run(at + 5001us, at + 5002us, kWorker, kWorkB);
    t.Switch(at + 5003us, 0, kWorker, compiler, 'I');
  }
  const std::vector<Finding> findings = FindingsOf(t);
  ASSERT_FALSE(findings.empty());
  const Finding& wait = findings[0];
  EXPECT_EQ(wait.kind, FindingKind::kDispatchWait);
  EXPECT_EQ(wait.pool, "cpu0");
  EXPECT_EQ(wait.count, 5u);
  EXPECT_EQ(wait.total, 5 * 5001us);
  EXPECT_EQ(wait.severity, Severity::kHigh);
  ASSERT_FALSE(wait.culprits.empty());
  ASSERT_TRUE(wait.culprits[0].task.has_value());
  EXPECT_EQ(wait.culprits[0].task->comm, "cc1plus");
  EXPECT_EQ(wait.culprits[0].task->pid, Pid{77});
}

// Nobody but a rescuer serves the workqueue: which pool should have done it is not known.
TEST(Findings, WaitsThatARescuerEndedAreOfTheRescuer) {
  const Emitter rescuer{50, "kworker/R-xfs_m", 0, 0};
  TraceBuilder t;
  t.Put(0ms, kTask, kWorkA, {"f", "xfs", 0}).Run(50ms, 51ms, rescuer, kWorkA);
  const std::vector<Finding> findings = FindingsOf(t);
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(findings[0].kind, FindingKind::kDispatchWait);
  EXPECT_EQ(findings[0].pool, "rescuer:kworker/R-xfs_m");
  EXPECT_TRUE(findings[0].rescued);
  EXPECT_EQ(findings[0].cpu, Cpu{0});
}

TEST(Findings, WorkqueuesOfOneCpuThatWaitForTheirOnlySlotAreOne) {
  TraceBuilder t;
  const Job first{"a_fn", "a_wq"}, second{"b_fn", "b_wq"};
  const WorkAddr more{0xffff888000004000};
  t.CoveredFrom(0us).Put(0us, kTask, kWorkA, first).Put(1us, kTask, kWorkB, second);
  t.Start(2us, kWorker, kWorkA, first).Start(3us, kWorker2, kWorkB, second);
  t.Queue(4us, kTask, kWorkC, first).Queue(5us, kTask, more, second);
  t.End(49999us, kWorker, kWorkA, first).Activate(50ms, kWorker, kWorkC);
  t.End(59999us, kWorker2, kWorkB, second).Activate(60ms, kWorker2, more);
  t.Run(60001us, 60002us, kWorker, kWorkC, first).Run(60003us, 60004us, kWorker, more, second);
  const std::vector<Finding> findings = FindingsOf(t);
  std::vector<Finding> waits;
  std::copy_if(findings.begin(), findings.end(), std::back_inserter(waits),
               [](const Finding& f) { return f.kind == FindingKind::kActivationWait; });
  ASSERT_EQ(waits.size(), 1u);
  EXPECT_EQ(waits[0].workqueue, "b_wq");
  EXPECT_EQ(waits[0].others, std::vector<std::string>{"a_wq"});
  EXPECT_EQ(waits[0].active_max, 1u);
  EXPECT_EQ(waits[0].count, 2u);
  EXPECT_EQ(waits[0].worst, 60ms - 5us);
}

TEST(Findings, WorksThatQueueEachOtherWithoutPauseAreALoop) {
  const Job ping{"ping_fn", "wq"}, pong{"pong_fn", "wq"};
  TraceBuilder t;
  t.Put(0us, kTask, kWorkA, ping);
  for (int i = 0; i < 200; ++i) {
    const Nanos at = i * 100us;
    t.Start(at + 1us, kWorker, kWorkA, ping).Put(at + 49us, kWorker, kWorkB, pong);
    t.End(at + 50us, kWorker, kWorkA, ping).Start(at + 51us, kWorker, kWorkB, pong);
    t.Put(at + 98us, kWorker, kWorkA, ping).End(at + 99us, kWorker, kWorkB, pong);
  }
  const std::vector<Finding> findings = FindingsOf(t);
  const auto loop = std::find_if(findings.begin(), findings.end(),
                                 [](const Finding& f) { return f.kind == FindingKind::kLoop; });
  ASSERT_NE(loop, findings.end());
  EXPECT_EQ(loop->others.size(), 1u);
  EXPECT_EQ(loop->count, 200u);
  EXPECT_GT(loop->cpu_share, 0.9);
}

TEST(Findings, AWorkThatAnotherQueuesNowAndThenIsNoLoop) {
  const Job again{"again_fn", "wq"};
  TraceBuilder t;
  t.Put(0us, kTask, kWorkA, again);
  for (int i = 0; i < 20; ++i) {
    const Nanos at = i * 10ms;
    t.Start(at + 1us, kWorker, kWorkA, again).Put(at + 2us, kWorker, kWorkA, again);
    t.End(at + 3us, kWorker, kWorkA, again);
  }
  for (const Finding& finding : FindingsOf(t)) EXPECT_NE(finding.kind, FindingKind::kLoop);
}

TEST(Findings, AFilterShowsStallsOfItsWorksOnly) {
  TraceBuilder t = Hogged();
  AnalyzeOptions others;
  others.filter.functions = {"other_fn"};
  const auto none = Analyze(t, others);
  ASSERT_TRUE(none.ok());
  EXPECT_TRUE(none->stalls.empty());
  EXPECT_EQ(none->stalls_total, 0u);
  AnalyzeOptions late;
  late.filter.from = Timestamp(30ms);
  t.Rewind();
  const auto second = Analyze(t, late);
  ASSERT_TRUE(second.ok());
  ASSERT_EQ(second->stalls.size(), 1u);
  // Numbers are those of the whole recording.
  EXPECT_EQ(second->stalls[0].id, 2u);
}

TEST(PolicyOf, NamesTheClassThatThePriorityMeans) {
  EXPECT_EQ(PolicyOf({"t", Pid{1}, -1}), "deadline");
  EXPECT_EQ(PolicyOf({"t", Pid{1}, 49}), "rt");
  EXPECT_EQ(PolicyOf({"t", Pid{1}, 120}), "fair");
  EXPECT_EQ(PolicyOf({"t", Pid{1}, 140}), "");
  EXPECT_EQ(PolicyOf({"t", Pid{1}, {}}), "");
}

}  // namespace
}  // namespace wqprof::testing
