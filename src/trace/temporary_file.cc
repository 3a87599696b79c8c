// SPDX-License-Identifier: Apache-2.0
#include "wqprof/temporary_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace wqprof {

absl::StatusOr<std::unique_ptr<TemporaryFile>> TemporaryFile::Create(std::string what) {
  const char* const dir = std::getenv("TMPDIR");
  std::string directory = dir && *dir ? dir : "/tmp";
  std::string path = directory + "/wqprof-XXXXXX";
  const int fd = mkostemp(path.data(), O_CLOEXEC);
  if (fd < 0) {
    return absl::ResourceExhaustedError(
        fmt::format("cannot keep {} in {}: {}\nset TMPDIR to a directory with room", what,
                    directory, std::strerror(errno)));
  }
  unlink(path.c_str());
  struct statvfs room;
  uint64_t most = UINT64_MAX;
  if (fstatvfs(fd, &room) == 0) {
    const uint64_t free = uint64_t{room.f_bavail} * room.f_frsize;
    most = free - free / 10;
  }
  return std::unique_ptr<TemporaryFile>(
      new TemporaryFile(std::move(what), std::move(directory), fd, most));
}

TemporaryFile::~TemporaryFile() {
  if (fd_ >= 0) close(fd_);
}

int TemporaryFile::Release() { return std::exchange(fd_, -1); }

absl::Status TemporaryFile::NoRoom(int error) const {
  return absl::ResourceExhaustedError(fmt::format(
      "cannot keep {} in {}: {} after {} MiB\nset TMPDIR to a directory with more room", what_,
      directory_, error == 0 ? "nine tenths of its free room are used" : std::strerror(error),
      size_ >> 20));
}

absl::Status TemporaryFile::Append(std::span<const std::byte> bytes) {
  if (bytes.size() > most_ - size_) return NoRoom(0);
  while (!bytes.empty()) {
    const ssize_t n = pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return NoRoom(n == 0 ? ENOSPC : errno);
    size_ += static_cast<uint64_t>(n);
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return absl::OkStatus();
}

absl::Status TemporaryFile::ReadAt(uint64_t offset, std::span<std::byte> out) const {
  while (!out.empty()) {
    const ssize_t n = pread(fd_, out.data(), out.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      return absl::DataLossError(fmt::format("cannot read {} again in {}: {}", what_, directory_,
                                             n == 0 ? "the file is cut" : std::strerror(errno)));
    }
    offset += static_cast<uint64_t>(n);
    out = out.subspan(static_cast<size_t>(n));
  }
  return absl::OkStatus();
}

}  // namespace wqprof
