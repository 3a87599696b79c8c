// SPDX-License-Identifier: Apache-2.0
// What the writer of trace.dat wrote is read back: finished, unfinished, and cut short.
#include "wqprof/trace_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>

#include "support/dat_encoder.h"
#include "support/dat_metadata.h"
#include "support/read_dat.h"
#include "trace/trace_dat.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

// Works that are queued on CPU 0 and run on the CPUs 0 to `cpus` - 1 in turn.
TraceBuilder MakeTrace(int works, int cpus) {
  TraceBuilder t;
  for (int n = 0; n < works; ++n) {
    const Nanos at = 1s + n * 10us;
    t.Put(at, kTask, kWorkA, {"f", "wq", 0});
    t.Run(at + 2us, at + 5us, kWorker.On(n % cpus), kWorkA, {"f"});
  }
  return t;
}

TraceMetadata Metadata(const DatFile& dat) {
  TraceMetadata out = MetadataOf(dat);
  out.settings.Add("wqprof", "test");
  out.possible_cpus = 8;
  return out;
}

// How a trace is written.
struct Way {
  int version = 7;
  bool compress = false;
  uint32_t page_size = 4096;
  bool through_pipe = false;
  friend void PrintTo(const Way& way, std::ostream* out) {
    *out << fmt::format("v{}{}_{}{}", way.version, way.compress ? "_zstd" : "", way.page_size,
                        way.through_pipe ? "_pipe" : "");
  }
};

// A pipe with something in it.
class FilledPipe {
 public:
  explicit FilledPipe(std::string_view content) {
    EXPECT_EQ(pipe(ends_.data()), 0);
    EXPECT_GE(fcntl(ends_[1], F_SETPIPE_SZ, content.size()), static_cast<int>(content.size()));
    EXPECT_EQ(write(ends_[1], content.data(), content.size()), std::ssize(content));
  }
  ~FilledPipe() {
    for (const int end : ends_) close(end);
  }
  FilledPipe(const FilledPipe&) = delete;
  FilledPipe& operator=(const FilledPipe&) = delete;
  int fd() const { return ends_[0]; }
  int size() const {
    int out = -1;
    ioctl(fd(), FIONREAD, &out);
    return out;
  }

 private:
  std::array<int, 2> ends_{-1, -1};
};

class TraceWriterTest : public ::testing::TestWithParam<Way> {
 protected:
  void SetUp() override {
    directory_ =
        fs::path(::testing::TempDir()) /
        fmt::format("writer-{}-{}", getpid(), ::testing::UnitTest::GetInstance()->random_seed());
    fs::remove_all(directory_);
    fs::create_directory(directory_);
    path_ = (directory_ / "t.dat").string();
    dat_ = EncodeDat(trace_, {.page_size = GetParam().page_size});
  }
  void TearDown() override { fs::remove_all(directory_); }

  std::unique_ptr<TraceWriter> Create() {
    auto writer =
        TraceWriter::Create(path_, Metadata(dat_), {GetParam().version, GetParam().compress});
    EXPECT_TRUE(writer.ok()) << writer.status();
    return writer.ok() ? *std::move(writer) : nullptr;
  }

  // Appends a few pages of each CPU in turn, as a recorder does.
  absl::Status AppendAll(TraceWriter& writer) const {
    const size_t step = size_t{3} * GetParam().page_size;
    size_t longest = 0;
    for (const auto& cpu : dat_.buffers[0].cpus) longest = std::max(longest, cpu.pages.size());
    for (size_t at = 0; at < longest; at += step) {
      for (const auto& cpu : dat_.buffers[0].cpus) {
        if (at >= cpu.pages.size()) continue;
        const auto part = std::string_view(cpu.pages).substr(at, step);
        absl::Status status = Append(writer, static_cast<Cpu>(cpu.cpu), part);
        if (!status.ok()) return status;
      }
    }
    return absl::OkStatus();
  }

