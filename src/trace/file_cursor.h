// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TRACE_FILE_CURSOR_H_
#define WQPROF_TRACE_FILE_CURSOR_H_

#include <cstdint>
#include <string>

#include "wqprof/byte_cursor.h"
#include "wqprof/input_file.h"

namespace wqprof {

// Reads numbers and texts from a file front to back.  Like ByteCursor: a read beyond the end
// yields nothing, and ok() is false from then on.
class FileCursor {
 public:
  // No text of a trace is longer: a length beyond it is damage, not data.
  static constexpr uint64_t kMaxText = uint64_t{256} << 20;

  FileCursor(const InputFile& file, uint64_t position, bool big_endian)
      : file_(file), position_(position), big_endian_(big_endian) {}

  uint16_t U16() { return Number<uint16_t>(); }
  uint32_t U32() { return Number<uint32_t>(); }
  uint64_t U64() { return Number<uint64_t>(); }

  std::string Bytes(uint64_t n) {
    if (!ok_ || n > kMaxText || position_ > file_.size() || n > file_.size() - position_) {
      ok_ = false;
      return {};
    }
    auto text = file_.ReadString(position_, n);
    if (!text.ok() || text->size() != n) {
      ok_ = false;
      return {};
    }
    position_ += n;
    return *std::move(text);
  }

  // Up to the next NUL, which is consumed; at most 4 KiB.
  std::string CString() {
    auto text = ok_ ? file_.ReadString(position_, 4096) : std::string();
    const size_t nul = text.ok() ? text->find('\0') : std::string::npos;
    if (nul == std::string::npos) {
      ok_ = false;
      return {};
    }
    position_ += nul + 1;
    return text->substr(0, nul);
  }

  bool ok() const { return ok_; }
  uint64_t position() const { return position_; }
  void Seek(uint64_t position) { position_ = position; }

 private:
  template <std::unsigned_integral T>
  T Number() {
    const std::string bytes = Bytes(sizeof(T));
    if (bytes.size() != sizeof(T)) return 0;
    return big_endian_ ? LoadAs<true, T>(bytes.data()) : LoadAs<false, T>(bytes.data());
  }

  const InputFile& file_;
  uint64_t position_;
  bool big_endian_;
  bool ok_ = true;
};

}  // namespace wqprof

#endif  // WQPROF_TRACE_FILE_CURSOR_H_
