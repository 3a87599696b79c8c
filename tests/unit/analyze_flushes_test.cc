// SPDX-License-Identifier: Apache-2.0
// Who waited in flushes, and behind what.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "support/trace_builder.h"
#include "wqprof/analyze.h"
#include "wqprof/render.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

// A wait for a work of a function, in the trace builder's time.
FlushWait OfWork(Nanos begin, Nanos end, WorkAddr work, std::string function = "work_fn") {
  FlushWait wait;
  wait.begin = Timestamp(begin);
  wait.end = Timestamp(end);
  wait.task = Pid{700};
  wait.comm = "fio";
  wait.object = ToInt(work);
  wait.function = std::move(function);
  return wait;
}

FlushWait OfWorkqueue(Nanos begin, Nanos end, std::string workqueue) {
  FlushWait wait = OfWork(begin, end, WorkAddr{0xffff888000009000}, "");
  wait.kind = FlushKind::kDrainWorkqueue;
  wait.workqueue = std::move(workqueue);
  wait.task = Pid{701};
  wait.comm = "umount";
  return wait;
}

std::shared_ptr<FlushLog> LogOf(std::vector<FlushWait> waits) {
  auto log = std::make_shared<FlushLog>();
  log->source = "bpf";
  log->floor = 100us;
  log->hooks = {{FlushKind::kFlushWork, {"__flush_work"}, "", 1234, waits.size()},
                {FlushKind::kDrainWorkqueue, {}, "the kernel has none", 0, 0}};
  std::sort(waits.begin(), waits.end(),
            [](const FlushWait& a, const FlushWait& b) { return a.end < b.end; });
  log->waits = std::move(waits);
  return log;
}

// Works A and B run one after the other, each for 20 ms; A runs once more later.
TraceBuilder Busy() {
  TraceBuilder t;
  t.Put(1ms, kTask, kWorkA, {"a_fn", "wq_a"}).Put(2ms, kTask, kWorkB, {"b_fn", "wq_b"});
  t.Run(3ms, 23ms, kWorker, kWorkA, {"a_fn"}).Run(24ms, 44ms, kWorker, kWorkB, {"b_fn"});
  t.Put(50ms, kTask, kWorkA, {"a_fn", "wq_a"}).Run(51ms, 52ms, kWorker, kWorkA, {"a_fn"});
  t.Tick(100ms, 0);
  return t;
}

Report WithLog(TraceBuilder& trace, std::shared_ptr<const FlushLog> log, const ItemFilter& filter) {
  trace.Rewind();
  trace.mutable_info().flushes = std::move(log);
  AnalyzeOptions options;
  options.filter = filter;
  auto report = Analyze(trace, options);
  EXPECT_TRUE(report.ok()) << report.status().ToString();
  return report.ok() ? *std::move(report) : Report{};
}

Report Analyzed(TraceBuilder& trace, std::vector<FlushWait> waits, const ItemFilter& filter = {}) {
  return WithLog(trace, LogOf(std::move(waits)), filter);
}

TEST(FlushRows, AWaitForAWorkIsBehindItsExecutionThatEndedLastWithinIt) {
  TraceBuilder t = Busy();
  const Report report = Analyzed(t, {OfWork(2ms, 45ms, kWorkB, "b_fn [mod]")});
  ASSERT_EQ(report.flushes.size(), 1U);
  const FlushRow& row = report.flushes[0];
  EXPECT_EQ(row.kind, FlushKind::kFlushWork);
  EXPECT_EQ(row.function, "b_fn");
  EXPECT_EQ(row.module, "mod");
  EXPECT_EQ(row.workqueue, "wq_b");
  EXPECT_EQ(row.wait.count(), 1U);
  EXPECT_EQ(row.wait.max(), 43ms);
  EXPECT_EQ(row.comm, "fio");
  EXPECT_EQ(row.task, Pid{700});
  ASSERT_TRUE(row.behind);
  EXPECT_EQ(row.behind->function, "b_fn");
  EXPECT_EQ(row.behind->executed, 20ms);
  EXPECT_EQ(row.behind->waited, 22ms);
}

TEST(FlushRows, AnExecutionThatEndedBeforeOrAfterIsNotWaitedFor) {
  TraceBuilder t = Busy();
  const Report report =
      Analyzed(t, {OfWork(30ms, 49ms, kWorkA, "before"), OfWork(3ms, 22ms, kWorkA, "after")});
  ASSERT_EQ(report.flushes.size(), 2U);
  EXPECT_FALSE(report.flushes[0].behind);
  EXPECT_FALSE(report.flushes[1].behind);
}

