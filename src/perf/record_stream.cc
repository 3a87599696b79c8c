// SPDX-License-Identifier: Apache-2.0
#include "perf/record_stream.h"

#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "perf/record_types.h"
#include "wqprof/byte_cursor.h"

namespace wqprof {
namespace {

constexpr size_t kHeader = 8;
// Events shrink to a tenth; what grows more than a thousandfold is made to take long.
constexpr uint64_t kMostRatio = 1000;
constexpr uint64_t kUnsuspected = uint64_t{64} << 20;

}  // namespace

RecordBuffer::Got RecordBuffer::Take(PerfRecord& record) {
  const size_t left = end_ - begin_;
  if (left < kHeader) return Got::kNeedsMore;
  const char* const at = bytes_.data() + begin_;
  const size_t size = LoadAs<false, uint16_t>(at + 6);
  if (size < kHeader) return Got::kDamage;
  if (size > left) return Got::kNeedsMore;
  record = {LoadAs<false, uint32_t>(at), LoadAs<false, uint16_t>(at + 4),
            std::string_view(at + kHeader, size - kHeader)};
  begin_ += size;
  return Got::kRecord;
}

std::string_view RecordBuffer::TakeBytes(size_t most) {
  const std::string_view out(bytes_.data() + begin_, std::min(most, end_ - begin_));
  begin_ += out.size();
  return out;
}

std::span<char> RecordBuffer::Room() {
  if (bytes_.empty()) bytes_.resize(kSize);
  if (begin_ > 0) {
    std::memmove(bytes_.data(), bytes_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  return std::span(bytes_).subspan(end_);
}

void RecordStream::Free::operator()(ZSTD_DCtx_s* context) const { ZSTD_freeDCtx(context); }
RecordStream::RecordStream(std::unique_ptr<ByteStream> bytes) : bytes_(std::move(bytes)) {}
RecordStream::~RecordStream() = default;

absl::StatusOr<bool> RecordStream::Fill() {
  const absl::StatusOr<size_t> got = bytes_->Read(stored_.Room());
  if (!got.ok()) return got.status();
  stored_.Add(*got);
  return *got > 0;
}

absl::StatusOr<bool> RecordStream::Next(PerfRecord& record) {
  while (!damaged_) {
    switch (unpacked_.Take(record)) {
      case RecordBuffer::Got::kRecord:
        return true;
      case RecordBuffer::Got::kDamage:
        damaged_ = true;
        continue;
      case RecordBuffer::Got::kNeedsMore:
        break;
    }
    if (!packed_.empty() || more_inside_) {
      Unpack();
      continue;
    }
    const RecordBuffer::Got got = stored_.Take(record);
    if (got == RecordBuffer::Got::kDamage) {
      damaged_ = true;
    } else if (got == RecordBuffer::Got::kNeedsMore) {
      const absl::StatusOr<bool> more = Fill();
      if (!more.ok()) return more.status();
      if (*more) continue;
      damaged_ = !stored_.empty() || !unpacked_.empty();
      return false;
    } else if (record.type == kCompressed || record.type == kCompressed2) {
      BeginUnpacking(record);
    } else {
      return true;
    }
  }
  return false;
}

void RecordStream::BeginUnpacking(const PerfRecord& record) {
  packed_ = record.body;
  if (record.type == kCompressed2) {
    ByteCursor in(record.body, false);
    const uint64_t size = in.U64();
    packed_ = in.Bytes(std::min<uint64_t>(size, in.rest().size()));
  }
  packed_bytes_ += packed_.size();
  if (!context_) context_.reset(ZSTD_createDCtx());
  damaged_ = !context_;
}

void RecordStream::Unpack() {
  const std::span<char> room = unpacked_.Room();
  ZSTD_inBuffer in = {packed_.data(), packed_.size(), 0};
  ZSTD_outBuffer out = {room.data(), room.size(), 0};
  const size_t result = ZSTD_decompressStream(context_.get(), &out, &in);
  packed_.remove_prefix(in.pos);
  unpacked_.Add(out.pos);
  unpacked_bytes_ += out.pos;
  more_inside_ = out.pos == out.size;
  const bool bomb = unpacked_bytes_ > kUnsuspected && unpacked_bytes_ / kMostRatio > packed_bytes_;
  // Neither side moves: it would wait for ever.
  const bool stuck = in.pos == 0 && out.pos == 0 && !packed_.empty();
  damaged_ = ZSTD_isError(result) || bomb || stuck;
}

absl::StatusOr<std::string> RecordStream::Payload(uint64_t size) {
  std::string out;
  while (out.size() < size) {
    const std::string_view part = stored_.TakeBytes(size - out.size());
    out += part;
    if (!part.empty()) continue;
    const absl::StatusOr<bool> more = Fill();
    if (!more.ok()) return more.status();
    if (!*more) break;
  }
  return out;
}

absl::Status RecordStream::Skip(uint64_t size) {
  while (size > 0) {
    const std::string_view part = stored_.TakeBytes(size);
    size -= part.size();
    if (!part.empty()) continue;
    const absl::StatusOr<bool> more = Fill();
    if (!more.ok()) return more.status();
    if (!*more) break;
  }
  return absl::OkStatus();
}

}  // namespace wqprof
