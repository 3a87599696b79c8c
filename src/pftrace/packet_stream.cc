// SPDX-License-Identifier: Apache-2.0
#include "pftrace/packet_stream.h"

#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "pftrace/proto.h"

namespace wqprof {
namespace {

constexpr size_t kLeastRoom = 64 << 10, kFirstSize = 512 << 10;
constexpr size_t kMostPacket = 8 << 20;
// What grows more than a thousandfold is made to take long.
constexpr uint64_t kMostRatio = 1000;
constexpr uint64_t kUnsuspected = uint64_t{16} << 20;

// Keeps a packet from growing without end.
class Meter {
 public:
  explicit Meter(size_t packed) : packed_(packed) {}
  bool Count(size_t bytes) {
    unpacked_ += bytes;
    return unpacked_ <= kUnsuspected || unpacked_ / kMostRatio <= packed_;
  }

 private:
  uint64_t packed_, unpacked_ = 0;
};

class Inflater : public Unpacker {
 public:
  explicit Inflater(std::string_view packed) : meter_(packed.size()) {
    ready_ = inflateInit(&stream_) == Z_OK;
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
    stream_.avail_in = static_cast<uInt>(packed.size());
  }
  ~Inflater() override { inflateEnd(&stream_); }
  std::optional<size_t> Unpack(std::span<char> out) override {
    if (!ready_) return std::nullopt;
    if (ended_) return size_t{0};
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(out.size());
    const int result = inflate(&stream_, Z_NO_FLUSH);
    const size_t got = out.size() - stream_.avail_out;
    ended_ = result == Z_STREAM_END;
    const bool goes_on = result == Z_OK && got > 0;
    if ((!ended_ && !goes_on) || !meter_.Count(got)) return std::nullopt;
    return got;
  }

 private:
  Meter meter_;
  z_stream stream_{};
  bool ready_ = false, ended_ = false;
};

class ZstdUnpacker : public Unpacker {
 public:
  explicit ZstdUnpacker(std::string_view packed)
      : meter_(packed.size()), in_{packed.data(), packed.size(), 0}, context_(ZSTD_createDCtx()) {}
  std::optional<size_t> Unpack(std::span<char> span) override {
    if (!context_) return std::nullopt;
    ZSTD_outBuffer out = {span.data(), span.size(), 0};
    const size_t result = ZSTD_decompressStream(context_.get(), &out, &in_);
    if (ZSTD_isError(result) || !meter_.Count(out.pos)) return std::nullopt;
    const bool ended = frame_ended_ && in_.pos == in_.size;
    frame_ended_ = result == 0;
    if (out.pos == 0 && !ended && !frame_ended_) return std::nullopt;
    return out.pos;
  }

