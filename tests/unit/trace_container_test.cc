// SPDX-License-Identifier: Apache-2.0
// The container: options, instances, clocks, stats, symbols, and what opening refuses.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "support/dat_encoder.h"
#include "support/read_dat.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

TraceBuilder SmallTrace() {
  TraceBuilder t;
  t.Put(1ms, kTask, kWorkA, {"f", "wq", 0}).Run(2ms, 3ms, kWorker, kWorkA, {"f"});
  t.Put(4ms, kOtherTask, kWorkB, {"g", "wq", 1}).Run(5ms, 6ms, kWorkerOn1, kWorkB, {"g"});
  return t;
}

constexpr uint16_t kDate = 1, kCpuStat = 2, kTraceClock = 4, kUname = 5, kOffset = 7, kTsc = 14,
                   kCalibration = 0x5753;

ReadBack ReadWith(uint16_t option, std::string data) {
  DatFile file = EncodeDat(SmallTrace());
  file.options.push_back({option, std::move(data)});
  return ReadBytes(file.Assemble());
}

OpenOptions Instance(std::string_view name) {
  OpenOptions options;
  options.instance = std::string(name);
  return options;
}

OpenOptions Threads(int threads) {
  OpenOptions options;
  options.threads = threads;
  return options;
}

std::string Text(std::string_view text) { return std::string(text) + '\0'; }

TEST(TraceContainerTest, UnameTellsTheKernelAndTheMachine) {
  const ReadBack back = ReadWith(kUname, Text("Linux db7 6.1.0-32-amd64 #1 SMP x86_64"));
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back.source->info().kernel, "6.1.0-32-amd64");
  EXPECT_EQ(back.source->info().machine, "db7");
  EXPECT_EQ(back.source->info().uname, "Linux db7 6.1.0-32-amd64 #1 SMP x86_64");
}

TEST(TraceContainerTest, OddUnamesAreSurvived) {
  for (const char* uname : {"", " ", "Linux", "Linux ", "Linux host", "   ", "a b c"}) {
    EXPECT_TRUE(ReadWith(kUname, Text(uname)).ok()) << uname;
    EXPECT_TRUE(ReadWith(kUname, uname).ok()) << uname;  // without its NUL
  }
}

TEST(TraceContainerTest, OffsetsShiftTheTimes) {
  const auto first = [](const ReadBack& b) { return b.events.at(0).at.time_since_epoch(); };
  EXPECT_EQ(first(ReadWith(kOffset, Text("500"))), 1ms + 500ns);
  EXPECT_EQ(first(ReadWith(kOffset, Text("-500"))), 1ms - 500ns);
  EXPECT_EQ(first(ReadWith(kDate, Text("0x10"))), 1ms + 16us);
}

TEST(TraceContainerTest, CyclesAreScaledToNanoseconds) {
  const ReadBack back = ReadWith(kTsc, ByteWriter(false).U32(3).U32(1).U64(0).Take());  // x 3 / 2
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back.events.at(0).at, Timestamp(1500us));
}

// Errors of the curve and the line, then readings.
std::string Calibration(std::initializer_list<std::pair<uint64_t, uint64_t>> readings,
                        uint32_t error = 70, uint32_t line_error = 900) {
  ByteWriter out(false);
  out.U32(error).U32(line_error);
  for (const auto& [cycles, ns] : readings) out.U64(cycles).U64(ns);
  return out.Take();
}

TEST(TraceContainerTest, CyclesFollowTheReadingsOfTheClock) {
  // Twice as fast as the cycles up to 3 ms, then as fast; whatever the line is.
  DatFile file = EncodeDat(SmallTrace());
  file.options.push_back({kTsc, ByteWriter(false).U32(3).U32(1).U64(0).Take()});
  file.options.push_back({kOffset, Text("500")});
  file.options.push_back(
      {kCalibration,
       Calibration({{2'000'000, 14'000'000}, {3'000'000, 16'000'000}, {4'000'000, 17'000'000}})});
  const ReadBack back = ReadBytes(file.Assemble());
  ASSERT_TRUE(back.ok());
  std::vector<Timestamp> times;
  for (const Event& event : back.events) times.push_back(event.at);
  // A work is activated as it is queued.
  EXPECT_EQ(times,
            (std::vector{Timestamp(12ms), Timestamp(12ms), Timestamp(14ms), Timestamp(16ms),
                         Timestamp(17ms), Timestamp(17ms), Timestamp(18ms), Timestamp(19ms)}));
  EXPECT_EQ(back.source->info().clock_error, 70ns);
  EXPECT_EQ(back.source->info().clock_line_error, 900ns);
}

TEST(TraceContainerTest, AnErrorOfTheClockThatIsUnknownIsAbsent) {
  const ReadBack back =
      ReadWith(kCalibration, Calibration({{1, 2}, {3, 4}}, UINT32_MAX, UINT32_MAX));
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back.source->info().clock_error, std::nullopt);
  EXPECT_EQ(back.source->info().clock_line_error, std::nullopt);
}

