// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_MODEL_GROWING_TABLE_H_
#define WQPROF_MODEL_GROWING_TABLE_H_

#include <array>
#include <bit>
#include <cassert>
#include <cstddef>
#include <memory>
#include <utility>

namespace wqprof {

// A list that only grows, and whose elements never move: a thread that was given an index by the
// one that adds may read that element while further ones are added.
template <typename T>
class GrowingTable {
 public:
  void Add(T value) {
    const size_t chunk = ChunkOf(size_);
    assert(chunk < kChunks);
    if (!chunks_[chunk]) chunks_[chunk] = std::make_unique<T[]>(SizeOf(chunk));
    chunks_[chunk][size_ - BeginOf(chunk)] = std::move(value);
    ++size_;
  }
  const T& operator[](size_t i) const {
    const size_t chunk = ChunkOf(i);
    return chunks_[chunk][i - BeginOf(chunk)];
  }
  size_t size() const { return size_; }

 private:
  // Each chunk is as large as all before it together, but for the first.
  static constexpr size_t kFirst = 64, kChunks = 26;
  static size_t ChunkOf(size_t i) { return static_cast<size_t>(std::bit_width(i / kFirst)); }
  static size_t BeginOf(size_t chunk) { return chunk == 0 ? 0 : kFirst << (chunk - 1); }
  static size_t SizeOf(size_t chunk) { return chunk == 0 ? kFirst : kFirst << (chunk - 1); }

  std::array<std::unique_ptr<T[]>, kChunks> chunks_;
  size_t size_ = 0;
};

}  // namespace wqprof

#endif  // WQPROF_MODEL_GROWING_TABLE_H_