TEST(FlushRows, WhereEventsAfterAnExecutionWereLostItMayNotBeTheLastOne) {
  for (const auto& [from, to, known] :
       {std::tuple(45ms, 46ms, false), std::tuple(48ms, 60ms, false), std::tuple(5ms, 10ms, true),
        std::tuple(70ms, 80ms, true)}) {
    TraceBuilder t;
    t.Put(1ms, kTask, kWorkA, {"a_fn", "wq_a"});
    if (to == 10ms) t.Loss(from, to, 1);
    t.Run(13ms, 44ms, kWorker, kWorkA, {"a_fn"});
    if (to != 10ms) t.Loss(from, to, 1);
    t.Tick(100ms, 0);
    const Report report = Analyzed(t, {OfWork(2ms, 50ms, kWorkA, "a_fn")});
    ASSERT_EQ(report.flushes.size(), 1U);
    EXPECT_EQ(report.flushes[0].behind.has_value(), known) << from.count();
    EXPECT_EQ(report.flushes[0].wait.max(), 48ms);  // the wait itself is certain
  }
}

TEST(FlushRows, OfAWorkqueueTheLastOneOfItsWorksCounts) {
  TraceBuilder t = Busy();
  const Report report =
      Analyzed(t, {OfWorkqueue(10ms, 60ms, "wq_a"), OfWorkqueue(10ms, 40ms, "wq_a")});
  ASSERT_EQ(report.flushes.size(), 1U);
  const FlushRow& row = report.flushes[0];
  EXPECT_EQ(row.workqueue, "wq_a");
  EXPECT_EQ(row.function, "");
  EXPECT_EQ(row.wait.count(), 2U);
  EXPECT_EQ(row.comm, "umount");
  ASSERT_TRUE(row.behind);
  EXPECT_EQ(row.behind->executed, 1ms);
}

TEST(FlushRows, FiltersLeaveOutOthers) {
  TraceBuilder t = Busy();
  const std::vector<FlushWait> waits = {OfWork(2ms, 45ms, kWorkB, "b_fn"),
                                        OfWork(2ms, 24ms, kWorkA, "a_fn"),
                                        OfWorkqueue(10ms, 60ms, "wq_a")};
  ItemFilter filter;
  filter.workqueues = {"wq_a"};
  EXPECT_EQ(Analyzed(t, waits, filter).flushes.size(), 2U);
  filter.functions = {"a_fn"};
  EXPECT_EQ(Analyzed(t, waits, filter).flushes.size(), 1U);
  ItemFilter late;
  late.from = Timestamp(50ms);
  EXPECT_EQ(Analyzed(t, waits, late).flushes.size(), 1U);
}

TEST(FlushRows, AClockThatCountsNoNanosecondsHasNone) {
  TraceBuilder t = Busy();
  t.Clock("counter", false);
  EXPECT_TRUE(Analyzed(t, {OfWork(2ms, 45ms, kWorkB)}).flushes.empty());
}

// What sched_switch and sched_waking show of who flushes, in the trace builder's time.
constexpr Emitter kFlusher{700, "fio", 1, 0};
constexpr Emitter kIdle1{0, "swapper/1", 1, 0};
constexpr WorkAddr kBarrier{0xffff88800000b000};

// The flusher sleeps at 5 ms until the barrier behind work A wakes it.
TraceBuilder Flushed() {
  TraceBuilder t;
  t.Put(1ms, kTask, kWorkA, {"a_fn [mod]", "wq_a"});
  t.Switch(2ms, 0, kTask, kWorker, 'R');
  t.Start(3ms, kWorker, kWorkA, {"a_fn [mod]"});
  t.Switch(5ms, 1, kFlusher, kIdle1, 'D');
  t.End(23ms, kWorker, kWorkA, {"a_fn [mod]"});
  t.Start(24ms, kWorker, kBarrier, kBarrierJob);
  t.Waking(25ms, kWorker, kFlusher);
  t.End(26ms, kWorker, kBarrier, kBarrierJob);
  t.Switch(27ms, 1, kIdle1, kFlusher, 'R');
  t.Tick(100ms, 0).Tick(100ms, 1);
  return t;
}

