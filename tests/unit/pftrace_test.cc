// SPDX-License-Identifier: Apache-2.0
// A trace, written as Perfetto would on many machines: all read alike; what is damaged or of no
// use.
#include "wqprof/pftrace.h"

#include <gtest/gtest.h>
#include <zstd.h>

#include <algorithm>
#include <map>

#include "support/dat_encoder.h"
#include "support/perfetto_encoder.h"
#include "support/read_dat.h"
#include "support/sanitized.h"
#include "support/text_printer.h"
#include "wqprof/analyze.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

// A little of everything, then enough for many rounds.
TraceBuilder MakeTrace() {
  TraceBuilder t;
  t.Put(1ms, kTask, kWorkA, {"f", "wq", 0, 1}).Put(2ms, kOtherTask, kWorkB, {"g [mod]", "un", -1});
  t.Run(3ms, 4ms, kWorker, kWorkA, {"f"}).Run(5ms, 6ms, kWorkerOn1, kWorkB, {"g [mod]"});
  t.Switch(7ms + 1us, 0, kWorker, kTask, 'D').Switch(7ms + 2us, 0, kTask, kWorker, 'R', true);
  t.Waking(7ms + 3us, kTask.In(kFlagHardirq), kWorker).Wakeup(7ms + 4us, kTask, kWorker);
  t.Fork(7ms + 5us, kTask, 77, "kthreadd").Rename(7ms + 6us, kTask, 77, "kworker/0:9");
  t.Arm(7ms + 8us, kTask, kWorkA, 25).Expire(7ms + 9us, kTask.In(kFlagSoftirq), kWorkA);
  t.Interrupt(7ms + 10us, kWorker.In(kFlagHardirq), EventKind::kIrqEntry);
  t.Interrupt(7ms + 11us, kWorker.In(kFlagHardirq), EventKind::kIrqExit);
  t.Loss(7ms + 11us, 8ms, 0, -1);
  for (int n = 0; n < 500; ++n) {
    const Nanos at = 8ms + n * 10us;
    t.Put(at, kTask.On(n % 2), kWorkA, {"f", n % 3 ? "a_longer_name_of_a_workqueue" : "wq", 0});
    t.Run(at + 2us, at + 5us, n % 2 ? kWorkerOn1 : kWorker, kWorkA, {"f"});
  }
  return t;
}

ReadBack Read(const std::string& bytes, size_t piece = SIZE_MAX, const std::string& kallsyms = "") {
  ReadBack back;
  absl::StatusOr<std::unique_ptr<EventSource>> source =
      OpenPerfetto(StreamOf(bytes, piece), "t.pftrace", kallsyms);
  back.status = source.status();
  if (!source.ok()) return back;
  back.source = *std::move(source);
  while (true) {
    const auto run = back.source->Next();
    back.status = run.status();
    if (!run.ok() || run->empty()) return back;
    back.events.insert(back.events.end(), run->begin(), run->end());
  }
}

// What a reader must make of `trace`: without flags the idle task may be an interrupt, and the
// compact layout does not hold who was switched out first, nor who woke a task.
std::vector<std::string> Expected(const TraceBuilder& trace, const PerfettoStyle& style) {
  NameTable names;
  DatStyle fields;
  fields.workqueue_is_name = style.workqueue_is_name;
  std::vector<Event> events = AsRead(trace, fields, names);
  std::map<Cpu, bool> running_known;
  for (Event& e : events) {
    const bool compact =
        style.compact && (e.kind == EventKind::kSwitch || e.kind == EventKind::kWaking);
    if (!style.flags && !(compact && e.kind == EventKind::kWaking)) e.flags = 0;
    if (!compact) continue;
    if (e.kind == EventKind::kWaking) e.pid = Pid::kNone;
    if (e.kind == EventKind::kSwitch && !std::exchange(running_known[e.cpu], true)) {
      e.pid = Pid::kNone;
      e.sched_switch.prev_comm = NameId::kUnknown;
      e.sched_switch.prev_prio = 0;
    }
  }
  return Describe(events, names);
}

class PerfettoStyleTest : public ::testing::TestWithParam<PerfettoStyle> {};

