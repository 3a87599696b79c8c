// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_LIVE_TRACEFS_H_
#define WQPROF_LIVE_TRACEFS_H_

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace wqprof {

// A file descriptor that closes itself.
class ScopedFd {
 public:
  explicit ScopedFd(int fd = -1) : fd_(fd) {}
  ~ScopedFd() { Reset(); }
  ScopedFd(ScopedFd&& other) noexcept : fd_(other.Release()) {}
  ScopedFd& operator=(ScopedFd&& other) noexcept {
    Reset(other.Release());
    return *this;
  }
  int get() const { return fd_; }
  bool ok() const { return fd_ >= 0; }
  int Release() {
    const int fd = fd_;
    fd_ = -1;
    return fd;
  }
  void Reset(int fd = -1);

 private:
  int fd_;
};

// The mounted tracefs.  One that had to be mounted first is unmounted at the end.
class Tracefs {
 public:
  static absl::StatusOr<std::unique_ptr<Tracefs>> Open();
  ~Tracefs();
  Tracefs(const Tracefs&) = delete;
  Tracefs& operator=(const Tracefs&) = delete;

  const std::string& path() const { return path_; }
  bool mounted_by_us() const { return mounted_by_us_; }
  // Path of a file of the top-level instance.
  std::string File(std::string_view name) const;
  bool HasEvent(std::string_view system, std::string_view event) const;

 private:
  Tracefs(std::string path, bool mounted_by_us);
  std::string path_;
  bool mounted_by_us_;
};

// Why this machine does not let us trace, found from the errno met at `path`.
absl::Status TracingError(std::string_view doing, std::string_view path, int error);

// "integrity" of "none [integrity] confidentiality"; "" when the kernel knows no lockdown.
std::string LockdownMode();

// Small files of kernel file systems.  An error is the errno, for the caller to explain.
struct FileText {
  std::string text;
  int error = 0;
};
FileText ReadText(const std::string& path);
// Returns 0 or the errno.
int WriteText(const std::string& path, std::string_view text);
bool Exists(const std::string& path);

// Without white space at its end.
std::string_view Trimmed(std::string_view text);

}  // namespace wqprof

#endif  // WQPROF_LIVE_TRACEFS_H_
