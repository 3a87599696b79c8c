// SPDX-License-Identifier: Apache-2.0
// Files that lie, loop, or end too early: no crash, no hang, no unbounded memory, and what
// can be read is read (doc/trace-dat.md §4).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include "support/dat_encoder.h"
#include "support/read_dat.h"
#include "support/sanitized.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

TraceBuilder MakeTrace(int items = 100) {
  TraceBuilder t;
  for (int n = 0; n < items; ++n) {
    const Nanos at = n * 20us;
    t.Put(at, kTask.On(n % 2), kWorkA, {"f", "wq", 0});
    t.Run(at + 5us, at + 9us, n % 2 ? kWorkerOn1 : kWorker, kWorkA, {"f"});
  }
  return t;
}

ReadBack ReadAltered(const std::function<void(DatFile&)>& alter, const DatStyle& style = {}) {
  DatFile file = EncodeDat(MakeTrace(), style);
  alter(file);
  return ReadBytes(file.Assemble());
}

constexpr size_t kAll = 400;

// Peak memory of this process so far.
size_t PeakBytes() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    size_t kib = 0;
    if (word == "VmHWM:" && status >> kib) return kib * 1024;
  }
  return 0;
}

constexpr size_t kMuchMemory = size_t{768} << 20;  // far above what any small file may take

TEST(TraceHostileOptionTest, ACpuStatOfSizeZeroIsNothing) {
  for (const int version : {6, 7}) {
    const ReadBack back = ReadAltered(
        [](DatFile& f) {
          f.options.push_back({2, ""});
        },
        {.version = version});
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(back.records(), kAll);
    EXPECT_TRUE(back.source->info().cpu_stats.empty());
  }
}

TEST(TraceHostileOptionTest, AnyOptionMayBeEmptyOrGarbage) {
  for (uint16_t id = 1; id < 40; ++id) {
    if (id == 3) continue;  // BUFFER: below
    for (const size_t size : {0, 1, 3, 7, 100}) {
      for (const char fill : {'\0', '\xff', 'x'}) {
        const ReadBack back = ReadAltered([&](DatFile& f) {
          f.options.push_back({id, std::string(size, fill)});
        });
        // A number of CPUs or a scale of time may be wrong; the rest must not care.
        EXPECT_TRUE(back.ok()) << id << ' ' << size << ' ' << back.status.ToString();
        EXPECT_EQ(back.records(), kAll) << id << ' ' << size;
      }
    }
  }
}

TEST(TraceHostileOptionTest, AGuestWithNegativeCpusIsSkipped) {
  const ReadBack back = ReadAltered([](DatFile& f) {
    ByteWriter w = f.Writer();
    w.CString("guest").U64(1).U32(2).U32(0xffffffff).U32(7).U32(0x80000000).U32(8);
    f.options.push_back({13, w.Take()});
  });
  EXPECT_EQ(back.records(), kAll);
}

TEST(TraceHostileOptionTest, AnOptionLongerThanItsSectionEndsTheOptions) {
  std::string bytes = EncodeDat(MakeTrace()).Assemble();
  // The first option is HEADER_INFO, of 8 bytes.
  const std::string head = ByteWriter(false).U16(16).U32(8).Take();
  const size_t at = bytes.rfind(head);
  ASSERT_NE(at, std::string::npos);
  for (const uint32_t size : {0xffffffffu, 0x7fffffffu, 0x10000u}) {
    bytes.replace(at + 2, 4, ByteWriter(false).U32(size).Take());
    EXPECT_TRUE(absl::IsDataLoss(ReadBytes(bytes).status));
  }
}

TEST(TraceHostileOptionTest, AChainOfOptionsThatLoopsIsWalkedOnce) {
  DatFile file = EncodeDat(MakeTrace());
  std::string bytes = file.Assemble();
  // DONE, the last option, names the offset of the next section: let it be its own.
  const std::string done = ByteWriter(false).U16(0).U32(8).U64(0).Take();
  const size_t at = bytes.rfind(done);
  const size_t offset_at = bytes.find("none", 0) + 6;
  ASSERT_NE(at, std::string::npos);
  bytes.replace(at + 6, 8, bytes.substr(offset_at, 8));
  const ReadBack back = ReadBytes(bytes);
  ASSERT_TRUE(back.ok()) << back.status.ToString();
  EXPECT_EQ(back.records(), kAll);
}

