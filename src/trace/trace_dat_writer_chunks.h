// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TRACE_TRACE_DAT_WRITER_CHUNKS_H_
#define WQPROF_TRACE_TRACE_DAT_WRITER_CHUNKS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/status.h"
#include "trace/trace_dat_writer_file.h"

namespace wqprof {

// Writes `content` into `frame` as a zstd frame that is not compressed, and returns its size, at
// most the bound.  REQUIRES: some content, less than 4 GiB.
size_t StoreFrame(std::span<const std::byte> content, std::span<std::byte> frame);
size_t StoredFrameBound(size_t size);

// Compresses chunks of pages on threads of its own, and appends each as { u32 csize, u32 usize,
// zstd frame } to its file.  The chunks of one lane keep their order.  Where a thread falls
// behind, chunks are stored uncompressed: compression costs no event.
class ChunkCompressor {
 public:
  explicit ChunkCompressor(int lanes);
  // Finishes what was submitted.
  ~ChunkCompressor();

  // Leaves `chunk` empty, with the memory of one that is written if there is one.  When too much is
  // queued on the lane, writes some of it.  Fails when an earlier chunk of the lane could not be
  // written; such a lane writes nothing more.  `written` counts the chunks in the file.  It and
  // `file` must outlive the next Drain(), and be used by nobody else until then, but for
  // file.size().
  absl::Status Submit(int lane, OutputFile& file, uint32_t& written, std::vector<std::byte>& chunk);
  // Waits until all that was submitted is in its file.
  absl::Status Drain();

 private:
  struct Lane;
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace wqprof

#endif  // WQPROF_TRACE_TRACE_DAT_WRITER_CHUNKS_H_
