// SPDX-License-Identifier: Apache-2.0
#include "cli/result_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>

#include "cli/output.h"

namespace wqprof {

ResultFile::~ResultFile() {
  if (fd_ >= 0) close(fd_);
}

absl::Status ResultFile::Check() const {
  if (IsStandard()) return absl::OkStatus();
  struct stat st;
  if (stat(path_.c_str(), &st) == 0 && S_ISDIR(st.st_mode)) {
    errno = EISDIR;
    return Error();
  }
  if (faccessat(AT_FDCWD, path_.c_str(), W_OK, AT_EACCESS) == 0) return absl::OkStatus();
  if (errno != ENOENT) return Error();
  std::string directory = std::filesystem::path(path_).parent_path();
  if (directory.empty()) directory = ".";
  return faccessat(AT_FDCWD, directory.c_str(), W_OK | X_OK, AT_EACCESS) == 0 ? absl::OkStatus()
                                                                              : Error();
}

absl::Status ResultFile::Delegate() {
  return IsStandard() || opener_.Start(path_, Flags()) ? absl::OkStatus() : Error();
}

absl::Status ResultFile::Open() {
  fd_ = opener_.started() ? opener_.Open() : open(path_.c_str(), Flags(), 0666);
  if (fd_ < 0) return Error();
  struct stat st;
  // A pipe or a device holds nothing.
  const bool holds = fstat(fd_, &st) == 0 && S_ISREG(st.st_mode) && mode_ == Mode::kReplace;
  return !holds || ftruncate(fd_, 0) == 0 ? absl::OkStatus() : Error();
}

absl::Status ResultFile::Write(std::string_view text) {
  if (IsStandard()) return WriteOutput(text);
  if (fd_ < 0) {
    if (absl::Status status = Open(); !status.ok()) return status;
  }
  while (!text.empty()) {
    const ssize_t n = write(fd_, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error();
    text.remove_prefix(static_cast<size_t>(n));
  }
  return absl::OkStatus();
}

int ResultFile::Flags() const {
  return O_WRONLY | O_CREAT | O_CLOEXEC | (mode_ == Mode::kAppend ? O_APPEND : 0);
}

absl::Status ResultFile::Error() const {
  return absl::ResourceExhaustedError(
      fmt::format("cannot write {}: {}", path_, std::strerror(errno)));
}

}  // namespace wqprof
