// SPDX-License-Identifier: Apache-2.0
// Our page walker against libtraceevent's, on pages of real kernels and of our own writer.
#include <fmt/format.h>
#include <gtest/gtest.h>

extern "C" {
#include <kbuffer.h>
}

#include <filesystem>
#include <memory>

#include "support/page_writer.h"
#include "trace/page_decoder.h"
#include "trace/trace_dat.h"
#include "trace/zstd_frame.h"
#include "wqprof/byte_cursor.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

// What one page holds, as far as both walkers tell.
struct PageContent {
  std::vector<uint64_t> stamps;  // of all records
  bool missed = false;
  std::optional<uint64_t> missed_count;

  bool operator==(const PageContent&) const = default;
};

PageContent ReadWithKbuffer(std::span<const std::byte> page, int long_size, bool big_endian) {
  const std::unique_ptr<kbuffer, decltype(&kbuffer_free)> kbuf(
      kbuffer_alloc(long_size == 8 ? KBUFFER_LSIZE_8 : KBUFFER_LSIZE_4,
                    big_endian ? KBUFFER_ENDIAN_BIG : KBUFFER_ENDIAN_LITTLE),
      kbuffer_free);
  std::vector<std::byte> copy(page.begin(), page.end());
  PageContent content;
  kbuffer_load_subbuffer(kbuf.get(), copy.data());
  // Told at the first event only; -1 is an unknown number.
  if (const int missed = kbuffer_missed_events(kbuf.get()); missed != 0) {
    content.missed = true;
    if (missed > 0) content.missed_count = static_cast<uint64_t>(missed);
  }
  unsigned long long stamp = 0;
  for (void* event = kbuffer_read_event(kbuf.get(), &stamp); event != nullptr;
       event = kbuffer_next_event(kbuf.get(), &stamp)) {
    content.stamps.push_back(stamp);
  }
  return content;
}

// The decoder tells events of kinds that it knows: here each id is made one of them.
PageContent ReadWithDecoder(std::span<const std::byte> page, const DecodeContext& context) {
  NameTable names;
  RecordDecoder records(context, names);
  PageDecoder decoder(context, Cpu{0});
  EventBatch events;
  decoder.Decode(page, records, events);
  PageContent content;
  for (const Event& e : events) {
    if (e.kind == EventKind::kLossBegin) {
      content.missed = true;
      if (e.loss.known) content.missed_count = e.loss.count;
    } else if (e.kind != EventKind::kLossEnd) {
      content.stamps.push_back(static_cast<uint64_t>(e.at.time_since_epoch().count()));
    }
  }
  EXPECT_EQ(decoder.stats().corrupt_pages, 0u);
  return content;
}

// A layout that takes every record for an event of which only the common fields are known.
DecodeContext ContextOf(const PageLayout& page, uint32_t page_size, bool big_endian,
                        const Symbols& symbols) {
  DecodeContext context;
  EventLayout& layout = context.layout;
  layout.pointer_size = static_cast<uint8_t>(page.commit_size);
  layout.slots = {{static_cast<uint8_t>(EventKind::kTimerCancel), "any"}};
  layout.ids.assign(65536, {0, static_cast<uint8_t>(EventKind::kTimerCancel)});
  EventFields& fields = layout.fields[static_cast<size_t>(EventKind::kTimerCancel)];
  fields.min_size = layout.min_size;
  fields.work = 0;
  context.page = page;
  context.page_size = page_size;
  context.big_endian = big_endian;
  context.cpus = 1;
  context.symbols = &symbols;
  return context;
}

struct Comparison {
  size_t pages = 0, records = 0, gaps = 0;
};

// libtraceevent tells of missed events only when no stamp stands before the first record.
void Compare(std::span<const std::byte> page, const DecodeContext& context, Comparison& sum,
             bool stamps_first = false) {
  const PageContent ours = ReadWithDecoder(page, context);
  const PageContent oracle =
      ReadWithKbuffer(page, static_cast<int>(context.page.commit_size), context.big_endian);
  EXPECT_EQ(ours.stamps, oracle.stamps);
  if (!stamps_first) {
    EXPECT_EQ(ours.missed, oracle.missed);
    EXPECT_EQ(ours.missed_count, oracle.missed_count);
  }
  ++sum.pages;
  sum.records += oracle.stamps.size();
  sum.gaps += ours.missed ? 1 : 0;
}