TEST(TraceHostileOptionTest, TheFirstOptionsSectionMayBeAnywhere) {
  const std::string bytes = EncodeDat(MakeTrace()).Assemble();
  const size_t offset_at = bytes.find("none", 0) + 6;
  for (const uint64_t offset :
       {uint64_t{0}, uint64_t{1}, uint64_t{37}, uint64_t{bytes.size()}, uint64_t{bytes.size() - 1},
        UINT64_MAX, UINT64_MAX - 8, uint64_t{1} << 63}) {
    std::string copy = bytes;
    copy.replace(offset_at, 8, ByteWriter(false).U64(offset).Take());
    EXPECT_TRUE(absl::IsDataLoss(ReadBytes(copy).status)) << offset;
  }
}

TEST(TraceHostileRegionTest, DataBeyondTheFileAreCutAndTold) {
  for (const int version : {6, 7}) {
    for (const uint64_t size : {uint64_t{1} << 30, uint64_t{1} << 62, UINT64_MAX}) {
      const ReadBack back = ReadAltered(
          [&](DatFile& f) { f.buffers[0].cpus[1].claimed_size = size; }, {.version = version});
      ASSERT_TRUE(back.ok()) << back.status.ToString();
      EXPECT_GE(back.records(), kAll) << "all that is there";
      EXPECT_TRUE(back.source->stats().truncated);
    }
  }
}

TEST(TraceHostileRegionTest, OffsetsBeyondTheFileLoseThatCpuOnly) {
  for (const uint64_t offset : {uint64_t{1} << 40, UINT64_MAX, UINT64_MAX - 4095}) {
    const ReadBack back =
        ReadAltered([&](DatFile& f) { f.buffers[0].cpus[1].claimed_offset = offset; });
    ASSERT_TRUE(back.ok()) << back.status.ToString();
    EXPECT_TRUE(back.source->stats().truncated);
    size_t on_cpu0 = 0;
    for (const Event& e : back.events)
      on_cpu0 += e.cpu == Cpu{0} && e.kind <= EventKind::kExecuteEnd;
    EXPECT_EQ(on_cpu0, kAll / 2);
  }
}

TEST(TraceHostileRegionTest, AMissingEndOfOneCpuIsALossForAllThatFollows) {
  // Works queued there are unknown from then on: what waits is tainted.
  const ReadBack back = ReadAltered([](DatFile& f) {
    f.buffers[0].cpus[1].claimed_size = 3 * 4096;
    f.buffers[0].cpus[1].pages.resize(4096);
  });
  ASSERT_TRUE(back.ok());
  EXPECT_TRUE(back.source->stats().truncated);
  bool told = false;
  for (const Event& e : back.events) told |= e.kind == EventKind::kLossBegin && e.cpu == Cpu{1};
  EXPECT_TRUE(told);
}

TEST(TraceHostileRegionTest, CpuNumbersBeyondAllMachinesAreRefused) {
  for (const uint32_t cpu : {0xffffffffu, 0x80000000u, 40000u}) {
    const ReadBack back = ReadAltered([&](DatFile& f) { f.buffers[0].cpus[1].cpu = cpu; });
    ASSERT_TRUE(back.ok()) << cpu;
    EXPECT_EQ(back.records(), kAll / 2) << cpu;
  }
}

TEST(TraceHostileRegionTest, PageSizesThatMakeNoSenseAreRefused) {
  for (const uint32_t size : {0u, 1u, 16u, 23u, 100u, 4097u, 0x80000000u, 0xffffffffu}) {
    const ReadBack back = ReadAltered([&](DatFile& f) { f.buffers[0].page_size = size; });
    EXPECT_TRUE(absl::IsDataLoss(back.status)) << size << ' ' << back.status.ToString();
  }
}

TEST(TraceHostileRegionTest, OneCpuNamedManyTimesTakesNoMemoryForEach) {
  const size_t before = PeakBytes();
  const ReadBack back = ReadAltered([](DatFile& f) {
    const DatBuffer::CpuData cpu = f.buffers[0].cpus[0];
    DatBuffer::CpuData lie{0, "", 4096, 4096};
    f.buffers[0].cpus.assign(200000, lie);
    f.buffers[0].cpus.push_back(cpu);
  });
  EXPECT_LT(PeakBytes() - before, kMuchMemory);
}

