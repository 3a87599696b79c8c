// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_PFTRACE_PACKET_STREAM_H_
#define WQPROF_PFTRACE_PACKET_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "wqprof/byte_stream.h"

namespace wqprof {

// Bytes of a trace, from which packets are taken; one that is cut at their end is whole when more
// were added.
class PacketBuffer {
 public:
  enum class Got : uint8_t { kPacket, kNeedsMore, kDamage };
  Got Take(std::string_view& packet);
  // Where more bytes go, at least one.  What was taken is not valid any more.
  std::span<char> Room();
  void Add(size_t bytes);
  bool empty() const { return begin_ == end_; }
  // Whether the bytes end inside a packet.
  bool cut() const { return !empty() || skip_ > 0; }
  void Clear() { begin_ = end_ = skip_ = 0; }
  // Packets that were passed over, as no packet of use is so large.
  uint64_t too_large() const { return too_large_; }

 private:
  std::vector<char> bytes_;
  size_t begin_ = 0, end_ = 0;
  uint64_t skip_ = 0;  // of a packet that is too large
  uint64_t too_large_ = 0;
};

// Unpacks what one packet holds, a piece at a time.
class Unpacker {
 public:
  virtual ~Unpacker() = default;
  // Fills a prefix of `out`; absent: the data are damaged.  0: all was given.
  virtual std::optional<size_t> Unpack(std::span<char> out) = 0;
};

// The packets of a trace one after the other, those within compressed packets among them.
class PacketStream {
 public:
  explicit PacketStream(std::unique_ptr<ByteStream> bytes);
  ~PacketStream();

  // The next packet, valid until the next call; false: there are no more.
  absl::StatusOr<bool> Next(std::string_view& packet);

  // It ended inside a packet, or what came next was none.
  bool damaged() const { return damaged_; }
  // Packets, plain or compressed, that could not be read.
  uint64_t unread() const { return unread_ + stored_.too_large() + unpacked_.too_large(); }
  // "none", or how some packets are compressed.
  std::string_view compression() const { return compression_; }

 private:
  bool BeginUnpacking(std::string_view packet);
  // Gives up the compressed packet at hand.
  void EndUnpacking(bool whole);

  std::unique_ptr<ByteStream> bytes_;
  PacketBuffer stored_, unpacked_;
  std::unique_ptr<Unpacker> unpacker_;
  bool damaged_ = false;
  std::string_view compression_ = "none";
  uint64_t unread_ = 0;
};

}  // namespace wqprof

#endif  // WQPROF_PFTRACE_PACKET_STREAM_H_
