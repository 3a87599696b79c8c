// SPDX-License-Identifier: Apache-2.0
#include "trace/zstd_frame.h"

#include <zstd.h>

namespace wqprof {

void ZstdDecompressor::Free::operator()(ZSTD_DCtx_s* context) const { ZSTD_freeDCtx(context); }
ZstdDecompressor::ZstdDecompressor() : context_(ZSTD_createDCtx()) {}
ZstdDecompressor::~ZstdDecompressor() = default;

bool ZstdDecompressor::Decompress(std::span<const std::byte> frame, std::span<std::byte> out) {
  if (!context_) return false;
  const size_t n =
      ZSTD_decompressDCtx(context_.get(), out.data(), out.size(), frame.data(), frame.size());
  return !ZSTD_isError(n) && n == out.size();
}

}  // namespace wqprof
