// SPDX-License-Identifier: Apache-2.0
#include "wqprof/temporary_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <utility>
#include <vector>

namespace wqprof {

namespace {

// As many as two sides of a comparison may need.
constexpr size_t kReserved = 64;

// Descriptors of files that were made beforehand.  They are taken by any thread.
struct Reserve {
  std::mutex mutex;
  std::vector<int> fds;
};

Reserve& Reserved() {
  static Reserve reserve;
  return reserve;
}

int OpenNameless(const std::string& directory) {
  return open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

// For file systems that know no files without a name.
int OpenUnlinked(const std::string& directory) {
  std::string path = directory + "/wqprof-XXXXXX";
  const int fd = mkostemp(path.data(), O_CLOEXEC);
  if (fd >= 0) unlink(path.c_str());
  return fd;
}

}  // namespace

std::string TemporaryDirectory() {
  const char* const dir = std::getenv("TMPDIR");
  return dir != nullptr && *dir != '\0' ? dir : "/tmp";
}

int OpenTemporary(const std::string& directory) {
  {
    Reserve& reserve = Reserved();
    const std::lock_guard lock(reserve.mutex);
    if (!reserve.fds.empty()) {
      const int fd = reserve.fds.back();
      reserve.fds.pop_back();
      return fd;
    }
  }
  const int fd = OpenNameless(directory);
  return fd >= 0 ? fd : OpenUnlinked(directory);
}

void ReserveTemporaryFiles() {
  const std::string directory = TemporaryDirectory();
  if (const int fd = OpenNameless(directory); fd >= 0) {
    close(fd);
    return;
  }
  Reserve& reserve = Reserved();
  const std::lock_guard lock(reserve.mutex);
  while (reserve.fds.size() < kReserved) {
    const int fd = OpenUnlinked(directory);
    if (fd < 0) return;
    reserve.fds.push_back(fd);
  }
}

absl::StatusOr<std::unique_ptr<TemporaryFile>> TemporaryFile::Create(std::string what) {
  std::string directory = TemporaryDirectory();
  const int fd = OpenTemporary(directory);
  if (fd < 0) {
    return absl::ResourceExhaustedError(
        fmt::format("cannot keep {} in {}: {}\nset TMPDIR to a directory with room", what,
                    directory, std::strerror(errno)));
  }
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
