// SPDX-License-Identifier: Apache-2.0
// What a recording says of its own gaps, apart from marks in its pages.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>

#include "support/dat_encoder.h"
#include "support/read_dat.h"
#include "support/trace_builder.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

constexpr uint16_t kCpuStat = 2, kUname = 5, kSettings = 0x5751;
constexpr uint64_t kEvents = 4;  // of each CPU in the trace below

DatFile TwoCpus(const DatStyle& style = {}, bool lossy_begin = false) {
  TraceBuilder trace;
  if (lossy_begin) trace.Loss(1us, 2us, 0, 500);
  trace.Put(10us, kTask, kWorkA).Put(11us, kOtherTask, kWorkB, {"work_fn", "wq", 1});
  trace.Start(20us, kWorker, kWorkA).Start(21us, kWorkerOn1, kWorkB);
  trace.End(30us, kWorker, kWorkA).End(31us, kWorkerOn1, kWorkB);
  return EncodeDat(trace, style);
}

std::string Stats(int cpu, const std::string& lines) {
  return "CPU: " + std::to_string(cpu) + "\n" + lines;
}

ReadBack ReadWithStats(const std::string& of_0, const std::string& of_1) {
  DatFile file = TwoCpus();
  file.options.push_back({kCpuStat, Stats(0, of_0)});
  file.options.push_back({kCpuStat, Stats(1, of_1)});
  return ReadBytes(file.Assemble());
}

constexpr char kWhole[] =
    "entries: 0\noverrun: 0\ncommit overrun: 0\ndropped events: 0\nread events: 4\n";

TEST(TraceEvidence, CountersThatAgreeWithTheEventsSayNothing) {
  const ReadBack back = ReadWithStats(kWhole, kWhole);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back.source->stats().lost_events, 0u);
  EXPECT_TRUE(back.source->stats().missing_events.empty());
  EXPECT_EQ(back.source->stats().events_by_cpu[1], kEvents);
}

TEST(TraceEvidence, EventsThatTheKernelRefusedAreLost) {
  const ReadBack back = ReadWithStats(
      "entries: 4\noverrun: 0\ncommit overrun: 30\ndropped events: 500\nread events: 0\n", kWhole);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back.source->stats().lost_events, 530u);
  EXPECT_EQ(back.source->stats().refused_events, 530u);
  EXPECT_EQ(back.source->stats().lost_gaps, 0u) << "nobody knows when";
}

TEST(TraceEvidence, EventsThatSomebodyElseReadAreMissing) {
  const ReadBack back = ReadWithStats(kWhole, "entries: 0\noverrun: 0\nread events: 104\n");
  ASSERT_TRUE(back.ok());
  const ReadStats& stats = back.source->stats();
  EXPECT_EQ(stats.lost_events, 100u);
  ASSERT_EQ(stats.missing_events.size(), 1u);
  EXPECT_EQ(stats.missing_events[0], (std::pair<Cpu, uint64_t>(Cpu{1}, 100)));
}

TEST(TraceEvidence, ACpuWhosePagesAreGoneIsMissing) {
  DatFile file = TwoCpus();
  file.buffers[0].cpus.pop_back();
  file.options.push_back({kCpuStat, Stats(1, kWhole)});
  const ReadBack back = ReadBytes(file.Assemble());
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back.source->stats().lost_events, kEvents);
}

TEST(TraceEvidence, OfAnIncompleteRecordingEachCpuEndsInALoss) {
  Settings note;
  note.Add("complete", uint64_t{0});
  DatFile file = TwoCpus();
  file.options.push_back({kSettings, note.ToText()});
  const ReadBack back = ReadBytes(file.Assemble());
  ASSERT_TRUE(back.ok());
  EXPECT_TRUE(back.source->info().incomplete);
  const ReadStats& stats = back.source->stats();
  EXPECT_EQ(stats.end_by_cpu[1] - stats.end_by_cpu[0], 1us);
  const auto is_loss = [](const Event& e) { return e.kind == EventKind::kLossBegin; };
  EXPECT_EQ(std::count_if(back.events.begin(), back.events.end(), is_loss), 2);
}

TEST(TraceEvidence, OfAWholeRecordingNoCpuDoes) {
  const ReadBack back = ReadBytes(TwoCpus().Assemble());
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back.records(), back.events.size());
}

TEST(TraceEvidence, CountersOfAHostileFileDoNotOverflow) {
  const std::string huge = "18446744073709551615\n";
  const std::string all = "entries: " + huge + "overrun: " + huge + "commit overrun: " + huge +
                          "dropped events: " + huge + "read events: " + huge;
  const ReadBack back = ReadWithStats(all, all);
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back.source->stats().lost_events, ~uint64_t{0});
}

TEST(TraceEvidence, CountersOfAnInstanceAreNotThoseOfTheTopLevel) {
  DatFile file = TwoCpus();
  file.options.push_back({kCpuStat, Stats(0, kWhole)});
  file.options.push_back({kCpuStat, "\nBuffer: other\n\n"});
  file.options.push_back({kCpuStat, Stats(0, "dropped events: 9\n")});
  const ReadBack back = ReadBytes(file.Assemble());
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back.source->stats().lost_events, 0u);
}