TEST(TraceContainerTest, ReadingsThatMakeNoSenseAreLeftOut) {
  for (const std::string& odd :
       {std::string(), std::string("abc"), Calibration({}), Calibration({{5, 5}}),
        Calibration({{5, 5}, {5, 6}}), Calibration({{5, 5}, {6, 5}}), Calibration({{5, 5}, {4, 6}}),
        Calibration({{1, 1}, {2, UINT64_MAX}}), Calibration({{0, 0}, {UINT64_MAX, 1}})}) {
    const ReadBack back = ReadWith(kCalibration, odd);
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(back.events.at(0).at, Timestamp(1ms));
    EXPECT_EQ(back.source->info().clock_error, std::nullopt);
  }
}

TEST(TraceContainerTest, AClockThatCountsNoNanosecondsSaysSo) {
  for (const char* clock : {"counter", "uptime", "x86-tsc"}) {
    DatFile file = EncodeDat(SmallTrace());
    file.buffers[0].clock = clock;
    const ReadBack back = ReadBytes(file.Assemble());
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(back.source->info().clock, clock);
    EXPECT_FALSE(back.source->info().clock_is_ns) << clock;
  }
  for (const char* clock : {"local", "global", "mono", "mono_raw", "boot", "tai", "perf"}) {
    DatFile file = EncodeDat(SmallTrace());
    file.buffers[0].clock = clock;
    EXPECT_TRUE(ReadBytes(file.Assemble()).source->info().clock_is_ns) << clock;
  }
}

TEST(TraceContainerTest, TheClockInUseStandsInBrackets) {
  DatFile file = EncodeDat(SmallTrace());
  file.buffers[0].clock = "";
  file.options.push_back({kTraceClock, Text("local global [mono_raw] boot\n")});
  EXPECT_EQ(ReadBytes(file.Assemble()).source->info().clock, "mono_raw");
}

TEST(TraceContainerTest, CpuStatsAreReadPerCpuAndAbsentLinesStayAbsent) {
  const ReadBack back = ReadWith(kCpuStat, "CPU: 1\nentries: 40\noverrun: 7\n");
  ASSERT_TRUE(back.ok());
  ASSERT_EQ(back.source->info().cpu_stats.size(), 1u);
  const CpuStats& stats = back.source->info().cpu_stats[0];
  EXPECT_EQ(stats.cpu, Cpu{1});
  EXPECT_EQ(stats.entries, 40u);
  EXPECT_EQ(stats.overrun, 7u);
  EXPECT_EQ(stats.dropped_events, std::nullopt);
}

TEST(TraceContainerTest, ModulesFollowTheirFunctionsInBrackets) {
  TraceBuilder t;
  t.Put(1ms, kTask, kWorkA, {"f [xfs]", "wq", 0});
  const ReadBack back = ReadBytes(EncodeDat(t).Assemble());
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back.source->names().Get(back.events.at(0).work.function), "f [xfs]");
}

TEST(TraceContainerTest, AFunctionThatNoSymbolCoversIsItsAddress) {
  DatFile file = EncodeDat(SmallTrace());
  file.kallsyms = "";
  const ReadBack back = ReadBytes(file.Assemble());
  ASSERT_TRUE(back.ok());
  EXPECT_TRUE(back.source->names().Get(back.events.at(0).work.function).starts_with("0x"));
}

TEST(TraceContainerTest, OddKallsymsAreSurvived) {
  for (const char* text : {"\n", "x", "ffffffff81000000", "ffffffff81000000 ", "ffffffff81000000 t",
                           "ffffffff81000000 t ", "ffffffff81000000 t \n", "zz t f\n", "\t[mod]\n",
                           "ffffffffffffffffffff t f\n", "0 t f\n\n\n", "ffffffff81000000 t f\t\n",
                           "ffffffff81000000 t f\t[\n"}) {
    DatFile file = EncodeDat(SmallTrace());
    file.kallsyms = text;
    EXPECT_TRUE(ReadBytes(file.Assemble()).ok()) << text;
  }
}

TEST(TraceContainerTest, CommsMayHoldBlanksAndOddLinesAreSkipped) {
  DatFile file = EncodeDat(SmallTrace());
  file.cmdlines = "10 a name with blanks\nnonsense\n\n11\n12 \n-5 x\n99999999999 y\n13 <...>\n";
  const ReadBack back = ReadBytes(file.Assemble());
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back.source->names().Get(back.source->CommOf(Pid{10})), "a name with blanks");
  EXPECT_EQ(back.source->CommOf(Pid{13}), NameId::kUnknown) << "<...> is no name";
}

