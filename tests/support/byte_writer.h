// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TESTS_SUPPORT_BYTE_WRITER_H_
#define WQPROF_TESTS_SUPPORT_BYTE_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace wqprof::testing {

// Appends numbers in the byte order of a file that some machine wrote.
class ByteWriter {
 public:
  explicit ByteWriter(bool big_endian) : big_endian_(big_endian) {}

  ByteWriter& Number(uint64_t value, size_t size) {
    for (size_t i = 0; i < size; ++i) {
      const size_t shift = 8 * (big_endian_ ? size - 1 - i : i);
      bytes_.push_back(static_cast<char>(value >> shift & 0xff));
    }
    return *this;
  }
  ByteWriter& U8(uint64_t value) { return Number(value, 1); }
  ByteWriter& U16(uint64_t value) { return Number(value, 2); }
  ByteWriter& U32(uint64_t value) { return Number(value, 4); }
  ByteWriter& U64(uint64_t value) { return Number(value, 8); }
  ByteWriter& Bytes(std::string_view bytes) {
    bytes_.append(bytes);
    return *this;
  }
  ByteWriter& CString(std::string_view text) {
    bytes_.append(text).push_back('\0');
    return *this;
  }
  // A text in an array of `size` bytes, cut or filled up with NULs.
  ByteWriter& Array(std::string_view text, size_t size) {
    std::string padded(text.substr(0, size));
    padded.resize(size, '\0');
    return Bytes(padded);
  }
  ByteWriter& PadTo(size_t alignment) {
    bytes_.resize((bytes_.size() + alignment - 1) / alignment * alignment, '\0');
    return *this;
  }
  // Overwrites a number written before.
  void Patch(size_t at, uint64_t value, size_t size) {
    bytes_.replace(at, size, ByteWriter(big_endian_).Number(value, size).bytes_);
  }

  size_t size() const { return bytes_.size(); }
  const std::string& bytes() const { return bytes_; }
  std::string Take() { return std::move(bytes_); }

 private:
  bool big_endian_;
  std::string bytes_;
};

}  // namespace wqprof::testing

#endif  // WQPROF_TESTS_SUPPORT_BYTE_WRITER_H_
