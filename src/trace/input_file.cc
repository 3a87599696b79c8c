// SPDX-License-Identifier: Apache-2.0
#include "wqprof/input_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "wqprof/error_kind.h"
#include "wqprof/temporary_file.h"

namespace wqprof {
namespace {

absl::Status ErrnoStatus(int error, const std::string& path) {
  const std::string text = fmt::format("cannot read {}: {}", path, std::strerror(error));
  if (error == ENOENT) return absl::NotFoundError(text);
  if (error == EACCES || error == EPERM) {
    return absl::DataLossError(text + "\nrun as a user who may read it");
  }
  return absl::DataLossError(text);
}

absl::StatusOr<int> SpoolStandardInput() {
  const std::string directory = TemporaryDirectory();
  const int fd = OpenTemporary(directory);
  if (fd < 0) {
    return WithKind(absl::ResourceExhaustedError(fmt::format(
                        "cannot keep standard input in {}: {}\nset TMPDIR to a directory with room",
                        directory, std::strerror(errno))),
                    ErrorKind::kCannotWrite);
  }
  std::vector<char> buffer(1 << 20);
  while (true) {
    const ssize_t n = read(STDIN_FILENO, buffer.data(), buffer.size());
    if (n == 0) return fd;
    if (n < 0 && errno == EINTR) continue;
    ssize_t done = 0;
    while (n > 0 && done < n) {
      const ssize_t w = write(fd, buffer.data() + done, static_cast<size_t>(n - done));
      if (w < 0 && errno == EINTR) continue;
      if (w <= 0) break;
      done += w;
    }
    if (n < 0 || done < n) {
      const int error = errno;
      close(fd);
      if (n < 0) return ErrnoStatus(error, "standard input");
      return WithKind(
          absl::ResourceExhaustedError(fmt::format("cannot keep standard input in a temporary "
                                                   "file: {}\nset TMPDIR to a directory with room",
                                                   std::strerror(error))),
          ErrorKind::kCannotWrite);
    }
  }
}

}  // namespace

absl::StatusOr<std::unique_ptr<InputFile>> InputFile::Open(const std::string& path) {
  int fd;
  if (path == "-") {
    auto spooled = SpoolStandardInput();
    if (!spooled.ok()) return spooled.status();
    fd = *spooled;
  } else {
    // O_NONBLOCK: opening a fifo without a writer must not hang.
    fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return ErrnoStatus(errno, path);
  }
  return Adopt(fd, path);
}

absl::StatusOr<std::unique_ptr<InputFile>> InputFile::Adopt(int fd, const std::string& path) {
  struct stat st;
  if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
    close(fd);
    return absl::DataLossError(
        fmt::format("cannot read {}: not a regular file\npipe it in and give - as the file", path));
  }
  return std::unique_ptr<InputFile>(new InputFile(path, fd, static_cast<uint64_t>(st.st_size)));
}

InputFile::~InputFile() { close(fd_); }

absl::StatusOr<size_t> InputFile::ReadAt(uint64_t offset, std::span<std::byte> out) const {
  size_t done = 0;
  while (done < out.size()) {
    if (offset > static_cast<uint64_t>(INT64_MAX) - done) break;
    const ssize_t n =
        pread(fd_, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoStatus(errno, path_);
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  return done;
}

absl::StatusOr<std::string> InputFile::ReadString(uint64_t offset, uint64_t n) const {
  if (offset >= size_) return std::string();
  std::string out(std::min(n, size_ - offset), '\0');
  auto got = ReadAt(offset, std::as_writable_bytes(std::span(out)));
  if (!got.ok()) return got.status();
  out.resize(*got);
  return out;
}

}  // namespace wqprof
