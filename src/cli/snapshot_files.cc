// SPDX-License-Identifier: Apache-2.0
#include "cli/snapshot_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <vector>

namespace wqprof {
namespace {

// A state that grew beyond this is none of ours.
constexpr size_t kMostBytes = size_t{64} << 20;

absl::Status CannotWrite(const std::string& path, int error) {
  return absl::ResourceExhaustedError(
      fmt::format("cannot write {}: {}", path, std::strerror(error)));
}

absl::Status WriteAll(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t n = write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return CannotWrite(path, errno);
    text.remove_prefix(static_cast<size_t>(n));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ReadSmallFile(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0 && errno == ENOENT) return std::string();
  if (fd < 0) {
    return absl::DataLossError(fmt::format("cannot read {}: {}", path, std::strerror(errno)));
  }
  std::string out;
  std::vector<char> piece(1 << 16);
  while (out.size() < kMostBytes) {
    const ssize_t n = read(fd, piece.data(), piece.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    out.append(piece.data(), static_cast<size_t>(n));
  }
  close(fd);
  return out;
}

absl::Status ReplaceFile(const std::string& path, std::string_view text) {
  namespace fs = std::filesystem;
  struct stat st;
  // A device or a pipe has no old content that somebody could see half of.
  const bool plain = stat(path.c_str(), &st) != 0 || S_ISREG(st.st_mode);
  if (!plain) {
    const int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) return CannotWrite(path, errno);
    const absl::Status written = WriteAll(fd, text, path);
    close(fd);
    return written;
  }
  // In the same directory, so that it can take the place; hidden, and without the ending that
  // readers of the directory look for.
  const fs::path whole = path;
  std::string temporary =
      (whole.parent_path() / fmt::format(".{}.XXXXXX", whole.filename().string())).string();
  const int fd = mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0) return CannotWrite(path, errno);
  absl::Status status = WriteAll(fd, text, path);
  constexpr mode_t kReadable = 0644;
  if (status.ok() && (fchmod(fd, kReadable) != 0 || fsync(fd) != 0)) {
    status = CannotWrite(path, errno);
  }
  close(fd);
  if (status.ok() && std::rename(temporary.c_str(), path.c_str()) != 0) {
    status = CannotWrite(path, errno);
  }
  if (!status.ok()) unlink(temporary.c_str());
  return status;
}

}  // namespace wqprof
