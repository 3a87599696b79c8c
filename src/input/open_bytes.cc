// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "input/archive_stream.h"
#include "input/fd_stream.h"
#include "input/open_fd.h"
#include "input/recognise.h"
#include "wqprof/input.h"

namespace wqprof {

absl::StatusOr<std::unique_ptr<ByteStream>> OpenBytes(const std::string& path) {
  const absl::StatusOr<int> fd = OpenFd(path);
  if (!fd.ok()) return fd.status();
  auto stream = std::make_unique<PeekedStream>(std::make_unique<FdStream>(*fd, path, -1));
  for (int i = 0; i < kMostWrappers; ++i) {
    const absl::StatusOr<std::string_view> head = stream->Peek(kHeadBytes);
    if (!head.ok()) return head.status();
    if (!LooksWrapped(*head)) break;
    auto inner = OpenArchive(std::move(stream), path);
    if (!inner.ok()) return inner.status();
    stream = std::make_unique<PeekedStream>(*std::move(inner));
  }
  return std::unique_ptr<ByteStream>(std::move(stream));
}

}  // namespace wqprof
