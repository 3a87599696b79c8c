// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_INPUT_FILE_H_
#define WQPROF_INPUT_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace wqprof {

// A regular file, read by position.  pread and not mmap: a file that shrinks under us is a
// short read, not a SIGBUS.  Safe to use from several threads at once.
class InputFile {
 public:
  // "-" copies standard input into an unlinked temporary file, since trace.dat is read
  // out of order.
  static absl::StatusOr<std::unique_ptr<InputFile>> Open(const std::string& path);
  // A regular file that is open already, and from now on this object's.
  static absl::StatusOr<std::unique_ptr<InputFile>> Adopt(int fd, const std::string& path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  uint64_t size() const { return size_; }
  const std::string& path() const { return path_; }
  // Fills a prefix of `out`; returns its length, which is short only at the end of the file.
  absl::StatusOr<size_t> ReadAt(uint64_t offset, std::span<std::byte> out) const;
  // Up to `n` bytes; fewer at the end of the file.
  absl::StatusOr<std::string> ReadString(uint64_t offset, uint64_t n) const;

 private:
  InputFile(std::string path, int fd, uint64_t size)
      : path_(std::move(path)), fd_(fd), size_(size) {}
  std::string path_;
  int fd_;
  uint64_t size_;
};

}  // namespace wqprof

#endif  // WQPROF_INPUT_FILE_H_
