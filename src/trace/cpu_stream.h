// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TRACE_CPU_STREAM_H_
#define WQPROF_TRACE_CPU_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "trace/page_decoder.h"
#include "trace/trace_dat.h"
#include "trace/zstd_frame.h"

namespace wqprof {

// The events of one CPU, read front to back in batches.  Used by one thread at a time.
class CpuStream {
 public:
  // `batch_bytes` of pages, at least one page, are decoded at a time.
  CpuStream(const CpuRegion& region, const DecodeContext& context, NameTable& names,
            size_t batch_bytes, bool ends_early);

  // Replaces `out` by the next batch; empty at the end of the region.  A batch is never
  // empty before it.  With a `scratch` it is decoded there and then handed over: for a reader on
  // another core.
  absl::Status Fill(EventBatch& out, EventBatch* scratch);

  const PageStats& stats() const;
  // The region ended inside a page or a chunk, or a chunk was no valid zstd frame.
  bool damaged_end() const { return damaged_end_; }

 private:
  // Puts the next pages into pages_; false at the end of the region.
  absl::StatusOr<bool> ReadPages();
  absl::StatusOr<bool> ReadRaw();
  absl::StatusOr<bool> ReadChunk();
  void EndEarly(EventBatch& out);

  CpuRegion region_;
  const DecodeContext& context_;
  Cpu cpu_;
  NameTable& names_;
  std::unique_ptr<PageDecoder> decoder_;  // of a CPU that has pages: it is large
  ZstdDecompressor zstd_;
  size_t batch_bytes_;
  bool ends_early_;
  bool damaged_end_ = false;
  bool done_ = false;
  std::vector<std::byte> pages_, packed_;
};

}  // namespace wqprof

#endif  // WQPROF_TRACE_CPU_STREAM_H_
