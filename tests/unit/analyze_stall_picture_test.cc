// SPDX-License-Identifier: Apache-2.0
// The picture of a stall shows its own time: who had the CPU, what the workers did.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "support/trace_builder.h"
#include "wqprof/analyze.h"
#include "wqprof/stall_picture.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;
using Did = GapPicture::Did;

constexpr Emitter kHog{700, "rt-hog", 0, 0};

// From 10 ms on an item waits; its worker is awake from 20 ms on, and has the CPU from 50 ms on.
TraceBuilder Starved() {
  TraceBuilder t;
  t.mutable_info().has_sched = true;
  t.Switch(0ms, 0, kHog, kWorker, 'R');
  t.Put(0ms, kOtherTask, kWorkB).Run(1ms, 2ms, kWorker, kWorkB);
  t.Switch(3ms, 0, kWorker, kHog, 'I');
  t.Put(10ms, kOtherTask, kWorkA);
  t.Waking(20ms, kOtherTask, kWorker).Wakeup(20ms, kOtherTask, kWorker);
  t.Switch(50ms, 0, kHog, kWorker, 'R');
  t.Run(50ms, 51ms, kWorker, kWorkA);
  t.Tick(60ms, 1);
  return t;
}

StallPicture PictureOf(TraceBuilder& t, const Stall& stall) {
  t.Rewind();
  Pipeline pipeline(t);
  StallPictureCollector collector(t, pipeline.model(), stall);
  pipeline.Attach(collector);
  EXPECT_TRUE(pipeline.Run().ok());
  return collector.Take();
}

Stall TheStall(TraceBuilder& t) {
  t.Rewind();
  const auto report = Analyze(t, AnalyzeOptions());
  EXPECT_TRUE(report.ok());
  EXPECT_EQ(report->stalls.size(), 1u);
  return report->stalls.empty() ? Stall() : report->stalls[0];
}

TEST(StallPictureTest, ShowsWhoHadTheCpuAndWhatTheWorkerDid) {
  TraceBuilder t = Starved();
  const StallPicture picture = PictureOf(t, TheStall(t));
  EXPECT_EQ(picture.timeline.begin, Timestamp(10ms));
  EXPECT_EQ(picture.timeline.end, Timestamp(50ms));
  ASSERT_EQ(picture.timeline.pools.size(), 1u);
  EXPECT_EQ(picture.timeline.pools[0].backlog_max, 1u);
  EXPECT_EQ(ToInt(picture.cpu), 0);
  ASSERT_EQ(picture.runs.size(), 1u);
  EXPECT_EQ(picture.runs[0].task.comm, "rt-hog");
  EXPECT_EQ(picture.runs[0].begin, Timestamp(10ms)) << "as far as it lies in the stall";
  EXPECT_EQ(picture.runs[0].end, Timestamp(50ms));
  ASSERT_EQ(picture.workers.size(), 1u);
  EXPECT_EQ(picture.workers[0].name, "kworker/0:1");
  const auto& did = picture.workers[0].did;
  EXPECT_EQ(std::count(did.begin(), did.end(), Did::kIdle), 60) << "10 of 40 ms";
  EXPECT_EQ(std::count(did.begin(), did.end(), Did::kWaited), 180);
}

TEST(StallPictureTest, WithoutSchedulerEventsThereIsTheBacklogAlone) {
  TraceBuilder t;
  t.Put(0ms, kTask, kWorkB).Run(1ms, 2ms, kWorker, kWorkB);
  t.Put(10ms, kTask, kWorkA).Run(50ms, 51ms, kWorker, kWorkA);
  const StallPicture picture = PictureOf(t, TheStall(t));
  EXPECT_TRUE(picture.workers.empty());
  EXPECT_TRUE(picture.runs.empty());
  EXPECT_EQ(picture.cpu, Cpu::kNone);
  ASSERT_EQ(picture.timeline.pools.size(), 1u);
  EXPECT_EQ(picture.timeline.pools[0].backlog_max, 1u);
}

TEST(StallPictureTest, OfAStallThatIsNotInTheInputThereIsNoPicture) {
  TraceBuilder t = Starved();
  Stall other = TheStall(t);
  other.begin += 1ms;
  EXPECT_TRUE(PictureOf(t, other).workers.empty());
}

TEST(WorkerFunctionsTest, AWorkerNamesWhatItExecutedAndWhoQueuedIt) {
  TraceBuilder t;
  t.mutable_info().has_sched = true;
  t.Switch(0ms, 0, kTask, kWorker, 'S');
  for (int i = 0; i < 3; ++i) {
    const Nanos at = 10ms * i + 1ms;
    t.Put(at, i == 0 ? kTask : kOtherTask, kWorkA, {"long_fn", "a", 0})
        .Run(at + 1ms, at + 4ms, kWorker, kWorkA, {"long_fn"});
    t.Put(at + 5ms, kTask, kWorkB, {"short_fn", "b", 0})
        .Run(at + 6ms, at + 7ms, kWorker, kWorkB, {"short_fn"});
  }
  t.Rewind();
  AnalyzeOptions options;
  options.by_worker = true;
  const auto report = Analyze(t, options);
  ASSERT_TRUE(report.ok());
  ASSERT_EQ(report->workers.size(), 1u);
  const std::vector<WorkerFunctionRow>& rows = report->workers[0].functions;
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].function, "long_fn");
  EXPECT_EQ(rows[0].workqueue, "a");
  EXPECT_EQ(rows[0].executions, 3u);
  EXPECT_EQ(rows[0].busy, 9ms);
  EXPECT_EQ(rows[0].on_cpu, 9ms);
  ASSERT_EQ(rows[0].origins.size(), 2u);
  EXPECT_EQ(rows[0].origins[0].name, "other");
  EXPECT_EQ(rows[0].origins[0].count, 2u);
  EXPECT_EQ(rows[1].busy, 3ms);
}

TEST(WorkerFunctionsTest, AreNotTakenUnlessAskedFor) {
  TraceBuilder t;
  t.Put(0ms, kTask, kWorkA).Run(1ms, 2ms, kWorker, kWorkA);
  t.Rewind();
  const auto report = Analyze(t, AnalyzeOptions());
  ASSERT_TRUE(report.ok());
  ASSERT_EQ(report->workers.size(), 1u);
  EXPECT_TRUE(report->workers[0].functions.empty());
}

}  // namespace
}  // namespace wqprof::testing
