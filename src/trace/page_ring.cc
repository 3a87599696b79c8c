// SPDX-License-Identifier: Apache-2.0
#include "wqprof/page_ring.h"

#include <zstd.h>

#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <deque>
#include <optional>
#include <utility>

#include "trace/event_format.h"
#include "trace/zstd_frame.h"

namespace wqprof {
namespace {

// Enough for a good ratio, and little to hold back.
constexpr size_t kMostOfChunk = 256 << 10;
// Compression runs beside the reading of the buffers: speed comes first.
constexpr int kLevel = -3;
// A chunk holds at most this share of the time that is kept, so that time has that grain.
constexpr int kChunksOfTime = 32;
constexpr Nanos kShortestChunk = std::chrono::milliseconds(200);

// include/linux/ring_buffer.h: the low word of the commit field.
constexpr uint32_t kMissedStored = uint32_t{1} << 30;
constexpr uint32_t kSizeMask = kMissedStored - 1;

// What stands before each page of a chunk.
struct PackedPage {
  int32_t cpu = 0;
  uint32_t used = 0;  // bytes of the page that follow; the rest of it was not in use
};

struct FreeContext {
  void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
};

// The commit word of a page of this machine.
size_t CommitWordAt(const PageLayout& layout) {
  constexpr bool kBig = std::endian::native == std::endian::big;
  return layout.commit_offset + (kBig && layout.commit_size == 8 ? 4 : 0);
}

// Bytes of `page` that hold something; all of it where it says what cannot be.
size_t UsedOf(std::span<const std::byte> page, const PageLayout& layout) {
  uint32_t commit = 0;
  std::memcpy(&commit, page.data() + CommitWordAt(layout), sizeof commit);
  size_t used = size_t{layout.data_offset} + (commit & kSizeMask);
  // The number of events that were missed stands behind the data.
  if ((commit & kMissedStored) != 0) used += layout.commit_size;
  return std::min(used, page.size());
}

}  // namespace

PageChunk::~PageChunk() {
  if (held_ != nullptr) *held_ -= data_.size();
}

absl::Status PageChunk::Visit(const Visitor& visit) const {
  std::vector<std::byte> unpacked(unpacked_);
  std::span<const std::byte> rest = data_;
  if (unpacked_ != 0) {
    ZstdDecompressor zstd;
    if (!zstd.Decompress(data_, unpacked)) return absl::InternalError("pages cannot be unpacked");
    rest = unpacked;
  }
  std::vector<std::byte> page(page_size_);
  while (!rest.empty()) {
    PackedPage head;
    std::memcpy(&head, rest.data(), sizeof head);
    const auto used = rest.subspan(sizeof head, head.used);
    rest = rest.subspan(sizeof head + head.used);
    std::copy(used.begin(), used.end(), page.begin());
    std::fill(page.begin() + static_cast<ptrdiff_t>(used.size()), page.end(), std::byte{0});
    if (absl::Status status = visit(static_cast<Cpu>(head.cpu), page); !status.ok()) return status;
  }
  return absl::OkStatus();
}

struct PageRing::State {
  RingLimits limits;
  PageLayout layout;
  uint32_t page_size = 0;
  size_t chunk_bytes = 0;
  Nanos chunk_time{0};
  std::unique_ptr<ZSTD_CCtx, FreeContext> zstd{ZSTD_createCCtx()};
  std::vector<std::byte> filling, frame;
  Nanos filling_from{0}, filling_to{0};
  uint64_t next = 0;
  std::deque<std::shared_ptr<const PageChunk>> chunks;
  PageChunk::Counter held = std::make_shared<std::atomic<uint64_t>>(0);

