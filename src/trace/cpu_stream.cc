// SPDX-License-Identifier: Apache-2.0
#include "trace/cpu_stream.h"

#include <algorithm>
#include <span>

#include "wqprof/byte_cursor.h"

namespace wqprof {
namespace {

// trace-cmd packs 10 pages into a chunk; far more is damage.
constexpr uint32_t kMaxChunk = 16 << 20;

}  // namespace

CpuStream::CpuStream(const CpuRegion& region, const DecodeContext& context, size_t batch_bytes,
                     bool ends_early)
    : region_(region),
      context_(context),
      cpu_(region.cpu),
      batch_bytes_(std::max<size_t>(batch_bytes / context.page_size, 1) * context.page_size),
      ends_early_(ends_early) {}

absl::StatusOr<bool> CpuStream::ReadRaw(std::vector<std::byte>& pages) {
  pages.resize(std::min<uint64_t>(batch_bytes_, region_.size));
  auto got = region_.file->ReadAt(region_.offset, pages);
  if (!got.ok()) return got.status();
  const size_t whole = *got / context_.page_size * context_.page_size;
  // A region that ends inside a page, or a file that shrank meanwhile.
  damaged_end_ |= whole < pages.size();
  pages.resize(whole);
  region_.offset += whole;
  region_.size = damaged_end_ ? 0 : region_.size - whole;
  return whole > 0;
}

absl::StatusOr<bool> CpuStream::ReadChunk(DecodeScratch& scratch) {
  std::byte head[8];
  if (region_.chunks && (*region_.chunks)-- == 0) return false;
  if (region_.size < sizeof head) {
    damaged_end_ = region_.size > 0 || region_.chunks;
    return false;
  }
  auto got = region_.file->ReadAt(region_.offset, head);
  if (!got.ok()) return got.status();
  const bool big = context_.big_endian;
  const uint32_t packed = big ? LoadAs<true, uint32_t>(head) : LoadAs<false, uint32_t>(head);
  const uint32_t unpacked =
      big ? LoadAs<true, uint32_t>(head + 4) : LoadAs<false, uint32_t>(head + 4);
  region_.offset += sizeof head;
  region_.size -= sizeof head;
  // Without a valid chunk there is no way to find the next one.
  damaged_end_ = *got < sizeof head || packed > region_.size || packed > kMaxChunk ||
                 unpacked > kMaxChunk || unpacked % context_.page_size != 0 || unpacked == 0;
  if (damaged_end_) return false;
  scratch.packed.resize(packed);
  scratch.pages.resize(unpacked);
  got = region_.file->ReadAt(region_.offset, scratch.packed);
  if (!got.ok()) return got.status();
  damaged_end_ = *got < packed || !scratch.zstd.Decompress(scratch.packed, scratch.pages);
  region_.offset += packed;
  region_.size -= packed;
  return !damaged_end_;
}

absl::StatusOr<bool> CpuStream::ReadPages(DecodeScratch& scratch) {
  if (region_.size == 0 && !region_.chunks) return false;
  return region_.compressed ? ReadChunk(scratch) : ReadRaw(scratch.pages);
}

const PageStats& CpuStream::stats() const {
  static const PageStats kNoPages;
  return decoder_ != nullptr ? decoder_->stats() : kNoPages;
}

void CpuStream::EndEarly(EventBatch& out) {
  if (decoder_ != nullptr) return decoder_->EndEarly(out);
  PageDecoder(context_, cpu_).EndEarly(out);
}

absl::Status CpuStream::Fill(EventBatch& out, DecodeScratch& scratch, bool for_another_core) {
  EventBatch& decoded = for_another_core ? scratch.events : out;
  decoded.clear();
  // Pages without an event that the analysis uses make no batch.
  while (decoded.empty() && !done_) {
    auto more = ReadPages(scratch);
    if (!more.ok()) return more.status();
    if (!*more) {
      done_ = true;
      if (ends_early_ || damaged_end_) EndEarly(decoded);
      break;
    }
    if (decoder_ == nullptr) decoder_ = std::make_unique<PageDecoder>(context_, cpu_);
    const std::span<const std::byte> pages(scratch.pages);
    for (size_t at = 0; at < pages.size(); at += context_.page_size) {
      decoder_->Decode(pages.subspan(at, context_.page_size), scratch.records, decoded);
    }
  }
  if (for_another_core) {
    out.resize(decoded.size());
    StreamCopy(out.data(), decoded.data(), decoded.size());
  }
  return absl::OkStatus();
}

}  // namespace wqprof
