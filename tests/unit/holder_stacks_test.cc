// SPDX-License-Identifier: Apache-2.0
// Stacks of what held pools: how a recording keeps them, whom they are taken of, which of them are
// of the time in question, and how they are shown.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "support/trace_builder.h"
#include "wqprof/analyze.h"
#include "wqprof/holder_finder.h"
#include "wqprof/holder_stack.h"
#include "wqprof/render.h"
#include "wqprof/render_holders.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

Timestamp At(Nanos time) { return Timestamp(time); }

HolderStack Stack(Nanos at, std::vector<std::string> frames = {"msleep", "hog_fn"}) {
  HolderStack out;
  out.pool = "cpu0";
  out.comm = "kworker/0:1";
  out.pid = Pid{10};
  out.workqueue = "hogs";
  out.function = "hog_fn";
  out.begin = At(11ms);
  out.stall = At(20ms);
  out.at = out.last = At(at);
  out.state = TaskDoes::kBlocked;
  out.stack = std::move(frames);
  return out;
}

TEST(HolderStacksTest, LooksThatFindTheSameAreOne) {
  HolderStacks stacks;
  stacks.Add(Stack(50ms));
  stacks.Add(Stack(1050ms));
  stacks.Add(Stack(2050ms, {"io_schedule", "hog_fn"}));
  stacks.Add(Stack(3050ms));
  ASSERT_EQ(stacks.all().size(), 3u);
  EXPECT_EQ(stacks.all()[0].looks, 2u);
  EXPECT_EQ(stacks.all()[0].last, At(1050ms));
  EXPECT_EQ(stacks.all()[2].looks, 1u) << "in between it was elsewhere";
}

TEST(HolderStacksTest, TheLatestAreKept) {
  HolderStacks stacks;
  for (size_t i = 0; i <= HolderStacks::kMost; ++i) {
    stacks.Add(Stack(Nanos(i), {std::to_string(i)}));
  }
  EXPECT_EQ(stacks.all().size(), HolderStacks::kMost);
  EXPECT_EQ(stacks.all().front().stack.front(), "1");
}

TEST(HolderStacksTest, ComeBackFromJsonAsTheyWere) {
  HolderStacks stacks;
  stacks.Add(Stack(50ms));
  stacks.Add(Stack(1050ms));
  HolderStack task;
  task.pool = "cpu0";
  task.comm = "\"\\\n";
  task.pid = Pid{4711};
  task.at = task.last = At(2s);
  task.state = TaskDoes::kOnCpu;
  task.in_user_space = true;
  task.samples = 10;
  task.samples_alike = 9;
  stacks.Add(task);
  HolderStack refused = Stack(3s, {});
  refused.why_not = "nobody may";
  stacks.Add(refused);
  EXPECT_EQ(ParseHolderStacks(HolderStacksToJson(stacks)).all(), stacks.all());
  EXPECT_EQ(HolderStacksToJson(HolderStacks()), "");
}

TEST(HolderStacksTest, OfHostileTextOnlyWhatHasTheRightFormIsTaken) {
  for (const char* text :
       {"", "{", "[]", "{\"holder_stacks\": [{}]}", "{\"schema\": \"wqprof.workqueues/1\"}"}) {
    EXPECT_TRUE(ParseHolderStacks(text).empty()) << text;
  }
  const HolderStacks stacks = ParseHolderStacks(
      R"({"schema": "wqprof.holder_stacks/1", "holder_stacks": [7, {"pool": 1, "pid": -3,
          "at_ns": -1, "looks": 0, "state": "flying", "samples": 3, "samples_alike": 99,
          "stack": ["a", 1, ["b"], "c"], "why_not": {}}]})");
  ASSERT_EQ(stacks.all().size(), 1u);
  HolderStack expected;
  expected.samples = expected.samples_alike = 3;
  expected.stack = {"a", "c"};
  EXPECT_EQ(stacks.all()[0], expected);
  std::string many = R"({"schema": "wqprof.holder_stacks/1", "holder_stacks": [{"stack": [""])";
  for (int i = 0; i < 10'000; ++i) many += R"(,{"stack": ["x"]},{"stack": ["y"]})";
  EXPECT_LE(ParseHolderStacks(many + "]}").all().size(), HolderStacks::kMost);
}

// A recording that goes on.
class Held {
 public:
  Held(TraceBuilder trace, const HolderLimits& limits)
      : trace_(std::move(trace)), pipeline_(trace_), finder_(trace_, pipeline_.model(), limits) {
    pipeline_.Attach(finder_);
    Poll();
  }
  // Goes on with other events; of those before nothing is read again.
  TraceBuilder Next() const {
    TraceBuilder more = trace_;
    more.Replace({});
    return more;
  }
  void GoOn(const TraceBuilder& more) {
    trace_.Replace({more.events().begin(), more.events().end()});
    Poll();
  }
  // All that hold something are asked, and answer at that time.
  void Ask(Nanos at) {
    std::vector<HolderStack> stacks = finder_.Find();
    finder_.Expect(stacks);
    for (HolderStack& stack : stacks) {
      stack.at = stack.last = At(at);
      stack.stack = {"msleep"};
    }
    finder_.Answer(stacks);
  }
  HolderFinder& finder() { return finder_; }
  std::vector<HolderStack> Confirmed() { return finder_.Confirmed(pipeline_.now()); }

