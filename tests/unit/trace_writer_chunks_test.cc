// SPDX-License-Identifier: Apache-2.0
// Chunks of pages on their way into a compressed trace.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "fmt/format.h"
#include "trace/trace_dat_writer_chunks.h"
#include "trace/zstd_frame.h"

namespace wqprof {
namespace {

std::vector<std::byte> Noise(size_t size, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<std::byte> out(size);
  for (std::byte& b : out) b = static_cast<std::byte>(random());
  return out;
}

class StoreFrameTest : public ::testing::TestWithParam<size_t> {};

TEST_P(StoreFrameTest, DecompressesToWhatItStores) {
  const std::vector<std::byte> content = Noise(GetParam(), 1);
  std::vector<std::byte> frame(StoredFrameBound(content.size()));
  const size_t size = StoreFrame(content, frame);
  ASSERT_LE(size, frame.size());
  std::vector<std::byte> back(content.size());
  EXPECT_TRUE(ZstdDecompressor().Decompress(std::span(frame).first(size), back));
  EXPECT_EQ(back, content);
}

// Blocks of a frame end at 128 KiB.
INSTANTIATE_TEST_SUITE_P(Sizes, StoreFrameTest,
                         ::testing::Values(1, 4096, 131071, 131072, 131073, 524288, 655361));

// What the chunks of a file hold, one after the other.
std::vector<std::byte> ContentOf(const std::string& path, uint32_t chunks) {
  std::ifstream in(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  std::vector<std::byte> out;
  size_t at = 0;
  for (uint32_t i = 0; i < chunks; ++i) {
    uint32_t sizes[2];
    if (at + sizeof sizes > bytes.size()) return {};
    std::memcpy(sizes, bytes.data() + at, sizeof sizes);
    at += sizeof sizes;
    std::vector<std::byte> chunk(sizes[1]);
    const auto frame = std::as_bytes(std::span(bytes).subspan(at, sizes[0]));
    if (!ZstdDecompressor().Decompress(frame, chunk)) return {};
    out.insert(out.end(), chunk.begin(), chunk.end());
    at += sizes[0];
  }
  return at == bytes.size() ? out : std::vector<std::byte>();
}

TEST(ChunkCompressorTest, ChunksKeepTheirOrderThoughTheyComeFasterThanTheyAreCompressed) {
  const std::string path =
      (std::filesystem::path(::testing::TempDir()) / fmt::format("chunks-{}", getpid())).string();
  std::filesystem::remove(path);
  auto file = OutputFile::Create(path);
  ASSERT_TRUE(file.ok()) << file.status();
  constexpr uint32_t kChunks = 1000;
  uint32_t written = 0;
  std::vector<std::byte> all;
  {
    ChunkCompressor compressor(1);
    for (uint32_t i = 0; i < kChunks; ++i) {
      std::vector<std::byte> chunk = Noise(16384, i);
      chunk.resize(32768, static_cast<std::byte>(i));
      all.insert(all.end(), chunk.begin(), chunk.end());
      ASSERT_EQ(compressor.Submit(0, **file, written, chunk), absl::OkStatus());
      ASSERT_TRUE(chunk.empty());
    }
    ASSERT_EQ(compressor.Drain(), absl::OkStatus());
  }
  EXPECT_EQ(written, kChunks);
  EXPECT_TRUE(ContentOf(path, written) == all);
  (*file)->Remove();
}

}  // namespace
}  // namespace wqprof