// The buffer of a flight recorder: nobody read it while it was filled.
TEST(TraceEvidence, WhatWasOverwrittenBeforeTheFirstEventIsALateBegin) {
  for (const bool extracted : {true, false}) {
    DatFile file = TwoCpus({}, true);
    file.options.push_back(
        {kCpuStat, Stats(0, extracted ? "entries: 4\noverrun: 500\nread events: 0\n"
                                      : "entries: 0\noverrun: 500\nread events: 4\n")});
    const ReadBack back = ReadBytes(file.Assemble());
    ASSERT_TRUE(back.ok());
    const ReadStats& stats = back.source->stats();
    EXPECT_EQ(stats.lost_events, extracted ? 0u : 500u);
    EXPECT_EQ(stats.lost_gaps, extracted ? 0u : 1u);
    EXPECT_EQ(stats.overwritten_events, extracted ? 500u : 0u);
  }
}

TEST(TraceEvidence, TheRecordersNoteBecomesFacts) {
  Settings note;
  note.Add("events", "workqueue:workqueue_queue_work,workqueue:workqueue_execute_start");
  note.Add("workqueue_filter", "kblockd");
  note.Add("watchdog_thresh", uint64_t{7});
  note.Add("trace_stamp", uint64_t{1000});
  note.Add("wall_ns", uint64_t{1'764'338'526'000'001'000});
  note.Add("boot_id", "0b7a1f8e-3c55-4c3e-9f2b-1f0e4c0a9d11");
  note.Add("disturbed", "tracing was switched off");
  note.Add("ended_by", "error");
  note.Add("complete", uint64_t{0});
  DatFile file = TwoCpus();
  file.options.push_back({kSettings, note.ToText()});
  file.options.push_back({kUname, "Linux box 6.1.0 #1 SMP x86_64"});
  const ReadBack back = ReadBytes(file.Assemble());
  ASSERT_TRUE(back.ok());
  const TraceInfo& info = back.source->info();
  WorkqueueEvents expected;
  expected.Add(EventKind::kQueueWork);
  expected.Add(EventKind::kExecuteStart);
  EXPECT_EQ(info.noted_events, expected);
  EXPECT_EQ(info.workqueue_filter, std::vector<std::string>{"kblockd"});
  EXPECT_EQ(info.watchdog_threshold, Nanos(7s));
  EXPECT_EQ(info.wall_begin, "2025-11-28T14:02:06.000010000Z") << "first event at 10 us";
  EXPECT_EQ(info.boot_id, "0b7a1f8e-3c55-4c3e-9f2b-1f0e4c0a9d11");
  EXPECT_EQ(info.disturbances, std::vector<std::string>{"tracing was switched off"});
  EXPECT_TRUE(info.incomplete);
  EXPECT_EQ(info.arch, "x86_64");
  EXPECT_EQ(back.source->stats().seen_events, WorkqueueEvents::All()) << "by the records";
}

TEST(TraceEvidence, WithoutANoteNothingIsBelieved) {
  const ReadBack back = ReadBytes(TwoCpus().Assemble());
  ASSERT_TRUE(back.ok());
  EXPECT_FALSE(back.source->info().noted_events);
  EXPECT_EQ(back.source->info().wall_begin, "");
  EXPECT_FALSE(back.source->info().incomplete);
}

// What each record begins with is known before its event: there can be one truth only.
TEST(TraceEvidence, FormatsThatContradictEachOtherAreRefused) {
  for (const bool flags : {true, false}) {
    DatFile file = TwoCpus();
    std::string& text = file.formats.front().second.back();
    const std::string field = flags ? "common_flags;\toffset:2;" : "common_pid;\toffset:4;";
    const size_t at = text.find(field);
    ASSERT_NE(at, std::string::npos) << text;
    text.replace(at, field.size(),
                 flags ? "common_flags;\toffset:60000;" : "common_pid;\toffset:60000;");
    EXPECT_EQ(ReadBytes(file.Assemble()).status.code(), absl::StatusCode::kDataLoss);
  }
}

// Regions of one buffer lie apart: together they are no larger than the file.
TEST(TraceEvidence, ManyCpusOverTheSamePagesAreReadOnce) {
  DatFile file = TwoCpus();
  file.cpus = 3000;
  const DatBuffer::CpuData first = file.buffers[0].cpus[0];
  file.buffers[0].cpus.resize(1);
  file.buffers[0].cpus[0].claimed_size = 1 << 20;
  for (uint32_t cpu = 1; cpu < 3000; ++cpu) {
    DatBuffer::CpuData other;
    other.cpu = cpu;
    other.claimed_offset = 0;
    other.claimed_size = 1 << 20;
    file.buffers[0].cpus.push_back(other);
  }
  const std::string bytes = file.Assemble();
  const ReadBack back = ReadBytes(bytes);
  ASSERT_TRUE(back.ok());
  EXPECT_LE(back.source->info().data_bytes, bytes.size());
  EXPECT_TRUE(back.source->stats().truncated);
}

TEST(TraceEvidence, StampsThatNoClockShowsAreHeldWithinReason) {
  constexpr uint16_t kOffset = 7;
  for (const char* offset : {"9223372036854775807", "-9223372036854775807"}) {
    DatFile file = TwoCpus();
    file.options.push_back({kOffset, offset});
    ReadBack back = ReadBytes(file.Assemble());
    ASSERT_TRUE(back.ok());
    for (const Event& event : back.events) {
      EXPECT_LE(event.at, Timestamp(Nanos(int64_t{1} << 62)));
      EXPECT_GE(event.at, Timestamp(Nanos(-(int64_t{1} << 61))));
    }
  }
}

}  // namespace
}  // namespace wqprof::testing
