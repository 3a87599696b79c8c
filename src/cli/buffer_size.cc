// SPDX-License-Identifier: Apache-2.0
#include "cli/buffer_size.h"

#include <algorithm>

#include "fmt/format.h"
#include "wqprof/arguments.h"

namespace wqprof {

absl::StatusOr<uint64_t> ParseBufferSize(std::string_view text) {
  const absl::StatusOr<uint64_t> bytes = ParseSize(text);
  if (!bytes.ok()) return bytes;
  if (text.back() >= '0' && text.back() <= '9') {
    return absl::InvalidArgumentError(
        fmt::format("'{}' has no unit: write {}M, or {}k", text, text, text));
  }
  constexpr uint64_t kLeast = 4 << 10;
  if (*bytes < kLeast) {
    return absl::InvalidArgumentError(
        fmt::format("'{}' is too small a buffer: it holds 4k at least", text));
  }
  return bytes;
}

std::string LargerBuffer(const std::optional<uint64_t>& buffer_bytes) {
  constexpr uint64_t kMebibyte = uint64_t{1} << 20, kDefault = 16;
  const uint64_t mebibytes = buffer_bytes ? *buffer_bytes / kMebibyte : kDefault;
  return fmt::format("-b {}M", std::max<uint64_t>(mebibytes * 4, 1));
}

}  // namespace wqprof
