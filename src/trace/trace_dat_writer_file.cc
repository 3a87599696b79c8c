// SPDX-License-Identifier: Apache-2.0
#include "trace/trace_dat_writer_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "wqprof/error_kind.h"

namespace wqprof {
namespace {

// Small enough that moving needs little free space, large enough to be quick.
constexpr uint64_t kMoveStep = uint64_t{8} << 20;

}  // namespace

absl::Status WriteError(const std::string& path, int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return WithKind(absl::ResourceExhaustedError(fmt::format(
                          "cannot write {}: {}", path,
                          error == EDQUOT ? "the disk quota is used up" : "the disk is full")),
                      ErrorKind::kCannotWrite);
    case EFBIG:
      return WithKind(absl::ResourceExhaustedError(fmt::format(
                          "cannot write {}: it reached the largest size that its file system, or "
                          "`ulimit -f`, allows",
                          path)),
                      ErrorKind::kCannotWrite);
    case EACCES:
    case EPERM:
    case EROFS:
    case ENOENT:
    case ENOTDIR:
    case EISDIR:
    case ELOOP:
    case ENAMETOOLONG:
    case EEXIST:
      return absl::InvalidArgumentError(fmt::format(
          "cannot write {}: {}\nchoose another file with -o", path, std::strerror(error)));
    default:
      return WithKind(absl::ResourceExhaustedError(
                          fmt::format("cannot write {}: {}", path, std::strerror(error))),
                      ErrorKind::kCannotWrite);
  }
}

absl::StatusOr<std::unique_ptr<OutputFile>> OutputFile::Create(const std::string& path) {
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return WriteError(path, errno);
  // Only a sign for IsBeingWritten(): where locks are not to be had, nothing is lost.
  [[maybe_unused]] const int locked = flock(fd, LOCK_EX | LOCK_NB);
  return std::unique_ptr<OutputFile>(new OutputFile(path, fd));
}

bool OutputFile::IsBeingWritten(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool busy = flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  close(fd);
  return busy;
}

OutputFile::~OutputFile() { close(fd_); }

absl::Status OutputFile::Append(std::span<const std::byte> bytes) {
  const uint64_t begin = size_;
  while (!bytes.empty()) {
    const ssize_t n = pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(size_));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      const int error = n == 0 ? ENOSPC : errno;
      Truncate(begin).IgnoreError();
      return WriteError(path_, error);
    }
    size_ += static_cast<uint64_t>(n);
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return absl::OkStatus();
}

absl::Status OutputFile::Append(std::string_view text) {
  return Append(std::as_bytes(std::span(text)));
}

absl::Status OutputFile::AppendFrom(int pipe, size_t size) {
  const uint64_t begin = size_;
  while (size != 0) {
    auto out = static_cast<off_t>(size_);
    const ssize_t n = splice(pipe, nullptr, fd_, &out, size, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EINVAL && size_ == begin) {
      return absl::UnimplementedError(fmt::format("{} takes nothing from pipes", path_));
    }
    if (n <= 0) {
      const int error = n == 0 ? ENOSPC : errno;
      Truncate(begin).IgnoreError();
      return WriteError(path_, error);
    }
    size_ += static_cast<uint64_t>(n);
    size -= static_cast<size_t>(n);
  }
  return absl::OkStatus();
}

absl::Status OutputFile::AlignTo(uint64_t alignment) {
  const uint64_t aligned = (size_ + alignment - 1) / alignment * alignment;
  return Truncate(aligned);
}

absl::Status OutputFile::Patch(uint64_t offset, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = pwrite(fd_, text.data(), text.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return WriteError(path_, n == 0 ? ENOSPC : errno);
    offset += static_cast<uint64_t>(n);
    text.remove_prefix(static_cast<size_t>(n));
  }
  return absl::OkStatus();
}

absl::Status OutputFile::MoveTo(const std::string& path) {
  if (rename(path_.c_str(), path.c_str()) != 0) return WriteError(path, errno);
  path_ = path;
  return absl::OkStatus();
}

absl::Status OutputFile::GiveTo(uint32_t user, uint32_t group) {
  return fchown(fd_, user, group) == 0 ? absl::OkStatus() : WriteError(path_, errno);
}

absl::Status OutputFile::Read(uint64_t offset, std::span<std::byte> out) const {
  while (!out.empty()) {
    const ssize_t n = pread(fd_, out.data(), out.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      return WithKind(absl::ResourceExhaustedError(
                          fmt::format("cannot read {} back: {}", path_,
                                      n == 0 ? "somebody cut it short" : std::strerror(errno))),
                      ErrorKind::kCannotWrite);
    }
    offset += static_cast<uint64_t>(n);
    out = out.subspan(static_cast<size_t>(n));
  }
  return absl::OkStatus();
}

absl::Status OutputFile::MoveFrom(OutputFile& from, uint64_t offset, uint64_t size) {
  while (size != 0) {
    const uint64_t before = size_;
    const absl::Status status = CopyStep(from, offset, std::min(kMoveStep, size));
    const uint64_t moved = size_ - before;
    // On a full disk each step can only fill what the one before gave back.
    if (!status.ok() && moved == 0) return status;
    // Where holes cannot be punched, the disk must hold both copies for a moment.
    [[maybe_unused]] const int punched =
        fallocate(from.fd_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                  static_cast<off_t>(moved));
    offset += moved;
    size -= moved;
  }
  return absl::OkStatus();
}

absl::Status OutputFile::CopyStep(OutputFile& from, uint64_t offset, uint64_t size) {
  while (size != 0) {
    auto in = static_cast<off_t>(offset), out = static_cast<off_t>(size_);
    const ssize_t n = copy_file_range(from.fd_, &in, fd_, &out, size, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno != EXDEV && errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP) {
      return WriteError(path_, errno);
    }
    if (n <= 0) return CopyThroughMemory(from, offset, size);
    offset += static_cast<uint64_t>(n);
    size -= static_cast<uint64_t>(n);
    size_ += static_cast<uint64_t>(n);
  }
  return absl::OkStatus();
}

absl::Status OutputFile::CopyThroughMemory(OutputFile& from, uint64_t offset, uint64_t size) {
  std::vector<std::byte> buffer(std::min<uint64_t>(size, 1 << 20));
  while (size != 0) {
    const auto bytes = std::span(buffer).first(std::min<uint64_t>(size, buffer.size()));
    absl::Status status = from.Read(offset, bytes);
    if (status.ok()) status = Append(bytes);
    if (!status.ok()) return status;
    offset += bytes.size();
    size -= bytes.size();
  }
  return absl::OkStatus();
}

absl::Status OutputFile::Truncate(uint64_t size) {
  if (ftruncate(fd_, static_cast<off_t>(size)) != 0) return WriteError(path_, errno);
  size_ = size;
  return absl::OkStatus();
}

DiskReserve::DiskReserve(const std::string& path, uint64_t size) {
  const size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  fd_ = open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd_ >= 0 && fallocate(fd_, 0, 0, static_cast<off_t>(size)) != 0) Release();
}

void DiskReserve::Release() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
}

void OutputFile::Remove() { unlink(path_.c_str()); }

}  // namespace wqprof