  static absl::Status Append(TraceWriter& writer, Cpu cpu, std::string_view pages) {
    if (!GetParam().through_pipe) return writer.Append(cpu, std::as_bytes(std::span(pages)));
    const FilledPipe pipe(pages);
    return writer.AppendFrom(cpu, pipe.fd(), pages.size());
  }

  std::vector<std::string> Files() const {
    std::vector<std::string> out;
    for (const auto& entry : fs::directory_iterator(directory_)) {
      out.push_back(entry.path().filename().string());
    }
    std::sort(out.begin(), out.end());
    return out;
  }

  TraceBuilder trace_ = MakeTrace(20000, 3);
  DatFile dat_;
  fs::path directory_;
  std::string path_;
};

TEST_P(TraceWriterTest, AFinishedTraceReadsAsItWas) {
  const auto writer = Create();
  ASSERT_TRUE(AppendAll(*writer).ok());
  TraceEnding ending;
  ending.cpu_stats = {{Cpu{0}, "entries: 0\noverrun: 7\n"}, {Cpu{1}, "entries: 0\n"}};
  ending.saved_cmdlines = "10 kworker/0:9\n";
  ending.settings.Add("ended", "well");
  HolderStacks stacks;
  stacks.Add({.pool = "cpu0", .pid = Pid{10}, .at = Timestamp(1s), .last = Timestamp(2s)});
  ending.holder_stacks = HolderStacksToJson(stacks);
  ASSERT_EQ(writer->Finish(ending), absl::OkStatus());
  EXPECT_EQ(Files(), std::vector<std::string>{"t.dat"});
  EXPECT_EQ(writer->size(), fs::file_size(path_));

  const ReadBack back = ReadPath(path_);
  ASSERT_TRUE(back.ok()) << back.status;
  EXPECT_EQ(back.Lines(), ReadBytes(dat_.Assemble()).Lines());
  const TraceInfo& info = back.source->info();
  EXPECT_EQ(info.version, GetParam().version);
  EXPECT_EQ(info.compression, GetParam().compress ? "zstd" : "none");
  EXPECT_EQ(info.page_size, GetParam().page_size);
  EXPECT_EQ(info.clock, "mono");
  EXPECT_EQ(info.uname, "Linux host 6.1.0 #1 x86_64");
  EXPECT_EQ(info.settings.ToText(), "wqprof=test\nended=well\ncomplete=1\n");
  EXPECT_EQ(info.holder_stacks.all(), stacks.all());
  EXPECT_EQ(info.cpus, 3);  // one more than there were when it began
  EXPECT_FALSE(info.unfinished);
  ASSERT_EQ(info.cpu_stats.size(), 2u);
  EXPECT_EQ(info.cpu_stats[0].overrun, 7u);
  EXPECT_FALSE(back.source->stats().truncated);
  EXPECT_EQ(back.source->names().Get(back.source->CommOf(Pid{10})), "kworker/0:9");
}

TEST_P(TraceWriterTest, WhoWaitedInFlushesIsInAFinishedTrace) {
  FlushLog log;
  log.source = "bpf";
  log.floor = 100us;
  log.waits.push_back({FlushKind::kDrainWorkqueue, Timestamp(1s), Timestamp(2s), Pid{7}, "umount",
                       0xffff888000001000, "", "loop0"});
  const auto writer = Create();
  ASSERT_TRUE(AppendAll(*writer).ok());
  TraceEnding ending;
  ending.flushes = FlushesToJson(log);
  ASSERT_EQ(writer->Finish(ending), absl::OkStatus());
  const ReadBack back = ReadPath(path_);
  ASSERT_TRUE(back.ok()) << back.status;
  ASSERT_NE(back.source->info().flushes, nullptr);
  EXPECT_EQ(*back.source->info().flushes, log);
}

// Without the marks that say: what came after the last page of a CPU is lost.
std::vector<Event> WithoutLosses(std::vector<Event> events) {
  std::erase_if(events, [](const Event& event) {
    return event.kind == EventKind::kLossBegin || event.kind == EventKind::kLossEnd;
  });
  return events;
}