TEST_P(PerfettoStyleTest, AllEventsAreReadWithAllTheirFields) {
  const TraceBuilder trace = MakeTrace();
  const TemporaryFile kallsyms(EncodeDat(trace).kallsyms);
  const ReadBack back = Read(EncodePerfetto(trace, GetParam()), SIZE_MAX, kallsyms.path());
  ASSERT_TRUE(back.ok()) << back.status.ToString();
  const std::vector<std::string> want = Expected(trace, GetParam()), got = back.Lines();
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i) ASSERT_EQ(got[i], want[i]) << "event " << i;
}

TEST_P(PerfettoStyleTest, WhatTheTraceSaysOfItselfIsKnown) {
  const PerfettoStyle& style = GetParam();
  const ReadBack back = Read(EncodePerfetto(MakeTrace(), style));
  ASSERT_TRUE(back.ok()) << back.status.ToString();
  const TraceInfo& info = back.source->info();
  EXPECT_EQ(info.format, "perfetto");
  EXPECT_EQ(info.kernel, "6.6-android");
  EXPECT_EQ(info.arch, "aarch64");
  EXPECT_EQ(info.cpus, 4);
  EXPECT_EQ(info.compression, style.compression == 'z'   ? "zlib"
                              : style.compression == 's' ? "zstd"
                                                         : "none");
  EXPECT_EQ(info.clock, style.clock == 3 ? "local" : "boot");
  EXPECT_EQ(info.wall_offset, style.clock == 3 ? std::nullopt : std::optional(Nanos(4000)));
  EXPECT_TRUE(info.has_sched);
  EXPECT_EQ(info.unnamed_functions.empty(), style.symbols);
  const ReadStats& stats = back.source->stats();
  EXPECT_EQ(stats.events, back.records());
  EXPECT_EQ(stats.lost_gaps, 1u);
  EXPECT_EQ(stats.lost_events, std::nullopt);
  EXPECT_EQ(stats.unread_records, 0u);
  EXPECT_FALSE(stats.truncated);
  EXPECT_EQ(stats.begin, Timestamp(1ms));
  EXPECT_EQ(stats.end, Timestamp(8ms + 499 * 10us + 5us));
  EXPECT_EQ(stats.seen_events, WorkqueueEvents::All());
  EXPECT_EQ(back.source->names().Get(back.source->CommOf(Pid{20})), "kworker/1:1");
  EXPECT_EQ(back.source->names().Get(back.source->CommOf(Pid{500})), "task");
}

std::vector<PerfettoStyle> Styles() {
  std::vector<PerfettoStyle> styles(9);
  styles[1] = {.name = "Addresses", .symbols = false};
  styles[2] = {.name = "OldWorkqueue", .workqueue_is_name = false};
  styles[3] = {.name = "Compact", .compact = true};
  styles[4] = {.name = "Flags", .flags = true};
  styles[5] = {.name = "Deflate", .compression = 'z'};
  styles[6] = {.name = "Zstd", .compression = 's'};
  styles[7] = {.name = "OtherClock", .clock = 3};
  styles[8] = {.name = "OldRecorder", .ends = false};
  return styles;
}

INSTANTIATE_TEST_SUITE_P(Perfetto, PerfettoStyleTest, ::testing::ValuesIn(Styles()),
                         [](const auto& style) { return style.param.name; });

TEST(PftraceTest, EventsWithoutAMessageOfTheirOwnAreReadByTheirNames) {
  const TraceBuilder trace = MakeTrace();
  const PerfettoStyle style = {.name = "Generic", .generic = true};
  const ReadBack back = Read(EncodePerfetto(trace, style));
  ASSERT_TRUE(back.ok()) << back.status.ToString();
  EXPECT_EQ(back.Lines(), Expected(trace, style));
}

TEST(PftraceTest, ATraceIsReadHoweverTheBytesArrive) {
  const TraceBuilder trace = MakeTrace();
  for (const char compression : {'\0', 'z'}) {
    const PerfettoStyle style = {.name = "Pieces", .compression = compression};
    for (const size_t piece : {size_t{1}, size_t{7}, size_t{4096}}) {
      const ReadBack back = Read(EncodePerfetto(trace, style), piece);
      ASSERT_TRUE(back.ok()) << back.status.ToString();
      EXPECT_EQ(back.Lines(), Expected(trace, style));
    }
  }
}