// All pages of one CPU, unpacked.
std::vector<std::byte> PagesOf(const CpuRegion& region) {
  std::vector<std::byte> stored(region.size);
  EXPECT_EQ(region.file->ReadAt(region.offset, stored).value_or(0), region.size);
  if (!region.compressed) return stored;
  std::vector<std::byte> pages;
  ZstdDecompressor zstd;
  for (size_t at = 0; at + 8 <= stored.size();) {
    const uint32_t packed = LoadAs<false, uint32_t>(&stored[at]);
    const uint32_t unpacked = LoadAs<false, uint32_t>(&stored[at + 4]);
    std::vector<std::byte> chunk(unpacked);
    EXPECT_TRUE(zstd.Decompress(std::span(stored).subspan(at + 8, packed), chunk));
    pages.insert(pages.end(), chunk.begin(), chunk.end());
    at += 8 + packed;
  }
  return pages;
}

TEST(OracleTest, PagesOfRealKernelsAreWalkedAsLibtraceeventDoes) {
  Comparison sum;
  const Symbols symbols("");
  for (const auto& entry : std::filesystem::recursive_directory_iterator(WQPROF_TEST_DATA "/lab")) {
    if (entry.path().filename() != "trace.dat") continue;
    SCOPED_TRACE(entry.path().string());
    auto file = InputFile::Open(entry.path().string());
    ASSERT_TRUE(file.ok());
    const auto dat = ParseTraceDat(*std::move(file));
    ASSERT_TRUE(dat.ok()) << dat.status().ToString();
    const auto page = ParseHeaderPage(dat->metadata.header_page);
    ASSERT_TRUE(page);
    for (const BufferRegions& buffer : dat->buffers) {
      const DecodeContext context = ContextOf(*page, buffer.page_size, false, symbols);
      for (const CpuRegion& region : buffer.cpus) {
        const std::vector<std::byte> pages = PagesOf(region);
        for (size_t at = 0; at + buffer.page_size <= pages.size(); at += buffer.page_size) {
          Compare(std::span(pages).subspan(at, buffer.page_size), context, sum);
        }
      }
    }
  }
  EXPECT_GT(sum.pages, 200u);
  EXPECT_GT(sum.records, 10000u);
  EXPECT_GT(sum.gaps, 5u) << "some recordings lost events";
}

TEST(OracleTest, PagesOfAnyByteOrderAndSizeAreWalkedAsLibtraceeventDoes) {
  Comparison sum;
  const Symbols symbols("");
  for (const bool big_endian : {false, true}) {
    for (const int long_size : {4, 8}) {
      for (const uint32_t page_size : {1024u, 4096u, 65536u}) {
        for (const bool odd : {false, true}) {
          const PageStyle style{big_endian, long_size, page_size, odd, odd};
          PageWriter writer(style);
          const std::string payload(24, '\0');
          SCOPED_TRACE(fmt::format("big endian {}, long {}, page {}, odd {}", big_endian, long_size,
                                   page_size, odd));
          uint64_t stamp = 1000;
          for (uint64_t n = 0; n < 4000; ++n) {
            if (n % 700 == 699) writer.Lose(n % 2 ? std::optional(n) : std::nullopt);
            stamp += n % 100 == 0 ? 700000000 : 13;  // now and then a time extend
            writer.Record(stamp, payload);
          }
          const std::string bytes = writer.Take();
          const PageLayout page{8, static_cast<uint32_t>(long_size),
                                8 + static_cast<uint32_t>(long_size)};
          const DecodeContext context = ContextOf(page, page_size, big_endian, symbols);
          for (size_t at = 0; at < bytes.size(); at += page_size) {
            Compare(std::as_bytes(std::span(bytes)).subspan(at, page_size), context, sum, odd);
          }
        }
      }
    }
  }
  EXPECT_EQ(sum.records, 24u * 4000u);
  EXPECT_EQ(sum.gaps, 24u * 5u);
}

}  // namespace
}  // namespace wqprof::testing