TEST_P(TraceWriterTest, AnUnfinishedTraceIsReadToItsLastPage) {
  auto writer = Create();
  ASSERT_TRUE(AppendAll(*writer).ok());
  ASSERT_TRUE(writer->Flush().ok());
  writer.reset();
  EXPECT_EQ(Files(), (std::vector<std::string>{"t.dat", "t.dat.cpu1", "t.dat.cpu2"}));
  const ReadBack back = ReadPath(path_);
  ASSERT_TRUE(back.ok()) << back.status;
  EXPECT_TRUE(back.source->info().unfinished);
  EXPECT_EQ(Describe(WithoutLosses(back.events), back.source->names()),
            ReadBytes(dat_.Assemble()).Lines());
}

TEST_P(TraceWriterTest, AnUnfinishedTraceIsReadThoughItsLastPageIsCut) {
  auto writer = Create();
  ASSERT_TRUE(AppendAll(*writer).ok());
  ASSERT_TRUE(writer->Flush().ok());
  writer.reset();
  fs::resize_file(path_ + ".cpu1", fs::file_size(path_ + ".cpu1") - 100);
  const ReadBack back = ReadPath(path_);
  ASSERT_TRUE(back.ok()) << back.status;
  const size_t all = trace_.events().size();
  EXPECT_LT(back.events.size(), all);
  EXPECT_GT(back.events.size(), all / 2);
}

std::string SymbolsIn(const std::string& path) {
  auto file = InputFile::Open(path);
  EXPECT_TRUE(file.ok()) << file.status();
  const auto dat = ParseTraceDat(*std::move(file));
  EXPECT_TRUE(dat.ok()) << dat.status();
  return dat.ok() ? dat->metadata.kallsyms : "";
}

TEST_P(TraceWriterTest, ASmallTraceKeepsTheSymbolsOfItsFunctions) {
  const auto writer = Create();
  ASSERT_TRUE(AppendAll(*writer).ok());
  ASSERT_EQ(writer->Finish({}), absl::OkStatus());
  EXPECT_EQ(Files(), std::vector<std::string>{"t.dat"});
  const std::string kept = SymbolsIn(path_);
  EXPECT_EQ(std::count(kept.begin(), kept.end(), '\n'), 2) << kept;
  EXPECT_NE(kept.find(" f\n"), std::string::npos) << kept;
  EXPECT_NE(dat_.kallsyms.find(kept), std::string::npos);
}

// As modules are loaded where there is room, the symbols of all are in no order.
TEST_P(TraceWriterTest, TheSymbolBehindAFunctionShowsItsEnd) {
  const uint64_t f =
      std::stoull(dat_.kallsyms.substr(dat_.kallsyms.find(" t f\n") - 16), nullptr, 16);
  const std::string before = fmt::format("{:016x} t before\n", f - 64),
                    function = fmt::format("{:016x} t f\n", f),
                    alias = fmt::format("{:016x} t alias\n", f),
                    behind = fmt::format("{:016x} t behind\t[module]\n", f + 64),
                    far = fmt::format("{:016x} t far", f + 128);
  dat_.kallsyms = behind + before + function + alias + "nonsense\n" + far;
  const auto writer = Create();
  ASSERT_TRUE(AppendAll(*writer).ok());
  ASSERT_EQ(writer->Finish({}), absl::OkStatus());
  EXPECT_EQ(SymbolsIn(path_), function + behind);
}

TEST_P(TraceWriterTest, WhereTheHeadCannotBeWrittenAnewItStays) {
  const auto writer = Create();
  ASSERT_TRUE(AppendAll(*writer).ok());
  fs::create_directory(path_ + ".less");
  ASSERT_EQ(writer->Finish({}), absl::OkStatus());
  EXPECT_EQ(Files(), (std::vector<std::string>{"t.dat", "t.dat.less"}));
  if (GetParam().version == 7) {
    EXPECT_EQ(SymbolsIn(path_), dat_.kallsyms);
  }
  EXPECT_EQ(ReadPath(path_).Lines(), ReadBytes(dat_.Assemble()).Lines());
}

