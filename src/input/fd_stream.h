// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_INPUT_FD_STREAM_H_
#define WQPROF_INPUT_FD_STREAM_H_

#include <string>
#include <vector>

#include "wqprof/text.h"

namespace wqprof {

// What can be read from a descriptor, which it closes.
class FdStream : public ByteStream {
 public:
  // `stop_fd` as in InputOptions.
  FdStream(int fd, std::string path, int stop_fd)
      : fd_(fd), stop_fd_(stop_fd), path_(std::move(path)) {}
  ~FdStream() override;
  absl::StatusOr<size_t> Read(std::span<char> out) override;

 private:
  int fd_, stop_fd_;
  std::string path_;
};

// A stream whose first bytes can be looked at before they are read.
class PeekedStream : public ByteStream {
 public:
  explicit PeekedStream(std::unique_ptr<ByteStream> stream) : stream_(std::move(stream)) {}

  // The first `most` bytes, fewer if there are no more; before the first Read() only.
  absl::StatusOr<std::string_view> Peek(size_t most);
  absl::StatusOr<size_t> Read(std::span<char> out) override;

 private:
  std::unique_ptr<ByteStream> stream_;
  std::string head_;
  size_t at_ = 0;
};

}  // namespace wqprof

#endif  // WQPROF_INPUT_FD_STREAM_H_