TEST(TraceHostileSectionTest, ASectionNamedManyTimesIsReadOnce) {
  const size_t before = PeakBytes();
  DatFile file = EncodeDat(MakeTrace());
  // One long format text; the options then name its section over and over.
  file.formats.push_back({"long", {fmt::format("name: long\nID: 9\n#{:x>4000000}\n", "")}});
  const std::string plain = file.Assemble();
  const std::string formats_option = ByteWriter(false).U16(18).U32(8).Take();
  const size_t at = plain.rfind(formats_option);
  ASSERT_NE(at, std::string::npos);
  file.options.assign(1000, {18, plain.substr(at + 6, 8)});
  const ReadBack back = ReadBytes(file.Assemble());
  EXPECT_TRUE(back.ok());
  EXPECT_EQ(back.records(), kAll);
  EXPECT_LT(PeakBytes() - before, kMuchMemory);
}

TEST(TraceHostileSectionTest, HugeCountsEndWithTheirText) {
  for (const uint32_t count : {0xffffffffu, 0x7fffffffu, 1000000u}) {
    DatFile file = EncodeDat(MakeTrace());
    std::string bytes = file.Assemble();
    // The number of systems stands right before the name of the first one.
    const size_t at = bytes.find(std::string_view("sched\0", 6)) - 4;
    bytes.replace(at, 4, ByteWriter(false).U32(count).Take());
    const ReadBack back = ReadBytes(bytes);
    EXPECT_TRUE(back.ok() || absl::IsDataLoss(back.status));
    if (back.ok()) {
      EXPECT_EQ(back.records(), kAll) << "all formats came before the fault";
    }
  }
}

TEST(TraceHostileSectionTest, LengthsOfTextsNeverWrapAround) {
  for (const uint64_t length :
       {UINT64_MAX, UINT64_MAX - 100, uint64_t{1} << 63, uint64_t{1} << 40}) {
    std::string bytes = EncodeDat(MakeTrace(), {.version = 6}).Assemble();
    const size_t at = bytes.find("header_page") + 12;
    bytes.replace(at, 8, ByteWriter(false).U64(length).Take());
    EXPECT_TRUE(absl::IsDataLoss(ReadBytes(bytes).status)) << length;
  }
}

TEST(TraceHostileSectionTest, HeaderPagesThatMakeNoSenseAreRefused) {
  for (const char* text : {"", "x", "\tfield: u64 timestamp;\toffset:0;\tsize:8;\tsigned:0;\n"}) {
    const ReadBack back = ReadAltered([&](DatFile& f) { f.header_page = text; });
    EXPECT_TRUE(absl::IsDataLoss(back.status));
  }
}

TEST(TraceHostileSectionTest, AFormatWhoseIdIsTakenIsIgnored) {
  const ReadBack back = ReadAltered([](DatFile& f) {
    f.formats.push_back({"evil", {"name: workqueue_execute_start\nID: 269\nformat:\n"}});
  });
  EXPECT_EQ(back.records(), kAll);
}

TEST(TraceHostileChunkTest, ChunksThatLieEndTheirCpu) {
  const DatStyle style{.zstd = true};
  const DatFile good = EncodeDat(MakeTrace(), style);
  const std::string bytes = good.Assemble();
  const size_t at = 4096;  // the first CPU's data: chunks, { csize, usize, frame }
  for (const auto& [place, value] :
       std::initializer_list<std::pair<size_t, uint32_t>>{{4, 0},
                                                          {4, 0xffffffff},
                                                          {4, 0x7fffffff},
                                                          {4, 1},
                                                          {8, 0},
                                                          {8, 1},
                                                          {8, 4095},
                                                          {8, 0xffffffff},
                                                          {8, 0xfffff000},
                                                          {8, 1 << 30},
                                                          {12, 0},
                                                          {12, 0xffffffff}}) {
    std::string copy = bytes;
    copy.replace(at + place, 4, ByteWriter(false).U32(value).Take());
    const ReadBack back = ReadBytes(copy);
    ASSERT_TRUE(back.ok()) << place << ' ' << value << ' ' << back.status.ToString();
    size_t on_cpu1 = 0;
    for (const Event& e : back.events)
      on_cpu1 += e.cpu == Cpu{1} && e.kind <= EventKind::kExecuteEnd;
    EXPECT_EQ(on_cpu1, kAll / 2) << "the other CPU is whole";
    EXPECT_TRUE(back.source->stats().truncated) << place << ' ' << value;
  }
}