TEST_P(TraceWriterTest, WhatARecorderLeftThatWasKilledAtTheEndIsInNobodysWay) {
  const auto writer = Create();
  ASSERT_TRUE(AppendAll(*writer).ok());
  std::ofstream(path_ + ".less") << "half";
  ASSERT_EQ(writer->Finish({}), absl::OkStatus());
  // Of version 6 the head is never written anew: the file is somebody else's.
  const bool anew = GetParam().version == 7;
  EXPECT_EQ(Files(), anew ? std::vector<std::string>{"t.dat"}
                          : std::vector<std::string>({"t.dat", "t.dat.less"}));
  EXPECT_EQ(ReadPath(path_).Lines(), ReadBytes(dat_.Assemble()).Lines());
}

TEST_P(TraceWriterTest, AllSymbolsAreKeptWhereTheyCount) {
  const auto writer = Create();
  ASSERT_TRUE(AppendAll(*writer).ok());
  TraceEnding ending;
  ending.all_symbols = true;
  ASSERT_EQ(writer->Finish(ending), absl::OkStatus());
  EXPECT_EQ(SymbolsIn(path_), dat_.kallsyms);
}

Timestamp FirstTime(const std::string& path) {
  const ReadBack back = ReadPath(path);
  EXPECT_TRUE(back.ok()) << back.status;
  const std::vector<Event> events = WithoutLosses(back.events);
  return events.empty() ? kUnseen : events[0].at;
}

// Twice and three times as fast as the cycles, of which the first event has 1e9.
constexpr uint64_t kSecond = 1'000'000'000;
ClockCalibration TwiceAsFast() {
  return Calibrate({{kSecond / 4, kSecond / 2}, {kSecond / 2, kSecond}}, 100ns);
}

TEST_P(TraceWriterTest, TheClockOfAFinishedTraceIsThatOfItsEnd) {
  TraceMetadata metadata = Metadata(dat_);
  metadata.calibration = TwiceAsFast();
  auto writer = TraceWriter::Create(path_, metadata, {GetParam().version, GetParam().compress});
  ASSERT_TRUE(writer.ok());
  ASSERT_TRUE(AppendAll(**writer).ok());
  TraceEnding ending;
  ending.calibration =
      Calibrate({{kSecond / 2, kSecond}, {2 * kSecond, 5 * kSecond + kSecond / 2}}, 50ns);
  ASSERT_EQ((*writer)->Finish(ending), absl::OkStatus());
  EXPECT_EQ(FirstTime(path_), Timestamp(2500ms));
  EXPECT_EQ(ReadPath(path_).source->info().clock_error, 50ns);
}

TEST_P(TraceWriterTest, WithoutAnotherClockAtItsEndTheFirstOneStays) {
  TraceMetadata metadata = Metadata(dat_);
  metadata.calibration = TwiceAsFast();
  auto writer = TraceWriter::Create(path_, metadata, {GetParam().version, GetParam().compress});
  ASSERT_TRUE(writer.ok());
  ASSERT_TRUE(AppendAll(**writer).ok());
  ASSERT_EQ((*writer)->Finish({}), absl::OkStatus());
  EXPECT_EQ(FirstTime(path_), Timestamp(2s));
}

