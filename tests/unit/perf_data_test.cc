// SPDX-License-Identifier: Apache-2.0
// A trace, written as perf would on many machines: all read alike; what is damaged or of no use.
#include "wqprof/perf_data.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "support/perf_encoder.h"
#include "support/read_dat.h"
#include "support/sanitized.h"
#include "support/text_printer.h"
#include "wqprof/comm.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

constexpr WorkAddr kLow{0xc8001000}, kLow2{0xc8002000};  // fit into 32 bits

// A little of everything, then enough for many rounds.
TraceBuilder MakeTrace() {
  TraceBuilder t;
  t.Put(1ms, kTask, kLow, {"f", "wq", 0, 1}).Put(2ms, kOtherTask, kLow2, {"g [mod]", "un", -1});
  t.Start(3ms, kWorker, kLow, {"f"}).End(4ms, kWorker, kLow, {"f"});
  t.Run(5s, 6s, kWorkerOn1.In(kFlagSoftirq | kFlagIrqsOff), kLow2, {"g [mod]"});
  t.Switch(6s + 1us, 0, kWorker, kTask, 'D').Switch(6s + 2us, 0, kTask, kWorker, 'R', true);
  t.Waking(6s + 3us, kTask, kWorker).Wakeup(6s + 4us, kTask, kWorker);
  t.Fork(6s + 5us, kTask, 77, "kthreadd").Rename(6s + 6us, kTask, 77, "kworker/0:9");
  t.Arm(6s + 8us, kTask, kLow, 25).Expire(6s + 9us, kTask.In(kFlagSoftirq), kLow);
  t.Interrupt(6s + 10us, kWorker.In(kFlagHardirq), EventKind::kIrqEntry);
  t.Interrupt(6s + 11us, kWorker.In(kFlagHardirq), EventKind::kIrqExit);
  t.Loss(6s + 11us, 7s, 0, 17);
  for (int n = 0; n < 2000; ++n) {
    const Nanos at = 7s + n * 10us;
    t.Put(at, kTask.On(n % 2), kLow, {"f", n % 3 ? "a_longer_name_of_a_workqueue" : "wq", 0});
    t.Run(at + 2us, at + 5us, n % 2 ? kWorkerOn1 : kWorker, kLow, {"f"});
  }
  return t;
}

// What was made of a perf.data.
ReadBack Read(const std::string& bytes, const PerfSymbols& symbols = {}, size_t piece = SIZE_MAX) {
  ReadBack back;
  const TemporaryFile file(bytes);
  absl::StatusOr<std::unique_ptr<EventSource>> source =
      PerfFormOf(bytes) == PerfForm::kPipe
          ? OpenPerfPipe(StreamOf(bytes, piece), "t.data", symbols)
          : OpenPerfFile(open(file.path().c_str(), O_RDONLY | O_CLOEXEC), "t.data", symbols);
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

// With the symbols of the machine that was recorded.
ReadBack ReadNamed(const TraceBuilder& trace, const PerfStyle& style, size_t piece = SIZE_MAX) {
  const TemporaryFile kallsyms(KallsymsOf(trace, style));
  return Read(EncodePerf(trace, style), {.kallsyms = kallsyms.path()}, piece);
}

std::vector<std::string> Expected(const TraceBuilder& trace, const PerfStyle& style) {
  NameTable names;
  return Describe(AsRead(trace, FieldsOf(style), names), names);
}

class PerfStyleTest : public ::testing::TestWithParam<PerfStyle> {};

TEST_P(PerfStyleTest, AllEventsAreReadWithAllTheirFields) {
  const TraceBuilder trace = MakeTrace();
  const ReadBack back = ReadNamed(trace, GetParam());
  ASSERT_TRUE(back.ok()) << back.status.ToString();
  const std::vector<std::string> want = Expected(trace, GetParam()), got = back.Lines();
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < want.size(); ++i) ASSERT_EQ(got[i], want[i]) << "event " << i;
}