  void Seal() {
    if (filling.empty()) return;
    std::shared_ptr<PageChunk> chunk(new PageChunk());
    chunk->number_ = next++;
    chunk->from_ = filling_from;
    chunk->to_ = filling_to;
    chunk->page_size_ = page_size;
    chunk->commit_at_ = CommitWordAt(layout);
    std::span<const std::byte> data = filling;
    if (zstd != nullptr) {
      frame.resize(ZSTD_compressBound(filling.size()));
      const size_t size = ZSTD_compressCCtx(zstd.get(), frame.data(), frame.size(), filling.data(),
                                            filling.size(), kLevel);
      if (ZSTD_isError(size) == 0 && size < filling.size()) {
        chunk->unpacked_ = filling.size();
        data = std::span(frame).first(size);
      }
    }
    chunk->data_.assign(data.begin(), data.end());
    chunk->held_ = held;
    *held += data.size();
    filling.clear();
    chunks.push_back(std::move(chunk));
    // What is being filled and what it is packed into count as well.
    const uint64_t own = 2 * chunk_bytes;
    while (!chunks.empty() && *held + own > limits.bytes) chunks.pop_front();
  }
};

absl::StatusOr<std::unique_ptr<PageRing>> PageRing::Create(const TraceMetadata& metadata,
                                                           const RingLimits& limits) {
  assert(limits.bytes >= kLeastBytes);
  const std::optional<PageLayout> layout = ParseHeaderPage(metadata.header_page);
  if (!layout || metadata.page_size <= layout->data_offset) {
    return absl::DataLossError("the kernel does not say what its pages look like");
  }
  auto state = std::make_unique<State>();
  state->limits = limits;
  state->layout = *layout;
  state->page_size = metadata.page_size;
  state->chunk_bytes = std::max<size_t>(std::min<size_t>(kMostOfChunk, limits.bytes / 16),
                                        size_t{metadata.page_size} + sizeof(PackedPage));
  state->chunk_time = std::max(kShortestChunk, limits.time / kChunksOfTime);
  state->filling.reserve(state->chunk_bytes);
  state->frame.reserve(ZSTD_compressBound(state->chunk_bytes));
  return std::unique_ptr<PageRing>(new PageRing(std::move(state)));
}

PageRing::PageRing(std::unique_ptr<State> state) : state_(std::move(state)) {}
PageRing::~PageRing() = default;

void PageRing::Add(Cpu cpu, std::span<const std::byte> pages, Nanos now) {
  State& state = *state_;
  for (; pages.size() >= state.page_size; pages = pages.subspan(state.page_size)) {
    const size_t used = UsedOf(pages.first(state.page_size), state.layout);
    std::vector<std::byte>& filling = state.filling;
    if (filling.size() + sizeof(PackedPage) + used > state.chunk_bytes) state.Seal();
    if (filling.empty()) state.filling_from = now;
    state.filling_to = now;
    const PackedPage head{ToInt(cpu), static_cast<uint32_t>(used)};
    const auto bytes = std::as_bytes(std::span(&head, 1));
    filling.insert(filling.end(), bytes.begin(), bytes.end());
    filling.insert(filling.end(), pages.begin(), pages.begin() + static_cast<ptrdiff_t>(used));
  }
}

void PageRing::Expire(Nanos now) {
  State& state = *state_;
  if (!state.filling.empty() && now - state.filling_from >= state.chunk_time) state.Seal();
  while (!state.chunks.empty() && now - state.chunks.front()->to() > state.limits.time) {
    state.chunks.pop_front();
  }
}

void PageRing::Seal() { state_->Seal(); }

std::vector<std::shared_ptr<const PageChunk>> PageRing::From(uint64_t number) const {
  const auto& chunks = state_->chunks;
  const auto first =
      std::lower_bound(chunks.begin(), chunks.end(), number,
                       [](const auto& chunk, uint64_t n) { return chunk->number() < n; });
  return {first, chunks.end()};
}

uint64_t PageRing::next() const { return state_->next; }

Nanos PageRing::Span(Nanos now) const {
  if (!state_->chunks.empty()) return now - state_->chunks.front()->from();
  return state_->filling.empty() ? Nanos(0) : now - state_->filling_from;
}

uint64_t PageRing::bytes() const { return *state_->held + state_->filling.size(); }

absl::Status ChunkReplay::Append(const PageChunk& chunk) {
  return chunk.Visit([&](Cpu cpu, std::span<std::byte> page) {
    if (begun_.insert(cpu).second) {
      uint32_t commit = 0;
      std::memcpy(&commit, page.data() + chunk.commit_at_, sizeof commit);
      commit &= kSizeMask;
      std::memcpy(page.data() + chunk.commit_at_, &commit, sizeof commit);
    }
    return writer_.Append(cpu, page);
  });
}

}  // namespace wqprof
