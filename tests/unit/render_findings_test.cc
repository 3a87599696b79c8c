// SPDX-License-Identifier: Apache-2.0
// Findings in words, and the commands that lead on.
#include <gtest/gtest.h>

#include "render/command_text.h"
#include "render/finding_text.h"
#include "render/task_text.h"

namespace wqprof {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

Report Recorded() {
  Report report;
  report.source.has_sched = true;
  report.duration = seconds(5);
  report.stall_threshold = milliseconds(10);
  return report;
}

Finding Starved() {
  Finding finding;
  finding.kind = FindingKind::kStall;
  finding.severity = Severity::kHigh;
  finding.id = 1;
  finding.cause = StallCause::kStarved;
  finding.pool = "cpu1";
  finding.cpu = Cpu{1};
  finding.culprits = {{"", "", Task{"python3", Pid{4711}, 49}, milliseconds(724)}};
  finding.delayed = {{"aio_fsync_work", "events", 24, milliseconds(724)},
                     {"vmstat_update", "mm_percpu_wq", 1, milliseconds(20)}};
  finding.stall_ids = {7, 2};
  finding.count = finding.stretches = 2;
  finding.worst = finding.stretch = milliseconds(724);
  finding.total = milliseconds(1000);
  finding.share = 0.2;
  return finding;
}

TEST(FindingWords, SayWhoMadeWhomWaitAndWhatToTry) {
  const FindingWords words = WordsOf(Starved(), Recorded(), {});
  EXPECT_EQ(
      words.text,
      "cpu1 started nothing 2 times, 1.00s in all (20.0% of the trace), 724ms the longest time; "
      "worst wait 724ms");
  EXPECT_EQ(words.because, "python3[4711] (rt 50) had CPU 1 while a worker was runnable");
  EXPECT_EQ(words.delayed, "25 items: aio_fsync_work x24 and vmstat_update");
  ASSERT_GE(words.tries.size(), 2u);
  EXPECT_TRUE(Contains(words.tries[0], "taskset -pc CPUS 4711"));
  EXPECT_TRUE(Contains(words.tries[1], "chrt -o -p 0 4711"));
  EXPECT_EQ(words.next, "wqprof stalls --explain 7");
}

TEST(FindingWords, DoNotNameACauseThatWasNotRecorded) {
  Report report = Recorded();
  report.source.has_sched = false;
  Finding finding = Starved();
  finding.cause = StallCause::kUnknown;
  finding.culprits.clear();
  const FindingWords words = WordsOf(finding, report, {});
  EXPECT_TRUE(Contains(words.because, "was not recorded"));
  ASSERT_EQ(words.tries.size(), 1u);
  EXPECT_TRUE(Contains(words.tries[0], "sudo wqprof record"));
}

TEST(FindingText, AnUnboundPoolNeedsNoUnboundWorkqueue) {
  Report report = Recorded();
  PoolRow row;
  row.occupancy.pool = {.kind = PoolKind::kUnbound, .name = "u8"};
  report.pools.push_back(row);
  Finding finding;
  finding.kind = FindingKind::kDispatchWait;
  finding.pool = "u8";
  finding.wait.hold = Nanos(1'000'000);
  const FindingWords words = WordsOf(finding, report, {});
  ASSERT_FALSE(words.tries.empty());
  for (const std::string& text : words.tries) EXPECT_FALSE(Contains(text, "WQ_UNBOUND")) << text;
}

TEST(FindingText, WhatARescuerExecutedWasHeldUpByNoHog) {
  Finding finding;
  finding.kind = FindingKind::kDispatchWait;
  finding.pool = "rescuer:kworker/R-mm_pe";
  finding.rescued = true;
  finding.wait.hold = Nanos(1'000'000);
  const FindingWords words = WordsOf(finding, Recorded(), {});
  EXPECT_TRUE(Contains(words.because, "the rescuer")) << words.because;
  ASSERT_FALSE(words.tries.empty());
  for (const std::string& text : words.tries) {
    EXPECT_FALSE(Contains(text, "WQ_CPU_INTENSIVE")) << text;
  }
}

// Whether it runs or sleeps decides what helps.
TEST(FindingText, OfWhoHasTheSlotsItSaysHowItExecuted) {
  Finding finding;
  finding.kind = FindingKind::kActivationWait;
  finding.workqueue = "io_wq";
  finding.culprits = {{"reset_fn", "io_wq", {}, milliseconds(999)},
                      {"poll_fn", "io_wq", {}, milliseconds(1)}};
  finding.delayed = {{"poll_fn", "io_wq", 10, milliseconds(999)}};
  Report report = Recorded();
  FunctionRow row{"io_wq", "reset_fn", "", {}};
  row.measures[Measure::kExecution].Add(seconds(1));
  row.measures.split = {.runs = 1,
                        .run = {.on_cpu = milliseconds(10), .blocked = milliseconds(990)}};
  report.functions.push_back(row);
  const FindingWords words = WordsOf(finding, report, {});
  EXPECT_EQ(words.because,
            "reset_fn had the slots for 99.9% of that time: 1 execution of 1.00s, asleep for 99.0% "
            "of it");
  ASSERT_FALSE(words.tries.empty());
  EXPECT_TRUE(Contains(words.tries[0], "/proc/PID/stack")) << words.tries[0];
  EXPECT_TRUE(Contains(words.next, "--split")) << words.next;
}

TEST(CommandText, RunsOnTheFileOnStandardInputAndOnTheBox) {
  using Input = Invocation::Input;
  EXPECT_EQ(CommandText("info", "", {}), "wqprof info");
  EXPECT_EQ(CommandText("report", " --split", {.file = "my trace.dat"}),
            "wqprof report 'my trace.dat' --split");
  EXPECT_EQ(CommandText("info", "", {.file = "-x"}), "wqprof info ./-x");
  EXPECT_EQ(CommandText("info", "", {.input = Input::kStandardInput}), "... | wqprof info -");
  EXPECT_EQ(CommandText("report", " --by activation -w X", {.input = Input::kThisBox}),
            "sudo wqprof stat -d 5s --by activation -w X");
  EXPECT_EQ(StallCommand(3, {.file = "a.dat", .threshold = "1000ns"}),
            "wqprof stalls a.dat --explain 3 --threshold 1000ns");
  // A number of the past says nothing of a new recording.
  EXPECT_FALSE(Contains(StallCommand(3, {.input = Input::kThisBox}), "--explain"));
}

TEST(CommandText, QuotesWhatAShellOrAGlobWouldChange) {
  EXPECT_EQ(Quoted("a b"), "'a b'");
  EXPECT_EQ(Quoted("it's"), "'it'\\''s'");
  EXPECT_EQ(Quoted(""), "''");
  EXPECT_EQ(GlobOption("-w", "xfs-log/dm-0"), " -w xfs-log/dm-0");
  EXPECT_EQ(GlobOption("-w", "a*"), " -w 'a\\*'");
  EXPECT_EQ(GlobOption("-w", ""), "");
}

TEST(TaskText, ShowsThePriorityAsChrtAndNiceDo) {
  EXPECT_EQ(TaskText({"rtkit", Pid{5}, 0}), "rtkit[5] (rt 99)");
  EXPECT_EQ(TaskText({"cc1plus", Pid{5}, 120}), "cc1plus[5] (fair)");
  EXPECT_EQ(TaskText({"cc1plus", Pid{5}, 139}), "cc1plus[5] (fair, nice 19)");
  EXPECT_EQ(TaskText({"dl", Pid{5}, -1}), "dl[5] (deadline)");
  EXPECT_EQ(TaskText({"who", Pid{5}, {}}), "who[5]");
}

}  // namespace
}  // namespace wqprof
