// SPDX-License-Identifier: Apache-2.0
#include "input/fd_stream.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace wqprof {

FdStream::~FdStream() { close(fd_); }

absl::StatusOr<size_t> FdStream::Read(std::span<char> out) {
  while (true) {
    if (stop_fd_ >= 0) {
      pollfd fds[] = {{fd_, POLLIN, 0}, {stop_fd_, POLLIN, 0}};
      if (poll(fds, 2, -1) < 0 && errno == EINTR) continue;
      if (fds[1].revents != 0) return size_t{0};
    }
    const ssize_t n = read(fd_, out.data(), out.size());
    if (n >= 0) return static_cast<size_t>(n);
    if (errno == EINTR) continue;
    if (errno == EAGAIN) {
      pollfd ready = {fd_, POLLIN, 0};
      poll(&ready, 1, -1);
      continue;
    }
    return absl::DataLossError(fmt::format("cannot read {}: {}", path_, std::strerror(errno)));
  }
}

absl::StatusOr<std::string_view> PeekedStream::Peek(size_t most) {
  size_t size = head_.size();
  if (size < most) {
    head_.resize(most);
    while (size < most) {
      const absl::StatusOr<size_t> got = stream_->Read({head_.data() + size, most - size});
      if (!got.ok()) return got.status();
      if (*got == 0) break;
      size += *got;
    }
    head_.resize(size);
  }
  return std::string_view(head_);
}

absl::StatusOr<size_t> PeekedStream::Read(std::span<char> out) {
  if (at_ == head_.size()) return stream_->Read(out);
  const size_t n = std::min(out.size(), head_.size() - at_);
  std::copy_n(head_.data() + at_, n, out.data());
  at_ += n;
  if (at_ == head_.size()) {
    head_ = {};
    at_ = 0;
  }
  return n;
}

}  // namespace wqprof