 private:
  struct Free {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  };
  Meter meter_;
  ZSTD_inBuffer in_;
  bool frame_ended_ = false;  // nothing more has to come
  std::unique_ptr<ZSTD_DCtx, Free> context_;
};

// The head of a field: its number and type, and where a packet's bytes begin.
struct Head {
  uint32_t tag = 0;
  uint64_t size = 0;  // of what follows the head
  size_t head = 0;
};
// kNeedsMore: it is cut.
PacketBuffer::Got ReadHead(std::string_view bytes, Head& out) {
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  try {
    const uint64_t tag = protozero::decode_varint(&at, end);
    switch (tag & 7) {
      case 0:
        protozero::skip_varint(&at, end);
        break;
      case 1:
        out.size = 8;
        break;
      case 2:
        out.size = protozero::decode_varint(&at, end);
        break;
      case 5:
        out.size = 4;
        break;
      default:
        return PacketBuffer::Got::kDamage;
    }
    if (tag > UINT32_MAX || tag < 8) return PacketBuffer::Got::kDamage;
    out.tag = static_cast<uint32_t>(tag);
  } catch (const protozero::end_of_buffer_exception&) {
    return PacketBuffer::Got::kNeedsMore;
  } catch (const protozero::exception&) {
    return PacketBuffer::Got::kDamage;
  }
  out.head = static_cast<size_t>(at - bytes.data());
  return PacketBuffer::Got::kPacket;
}

}  // namespace

PacketBuffer::Got PacketBuffer::Take(std::string_view& packet) {
  while (true) {
    const size_t skipped = std::min<uint64_t>(skip_, end_ - begin_);
    begin_ += skipped;
    skip_ -= skipped;
    if (empty()) return Got::kNeedsMore;
    Head head;
    const std::string_view rest(bytes_.data() + begin_, end_ - begin_);
    if (const Got got = ReadHead(rest, head); got != Got::kPacket) {
      return got == Got::kNeedsMore && rest.size() >= 20 ? Got::kDamage : got;
    }
    const bool is_packet = head.tag == AsBytes(1);
    if (!is_packet || head.size > kMostPacket) {
      too_large_ += is_packet ? 1 : 0;
      begin_ += head.head;
      skip_ = head.size;
      continue;
    }
    if (head.size > rest.size() - head.head) return Got::kNeedsMore;
    packet = rest.substr(head.head, head.size);
    begin_ += head.head + packet.size();
    return Got::kPacket;
  }
}

std::span<char> PacketBuffer::Room() {
  if (bytes_.empty()) bytes_.resize(kFirstSize);
  if (begin_ > 0) {
    std::memmove(bytes_.data(), bytes_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (bytes_.size() - end_ < kLeastRoom) bytes_.resize(2 * bytes_.size());
  return std::span(bytes_).subspan(end_);
}

void PacketBuffer::Add(size_t bytes) { end_ += bytes; }

PacketStream::PacketStream(std::unique_ptr<ByteStream> bytes) : bytes_(std::move(bytes)) {}
PacketStream::~PacketStream() = default;

bool PacketStream::BeginUnpacking(std::string_view packet) {
  constexpr uint32_t kDeflated = 50, kZstd = 133;
  ForEachField(packet, [&](protozero::pbf_reader& in) {
    switch (in.tag_and_type()) {
      case AsBytes(kDeflated):
        unpacker_ = std::make_unique<Inflater>(TakeBytes(in));
        compression_ = "zlib";
        return true;
      case AsBytes(kZstd):
        unpacker_ = std::make_unique<ZstdUnpacker>(TakeBytes(in));
        compression_ = "zstd";
        return true;
      default:
        return false;
    }
  });
  return unpacker_ != nullptr;
}

void PacketStream::EndUnpacking(bool whole) {
  unread_ += whole && !unpacked_.cut() ? 0 : 1;
  unpacker_.reset();
  unpacked_.Clear();
}

absl::StatusOr<bool> PacketStream::Next(std::string_view& packet) {
  while (true) {
    if (unpacker_) {
      const PacketBuffer::Got got = unpacked_.Take(packet);
      if (got == PacketBuffer::Got::kPacket) return true;
      const auto more =
          got == PacketBuffer::Got::kNeedsMore ? unpacker_->Unpack(unpacked_.Room()) : std::nullopt;
      if (more && *more > 0) {
        unpacked_.Add(*more);
      } else {
        EndUnpacking(more.has_value());
      }
      continue;
    }
    switch (stored_.Take(packet)) {
      case PacketBuffer::Got::kPacket:
        if (BeginUnpacking(packet)) break;
        return true;
      case PacketBuffer::Got::kNeedsMore: {
        const absl::StatusOr<size_t> got = bytes_->Read(stored_.Room());
        if (!got.ok()) return got.status();
        stored_.Add(*got);
        if (*got > 0) break;
        damaged_ = stored_.cut();
        return false;
      }
      case PacketBuffer::Got::kDamage:
        damaged_ = true;
        return false;
    }
  }
}

}  // namespace wqprof