Report ByEvents(TraceBuilder& trace, const ItemFilter& filter = {}, Nanos floor = 100us) {
  trace.CoveredFrom(1ms);
  return WithLog(trace, std::make_shared<FlushLog>(FlushesByEvents(floor, "the kernel has no BTF")),
                 filter);
}

TEST(FlushBounds, ATaskThatABarrierWokeHadWaitedSinceItSlept) {
  TraceBuilder t = Flushed();
  const Report report = ByEvents(t);
  ASSERT_EQ(report.flushes.size(), 1U);
  const FlushRow& row = report.flushes[0];
  EXPECT_EQ(row.kind, FlushKind::kFlushOrCancel);
  EXPECT_TRUE(row.at_least);
  EXPECT_EQ(row.wait.count(), 1U);
  EXPECT_EQ(row.wait.max(), 20ms);
  EXPECT_EQ(row.begin, Timestamp(5ms));
  EXPECT_EQ(row.comm, "fio");
  EXPECT_EQ(row.task, Pid{700});
  EXPECT_EQ(row.function, "a_fn");
  EXPECT_EQ(row.module, "mod");
  EXPECT_EQ(row.workqueue, "wq_a");
  ASSERT_TRUE(row.behind);
  EXPECT_EQ(row.behind->function, "a_fn");
  EXPECT_EQ(row.behind->executed, 20ms);
  EXPECT_EQ(row.behind->waited, 2ms);
  EXPECT_NE(row.behind->item, 0U);
  EXPECT_EQ(report.source.flushes->unfollowed, 0U);
}

TEST(FlushBounds, ShorterOnesThanTheFloorAreLeftOut) {
  TraceBuilder t = Flushed();
  EXPECT_TRUE(ByEvents(t, {}, 21ms).flushes.empty());
}

TEST(FlushBounds, FiltersLeaveOutOthers) {
  TraceBuilder t = Flushed();
  ItemFilter filter;
  filter.workqueues = {"wq_a"};
  filter.functions = {"a_fn"};
  EXPECT_EQ(ByEvents(t, filter).flushes.size(), 1U);
  filter.functions = {"b_fn"};
  EXPECT_TRUE(ByEvents(t, filter).flushes.empty());
}

TEST(FlushBounds, BarriersBehindOneWorkAreAllForThatWork) {
  TraceBuilder t;
  const Emitter second{701, "umount", 1, 0};
  t.Put(1ms, kTask, kWorkA, {"a_fn", "wq_a"}).Start(3ms, kWorker, kWorkA, {"a_fn"});
  t.Switch(5ms, 1, kFlusher, second, 'D').Switch(6ms, 1, second, kIdle1, 'D');
  t.End(23ms, kWorker, kWorkA, {"a_fn"});
  for (const auto& [at, task] : {std::pair(24ms, second), std::pair(26ms, kFlusher)}) {
    t.Start(at, kWorker, kBarrier, kBarrierJob).Waking(at + 1ms, kWorker, task);
    t.End(at + 1ms, kWorker, kBarrier, kBarrierJob);
  }
  t.Tick(100ms, 0).Tick(100ms, 1);
  const Report report = ByEvents(t);
  ASSERT_EQ(report.flushes.size(), 1U);
  EXPECT_EQ(report.flushes[0].wait.count(), 2U);
  EXPECT_EQ(report.flushes[0].comm, "fio");
}

TEST(FlushBounds, WhatTheWorkerDidNotExecuteRightBeforeIsNotNamed) {
  for (const bool slept : {false, true}) {
    TraceBuilder t;
    t.Put(1ms, kTask, kWorkA, {"a_fn", "wq_a"}).Start(2ms, kWorker, kWorkA, {"a_fn"});
    if (slept) t.Switch(2500us, 1, kFlusher, kIdle1, 'D');
    t.End(3ms, kWorker, kWorkA, {"a_fn"});
    if (!slept) t.Switch(4ms, 1, kFlusher, kIdle1, 'D');  // what ended before is not waited for
    if (slept) t.Switch(5ms, 0, kWorker, kTask, 'I').Switch(6ms, 0, kTask, kWorker, 'R');
    t.Start(24ms, kWorker, kBarrier, kBarrierJob).Waking(25ms, kWorker, kFlusher);
    t.End(26ms, kWorker, kBarrier, kBarrierJob).Tick(100ms, 0).Tick(100ms, 1);
    const Report report = ByEvents(t);
    ASSERT_EQ(report.flushes.size(), 1U) << slept;
    EXPECT_EQ(report.flushes[0].function, "") << slept;
    EXPECT_FALSE(report.flushes[0].behind) << slept;
    EXPECT_EQ(report.flushes[0].wait.count(), 1U) << slept;
  }
}