TEST_P(TraceWriterTest, TheClockOfAnUnfinishedTraceEndsWithTheLastReading) {
  TraceMetadata metadata = Metadata(dat_);
  metadata.calibration = TwiceAsFast();
  auto writer = TraceWriter::Create(path_, metadata, {GetParam().version, GetParam().compress});
  ASSERT_TRUE(writer.ok());
  ASSERT_TRUE(AppendAll(**writer).ok());
  ASSERT_TRUE((*writer)->Flush().ok());
  // What is compressed comes into the file when it is ready.
  if (!GetParam().compress) {
    EXPECT_EQ(FirstTime(path_), Timestamp(2s));
  }
  (*writer)->NoteClock({kSecond / 4 + kSecond, kSecond / 2 + 4 * kSecond});
  writer->reset();
  EXPECT_EQ(FirstTime(path_), Timestamp(3500ms));
  EXPECT_EQ(ReadPath(path_).source->info().clock_error, std::nullopt);
}

TEST_P(TraceWriterTest, AReadingOfAClockThatCountsNanosecondsIsNotNoted) {
  const auto writer = Create();
  const uint64_t size = writer->size();
  writer->NoteClock({1, 2});
  ASSERT_TRUE(AppendAll(*writer).ok());
  ASSERT_EQ(writer->Finish({}), absl::OkStatus());
  EXPECT_GT(writer->size(), size);
  EXPECT_EQ(FirstTime(path_), Timestamp(1s));
}

TEST_P(TraceWriterTest, ATraceWithoutAnyPageIsATrace) {
  const auto writer = Create();
  ASSERT_EQ(writer->Finish({}), absl::OkStatus());
  const ReadBack back = ReadPath(path_);
  ASSERT_TRUE(back.ok()) << back.status;
  EXPECT_TRUE(back.events.empty());
  EXPECT_FALSE(back.source->stats().truncated);
}

TEST_P(TraceWriterTest, WhatWasWrittenBeforeAnErrorBecomesAWholeTrace) {
  signal(SIGXFSZ, SIG_IGN);
  const auto writer = Create();
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  // Room for about half of what each CPU has.
  rlimit small = before;
  small.rlim_cur = fs::file_size(path_) + (GetParam().compress ? 6000 : 400000);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  absl::Status status = AppendAll(*writer);
  status.Update(writer->Flush());
  const absl::Status finished_small = writer->Finish({});
  setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(finished_small.code(), absl::StatusCode::kResourceExhausted) << finished_small;
  const ReadBack back = ReadPath(path_);
  ASSERT_TRUE(back.ok()) << back.status;
  EXPECT_LT(back.events.size(), trace_.events().size());
  EXPECT_GT(back.events.size(), 100u);
  EXPECT_TRUE(back.source->info().incomplete);
}

// Where pages are written as they are.
class PlainTraceWriterTest : public TraceWriterTest {};

TEST_P(PlainTraceWriterTest, WhatWasWrittenCanBeReadBack) {
  const auto writer = Create();
  ASSERT_EQ(AppendAll(*writer), absl::OkStatus());
  for (const auto& cpu : dat_.buffers[0].cpus) {
    std::string page(GetParam().page_size, '\0');
    ASSERT_EQ(writer->ReadBack(static_cast<Cpu>(cpu.cpu), cpu.pages.size(),
                               std::as_writable_bytes(std::span(page))),
              absl::OkStatus());
    EXPECT_EQ(page, cpu.pages.substr(0, page.size())) << cpu.cpu;
  }
}

// Where they are compressed.
class CompressedTraceWriterTest : public TraceWriterTest {};

TEST_P(CompressedTraceWriterTest, WhatIsCompressedStaysInThePipe) {
  const auto writer = Create();
  const std::string& pages = dat_.buffers[0].cpus[1].pages;
  const FilledPipe pipe(std::string_view(pages).substr(0, GetParam().page_size));
  EXPECT_EQ(writer->AppendFrom(Cpu{1}, pipe.fd(), GetParam().page_size).code(),
            absl::StatusCode::kUnimplemented);
  EXPECT_EQ(pipe.size(), static_cast<int>(GetParam().page_size));
  EXPECT_EQ(AppendAll(*writer), absl::OkStatus());
}