TEST_P(PerfStyleTest, WhatTheFileSaysOfItselfIsKnown) {
  const PerfStyle& style = GetParam();
  const TraceBuilder trace = MakeTrace();
  const ReadBack back = ReadNamed(trace, style);
  ASSERT_TRUE(back.ok()) << back.status.ToString();
  const TraceInfo& info = back.source->info();
  EXPECT_EQ(info.format, "perf.data");
  EXPECT_EQ(info.kernel, "6.1.0-perf");
  EXPECT_EQ(info.machine, "host");
  EXPECT_EQ(info.cpus, 4);
  EXPECT_EQ(info.long_size, style.long_size);
  EXPECT_EQ(info.compression, style.zstd ? "zstd" : "none");
  EXPECT_EQ(info.clock, style.clock_id < 0 ? "perf" : "mono");
  EXPECT_EQ(info.wall_offset, style.clock_id < 0 ? std::nullopt : std::optional(Nanos(1000)));
  EXPECT_EQ(info.noted_events, WorkqueueEvents::All());
  EXPECT_EQ(info.unnamed_functions, "");
  const ReadStats& stats = back.source->stats();
  EXPECT_EQ(stats.events, back.records());
  EXPECT_EQ(stats.lost_events, 17u);
  EXPECT_EQ(stats.lost_gaps, 1u);
  EXPECT_EQ(stats.unread_records, 0u);
  EXPECT_EQ(stats.time_reversals, 0u);
  EXPECT_FALSE(stats.truncated);
  EXPECT_EQ(stats.begin, Timestamp(1ms));
  EXPECT_EQ(stats.end, Timestamp(7s + 1999 * 10us + 5us));
  EXPECT_EQ(stats.seen_events, WorkqueueEvents::All());
  EXPECT_EQ(back.source->names().Get(back.source->CommOf(Pid{10})), "kworker/0:1");
  EXPECT_EQ(back.source->names().Get(back.source->CommOf(Pid{500})), "task");
}

std::vector<PerfStyle> Styles() {
  std::vector<PerfStyle> styles(12);
  styles[1] = {.name = "Pipe", .pipe = true};
  styles[2] = {.name = "Zstd", .zstd = true};
  styles[3] = {.name = "ZstdPipe", .pipe = true, .zstd = true};
  styles[4] = {.name = "NoIdentifier", .identifier = false};
  styles[5] = {.name = "Callchain", .callchain = true};
  styles[6] = {.name = "Group", .read_group = true};
  styles[7] = {.name = "OthersAmongThem", .callchain = true, .others = true};
  styles[8] = {.name = "NoTrailers", .sample_id_all = false};
  styles[9] = {.name = "OwnClock", .clock_id = -1};
  styles[10] = {.name = "Narrow", .long_size = 4, .text_at = 0xc1000000};
  styles[11] = {.name = "NoRounds", .round = 0};
  return styles;
}

INSTANTIATE_TEST_SUITE_P(Perf, PerfStyleTest, ::testing::ValuesIn(Styles()),
                         [](const auto& style) { return style.param.name; });

TEST(PerfDataTest, APipeIsReadHoweverTheBytesArrive) {
  const TraceBuilder trace = MakeTrace();
  const PerfStyle style = {.name = "Pipe", .pipe = true};
  for (const size_t piece : {size_t{1}, size_t{7}, size_t{4096}}) {
    const ReadBack back = ReadNamed(trace, style, piece);
    ASSERT_TRUE(back.ok()) << back.status.ToString();
    EXPECT_EQ(back.Lines(), Expected(trace, style));
  }
}

TEST(PerfDataTest, ALossWithoutANumberIsOneOfUnknownSize) {
  TraceBuilder trace;
  trace.Put(1ms, kTask, kWorkA).Loss(1ms, 3ms, 0, -1).Run(3ms, 4ms, kWorker, kWorkA);
  const ReadBack back = ReadNamed(trace, {});
  ASSERT_TRUE(back.ok()) << back.status.ToString();
  EXPECT_EQ(back.Lines(), Expected(trace, {}));
  EXPECT_EQ(back.source->stats().lost_events, std::nullopt);
}

TEST(PerfDataTest, WhatTheKernelCountedAndNoRecordHasWasLostAtTheEnd) {
  TraceBuilder trace;
  trace.Put(1ms, kTask, kWorkA).Loss(1ms, 3ms, 0, 2).Run(3ms, 4ms, kWorker, kWorkA);
  const PerfStyle style = {.name = "Pipe", .pipe = true};
  // LOST_SAMPLES of an event on CPU 0: 5 in all, with a trailer that has its id only.
  const auto id = uint64_t{100};
  const std::string body = ByteWriter(false).U64(5).U64(0).U64(0).U64(0).U64(id).Take();
  const ReadBack back = Read(EncodePerf(trace, style) + PerfRecordOf(13, 0, body));
  ASSERT_TRUE(back.ok()) << back.status.ToString();
  EXPECT_EQ(back.source->stats().lost_events, 5u);
  EXPECT_EQ(back.source->stats().lost_gaps, 2u);
  ASSERT_FALSE(back.events.empty());
  EXPECT_EQ(back.events.back().kind, EventKind::kLossBegin);
  EXPECT_EQ(back.events.back().at, Timestamp(4ms));
}

