// SPDX-License-Identifier: Apache-2.0
// A flight recorder keeps the latest pages within its limits, and a trace made of them is whole.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "support/dat_encoder.h"
#include "support/dat_metadata.h"
#include "support/read_dat.h"
#include "support/trace_builder.h"
#include "wqprof/page_ring.h"
#include "wqprof/trace_writer.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr uint64_t kMegabyte = uint64_t{1} << 20;

std::unique_ptr<PageRing> MakeRing(const TraceMetadata& metadata, const RingLimits& limits) {
  auto ring = PageRing::Create(metadata, limits);
  EXPECT_TRUE(ring.ok()) << ring.status();
  return *std::move(ring);
}

// A page of this machine with `used` bytes of `noise` in it, which do not shrink.
std::string NoisyPage(uint32_t page_size, uint64_t used, std::mt19937& noise) {
  std::string page(page_size, '\0');
  std::memcpy(&page[8], &used, sizeof used);
  for (uint64_t i = 0; i < used; ++i) page[16 + i] = static_cast<char>(noise());
  return page;
}

void Add(PageRing& ring, int cpu, std::string_view pages, Nanos now) {
  ring.Add(static_cast<Cpu>(cpu), std::as_bytes(std::span(pages)), now);
}

class PageRingTest : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ = fs::path(::testing::TempDir()) / fmt::format("ring-{}", getpid());
    fs::remove_all(directory_);
    fs::create_directory(directory_);
  }
  void TearDown() override { fs::remove_all(directory_); }

  // What a reader makes of the chunks that the ring has from one number on.
  ReadBack Replay(PageRing& ring, uint64_t from = 0) {
    const std::string path = (directory_ / fmt::format("{}.dat", ++files_)).string();
    auto writer = TraceWriter::Create(path, metadata_, {.version = 7, .compress = true});
    EXPECT_TRUE(writer.ok()) << writer.status();
    ChunkReplay replay(**writer);
    for (const auto& chunk : ring.From(from)) EXPECT_TRUE(replay.Append(*chunk).ok());
    EXPECT_TRUE((*writer)->Finish({}).ok());
    return ReadPath(path);
  }

  TraceMetadata metadata_ = MetadataOf(EncodeDat(TraceBuilder()));
  fs::path directory_;
  int files_ = 0;
};

TEST_F(PageRingTest, ATraceMadeOfItIsTheOneThatCameIn) {
  TraceBuilder trace;
  for (int n = 0; n < 20000; ++n) {
    const Nanos at = 1s + n * 10us;
    trace.Put(at, kTask, kWorkA).Run(at + 2us, at + 5us, kWorker.On(n % 2), kWorkA);
  }
  const DatFile dat = EncodeDat(trace);
  metadata_ = MetadataOf(dat);
  const auto ring = MakeRing(metadata_, {});
  const size_t step = size_t{3} * dat.page_size;
  for (size_t at = 0; at < dat.buffers[0].cpus[0].pages.size(); at += step) {
    for (const auto& cpu : dat.buffers[0].cpus) {
      if (at >= cpu.pages.size()) continue;
      Add(*ring, static_cast<int>(cpu.cpu), std::string_view(cpu.pages).substr(at, step), 0s);
    }
  }
  ring->Seal();
  EXPECT_GT(ring->From(0).size(), 2u);
  EXPECT_LT(ring->bytes(), dat.buffers[0].cpus[0].pages.size()) << "it is compressed";
  const ReadBack back = Replay(*ring);
  ASSERT_TRUE(back.ok()) << back.status;
  EXPECT_EQ(back.Lines(), ReadBytes(dat.Assemble()).Lines());
}

TEST_F(PageRingTest, WhatIsTooOldGoes) {
  const auto ring = MakeRing(metadata_, {.time = 10s, .bytes = 64 * kMegabyte});
  std::mt19937 noise(1);
  for (int second = 0; second < 60; ++second) {
    Add(*ring, 0, NoisyPage(metadata_.page_size, 100, noise), Nanos(std::chrono::seconds(second)));
    ring->Expire(Nanos(std::chrono::seconds(second)));
  }
  EXPECT_GE(ring->Span(59s), 10s);
  EXPECT_LE(ring->Span(59s), 11s);
  ring->Expire(200s);
  EXPECT_EQ(ring->bytes(), 0u);
  EXPECT_EQ(ring->Span(200s), 0s);
}

