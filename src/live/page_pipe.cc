// SPDX-License-Identifier: Apache-2.0
#include "live/page_pipe.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace wqprof {
namespace {

// What /proc/sys/fs/pipe-max-size allows by default.  The kernel counts a slot of a pipe as a page
// of memory, whatever the size of a sub-buffer: the usual 64 KiB are just one of those.
constexpr uint32_t kBytes = 1 << 20;

}  // namespace

PagePipe::PagePipe() {
  std::array<int, 2> ends{-1, -1};
  if (pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return;
  out_.Reset(ends[0]);
  in_.Reset(ends[1]);
  // Where it is not allowed the pipe stays as small as it is, and works.
  [[maybe_unused]] const int granted = fcntl(in_.get(), F_SETPIPE_SZ, kBytes);
}

size_t PagePipe::Fill(int ring_buffer, uint64_t limit, uint32_t page_size) {
  if (!in_.ok()) return 0;
  const uint64_t size = std::min<uint64_t>(limit, kBytes / page_size) * page_size;
  ssize_t n;
  do {
    n = splice(ring_buffer, nullptr, in_.get(), nullptr, size, SPLICE_F_NONBLOCK);
  } while (n < 0 && errno == EINTR);
  return n < 0 ? 0 : static_cast<size_t>(n) / page_size;
}

void PagePipe::Close() {
  in_.Reset();
  out_.Reset();
}

}  // namespace wqprof