TEST(PerfDataTest, EventsThatWereNotEnabledAreNoted) {
  TraceBuilder trace;
  trace.Activate(1ms, kTask, kWorkA).Run(3ms, 4ms, kWorker, kWorkA);
  const ReadBack back = ReadNamed(trace, {});
  ASSERT_TRUE(back.ok()) << back.status.ToString();
  EXPECT_EQ(back.source->info().noted_events,
            (WorkqueueEvents{EventKind::kActivateWork, EventKind::kExecuteStart,
                             EventKind::kExecuteEnd}));
}

// Many CPUs take turns, and each round is long.
TEST(PerfDataTest, RoundsTooLongForMemoryAreSortedAllTheSame) {
  TraceBuilder trace;
  for (int n = 0; n < 300'000; ++n) {
    trace.Start(1s + n * 10ns, kTask.On(n % 4), WorkAddr{0x1000u + static_cast<unsigned>(n)});
  }
  for (const size_t round : {size_t{0}, size_t{200'000}}) {
    PerfStyle style;
    style.round = round;
    const ReadBack back = Read(EncodePerf(trace, style));
    ASSERT_TRUE(back.ok()) << back.status.ToString();
    ASSERT_EQ(back.events.size(), trace.events().size());
    EXPECT_EQ(back.source->stats().time_reversals, 0u);
    for (size_t i = 0; i < back.events.size(); ++i) {
      ASSERT_EQ(back.events[i].at, trace.events()[i].at) << "event " << i << ", round " << round;
    }
  }
}

// --- Names of functions --------------------------------------------------------------------------

// The notes of a kernel with this build-id.
std::string NotesWith(std::string_view build_id) {
  ByteWriter w(false);
  w.U32(4).U32(4).U32(1).CString("Xen").Bytes("1234");
  w.U32(4).U32(build_id.size()).U32(3).CString("GNU").Bytes(build_id);
  return w.Take();
}

class PerfNames : public ::testing::Test {
 protected:
  static constexpr std::string_view kId = "twenty bytes of an id";

  PerfNames() {
    trace_.Put(1ms, kTask, kWorkA, {"f"}).Run(2ms, 3ms, kWorker, kWorkA, {"f"});
    style_.build_id = kId.substr(0, 20);
  }
  // What the first start's function is called when such a kernel runs here.
  std::string NameWith(std::string_view build_id, uint64_t text_at) {
    PerfStyle here = style_;
    here.text_at = text_at;
    const TemporaryFile notes(NotesWith(build_id)), kallsyms(KallsymsOf(trace_, here));
    const ReadBack back =
        Read(EncodePerf(trace_, style_),
             {.kallsyms = "", .running_notes = notes.path(), .running_kallsyms = kallsyms.path()});
    EXPECT_TRUE(back.ok()) << back.status.ToString();
    if (!back.ok()) return "";
    const std::string_view name = back.source->names().Get(back.events[2].work.function);
    EXPECT_EQ(!back.source->info().unnamed_functions.empty(), name.starts_with("0x"));
    return std::string(name);
  }

  TraceBuilder trace_;
  PerfStyle style_;
};

TEST_F(PerfNames, AreThoseOfThisMachineIfItRunsTheSameKernel) {
  EXPECT_EQ(NameWith(style_.build_id, style_.text_at), "f");
}

TEST_F(PerfNames, AreNotThoseOfAnotherKernel) {
  EXPECT_TRUE(NameWith("another id of twenty", style_.text_at).starts_with("0x"));
}

TEST_F(PerfNames, AreNotThoseOfTheSameKernelAtAnotherPlace) {
  EXPECT_TRUE(NameWith(style_.build_id, style_.text_at + 0x200000).starts_with("0x"));
}

TEST_F(PerfNames, AFileWithoutAddressesIsRefused) {
  const TemporaryFile hidden("0000000000000000 T _text\n");
  const ReadBack back = Read(EncodePerf(trace_, style_), {.kallsyms = hidden.path()});
  EXPECT_TRUE(absl::IsInvalidArgument(back.status)) << back.status.ToString();
  EXPECT_TRUE(absl::IsNotFound(
      Read(EncodePerf(trace_, style_), {.kallsyms = hidden.path() + "-none"}).status));
}

TEST(CommTest, AWorkersNameIsTheOneThatItHasInTheKernel) {
  EXPECT_EQ(WithoutSuffix("kworker/0:0H-ev"), "kworker/0:0H");
  EXPECT_EQ(WithoutSuffix("kworker/u8:1+fl"), "kworker/u8:1");
  EXPECT_EQ(WithoutSuffix("kworker/u8:1"), "kworker/u8:1");
  EXPECT_EQ(WithoutSuffix("kworker/R-rcu_g"), "kworker/R-rcu_g");
  EXPECT_EQ(WithoutSuffix("kworker/:1-x"), "kworker/:1-x");
  EXPECT_EQ(WithoutSuffix("my-task"), "my-task");
}

// --- What cannot be read -------------------------------------------------------------------------

TEST(PerfHostile, ASampleOfTheEventsIsRefused) {
  const TraceBuilder trace = MakeTrace();
  for (const PerfStyle& style : {PerfStyle{.name = "Period", .period = 100},
                                 PerfStyle{.name = "Frequency", .frequency = true},
                                 PerfStyle{.name = "NoTime", .has_time = false}}) {
    const ReadBack back = Read(EncodePerf(trace, style));
    EXPECT_TRUE(absl::IsDataLoss(back.status)) << style.name;
    EXPECT_NE(back.status.message().find("perf record"), std::string::npos) << style.name;
  }
}

TEST(PerfHostile, AFileWithoutEventsOfWorkqueuesIsRefused) {
  for (const bool pipe : {false, true}) {
    const ReadBack back =
        Read(EncodePerf(TraceBuilder(), {.name = "Cycles", .pipe = pipe, .others = true}));
    EXPECT_TRUE(absl::IsDataLoss(back.status)) << back.status.ToString();
    EXPECT_NE(back.status.message().find("no events of workqueues"), std::string::npos);
  }
}

TEST(PerfHostile, AFileIsReadAsFarAsItGoesOrRefusedWhereverItIsCut) {
  TraceBuilder trace;
  for (int n = 0; n < 20; ++n)
    trace.Put(n * 1ms, kTask, kWorkA).Run(n * 1ms + 1us, n * 1ms + 2us, kWorker, kWorkA);
  for (const bool pipe : {false, true}) {
    const std::string whole = EncodePerf(trace, {.name = "Cut", .pipe = pipe});
    for (size_t size = 0; size < whole.size(); size += 7 * kVariantStep) {
      const ReadBack back = Read(whole.substr(0, size));
      EXPECT_TRUE(back.ok() || absl::IsDataLoss(back.status)) << size;
      EXPECT_LE(back.events.size(), trace.events().size() + 2) << size;
    }
  }
}

TEST(PerfHostile, ACutPipeSaysThatItIsCut) {
  const TraceBuilder trace = MakeTrace();
  const std::string whole = EncodePerf(trace, {.name = "Pipe", .pipe = true});
  const ReadBack back = Read(whole.substr(0, whole.size() - 20));
  ASSERT_TRUE(back.ok()) << back.status.ToString();
  EXPECT_TRUE(back.source->stats().truncated);
  // What each CPU recorded after its last event is missing.
  EXPECT_EQ(back.events.back().kind, EventKind::kLossBegin);
}

TEST(PerfHostile, SamplesThatMakeNoSenseAreCounted) {
  const TraceBuilder trace = MakeTrace();
  const PerfStyle style = {.name = "Pipe", .pipe = true};
  std::string bytes = EncodePerf(trace, style);
  bytes += PerfRecordOf(9, 0, "");                     // empty
  bytes += PerfRecordOf(9, 0, std::string(100, 'x'));  // of no event
  const std::string huge = ByteWriter(false)
                               .U64(100)
                               .U64(0)
                               .U64(0)
                               .U64(uint64_t(9e9))
                               .U64(0)
                               .U64(1)
                               .U32(0xffffffff)
                               .Take();
  bytes += PerfRecordOf(9, 0, huge);  // with more data than it has
  const ReadBack back = Read(bytes);
  ASSERT_TRUE(back.ok()) << back.status.ToString();
  EXPECT_EQ(back.source->stats().unread_records, 3u);
  EXPECT_EQ(back.records(), trace.events().size() - 2);
}

TEST(PerfHostile, BytesThatAreChangedNeverHurt) {
  TraceBuilder trace;
  for (int n = 0; n < 8; ++n)
    trace.Put(n * 1ms, kTask.On(n % 2), kWorkA).Run(n * 1ms + 1us, n * 1ms + 2us, kWorker, kWorkA);
  for (const PerfStyle& style : {PerfStyle{.name = "File", .callchain = true, .read_group = true},
                                 PerfStyle{.name = "Zstd", .pipe = true, .zstd = true}}) {
    const std::string whole = EncodePerf(trace, style);
    for (size_t at = 8; at < whole.size(); at += 11 * kVariantStep) {
      std::string changed = whole;
      changed[at] = static_cast<char>(at % 3 == 0 ? 0xff : changed[at] + 1);
      const ReadBack back = Read(changed);
      for (size_t i = 1; i < back.events.size(); ++i) {
        ASSERT_GE(back.events[i].at, back.events[i - 1].at) << at;
      }
    }
  }
}

}  // namespace
}  // namespace wqprof::testing