TEST_F(PageRingTest, ItIsNeverLargerThanAsked) {
  const auto ring = MakeRing(metadata_, {.time = 1h, .bytes = kMegabyte});
  std::mt19937 noise(1);
  for (int n = 0; n < 3000; ++n) {
    Add(*ring, n % 2, NoisyPage(metadata_.page_size, 4000, noise), n * 1ms);
    ASSERT_LE(ring->bytes(), kMegabyte);
  }
  EXPECT_GT(ring->bytes(), kMegabyte / 2) << "the limit is used";
}

TEST_F(PageRingTest, WhatOthersHoldCountsAsWell) {
  const auto ring = MakeRing(metadata_, {.time = 1h, .bytes = kMegabyte});
  std::mt19937 noise(1);
  const auto fill = [&] {
    for (int n = 0; n < 500; ++n) Add(*ring, 0, NoisyPage(metadata_.page_size, 4000, noise), 1ms);
  };
  fill();
  auto held = ring->From(0);
  const uint64_t next = ring->next();
  fill();
  EXPECT_LE(ring->bytes(), kMegabyte);
  const auto left = ring->From(next);
  EXPECT_TRUE(left.empty() || left.front()->number() > next) << "there was no room for them";
  held.clear();
  fill();
  EXPECT_GT(ring->From(next).size(), 2u);
}

TEST_F(PageRingTest, APageThatIsHardlyUsedTakesLittle) {
  metadata_.page_size = 65536;
  const auto ring = MakeRing(metadata_, {.time = 1h, .bytes = kMegabyte});
  std::mt19937 noise(1);
  for (int n = 0; n < 1000; ++n) Add(*ring, n % 2, NoisyPage(65536, 100, noise), n * 100ms);
  ring->Seal();
  EXPECT_LT(ring->bytes(), 300'000u);
  EXPECT_EQ(ring->From(0).front()->number(), 0u) << "none of them is gone";
}

TEST_F(PageRingTest, OddPagesAreKeptWhole) {
  const auto ring = MakeRing(metadata_, {.time = 1h, .bytes = kMegabyte});
  std::string page(metadata_.page_size, 'x');  // it says that it holds more than a page can
  Add(*ring, 0, page, 0s);
  page.assign(metadata_.page_size, '\0');
  Add(*ring, 1, page, 0s);
  ring->Seal();
  size_t seen = 0;
  const auto chunks = ring->From(0);
  ASSERT_EQ(chunks.size(), 1u);
  ASSERT_TRUE(chunks[0]
                  ->Visit([&](Cpu cpu, std::span<std::byte> bytes) {
                    const std::byte expected{static_cast<uint8_t>(ToInt(cpu) == 0 ? 'x' : 0)};
                    EXPECT_EQ(bytes.size(), metadata_.page_size);
                    for (const std::byte b : bytes) EXPECT_EQ(b, expected);
                    ++seen;
                    return absl::OkStatus();
                  })
                  .ok());
  EXPECT_EQ(seen, 2u);
}

TEST_F(PageRingTest, WhatCameBeforeItsBeginIsNoLossAndWhatIsMissingLaterIs) {
  TraceBuilder trace;
  trace.Put(1s, kTask, kWorkA).Run(1001ms, 1002ms, kWorker, kWorkA);
  trace.Loss(1003ms, 2s, 0, 7);
  trace.Put(2s, kTask, kWorkB).Run(2001ms, 2002ms, kWorker, kWorkB);
  trace.Loss(2003ms, 3s, 0, 5);
  trace.Put(3s, kTask, kWorkC).Run(3001ms, 3002ms, kWorker, kWorkC);
  const DatFile dat = EncodeDat(trace);
  metadata_ = MetadataOf(dat);
  const std::string& pages = dat.buffers[0].cpus[0].pages;
  ASSERT_EQ(pages.size(), size_t{3} * dat.page_size);
  const auto ring = MakeRing(metadata_, {});
  for (size_t page = 0; page < 3; ++page) {
    Add(*ring, 0, std::string_view(pages).substr(page * dat.page_size, dat.page_size), 0s);
    ring->Seal();
  }
  EXPECT_EQ(Replay(*ring, 0).source->stats().lost_events, 12u);
  EXPECT_EQ(Replay(*ring, 1).source->stats().lost_events, 5u);
  EXPECT_EQ(Replay(*ring, 2).source->stats().lost_events, 0u);
}

TEST_F(PageRingTest, WithoutALayoutThereIsNone) {
  metadata_.header_page = "nonsense";
  EXPECT_FALSE(PageRing::Create(metadata_, {}).ok());
}

}  // namespace
}  // namespace wqprof::testing
