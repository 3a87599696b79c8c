// SPDX-License-Identifier: Apache-2.0
// Cells of pictures as bytes, and bytes as text.
#ifndef WQPROF_PAGE_CELLS_H_
#define WQPROF_PAGE_CELLS_H_

#include <cstdint>
#include <span>
#include <string>

namespace wqprof {

// RFC 4648, with fillers.
std::string Base64(std::span<const uint8_t> bytes);

// 0 of nothing, else 1 + 8 log2(count), at most 255.
uint8_t CountByte(uint64_t count);
// A part of a whole: 0 of nothing, else 1 to 255.
uint8_t ShareByte(double part, double whole);

}  // namespace wqprof

#endif  // WQPROF_PAGE_CELLS_H_