TEST(TraceInstanceTest, TheBufferWithTheDataIsReadUnlessOneIsNamed) {
  for (const int version : {6, 7}) {
    DatFile file = EncodeDat(SmallTrace(), {.version = version});
    DatBuffer other = file.buffers[0];
    other.name = "other";
    other.cpus.pop_back();  // half of the events
    file.buffers.push_back(other);
    const std::string bytes = file.Assemble();
    EXPECT_EQ(ReadBytes(bytes).events.size(), 8u);
    const ReadBack back = ReadBytes(bytes, Instance("other"));
    ASSERT_TRUE(back.ok()) << back.status.ToString();
    EXPECT_EQ(back.events.size(), 4u);
    EXPECT_EQ(back.source->info().instance, "other");
    EXPECT_EQ(back.source->info().instances, (std::vector<std::string>{"", "other"}));
  }
}

TEST(TraceInstanceTest, AnInstanceThatIsNotThereIsAUsersMistake) {
  const ReadBack back = ReadBytes(EncodeDat(SmallTrace()).Assemble(), Instance("no"));
  EXPECT_TRUE(absl::IsInvalidArgument(back.status)) << back.status.ToString();
}

TEST(TraceOpenTest, WhatIsNotThereIsNotFound) {
  EXPECT_TRUE(absl::IsNotFound(ReadPath("/nonexistent/trace.dat").status));
}

TEST(TraceOpenTest, ADirectoryIsNoTrace) { EXPECT_FALSE(ReadPath("/tmp").ok()); }

TEST(TraceOpenTest, WhatIsNoTraceIsDamage) {
  for (const std::string_view bytes :
       {std::string_view(""), std::string_view("x"), std::string_view("# tracer: nop\n"),
        std::string_view("PERFILE2"), std::string_view("\x17\x08\x44tracin"),
        std::string_view("\x17\x08\x44tracing"),
        std::string_view("\x17\x08\x44tracing5\0\0\x08", 13),
        std::string_view("\x17\x08\x44tracing8\0\0\x08\0\x10\0\0", 17),
        std::string_view("\x17\x08\x44tracing7\0\x02\x08\0\x10\0\0", 17)}) {
    const ReadBack back = ReadBytes(bytes);
    EXPECT_TRUE(absl::IsDataLoss(back.status)) << back.status.ToString();
  }
}

TEST(TraceOpenTest, MessagesAreAtMostThreeLinesAndNameTheFile) {
  const TemporaryFile file("garbage");
  const std::string message(ReadPath(file.path()).status.message());
  EXPECT_NE(message.find(file.path()), std::string::npos);
  EXPECT_LE(std::count(message.begin(), message.end(), '\n'), 2);
}

TEST(TraceOpenTest, ATraceWithoutWorkqueueEventsSaysSo) {
  DatFile file = EncodeDat(SmallTrace());
  std::erase_if(file.formats, [](const auto& system) { return system.first == "workqueue"; });
  const ReadBack back = ReadBytes(file.Assemble());
  ASSERT_TRUE(absl::IsDataLoss(back.status));
  EXPECT_NE(back.status.message().find("workqueue"), absl::string_view::npos);
}

TEST(TraceOpenTest, ATraceWithoutEventsIsEmptyNotDamaged) {
  TraceBuilder none;
  const ReadBack back = ReadBytes(EncodeDat(none).Assemble());
  ASSERT_TRUE(back.ok()) << back.status.ToString();
  EXPECT_TRUE(back.events.empty());
  EXPECT_EQ(back.source->stats().events, 0u);
  EXPECT_EQ(back.source->stats().begin, kUnseen);
}

TEST(TraceOpenTest, AStoredBufferInACompressedFileIsReadAsItIs) {
  // Each section says for itself whether it is compressed.
  DatFile file = EncodeDat(SmallTrace(), {.zstd = true});
  file.buffers[0].stored = true;
  EXPECT_EQ(ReadBytes(file.Assemble()).events.size(), 8u);
}

TEST(TraceOpenTest, AfterTheEndThereIsNothingMore) {
  const TemporaryFile file(EncodeDat(SmallTrace()).Assemble());
  ReadBack back = ReadPath(file.path());
  ASSERT_TRUE(back.ok());
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(back.source->Next()->empty());
}

TEST(TraceOpenTest, TheNumberOfThreadsChangesNothing) {
  TraceBuilder trace;
  for (int n = 0; n < 20000; ++n) {
    trace.Put(n * 1us, kTask.On(n % 2), WorkAddr{0x1000u + static_cast<uint64_t>(n)});
  }
  const TemporaryFile file(EncodeDat(trace).Assemble());
  const std::vector<std::string> one = ReadPath(file.path(), Threads(1)).Lines();
  for (const int threads : {2, 3, 8}) {
    EXPECT_EQ(ReadPath(file.path(), Threads(threads)).Lines(), one) << threads;
  }
}

TEST(TraceOpenTest, ASourceMayBeDroppedBeforeItsEnd) {
  TraceBuilder trace;
  for (int n = 0; n < 20000; ++n) trace.Put(n * 1us, kTask.On(n % 2), kWorkA);
  const TemporaryFile file(EncodeDat(trace).Assemble());
  auto source = OpenTrace(file.path(), Threads(4));
  ASSERT_TRUE(source.ok());
  EXPECT_FALSE((*source)->Next()->empty());
}

}  // namespace
}  // namespace wqprof::testing
