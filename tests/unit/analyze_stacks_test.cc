// SPDX-License-Identifier: Apache-2.0
// What is made of the kernel stacks in which works were queued.
#include <gtest/gtest.h>

#include "support/trace_builder.h"
#include "wqprof/analyze.h"
#include "wqprof/export.h"
#include "wqprof/render.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kFsync = "queue_work_on;aio_fsync;io_submit_one";
constexpr std::string_view kTimer = "delayed_work_timer_fn;call_timer_fn [m]";

// One work holds CPU 0's only worker for 50 ms, three of another workqueue wait behind it: two
// were queued by one path, one by another; a fourth one nobody knows how.
TraceBuilder Hog() {
  TraceBuilder t;
  t.Queue(0ms, kTask, kWorkA, {"hog", "hogs", 0}).Stack(1us, kTask, "queue_work_on;feed");
  t.Activate(2us, kTask, kWorkA).Start(1ms, kWorker, kWorkA, {"hog"});
  for (uint64_t n = 0; n < 4; ++n) {
    const Nanos at = 2ms + n * 10us;
    t.Queue(at, kTask, WorkAddr{0x500 + n}, {"victim", "victims", 0});
    if (n < 3) t.Stack(at + 1us, kTask, n == 1 ? kTimer : kFsync);
    t.Activate(at + 2us, kTask, WorkAddr{0x500 + n});
  }
  t.End(51ms, kWorker, kWorkA, {"hog"});
  for (uint64_t n = 0; n < 4; ++n) {
    const Nanos at = 51ms + (n + 1) * 10us;
    t.Run(at, at + 5us, kWorker, WorkAddr{0x500 + n}, {"victim"});
  }
  return t;
}

Report Analyzed(TraceBuilder& trace) {
  AnalyzeOptions options;
  options.by_stack = true;
  auto report = Analyze(trace, options);
  EXPECT_TRUE(report.ok()) << report.status().ToString();
  return report.ok() ? *std::move(report) : Report{};
}

std::string Folded(TraceBuilder& trace, FoldedStacks::Weight weight,
                   const ItemFilter& filter = {}) {
  Pipeline pipeline(trace);
  FoldedStacks stacks(trace, pipeline.model(), filter, weight);
  pipeline.Attach(stacks);
  EXPECT_TRUE(pipeline.Run().ok());
  return stacks.Text();
}

TEST(StackRowTest, ItemsAreSummedUpByTheirStack) {
  TraceBuilder t = Hog();
  const Report report = Analyzed(t);
  ASSERT_EQ(report.stacks.size(), 4u);
  std::vector<std::pair<std::string, uint64_t>> counts;
  for (const StackRow& row : report.stacks) counts.emplace_back(row.stack, row.measures.executed);
  EXPECT_EQ(
      counts,
      (std::vector<std::pair<std::string, uint64_t>>{
          {"", 1}, {std::string(kTimer), 1}, {std::string(kFsync), 2}, {"queue_work_on;feed", 1}}));
}

TEST(StackRowTest, WithoutStacksThereAreNoRows) {
  TraceBuilder t;
  t.Put(0ms, kTask, kWorkA).Run(1ms, 2ms, kWorker, kWorkA);
  EXPECT_TRUE(Analyzed(t).stacks.empty());
}

TEST(StackRowTest, TheTableShowsWhoCalledWhom) {
  TraceBuilder t = Hog();
  const Report report = Analyzed(t);
  const auto text = RenderReport(report, Format::kTable, {.tables = {"stacks"}}, {.columns = 80});
  ASSERT_TRUE(text.ok()) << text.status().ToString();
  EXPECT_NE(text->find("\naio_fsync < io_submit_one "), std::string::npos) << *text;
  EXPECT_NE(text->find("\ncall_timer_fn [m] "), std::string::npos) << *text;
  const auto csv = RenderReport(report, Format::kCsv, {.tables = {"stacks"}}, {});
  ASSERT_TRUE(csv.ok());
  EXPECT_NE(csv->find("\n" + std::string(kFsync) + ","), std::string::npos) << *csv;
}

TEST(StallStackTest, TheStoryHasThePathsOfWhatWaitedAndOfWhatRan) {
  TraceBuilder t = Hog();
  const Report report = Analyzed(t);
  ASSERT_EQ(report.stalls.size(), 1u);
  const Stall& stall = report.stalls[0];
  ASSERT_EQ(stall.holders.size(), 1u);
  EXPECT_EQ(stall.holders[0].stack, "queue_work_on;feed");
  ASSERT_EQ(stall.delayed.size(), 1u);
  ASSERT_EQ(stall.delayed[0].stacks.size(), 2u);
  EXPECT_EQ(stall.delayed[0].stacks[0].stack, kFsync);
  EXPECT_EQ(stall.delayed[0].stacks[0].count, 2u);
  const std::string story = ExplainStall(report, stall, {});
  EXPECT_NE(story.find("queued mostly in aio_fsync < io_submit_one\n"), std::string::npos) << story;
  EXPECT_NE(story.find("queued in feed\n"), std::string::npos) << story;
}

TEST(FoldedStacksTest, ALineGoesFromTheOutermostFunctionToTheWork) {
  TraceBuilder t = Hog();
  EXPECT_EQ(Folded(t, FoldedStacks::Weight::kCount),
            "call_timer_fn [m];delayed_work_timer_fn;victim 1\n"
            "feed;queue_work_on;hog 1\n"
            "io_submit_one;aio_fsync;queue_work_on;victim 2\n");
}

TEST(FoldedStacksTest, TheWeightMayBeTheTimeExecuted) {
  TraceBuilder t = Hog();
  EXPECT_EQ(Folded(t, FoldedStacks::Weight::kExecution),
            "call_timer_fn [m];delayed_work_timer_fn;victim 5000\n"
            "feed;queue_work_on;hog 50000000\n"
            "io_submit_one;aio_fsync;queue_work_on;victim 10000\n");
}

TEST(FoldedStacksTest, OnlyItemsThatPassTheFilterCount) {
  TraceBuilder t = Hog();
  ItemFilter filter;
  filter.functions = {"hog"};
  EXPECT_EQ(Folded(t, FoldedStacks::Weight::kCount, filter), "feed;queue_work_on;hog 1\n");
}

TEST(FoldedStacksTest, ControlBytesOfANameEndNoLine) {
  TraceBuilder t;
  t.Queue(0ms, kTask, kWorkA, {"f", "wq", 0}).Stack(1us, kTask, "a\nb;c\x1b");
  EXPECT_EQ(Folded(t, FoldedStacks::Weight::kCount), "c?;a?b;f 1\n");
}

}  // namespace
}  // namespace wqprof::testing
