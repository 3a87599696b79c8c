// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_LIVE_PAGE_PIPE_H_
#define WQPROF_LIVE_PAGE_PIPE_H_

#include <cstddef>
#include <cstdint>

#include "live/tracefs.h"

namespace wqprof {

// A pipe into which the kernel moves full sub-buffers without copying them (splice(2) of
// trace_pipe_raw; tracing_buffers_splice_read()).  Without one, or where the kernel refuses, it
// takes nothing: all can be had by read(2) as well.
class PagePipe {
 public:
  PagePipe();
  // For whoever empties it.
  int fd() const { return out_.get(); }
  // Takes at most `limit` full sub-buffers, each of `page_size` bytes, out of `ring_buffer`, a
  // trace_pipe_raw, and returns how many; the one that is being written stays.  REQUIRES: the pipe
  // is empty.
  size_t Fill(int ring_buffer, uint64_t limit, uint32_t page_size);
  // Takes nothing any more.
  void Close();

 private:
  ScopedFd in_, out_;
};

}  // namespace wqprof

#endif  // WQPROF_LIVE_PAGE_PIPE_H_