TEST(FlushBounds, OtherWakeUpsAreNone) {
  TraceBuilder t;
  t.Put(1ms, kTask, kWorkA, {"a_fn", "wq_a"}).Start(3ms, kWorker, kWorkA, {"a_fn"});
  t.Switch(5ms, 1, kFlusher, kIdle1, 'D');
  t.Waking(22ms, kWorker, kFlusher);  // by the work itself
  t.Switch(22ms, 1, kIdle1, kFlusher, 'R').Switch(22500us, 1, kFlusher, kIdle1, 'D');
  t.End(23ms, kWorker, kWorkA, {"a_fn"}).Start(24ms, kWorker, kBarrier, kBarrierJob);
  t.Waking(25ms, kWorker.In(kFlagHardirq), kFlusher);  // by what interrupts the barrier
  t.Waking(25ms, kTask, kFlusher);                     // by somebody else meanwhile
  t.End(26ms, kWorker, kBarrier, kBarrierJob);
  t.Waking(27ms, kWorker, kFlusher).Tick(100ms, 0).Tick(100ms, 1);
  EXPECT_TRUE(ByEvents(t).flushes.empty());
}

TEST(FlushBounds, WhoWasAwakeDidNotWait) {
  TraceBuilder t = Flushed();
  std::vector<Event> events(t.events().begin(), t.events().end());
  for (Event& e : events) {
    // It leaves its CPU for another task, and is awake.
    if (e.kind == EventKind::kSwitch && e.pid == Pid{kFlusher.pid}) e.sched_switch.prev_state = 'R';
  }
  t.Replace(std::move(events));
  const Report report = ByEvents(t);
  EXPECT_TRUE(report.flushes.empty());
}

TEST(FlushBounds, WhoSleptBeforeTheRecordingIsCountedAndHasNoLength) {
  TraceBuilder t;
  t.Put(1ms, kTask, kWorkA, {"a_fn", "wq_a"}).Run(3ms, 23ms, kWorker, kWorkA, {"a_fn"});
  t.Start(24ms, kWorker, kBarrier, kBarrierJob).Waking(25ms, kWorker, kFlusher);
  t.End(26ms, kWorker, kBarrier, kBarrierJob).Switch(27ms, 1, kIdle1, kFlusher, 'R');
  t.Tick(100ms, 0).Tick(100ms, 1);
  const Report report = ByEvents(t);
  EXPECT_TRUE(report.flushes.empty());
  EXPECT_EQ(report.source.flushes->unfollowed, 1U);
}

TEST(FlushBounds, AcrossLostEventsNothingIsSaid) {
  for (const Nanos from : {10000us, 4000us, 23500us}) {
    TraceBuilder t;
    t.Put(1ms, kTask, kWorkA, {"a_fn", "wq_a"}).Start(3ms, kWorker, kWorkA, {"a_fn"});
    if (from == 4ms) t.LossBegin(from, 2);
    t.Switch(5ms, 1, kFlusher, kIdle1, 'D');
    if (from == 10ms) t.Loss(from, from + 1ms, 2);
    t.End(23ms, kWorker, kWorkA, {"a_fn"});
    if (from == 23500us) t.Loss(from, from + 100us, 2);
    t.Start(24ms, kWorker, kBarrier, kBarrierJob).Waking(25ms, kWorker, kFlusher);
    t.End(26ms, kWorker, kBarrier, kBarrierJob);
    if (from == 4ms) t.LossEnd(26500us, 2);
    t.Switch(27ms, 1, kIdle1, kFlusher, 'R').Tick(100ms, 0).Tick(100ms, 1);
    const Report report = ByEvents(t);
    EXPECT_TRUE(report.flushes.empty()) << from.count();
    EXPECT_EQ(report.source.flushes->unfollowed, from == 4ms ? 0U : 1U) << from.count();
  }
}