 private:
  void Poll() {
    trace_.Rewind();
    EXPECT_TRUE(pipeline_.Poll().ok());
  }
  TraceBuilder trace_;
  Pipeline pipeline_;
  HolderFinder finder_;
};

TraceBuilder Victims() {
  TraceBuilder t;
  // Which pool serves the pool_workqueue of the victims is known once one of them has started.
  t.Put(0ms, kTask, kWorkB, {"victim_fn", "victims", 0})
      .Run(1ms, 2ms, kWorker, kWorkB, {"victim_fn"});
  t.Put(10ms, kTask, kWorkA, {"hog_fn", "hogs", 0}).Start(11ms, kWorker, kWorkA, {"hog_fn"});
  t.Put(20ms, kTask, kWorkB, {"victim_fn", "victims", 0});
  return t;
}

TEST(HolderFinderTest, WhoExecutesInAStalledPoolHoldsIt) {
  TraceBuilder t = Victims();
  t.Tick(220ms, 0);
  Held held(t, {.stall = 100ms});
  const std::vector<HolderStack> found = held.finder().Find();
  ASSERT_EQ(found.size(), 1u);
  HolderStack expected = Stack(0ms);
  expected.at = expected.last = kUnseen;
  expected.state = TaskDoes::kUnknown;
  expected.stack.clear();
  EXPECT_EQ(found[0], expected);
}

TEST(HolderFinderTest, NobodyIsAskedBeforeTheLimit) {
  TraceBuilder t = Victims();
  t.Tick(90ms, 0);
  EXPECT_TRUE(Held(t, {.stall = 100ms, .execution = 100ms}).finder().Find().empty());
}

TEST(HolderFinderTest, SoDoesATaskThatHasTheCpuInstead) {
  TraceBuilder t;
  t.Put(0ms, kTask, kWorkA).Run(1ms, 2ms, kWorker, kWorkA);
  t.Switch(3ms, 0, kWorker, kTask, 'I');
  t.Put(20ms, kTask, kWorkA).Tick(220ms, 0);
  const std::vector<HolderStack> found = Held(t, {.stall = 100ms}).finder().Find();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].pid, Pid{500});
  EXPECT_EQ(found[0].comm, "task");
  EXPECT_EQ(found[0].function, "");
  EXPECT_EQ(found[0].begin, kUnseen);
  EXPECT_EQ(found[0].stall, At(20ms));
}

TEST(HolderFinderTest, ALongExecutionIsAskedAloneAndABarrierIsNone) {
  TraceBuilder t;
  t.Put(0ms, kTask, kWorkA).Start(1ms, kWorker, kWorkA);
  t.Start(2ms, kWorkerOn1, kWorkB, kBarrierJob).Tick(500ms, 0);
  const std::vector<HolderStack> found = Held(t, {.execution = 100ms}).finder().Find();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].function, "work_fn");
  EXPECT_EQ(found[0].stall, kUnseen);
}

TEST(HolderFinderTest, AStackCountsOnceItIsKnownThatItWentOn) {
  TraceBuilder t = Victims();
  t.Tick(220ms, 0);
  Held held(t, {.stall = 100ms});
  held.Ask(300ms);
  EXPECT_TRUE(held.Confirmed().empty()) << "nothing is known yet of that time";
  TraceBuilder more = held.Next();
  more.Tick(400ms, 0);
  held.GoOn(more);
  const std::vector<HolderStack> confirmed = held.Confirmed();
  ASSERT_EQ(confirmed.size(), 1u);
  EXPECT_EQ(confirmed[0].stall, At(20ms));
  EXPECT_TRUE(held.Confirmed().empty()) << "it is given once";
}

TEST(HolderFinderTest, AfterALossItIsNotKnownThatItWentOn) {
  TraceBuilder t = Victims();
  t.Tick(220ms, 0);
  Held held(t, {.stall = 100ms});
  held.Ask(300ms);
  TraceBuilder more = held.Next();
  more.Loss(250ms, 260ms, 0).Tick(400ms, 0);
  held.GoOn(more);
  EXPECT_TRUE(held.Confirmed().empty());
}

TEST(HolderFinderTest, AStackOfWhatIsOverIsNone) {
  TraceBuilder t = Victims();
  t.Tick(220ms, 0);
  Held held(t, {.stall = 100ms});
  held.Ask(300ms);
  TraceBuilder more = held.Next();
  more.End(250ms, kWorker, kWorkA, {"hog_fn"}).Run(260ms, 270ms, kWorker, kWorkB, {"victim_fn"});
  more.Tick(400ms, 0);
  held.GoOn(more);
  EXPECT_TRUE(held.Confirmed().empty());
}

