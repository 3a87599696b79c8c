// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_PERF_RECORD_STREAM_H_
#define WQPROF_PERF_RECORD_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "wqprof/byte_stream.h"

struct ZSTD_DCtx_s;

namespace wqprof {

// One record of a perf.data, without its header.
struct PerfRecord {
  uint32_t type = 0;
  uint16_t misc = 0;
  std::string_view body;
};

// Bytes from which records are taken; what is cut at their end is whole when more were added.
class RecordBuffer {
 public:
  enum class Got : uint8_t { kRecord, kNeedsMore, kDamage };
  Got Take(PerfRecord& record);
  // The bytes before the next record, at most `most` of them.
  std::string_view TakeBytes(size_t most);
  // Where more bytes go.  What was taken is not valid any more.
  std::span<char> Room();
  void Add(size_t bytes) { end_ += bytes; }
  bool empty() const { return begin_ == end_; }

 private:
  static constexpr size_t kSize = 512 << 10;  // several times the longest record
  std::vector<char> bytes_;
  size_t begin_ = 0, end_ = 0;
};

// The records of a perf.data one after the other, those that are compressed among them.
class RecordStream {
 public:
  explicit RecordStream(std::unique_ptr<ByteStream> bytes);
  ~RecordStream();

  // The next record, valid until the next call of any kind; false: there are no more.
  absl::StatusOr<bool> Next(PerfRecord& record);
  // What follows a record without being one; short where the input ends.
  absl::StatusOr<std::string> Payload(uint64_t size);
  absl::Status Skip(uint64_t size);

  // It ended inside a record, or what came next was none.
  bool damaged() const { return damaged_; }
  bool compressed() const { return context_ != nullptr; }

 private:
  struct Free {
    void operator()(ZSTD_DCtx_s* context) const;
  };
  // Brings more bytes; false at the end of the input.
  absl::StatusOr<bool> Fill();
  void BeginUnpacking(const PerfRecord& record);
  // Unpacks as much as there is room for.
  void Unpack();

  std::unique_ptr<ByteStream> bytes_;
  RecordBuffer stored_, unpacked_;
  std::unique_ptr<ZSTD_DCtx_s, Free> context_;  // one stream goes through all compressed records
  std::string_view packed_;                     // what is left of the one at hand
  bool more_inside_ = false;                    // the context holds bytes that had no room
  uint64_t packed_bytes_ = 0, unpacked_bytes_ = 0;
  bool damaged_ = false;
};

}  // namespace wqprof

#endif  // WQPROF_PERF_RECORD_STREAM_H_