TEST(PftraceTest, PacketsThatTheRecorderDroppedAreALoss) {
  const TraceBuilder trace = MakeTrace();
  const std::string bytes = EncodePerfetto(trace, {.name = "Rounds", .round = 500});
  // Leaves out the bundles of one round.
  std::vector<std::string_view> packets;
  for (std::string_view rest = bytes; !rest.empty();) {
    size_t size = 0, at = 1;
    for (int shift = 0;; shift += 7, ++at) {
      size |= static_cast<size_t>(rest[at] & 0x7f) << shift;
      if ((rest[at] & 0x80) == 0) break;
    }
    packets.push_back(rest.substr(0, at + 1 + size));
    rest.remove_prefix(at + 1 + size);
  }
  ASSERT_GT(packets.size(), 12u);
  std::string rest;
  for (size_t i = 0; i < packets.size(); ++i) {
    if (i != 8 && i != 9) rest += packets[i];
  }
  const ReadBack back = Read(rest);
  ASSERT_TRUE(back.ok()) << back.status.ToString();
  // One on each CPU, and that of the kernel.
  EXPECT_EQ(back.source->stats().lost_gaps, 3u);
}

// --- Numbers instead of addresses ----------------------------------------------------------------

Report ReportOf(const TraceBuilder& trace, const PerfettoStyle& style) {
  auto source = OpenPerfetto(StreamOf(EncodePerfetto(trace, style)), "t.pftrace");
  EXPECT_TRUE(source.ok()) << source.status();
  const auto report = Analyze(**source, {});
  EXPECT_TRUE(report.ok()) << report.status();
  return *report;
}

TEST(PftraceNumbers, AnItemThatLivesThroughRoundsIsOneItem) {
  TraceBuilder trace;
  for (int n = 0; n < 40; ++n) {
    const Nanos at = 1ms + n * 1ms;
    const WorkAddr work = n % 2 ? kWorkA : kWorkB;
    const Job job = {n % 2 ? "f" : "g", "wq", 0};
    trace.Put(at, kTask.On(1), work, job);
    trace.Run(at + 100us, at + 300us, kWorker, work, job);
  }
  for (const size_t round : {size_t{1}, size_t{2}, size_t{3}, size_t{5}, size_t{1000}}) {
    const PerfettoStyle style = {.name = "Numbers", .numbers = true, .round = round};
    const Report report = ReportOf(trace, style);
    EXPECT_TRUE(report.source.hashed_addresses);
    EXPECT_EQ(report.quality.lost_gaps, 0u) << round;
    EXPECT_EQ(report.quality.match.executed, 40u) << round;
    EXPECT_EQ(report.quality.match.unmatched_starts + report.quality.match.unmatched_ends, 0u);
    EXPECT_EQ(report.quality.match.pending_at_end + report.quality.match.running_at_end, 0u);
    for (const auto& function : report.functions) {
      EXPECT_EQ(function.measures[Measure::kLatency].min(), Nanos(100us)) << round;
      EXPECT_EQ(function.measures[Measure::kLatency].max(), Nanos(100us)) << round;
    }
  }
}

TEST(PftraceNumbers, WhichOfSeveralIsMeantIsNotGuessed) {
  TraceBuilder trace;
  trace.Put(1ms, kTask, kWorkA, {"f", "wq", 0}).Put(1ms + 1us, kTask, kWorkB, {"f", "wq", 0});
  trace.Tick(1ms + 2us, 0).Tick(1ms + 3us, 0);
  trace.Run(2ms, 3ms, kWorker, kWorkB, {"f"}).Run(3ms, 4ms, kWorker, kWorkA, {"f"});
  const Report report = ReportOf(trace, {.name = "Numbers", .numbers = true, .round = 6});
  EXPECT_EQ(report.quality.lost_gaps, 1u);
  EXPECT_EQ(report.quality.lost_events, std::nullopt);
  for (const auto& function : report.functions)
    EXPECT_EQ(function.measures[Measure::kLatency].count(), 0u);
}

