// SPDX-License-Identifier: Apache-2.0
#include "cli/result_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "cli/output.h"

namespace wqprof {

ResultFile::~ResultFile() {
  if (fd_ >= 0) close(fd_);
}

absl::Status ResultFile::Reserve() {
  if (IsStandard() || fd_ >= 0) return absl::OkStatus();
  const int how = mode_ == Mode::kAppend ? O_APPEND : 0;
  fd_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | how, 0666);
  return fd_ >= 0 ? absl::OkStatus() : Error();
}

absl::Status ResultFile::Open() {
  if (absl::Status status = Reserve(); !status.ok() || IsStandard()) return status;
  struct stat st;
  // A pipe or a device holds nothing.
  const bool holds = fstat(fd_, &st) == 0 && S_ISREG(st.st_mode) && mode_ == Mode::kReplace;
  return !holds || ftruncate(fd_, 0) == 0 ? absl::OkStatus() : Error();
}

absl::Status ResultFile::Write(std::string_view text) {
  if (IsStandard()) return WriteOutput(text);
  while (!text.empty()) {
    const ssize_t n = write(fd_, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Error();
    text.remove_prefix(static_cast<size_t>(n));
  }
  return absl::OkStatus();
}

absl::Status ResultFile::Error() const {
  return absl::ResourceExhaustedError(
      fmt::format("cannot write {}: {}", path_, std::strerror(errno)));
}

}  // namespace wqprof
