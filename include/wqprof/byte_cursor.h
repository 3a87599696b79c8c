// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_BYTE_CURSOR_H_
#define WQPROF_BYTE_CURSOR_H_

#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace wqprof {

// An unaligned number in the byte order of the file.
template <bool kBigEndian, std::unsigned_integral T>
inline T LoadAs(const void* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  if constexpr (kBigEndian != (std::endian::native == std::endian::big)) {
    if constexpr (sizeof(T) == 2) value = __builtin_bswap16(value);
    if constexpr (sizeof(T) == 4) value = __builtin_bswap32(value);
    if constexpr (sizeof(T) == 8) value = __builtin_bswap64(value);
  }
  return value;
}

// Reads numbers and strings off the front of untrusted bytes.  A read past the end yields
// zero or nothing, and ok() is false from then on: callers check once, after a group of reads.
class ByteCursor {
 public:
  ByteCursor(std::string_view bytes, bool big_endian) : rest_(bytes), big_endian_(big_endian) {}

  template <std::unsigned_integral T>
  T Number() {
    if (rest_.size() < sizeof(T)) {
      Fail();
      return 0;
    }
    const T value = big_endian_ ? LoadAs<true, T>(rest_.data()) : LoadAs<false, T>(rest_.data());
    rest_.remove_prefix(sizeof(T));
    return value;
  }
  uint16_t U16() { return Number<uint16_t>(); }
  uint32_t U32() { return Number<uint32_t>(); }
  uint64_t U64() { return Number<uint64_t>(); }

  std::string_view Bytes(uint64_t n) {
    if (n > rest_.size()) {
      Fail();
      return {};
    }
    const std::string_view out = rest_.substr(0, n);
    rest_.remove_prefix(n);
    return out;
  }

  // Up to the next NUL, which is consumed.
  std::string_view CString() {
    const size_t nul = rest_.find('\0');
    if (nul == std::string_view::npos) {
      Fail();
      return {};
    }
    const std::string_view out = rest_.substr(0, nul);
    rest_.remove_prefix(nul + 1);
    return out;
  }

  bool ok() const { return ok_; }
  bool empty() const { return rest_.empty(); }
  std::string_view rest() const { return rest_; }

 private:
  void Fail() {
    ok_ = false;
    rest_ = {};
  }

  std::string_view rest_;
  bool big_endian_;
  bool ok_ = true;
};

}  // namespace wqprof

#endif  // WQPROF_BYTE_CURSOR_H_
