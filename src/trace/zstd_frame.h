// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TRACE_ZSTD_FRAME_H_
#define WQPROF_TRACE_ZSTD_FRAME_H_

#include <cstddef>
#include <memory>
#include <span>

struct ZSTD_DCtx_s;

namespace wqprof {

// Decompresses zstd frames one after the other with one context.
class ZstdDecompressor {
 public:
  ZstdDecompressor();
  ~ZstdDecompressor();
  // True when `frame` decompresses to exactly out.size() bytes.
  bool Decompress(std::span<const std::byte> frame, std::span<std::byte> out);

 private:
  struct Free {
    void operator()(ZSTD_DCtx_s* context) const;
  };
  std::unique_ptr<ZSTD_DCtx_s, Free> context_;
};

}  // namespace wqprof

#endif  // WQPROF_TRACE_ZSTD_FRAME_H_