TEST(FlushBounds, AreShownAsSuch) {
  TraceBuilder t = Flushed();
  const Report report = ByEvents(t);
  EXPECT_EQ(WhyNoFlushes(report, false), "");
  View view;
  view.tables = {"flushes"};
  const auto text = RenderReport(report, Format::kTable, view, {});
  ASSERT_TRUE(text.ok());
  for (const char* part :
       {">20.0ms", "flush_or_cancel", "fio[700]", "a_fn ran 20.0ms, waited 2.00ms",
        "lower bounds (>) of flush_work and cancel_work_sync", "the kernel has no BTF",
        "flushes not seen: flush_workqueue, drain_workqueue"}) {
    EXPECT_NE(text->find(part), std::string::npos) << part << " in\n" << *text;
  }
  const auto all = RenderReport(report, Format::kTable, {}, {});
  ASSERT_TRUE(all.ok());
  EXPECT_NE(all->find("fio[700] waited at least 20.0ms in flush_work or cancel_work_sync for a_fn "
                      "[wq_a]"),
            std::string::npos)
      << *all;
  const auto json = RenderReport(report, Format::kJson, {}, {});
  ASSERT_TRUE(json.ok());
  EXPECT_NE(json->find("\"at_least\":true"), std::string::npos) << *json;
  EXPECT_NE(json->find("\"from\":\"events\""), std::string::npos) << *json;
}

TEST(FlushFinding, NamesWhoWaitedAndBehindWhat) {
  TraceBuilder t = Busy();
  const Report report =
      Analyzed(t, {OfWork(2ms, 45ms, kWorkB, "b_fn"), OfWork(1ms, 9ms, kWorkA, "a_fn")});
  const auto finding =
      std::find_if(report.findings.begin(), report.findings.end(),
                   [](const Finding& f) { return f.kind == FindingKind::kFlushWait; });
  ASSERT_NE(finding, report.findings.end());
  EXPECT_EQ(finding->function, "b_fn");
  EXPECT_EQ(finding->worst, 43ms);
  EXPECT_EQ(finding->total, 43ms);
  EXPECT_EQ(finding->count, 1U);
  EXPECT_EQ(finding->severity, Severity::kHigh);
  ASSERT_TRUE(finding->flusher);
  EXPECT_EQ(finding->flusher->comm, "fio");
  EXPECT_EQ(std::count_if(report.findings.begin(), report.findings.end(),
                          [](const Finding& f) { return f.kind == FindingKind::kFlushWait; }),
            1);
  const auto text = RenderReport(report, Format::kTable, {}, {});
  ASSERT_TRUE(text.ok());
  EXPECT_NE(text->find("fio[700] waited 43.0ms in flush_work for b_fn [wq_b]"), std::string::npos)
      << *text;
  EXPECT_NE(text->find("it waited for b_fn [wq_b], which executed for 20.0ms after it had waited "
                       "22.0ms"),
            std::string::npos)
      << *text;
}

TEST(FlushTable, ShowsTheLongestAndTheCallsThatDidNotWait) {
  TraceBuilder t = Busy();
  const Report report =
      Analyzed(t, {OfWork(2ms, 45ms, kWorkB, "b_fn"), OfWorkqueue(10ms, 60ms, "wq_a")});
  View view;
  view.tables = {"flushes"};
  const auto text = RenderReport(report, Format::kTable, view, {});
  ASSERT_TRUE(text.ok());
  EXPECT_NE(text->find("flush_work 1,234 (2 long)"), std::string::npos) << *text;
  EXPECT_NE(text->find("drain_workqueue (the kernel has none)"), std::string::npos) << *text;
  EXPECT_NE(text->find("umount[701]"), std::string::npos) << *text;
  EXPECT_NE(text->find("b_fn ran 20.0ms, waited 22.0ms"), std::string::npos) << *text;
}

TEST(FlushTable, SaysWhyThereIsNone) {
  TraceBuilder t = Busy();
  auto plain = Analyze(t, {});
  ASSERT_TRUE(plain.ok());
  EXPECT_NE(WhyNoFlushes(*plain, false).find("record --flushes"), std::string::npos);
  EXPECT_NE(WhyNoFlushes(*plain, true).find("ask for it, with --flushes"), std::string::npos);
  Report report = Analyzed(t, {});
  EXPECT_EQ(WhyNoFlushes(report, false), "");
  auto log = std::make_shared<FlushLog>();
  log->limited_by = "the kernel has no BTF";
  report.source.flushes = log;
  EXPECT_NE(WhyNoFlushes(report, false).find("the kernel has no BTF"), std::string::npos);
}

}  // namespace
}  // namespace wqprof::testing
