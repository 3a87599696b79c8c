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

// What each thread that decodes has of its own, whatever CPUs the pages are of: it stays in the
// caches of the core that the thread runs on.
struct alignas(kApart) DecodeScratch {
  DecodeScratch(const DecodeContext& context, NameTable& names) : records(context, names) {}
  RecordDecoder records;
  ZstdDecompressor zstd;
  std::vector<std::byte> pages, packed;
  EventBatch events;
};

// The events of one CPU, read front to back in batches.  Used by one thread at a time.
class CpuStream {
 public:
  // `batch_bytes` of pages, at least one page, are decoded at a time.
  CpuStream(const CpuRegion& region, const DecodeContext& context, size_t batch_bytes,
            bool ends_early);

  // Replaces `out` by the next batch; empty at the end of the region.  A batch is never
  // empty before it.  For a reader that may be on another core it is decoded beside `out`, and then
  // copied past the caches.
  absl::Status Fill(EventBatch& out, DecodeScratch& scratch, bool for_another_core);

  const PageStats& stats() const;
  // The region ended inside a page or a chunk, or a chunk was no valid zstd frame.
  bool damaged_end() const { return damaged_end_; }

 private:
  // Puts the next pages into the scratch; false at the end of the region.
  absl::StatusOr<bool> ReadPages(DecodeScratch& scratch);
  absl::StatusOr<bool> ReadRaw(std::vector<std::byte>& pages);
  absl::StatusOr<bool> ReadChunk(DecodeScratch& scratch);
  void EndEarly(EventBatch& out);

  CpuRegion region_;
  const DecodeContext& context_;
  Cpu cpu_;
  std::unique_ptr<PageDecoder> decoder_;  // of a CPU that has pages
  size_t batch_bytes_;
  bool ends_early_;
  bool damaged_end_ = false;
  bool done_ = false;
};

}  // namespace wqprof

#endif  // WQPROF_TRACE_CPU_STREAM_H_
