// SPDX-License-Identifier: Apache-2.0
#include "page/cells.h"

#include <algorithm>
#include <cmath>

namespace wqprof {

std::string Base64(std::span<const uint8_t> bytes) {
  constexpr char kLetters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t n = std::min<size_t>(3, bytes.size() - i);
    uint32_t bits = 0;
    for (size_t k = 0; k < 3; ++k) bits = bits << 8 | (k < n ? bytes[i + k] : 0u);
    for (size_t k = 0; k < 4; ++k) {
      out += k <= n ? kLetters[bits >> (18 - 6 * k) & 63] : '=';
    }
  }
  return out;
}

uint8_t CountByte(uint64_t count) {
  if (count == 0) return 0;
  const double steps = std::round(8 * std::log2(static_cast<double>(count)));
  return static_cast<uint8_t>(1 + std::min(254.0, steps));
}

uint8_t ShareByte(double part, double whole) {
  if (!(part > 0) || !(whole > 0)) return 0;
  return static_cast<uint8_t>(std::clamp(std::ceil(part / whole * 255), 1.0, 255.0));
}

}  // namespace wqprof
