// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "wqprof/render.h"

namespace wqprof {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Json = nlohmann::json;

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

Measures Latencies(Nanos each, uint64_t times) {
  Measures measures;
  measures.queued = measures.executed = times;
  measures[Measure::kLatency].AddTimes(each, times);
  measures[Measure::kActivationWait].AddTimes(each / 4, times);
  measures[Measure::kExecution].AddTimes(microseconds(5), times);
  return measures;
}

Report Sample() {
  Report report;
  report.source.path = "db7.dat";
  report.source.machine = "db7";
  report.source.kernel = "6.1.0-32-amd64";
  report.source.cpus = 8;
  report.read.begin = Timestamp(seconds(100));
  report.read.end = Timestamp(seconds(110));
  report.read.seen_events = WorkqueueEvents::All();
  report.duration = seconds(10);
  report.quality.match.executed = 48'211;
  report.functions = {{"events", "rare_fn", "", Latencies(milliseconds(2), 3)},
                      {"kblockd", "often_fn", "blk", Latencies(microseconds(10), 1000)}};
  PoolRow pool;
  pool.occupancy.pool = {static_cast<PoolId>(1), PoolKind::kPerCpu, static_cast<Cpu>(3), "cpu3"};
  pool.busy_fraction = 0.25;
  report.pools = {pool};
  return report;
}

std::string Text(const Report& report, const View& view = {}, const TextStyle& style = {}) {
  const absl::StatusOr<std::string> text = RenderReport(report, Format::kTable, view, style);
  return text.ok() ? *text : text.status().ToString();
}

Json Document(const Report& report, const View& view = {}) {
  return Json::parse(*RenderReport(report, Format::kJson, view, {}));
}

Stall SampleStall(uint64_t id, Nanos duration) {
  Stall stall;
  stall.id = id;
  stall.pool = "cpu3";
  stall.begin = Timestamp(seconds(100) + milliseconds(10 * id));
  stall.duration = duration;
  stall.delayed_items = 2;
  stall.worst_latency = duration;
  stall.delayed = {{"waiting_fn", "kblockd", 2, 2, duration, {}}};
  return stall;
}

TEST(HeaderLine, TellsWhereWhatAndHowFarToTrustIt) {
  EXPECT_EQ(HeaderLine(Sample(), {}),
            "wqprof  host db7  Linux 6.1.0-32-amd64  8 CPUs  10.0s  48,211 works  lost 0  "
            "unpaired 0\n");
}

TEST(HeaderLine, SaysUnknownForWhatTheTraceLacks) {
  Report report = Sample();
  report.source.machine = report.source.kernel = "";
  report.source.cpus = 0;
  report.quality.lost_events.reset();
  report.quality.match.unmatched_starts = 3;
  report.quality.paired_fraction = 0.9999;
  EXPECT_EQ(HeaderLine(report, {}),
            "wqprof  host unknown  Linux unknown  CPUs unknown  10.0s  48,211 works  "
            "lost unknown  unpaired 3 (0.01%)\n");
}

TEST(HeaderLine, BreaksBetweenFactsOnANarrowTerminal) {
  EXPECT_EQ(HeaderLine(Sample(), {.columns = 50}),
            "wqprof  host db7  Linux 6.1.0-32-amd64  8 CPUs\n"
            "        10.0s  48,211 works  lost 0  unpaired 0\n");
}

TEST(HeaderLine, LetsAHostNameSteerNothing) {
  Report report = Sample();
  report.source.machine = "\x1b[2J";
  EXPECT_TRUE(Contains(HeaderLine(report, {}), "host \\x1b[2J"));
}

TEST(QualityNotes, AreSilentWhenAllIsWell) { EXPECT_TRUE(QualityNotes(Sample()).empty()); }

TEST(QualityNotes, TellEachKindOfDamage) {
  Report report = Sample();
  report.quality.lost_events = 7271;
  report.quality.lost_gaps = 4;
  report.quality.match.tainted = 135;
  report.quality.corrupt_pages = 2;
  report.read.pages = 1000;
  report.quality.truncated = true;
  report.quality.unfinished = true;
  report.quality.match.ambiguous = 1;
  report.quality.match.superseded = 12;
  report.quality.match.pending_at_end = 1;
  std::string all;
  for (const std::string& note : QualityNotes(report)) all += note + "\n";
  for (const std::string_view part :
       {"lost: 7,271 events in 4 gaps; 135 items", "damaged: 2 of 1,000 pages", "truncated: ",
        "unfinished: ", "ambiguous: 1 item ", "12 superseded, 1 pending when the trace ended"}) {
    EXPECT_TRUE(Contains(all, part)) << part << " in\n" << all;
  }
}

TEST(QualityNotes, WrapBetweenWordsInTheHeading) {
  Report report = Sample();
  report.quality.unfinished = true;
  const std::string heading = Heading(report, {.columns = 40});
  EXPECT_NE(heading.find("\n  unfinished: the recorder did not end\n    this file; "),
            std::string::npos)
      << heading;
  EXPECT_EQ(Heading(report, {}),
            HeaderLine(report, {}) + "  " + QualityNotes(report).front() + "\n");
}

TEST(QualityNotes, DoNotCallAnUnknownNumberZero) {
  Report report = Sample();
  report.quality.lost_events.reset();
  report.quality.lost_gaps = 1;
  ASSERT_EQ(QualityNotes(report).size(), 1U);
  EXPECT_EQ(QualityNotes(report)[0], "lost: an unknown number of events in 1 gap");
}

TEST(RenderReport, PutsTheFunctionThatWaitedMostInTotalFirst) {
  const std::string text = Text(Sample());
  EXPECT_LT(text.find("often_fn [blk]"), text.find("rare_fn"));
  const std::string by_max = Text(Sample(), {.sort = "max"});
  EXPECT_LT(by_max.find("rare_fn"), by_max.find("often_fn"));
}

TEST(RenderReport, StarsPercentilesOfTooFewItemsAndSaysWhy) {
  const std::string text = Text(Sample());
  EXPECT_TRUE(Contains(text, "2.00ms*"));
  EXPECT_TRUE(Contains(text, "* too few items"));
  Report many = Sample();
  many.functions.erase(many.functions.begin());
  EXPECT_FALSE(Contains(Text(many), "*"));
}

TEST(RenderReport, ShowsOnlyTheTablesAskedFor) {
  const std::string pools = Text(Sample(), {.tables = {"pools"}});
  EXPECT_TRUE(Contains(pools, "cpu3"));
  EXPECT_FALSE(Contains(pools, "often_fn"));
  EXPECT_FALSE(Contains(pools, "INACT"));
}

TEST(RenderReport, CutsTablesAndSaysSo) {
  const std::string text = Text(Sample(), {.top = 1});
  EXPECT_FALSE(Contains(text, "rare_fn"));
  EXPECT_TRUE(Contains(text, "first 1 of 2"));
}

TEST(RenderReport, ListsTheLongestStalls) {
  Report report = Sample();
  for (uint64_t id = 1; id <= 7; ++id) {
    report.stalls.push_back(SampleStall(id, milliseconds(10 * id)));
  }
  report.stalls_total = 7;
  const std::string text = Text(report);
  EXPECT_TRUE(Contains(text, "the longest 5 of 7"));
  EXPECT_TRUE(Contains(text, "70.0ms"));
  EXPECT_FALSE(Contains(text, "+0.020000s"));
  EXPECT_TRUE(Contains(text, "waiting_fn x2"));
}

TEST(RenderReport, PutsFindingsFirstWithTheirCommandsUncut) {
  Report report = Sample();
  Finding finding;
  finding.id = 1;
  finding.kind = FindingKind::kPendingAtEnd;
  finding.function = std::string(100, 'f');
  report.findings = {finding};
  const std::string text = Text(report, {.by = {.file = std::string(100, 'x')}}, {.columns = 80});
  EXPECT_LT(text.find("What stands out\n 1. fff"), text.find("Functions"));
  EXPECT_TRUE(Contains(text, "    more     wqprof works " + std::string(100, 'x') + " --state"));
  EXPECT_TRUE(Contains(text, "\n    had waited"));
}

TEST(RenderReport, ShowsFiveFindingsAndHoldsAll) {
  Report report = Sample();
  for (uint64_t id = 1; id <= 7; ++id) {
    Finding finding;
    finding.id = id;
    report.findings.push_back(finding);
  }
  const std::string text = Text(report);
  EXPECT_TRUE(Contains(text, " 5. "));
  EXPECT_FALSE(Contains(text, " 6. "));
  EXPECT_TRUE(Contains(text, "2 more"));
  EXPECT_EQ(Document(report, {.top = 1})["findings"].size(), 7u);
}

TEST(RenderReport, SaysThatNothingStandsOut) {
  EXPECT_TRUE(
      Contains(Text(Sample()), "What stands out: nothing waited 1ms or more. Looked for: "));
  Report report = Sample();
  report.long_waits = {2, milliseconds(3), "rare_fn", "events"};
  EXPECT_TRUE(Contains(Text(report), "2 items waited 1ms or more, the longest 3.00ms (rare_fn"));
}

TEST(RenderReport, FoldsRowsThatDoNotMatter) {
  Report report = Sample();
  for (const char* name : {"x_fn", "y_fn", "z_fn"}) {
    report.functions.push_back({"events", name, "", Latencies(microseconds(2), 3)});
  }
  const std::string folded = Text(report, {.fold = true});
  EXPECT_FALSE(Contains(folded, "z_fn"));
  EXPECT_TRUE(Contains(folded, "more functions: none waited 1ms")) << folded;
  EXPECT_TRUE(Contains(Text(report), "z_fn"));
}

TEST(RenderReport, RefusesAColumnThatNoTableHas) {
  const absl::StatusOr<std::string> text =
      RenderReport(Sample(), Format::kTable, {.sort = "p42"}, {});
  EXPECT_TRUE(absl::IsInvalidArgument(text.status()));
  EXPECT_TRUE(Contains(text.status().ToString(), "total_wait"));
}

TEST(RenderReport, RefusesSeveralTablesInOneCsv) {
  const View two = {.tables = {"pools", "functions"}};
  EXPECT_TRUE(absl::IsInvalidArgument(RenderReport(Sample(), Format::kCsv, two, {}).status()));
  EXPECT_TRUE(RenderReport(Sample(), Format::kCsv, {}, {}).ok());
}

TEST(RenderReport, DocumentHasEveryPartWhateverIsShown) {
  const Json document = Document(Sample(), {.tables = {"pools"}});
  std::vector<std::string> keys;
  for (const auto& [key, value] : document.items()) keys.push_back(key);
  const std::vector<std::string> all = {"activation", "cpus",          "findings",  "flushes",
                                        "functions",  "holder_stacks", "origins",   "pools",
                                        "quality",    "schema",        "source",    "stacks",
                                        "stalls",     "workers",       "workqueues"};
  EXPECT_EQ(keys, all);
  EXPECT_EQ(document["schema"], "wqprof.report/1");
}

TEST(RenderReport, DocumentKeepsNanosecondsAndNames) {
  const Json function = Document(Sample())["functions"][0];  // the order of the table
  EXPECT_EQ(function["function"], "often_fn");
  EXPECT_EQ(function["module"], "blk");
  EXPECT_EQ(function["latency"]["count"], 1000);
  EXPECT_EQ(function["latency"]["sum_ns"], 10'000'000);
  EXPECT_EQ(function["latency"]["p99_ns"], 10'000);
  EXPECT_EQ(Document(Sample())["source"]["begin_ns"], 100'000'000'000);
}

TEST(RenderReport, DocumentHasNoZeroForWhatIsUnknown) {
  Report report = Sample();
  report.source.kernel = "";
  report.quality.lost_events.reset();
  report.functions.push_back({"", "0xffffffff81000000", "", Measures()});
  report.stalls = {SampleStall(1, milliseconds(10))};
  report.stalls[0].holders = {{"fn", "", "kworker/3:1", Pid::kNone, kUnseen, milliseconds(5),
                               std::nullopt, std::nullopt, std::nullopt, std::nullopt}};
  const Json document = Document(report);
  EXPECT_TRUE(document["source"]["kernel"].is_null());
  EXPECT_TRUE(document["quality"]["lost_events"].is_null());
  EXPECT_TRUE(document["functions"][2]["workqueue"].is_null());
  EXPECT_TRUE(document["functions"][2]["latency"]["p99_ns"].is_null());
  EXPECT_TRUE(document["pools"][0]["latency"].is_null());
  const Json holder = document["stalls"][0]["holders"][0];
  for (const char* key : {"workqueue", "worker_pid", "begin_ns", "on_cpu_ns", "preempted_by"}) {
    EXPECT_TRUE(holder[key].is_null()) << key;
  }
}

TEST(RenderReport, PicturesOfAllRowsHaveOneScale) {
  const std::string text = Text(Sample(), {.tables = {"functions"}});
  EXPECT_TRUE(Contains(text, "10us..2ms"));
  // 10 us lies at the left end, 2 ms at the right one.
  EXPECT_TRUE(Contains(text, "  █\n"));
  EXPECT_TRUE(Contains(text, "                 █\n"));
}

TEST(AppendHistograms, HasALineForEachPowerOfTwo) {
  Report report = Sample();
  report.functions[1].measures[Measure::kLatency].AddTimes(microseconds(60), 10);
  const std::string text = Text(report, {.tables = {"functions"}, .histograms = true});
  EXPECT_TRUE(Contains(text, "kblockd  often_fn [blk]\n"));
  EXPECT_TRUE(Contains(text, "  16.4us        1,000 ████████████████████"));
  EXPECT_TRUE(Contains(text, "  32.8us            0"));
  EXPECT_TRUE(Contains(text, "  65.5us           10 ▎"));
}

TEST(RenderStalls, KeepsTheOrderOfTimeUnlessAskedForTheLongest) {
  Report report = Sample();
  report.stalls = {SampleStall(1, milliseconds(10)), SampleStall(2, milliseconds(90)),
                   SampleStall(3, milliseconds(50))};
  report.stalls_total = 3;
  const auto ids = [&](const View& view) {
    const Json document = Json::parse(*RenderStalls(report, Format::kJson, view, {}));
    std::vector<int> out;
    for (const Json& stall : document["stalls"]) out.push_back(stall["id"]);
    return out;
  };
  EXPECT_EQ(ids({}), (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(ids({.top = 2}), (std::vector<int>{2, 3}));
}

TEST(ExplainStall, TellsWhoWaitedWhoRanAndWhatIsMissing) {
  Report report = Sample();
  Stall stall = SampleStall(4, milliseconds(48));
  stall.holders = {{"hog_fn", "events", "kworker/3:1", static_cast<Pid>(77),
                    Timestamp(seconds(100)), milliseconds(45), std::nullopt, std::nullopt,
                    std::nullopt, std::nullopt}};
  const std::string story = ExplainStall(report, stall, {});
  for (const std::string_view part :
       {"Stall 4: pool cpu3 started nothing for 48.0ms", "From +0.040000s (100.040000",
        "2 items waited, the longest for 48.0ms", "2x waiting_fn [kblockd], worst 48.0ms",
        "hog_fn [events] on kworker/3:1 (77) since +0.000000s, 45.0ms of the stall\n",
        "Cause: unknown.", "was not recorded", "1. record who had the CPU: sudo wqprof record"}) {
    EXPECT_TRUE(Contains(story, part)) << part << " in\n" << story;
  }
}

TEST(ExplainStall, TellsWhereTheHolderSpentItsTimeWhenThatWasRecorded) {
  Report report = Sample();
  report.source.has_sched = true;
  Stall stall = SampleStall(1, milliseconds(48));
  stall.cause = StallCause::kCpuHog;
  stall.at_end = true;
  stall.holders = {{"hog_fn", "events", "kworker/3:1", static_cast<Pid>(77),
                    Timestamp(seconds(100)), milliseconds(45), milliseconds(40), milliseconds(4),
                    milliseconds(1), milliseconds(1), Task{"rtkit", Pid{9}, 49}}};
  stall.starter = {"kworker/3:2",
                   static_cast<Pid>(78),
                   {.runqueue = milliseconds(47)},
                   Task{"rtkit", Pid{9}, 49},
                   {}};
  stall.delayed = {
      {"victim", "events", 3, 3, milliseconds(48), {{"task", "sh", 2}, {"softirq", "", 1}}}};
  const std::string story = ExplainStall(report, stall, {});
  EXPECT_TRUE(Contains(
      story,
      "40.0ms on the CPU, 1.00ms asleep (1.00ms in D), 4.00ms preempted by rtkit[9] (rt 50)"));
  EXPECT_TRUE(Contains(
      story,
      "Woken to end it was kworker/3:2 (78), which until then was\n    47.0ms on a runqueue, "
      "where rtkit[9] (rt 50) had the CPU.\n"));
  EXPECT_TRUE(Contains(story, "3x victim [events], worst 48.0ms, queued by sh x2, softirq x1\n"));
  EXPECT_TRUE(Contains(story, "Cause: cpu_hog: an item kept the CPU"));
  EXPECT_TRUE(Contains(story, "for at least 48.0ms"));
  EXPECT_TRUE(Contains(story, "  Try:\n    1. queue hog_fn on a WQ_UNBOUND workqueue"));
}

TEST(ExplainStall, SaysThatNothingRan) {
  EXPECT_TRUE(Contains(ExplainStall(Sample(), SampleStall(1, milliseconds(10)), {}),
                       "No execution on this pool was seen to overlap it."));
}

TEST(RenderInfo, ListsEventsThatNeverHappenedToo) {
  TraceInfo info;
  info.path = "x.dat";
  info.events = {"workqueue:workqueue_queue_work", "workqueue:workqueue_activate_work"};
  ReadStats stats;
  stats.events_by_name = {{"workqueue:workqueue_queue_work", 5}};
  stats.lost_events.reset();
  EXPECT_EQ(*RenderInfo(info, stats, Format::kCsv, {}),
            "event,count\nworkqueue:workqueue_activate_work,0\n"
            "workqueue:workqueue_queue_work,5\n");
  const Json document = Json::parse(*RenderInfo(info, stats, Format::kJson, {}));
  EXPECT_TRUE(document["trace"]["lost_events"].is_null());
  EXPECT_TRUE(document["trace"]["duration_ns"].is_null());
  EXPECT_EQ(document["file"]["instance"], "");
  EXPECT_TRUE(Contains(*RenderInfo(info, stats, Format::kTable, {}), "an unknown number"));
}

TEST(RenderInfo, TakesTheRecordersNoteApart) {
  TraceInfo info;
  info.settings = Settings::Parse("sched=1\nnote=a=b\nbare\n");
  const Json document = Json::parse(*RenderInfo(info, {}, Format::kJson, {}));
  EXPECT_EQ(document["settings"].dump(),
            "[{\"key\":\"sched\",\"value\":\"1\"},{\"key\":\"note\",\"value\":\"a=b\"},"
            "{\"key\":\"bare\",\"value\":\"\"}]");
}

}  // namespace
}  // namespace wqprof