TEST(TraceHostileChunkTest, MetadataThatUnpackToTooMuchAreRefused) {
  const size_t before = PeakBytes();
  DatFile file = EncodeDat(MakeTrace(), {.zstd = true});
  std::string bytes = file.Assemble();
  // HEADER_INFO is the first section: id, flags, description, size, csize, usize, frame.
  const size_t usize = bytes.find("1.5.4") + 6 + 8 + 16 + 4;
  for (const uint32_t size : {0u, 1u, 0xffffffffu, 0x7fffffffu, 1u << 30}) {
    bytes.replace(usize, 4, ByteWriter(false).U32(size).Take());
    EXPECT_TRUE(absl::IsDataLoss(ReadBytes(bytes).status)) << size;
  }
  EXPECT_LT(PeakBytes() - before, kMuchMemory);
}

TEST(TraceTruncatedTest, AFileCutAnywhereYieldsAPrefixOrSaysWhyNot) {
  for (const DatStyle& style :
       {DatStyle{.version = 6}, DatStyle{.version = 7}, DatStyle{.version = 7, .zstd = true}}) {
    const std::string whole = EncodeDat(MakeTrace(), style).Assemble();
    const std::vector<std::string> all = ReadBytes(whole).Lines();
    for (size_t size = 0; size < whole.size(); size += size < 600 ? 1 : 61) {
      const ReadBack back = ReadBytes(std::string_view(whole).substr(0, size));
      if (!back.ok()) {
        ASSERT_TRUE(absl::IsDataLoss(back.status)) << size << back.status.ToString();
        continue;
      }
      EXPECT_TRUE(back.source->stats().truncated || back.records() >= all.size()) << size;
      for (const Event& e : back.events) {
        if (e.kind > EventKind::kExecuteEnd) continue;
        const std::string line = Describe(e, back.source->names());
        // Without its symbols an event has addresses for names.
        if (style.version == 6) {
          ASSERT_NE(std::find(all.begin(), all.end(), line), all.end());
        }
      }
    }
  }
}

TEST(TraceTruncatedTest, AVersion6FileCutWithinItsDataKeepsTheWholePagesBeforeTheCut) {
  const std::string whole = EncodeDat(MakeTrace(2000), {.version = 6}).Assemble();
  const ReadBack all = ReadBytes(whole);
  const ReadBack back = ReadBytes(std::string_view(whole).substr(0, whole.size() - 3 * 4096 - 100));
  ASSERT_TRUE(back.ok()) << back.status.ToString();
  EXPECT_TRUE(back.source->stats().truncated);
  EXPECT_GT(back.records(), all.records() / 2);
  EXPECT_LT(back.records(), all.records());
}

TEST(TraceFlippedTest, ATraceEndsWithItsLastStampThatCanBeTrue) {
  TraceBuilder t = MakeTrace(10);
  const Timestamp last = t.events().back().at;
  t.Put(std::chrono::hours(24 * 365), kTask, kWorkB);
  const ReadBack back = ReadBytes(EncodeDat(t).Assemble());
  ASSERT_TRUE(back.ok()) << back.status.ToString();
  EXPECT_TRUE(back.source->stats().truncated);
  EXPECT_EQ(back.source->stats().end, last);
  EXPECT_EQ(back.events.back().at, last);
}

TEST(TraceFlippedTest, FilesWithWrongBytesAreReadOrRefused) {
  std::mt19937_64 random(1);
  for (const DatStyle& style :
       {DatStyle{.version = 6}, DatStyle{.version = 7}, DatStyle{.version = 7, .zstd = true},
        DatStyle{.version = 7, .big_endian = true, .long_size = 4}}) {
    const std::string whole = EncodeDat(MakeTrace(20), style).Assemble();
    for (size_t round = 0; round < 800; round += kVariantStep) {
      std::string copy = whole;
      for (size_t flips = 0; flips < 1 + round % 4; ++flips) {
        copy[random() % copy.size()] = static_cast<char>(random());
      }
      const ReadBack back = ReadBytes(copy);
      ASSERT_TRUE(back.ok() || absl::IsDataLoss(back.status)) << back.status.ToString();
    }
  }
}

}  // namespace
}  // namespace wqprof::testing
