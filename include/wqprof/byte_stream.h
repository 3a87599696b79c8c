// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_BYTE_STREAM_H_
#define WQPROF_BYTE_STREAM_H_

#include <cstddef>
#include <span>

#include "absl/status/statusor.h"

namespace wqprof {

// Bytes that come one after the other, whatever they were wrapped in.
class ByteStream {
 public:
  virtual ~ByteStream() = default;
  // Fills a prefix of `out`, which is not empty; returns its length, 0 at the end.  May wait for
  // more.  kDataLoss: the input is damaged from here on, or cannot be read.
  virtual absl::StatusOr<size_t> Read(std::span<char> out) = 0;
};

}  // namespace wqprof

#endif  // WQPROF_BYTE_STREAM_H_