// As on a file system that knows no splice(2): the kernel's answer is the same.
TEST_P(PlainTraceWriterTest, WithoutAPipeTheFileIsAsBefore) {
  const auto writer = Create();
  const uint64_t size = writer->size();
  const int no_pipe = open("/dev/null", O_RDONLY | O_CLOEXEC);
  EXPECT_EQ(writer->AppendFrom(Cpu{0}, no_pipe, GetParam().page_size).code(),
            absl::StatusCode::kUnimplemented);
  close(no_pipe);
  EXPECT_EQ(writer->size(), size);
  EXPECT_EQ(AppendAll(*writer), absl::OkStatus());
}

TEST_P(TraceWriterTest, DiscardLeavesNothing) {
  const auto writer = Create();
  ASSERT_TRUE(AppendAll(*writer).ok());
  writer->Discard();
  EXPECT_TRUE(Files().empty());
}

TEST_P(TraceWriterTest, AFileThatExistsIsNotTouched) {
  std::ofstream(path_) << "mine";
  const auto writer =
      TraceWriter::Create(path_, Metadata(dat_), {GetParam().version, GetParam().compress});
  EXPECT_EQ(writer.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(fs::file_size(path_), 4u);
}

INSTANTIATE_TEST_SUITE_P(Ways, TraceWriterTest,
                         ::testing::Values(Way{}, Way{7, false, 65536}, Way{7, true, 4096},
                                           Way{7, true, 65536}, Way{6, false, 4096},
                                           Way{6, false, 65536}, Way{7, false, 4096, true},
                                           Way{7, false, 65536, true}, Way{6, false, 4096, true}),
                         ::testing::PrintToStringParamName());

INSTANTIATE_TEST_SUITE_P(Ways, PlainTraceWriterTest,
                         ::testing::Values(Way{}, Way{7, false, 65536}, Way{6, false, 4096},
                                           Way{7, false, 65536, true}),
                         ::testing::PrintToStringParamName());
INSTANTIATE_TEST_SUITE_P(Ways, CompressedTraceWriterTest,
                         ::testing::Values(Way{7, true, 4096}, Way{7, true, 65536}),
                         ::testing::PrintToStringParamName());

// What MoveOldTraceAway() makes of a directory.
class MoveOldTraceAwayTest : public TraceWriterTest {};

TEST_P(MoveOldTraceAwayTest, AnUnfinishedTraceMovesWithItsSiblings) {
  auto writer = Create();
  ASSERT_TRUE(AppendAll(*writer).ok());
  writer.reset();
  std::ofstream(path_ + ".old") << "older";
  std::ofstream(path_ + ".old.cpu7") << "older";
  std::ofstream(path_ + ".cpux") << "of somebody else";
  ASSERT_EQ(MoveOldTraceAway(path_), absl::OkStatus());
  EXPECT_EQ(Files(), (std::vector<std::string>{"t.dat.cpux", "t.dat.old", "t.dat.old.cpu1",
                                               "t.dat.old.cpu2"}));
  EXPECT_EQ(WithoutLosses(ReadPath(path_ + ".old").events).size(), trace_.events().size());
}

TEST_P(MoveOldTraceAwayTest, ATraceThatIsBeingWrittenStays) {
  const auto writer = Create();
  EXPECT_EQ(MoveOldTraceAway(path_).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Files(), std::vector<std::string>{"t.dat"});
}

TEST_P(MoveOldTraceAwayTest, NothingThereIsFine) {
  EXPECT_EQ(MoveOldTraceAway(path_), absl::OkStatus());
}

TEST_P(MoveOldTraceAwayTest, OnlyARegularFileIsMoved) {
  fs::create_symlink("/dev/null", path_);
  EXPECT_EQ(MoveOldTraceAway(path_).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(MoveOldTraceAway(directory_.string()).code(), absl::StatusCode::kInvalidArgument);
}

INSTANTIATE_TEST_SUITE_P(Ways, MoveOldTraceAwayTest, ::testing::Values(Way{}),
                         ::testing::PrintToStringParamName());

}  // namespace
}  // namespace wqprof::testing