TEST(HolderFinderTest, AnExecutionMayOutlastItsStall) {
  TraceBuilder t = Victims();
  t.Tick(220ms, 0);
  Held held(t, {.stall = 100ms, .execution = 100ms});
  held.Ask(300ms);
  TraceBuilder more = held.Next();
  more.Run(250ms, 260ms, kWorker2, kWorkB, {"victim_fn"}).Tick(400ms, 0);
  held.GoOn(more);
  const std::vector<HolderStack> confirmed = held.Confirmed();
  ASSERT_EQ(confirmed.size(), 1u);
  EXPECT_EQ(confirmed[0].stall, kUnseen);
}

TEST(HolderFinderTest, WhoGivesNoAnswerIsForgotten) {
  TraceBuilder t = Victims();
  t.Tick(220ms, 0);
  Held held(t, {.stall = 100ms});
  held.finder().Expect(held.finder().Find());
  held.finder().Answer({});
  held.finder().Answer({Stack(300ms)});
  EXPECT_TRUE(held.finder().Confirmed(Timestamp::max()).empty());
}

TEST(HolderTextTest, SaysWhoStoodWhere) {
  HolderStack stack = Stack(50ms, {"a", "b", "c", "d", "e", "f", "g"});
  EXPECT_EQ(HolderText(stack),
            "kworker/0:1[10], executing hog_fn, slept at a < b < c < d < e < f < ...");
  stack.stack = {"a"};
  stack.state = TaskDoes::kOnCpu;
  stack.samples = 10;
  stack.samples_alike = 7;
  stack.looks = 3;
  stack.last = At(2050ms);
  EXPECT_EQ(HolderText(stack),
            "kworker/0:1[10], executing hog_fn, ran at a (7 of 10 samples); the same 3 times in "
            "2.00s");
  stack.state = TaskDoes::kRunnable;
  stack.looks = 1;
  stack.samples = 0;
  EXPECT_EQ(HolderText(stack), "kworker/0:1[10], executing hog_fn, waited for a CPU at a");
  stack.begin = kUnseen;
  stack.comm = "python3";
  stack.in_user_space = true;
  EXPECT_EQ(HolderText(stack), "python3[10], which had the CPU, ran in user space");
}

// The report on a stall, with these stacks.
Report ReportWith(const std::vector<HolderStack>& stacks) {
  TraceBuilder t = Victims();
  t.End(500ms, kWorker, kWorkA, {"hog_fn"}).Run(501ms, 502ms, kWorker, kWorkB, {"victim_fn"});
  t.Tick(600ms, 0);
  for (const HolderStack& stack : stacks) t.mutable_info().holder_stacks.Add(stack);
  auto report = Analyze(t, AnalyzeOptions());
  EXPECT_TRUE(report.ok());
  return report.ok() ? *std::move(report) : Report();
}

std::string TextOf(const Report& report) { return *RenderReport(report, Format::kTable, {}, {}); }

TEST(HolderReportTest, AStackIsShownWhereItsStallIs) {
  const Report report = ReportWith({Stack(300ms)});
  ASSERT_EQ(report.stalls.size(), 1u);
  const std::string line = "kworker/0:1[10], executing hog_fn, slept at msleep < hog_fn";
  EXPECT_THAT(TextOf(report), HasSubstr("stack    taken while it went on: " + line));
  EXPECT_THAT(ExplainStall(report, report.stalls[0], {}),
              HasSubstr("Stack taken while it went on:\n    " + line + "\n"));
  const auto json = nlohmann::json::parse(*RenderReport(report, Format::kJson, {}, {}));
  for (const auto& row : {json["stalls"][0], json["findings"][0], json}) {
    ASSERT_EQ(row["holder_stacks"].size(), 1u) << row;
    EXPECT_EQ(row["holder_stacks"][0]["stack"], (nlohmann::json{"msleep", "hog_fn"}));
  }
}

TEST(HolderReportTest, OneOfAnotherTimeOrPoolIsNot) {
  HolderStack other = Stack(300ms);
  other.pool = "cpu1";
  other.pid = Pid{11};
  const Report report = ReportWith({Stack(550ms), Stack(5ms, {"x"}), other});
  EXPECT_THAT(TextOf(report), Not(HasSubstr("taken while it went on")));
  const auto json = nlohmann::json::parse(*RenderReport(report, Format::kJson, {}, {}));
  EXPECT_TRUE(json["stalls"][0]["holder_stacks"].empty());
  EXPECT_EQ(json["holder_stacks"].size(), 3u);
}

TEST(HolderReportTest, ARefusalIsSaidOnce) {
  HolderStack refused = Stack(300ms, {});
  refused.why_not = "only with CAP_X";
  HolderStack again = refused;
  again.pid = Pid{11};
  const std::string text = TextOf(ReportWith({refused, again}));
  EXPECT_THAT(text, HasSubstr("no stacks of some that held pools: only with CAP_X"));
  EXPECT_EQ(text.find("CAP_X"), text.rfind("CAP_X"));
}

}  // namespace
}  // namespace wqprof::testing