// --- What cannot be read -------------------------------------------------------------------------

TEST(PftraceHostile, ATraceWithoutEventsOfWorkqueuesIsRefused) {
  TraceBuilder trace;
  trace.Switch(1ms, 0, kWorker, kTask);
  for (const TraceBuilder& t : {TraceBuilder(), trace}) {
    const ReadBack back = Read(EncodePerfetto(t));
    EXPECT_TRUE(absl::IsDataLoss(back.status)) << back.status.ToString();
    EXPECT_NE(back.status.message().find("workqueue/*"), std::string::npos);
  }
}

TEST(PftraceHostile, ATraceIsReadAsFarAsItGoesWhereverItIsCut) {
  TraceBuilder trace;
  for (int n = 0; n < 20; ++n) {
    trace.Put(n * 1ms, kTask, kWorkA).Run(n * 1ms + 1us, n * 1ms + 2us, kWorker, kWorkA);
  }
  const std::string whole = EncodePerfetto(trace);
  for (size_t size = 0; size < whole.size(); size += 3) {
    const ReadBack back = Read(whole.substr(0, size));
    EXPECT_TRUE(back.ok() || absl::IsDataLoss(back.status)) << size;
    if (back.ok() && back.source->stats().truncated) {
      EXPECT_EQ(back.events.back().kind, EventKind::kLossBegin) << size;
    }
  }
}

TEST(PftraceHostile, BytesThatAreChangedNeverHurt) {
  TraceBuilder trace;
  for (int n = 0; n < 8; ++n) {
    trace.Put(n * 1ms, kTask.On(n % 2), kWorkA).Run(n * 1ms + 1us, n * 1ms + 2us, kWorker, kWorkA);
  }
  for (const PerfettoStyle& style :
       {PerfettoStyle{.name = "Plain", .numbers = true, .compact = true},
        PerfettoStyle{.name = "Deflate", .compression = 'z'}}) {
    const std::string whole = EncodePerfetto(trace, style);
    for (size_t at = 0; at < whole.size(); at += kVariantStep) {
      std::string changed = whole;
      changed[at] = static_cast<char>(at % 3 == 0 ? 0xff : changed[at] + 1);
      const ReadBack back = Read(changed);
      for (size_t i = 1; i < back.events.size(); ++i) {
        ASSERT_GE(back.events[i].at, back.events[i - 1].at) << at;
      }
    }
  }
}

TEST(PftraceHostile, APacketThatUnpacksWithoutEndIsGivenUp) {
  const std::string filler = BytesField(1, BytesField(33, std::string(60'000, '\0')));
  std::string many;
  for (int i = 0; i < 1000; ++i) many += filler;
  std::string packed(ZSTD_compressBound(many.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), many.data(), many.size(), 3));
  ASSERT_LT(packed.size() * 2000, many.size());
  TraceBuilder trace;
  trace.Put(1ms, kTask, kWorkA).Run(2ms, 3ms, kWorker, kWorkA);
  const ReadBack back = Read(BytesField(1, BytesField(133, packed)) + EncodePerfetto(trace));
  ASSERT_TRUE(back.ok()) << back.status.ToString();
  EXPECT_EQ(back.source->stats().unread_records, 1u);
  EXPECT_EQ(back.records(), 4u);
}

TEST(PftraceRecognition, LooksAtThePackets) {
  EXPECT_TRUE(LooksLikePerfetto(EncodePerfetto(MakeTrace())));
  EXPECT_TRUE(LooksLikePerfetto(EncodePerfetto(MakeTrace(), {.compression = 'z'}).substr(0, 500)));
  EXPECT_FALSE(LooksLikePerfetto(""));
  EXPECT_FALSE(LooksLikePerfetto("\n# tracer: nop\n#\n"));
  EXPECT_FALSE(LooksLikePerfetto("\n\n\n\n"));
  EXPECT_FALSE(LooksLikePerfetto("\n kworker/0:1-10 [000] 1.000000: workqueue_execute_start: x\n"));
}

}  // namespace
}  // namespace wqprof::testing
