// SPDX-License-Identifier: Apache-2.0
#include "live/tracefs.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "live/tracefs_api.h"

namespace wqprof {
namespace {

constexpr char kUsualPath[] = "/sys/kernel/tracing";
constexpr char kOldPath[] = "/sys/kernel/debug/tracing";

bool IsTracefs(const char* path) {
  struct statfs found {};
  return statfs(path, &found) == 0 && found.f_type == TRACEFS_MAGIC;
}

}  // namespace

void ScopedFd::Reset(int fd) {
  if (fd_ >= 0) close(fd_);
  fd_ = fd;
}

absl::StatusOr<std::unique_ptr<Tracefs>> Tracefs::Open() {
  for (const char* path : {kUsualPath, kOldPath}) {
    if (!IsTracefs(path)) continue;
    // Tried, as capabilities may do instead of root: access(2) judges by the real user only.
    const std::string inside = fmt::format("{}/.", path);
    const ScopedFd fd(open(inside.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!fd.ok()) return TracingError("cannot trace", path, errno);
    return std::unique_ptr<Tracefs>(new Tracefs(path, false));
  }
  if (!Exists(kUsualPath)) {
    return absl::FailedPreconditionError(
        fmt::format("cannot trace: this kernel has no {}\n"
                    "it needs one built with CONFIG_EVENT_TRACING, as those of distributions are",
                    kUsualPath));
  }
  if (mount("tracefs", kUsualPath, "tracefs", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
    const int error = errno;
    absl::Status status =
        TracingError("cannot trace: tracefs is not mounted, and mounting it", kUsualPath, error);
    return status;
  }
  return std::unique_ptr<Tracefs>(new Tracefs(kUsualPath, true));
}

Tracefs::Tracefs(std::string path, bool mounted_by_us)
    : path_(std::move(path)), mounted_by_us_(mounted_by_us) {
  tracefs_set_loglevel(TEP_LOG_NONE);
  tracefs_set_tracing_dir(path_.data());
}

Tracefs::~Tracefs() {
  // Somebody who uses it by now keeps it.
  if (mounted_by_us_) umount2(path_.c_str(), 0);
}

std::string Tracefs::File(std::string_view name) const { return fmt::format("{}/{}", path_, name); }

bool Tracefs::HasEvent(std::string_view system, std::string_view event) const {
  return Exists(File(fmt::format("events/{}/{}", system, event)));
}

absl::Status TracingError(std::string_view doing, std::string_view path, int error) {
  const std::string what = fmt::format("{} ({}): {}", doing, path, std::strerror(error));
  const bool refused = error == EACCES || error == EPERM;
  // Where the kernel is locked down some files refuse, and events cannot be found.
  const bool locked =
      LockdownMode() == "confidentiality" && ((refused && geteuid() == 0) || error == EINVAL);
  if (locked) {
    return absl::PermissionDeniedError(
        what + "\nthe kernel is locked down (confidentiality): boot with lockdown=integrity");
  }
  if (!refused) {
    if (error == ENOMEM) return absl::ResourceExhaustedError(what);
    if (error == EROFS) {
      return absl::FailedPreconditionError(
          what + "\nsudo mount -o remount,rw /sys/kernel/tracing, or a container with it writable");
    }
    return absl::FailedPreconditionError(what);
  }
  if (geteuid() != 0) {
    return absl::PermissionDeniedError(
        what + "\ntracing needs root or CAP_DAC_OVERRIDE: run it with sudo");
  }
  return absl::PermissionDeniedError(
      what + "\neven root may not: a container without CAP_SYS_ADMIN, or a security module?");
}

std::string LockdownMode() {
  const std::string text = ReadText("/sys/kernel/security/lockdown").text;
  const size_t open = text.find('['), close = text.find(']');
  if (open == std::string::npos || close == std::string::npos) return "";
  return text.substr(open + 1, close - open - 1);
}

FileText ReadText(const std::string& path) {
  FileText out;
  const ScopedFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.ok()) {
    out.error = errno;
    return out;
  }
  constexpr size_t kStep = 64 << 10;
  while (true) {
    const size_t have = out.text.size();
    out.text.resize(have + kStep);
    const ssize_t n = read(fd.get(), out.text.data() + have, kStep);
    out.text.resize(have + static_cast<size_t>(n > 0 ? n : 0));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) out.error = errno;
    if (n <= 0) return out;
  }
}

int WriteText(const std::string& path, std::string_view text) {
  const ScopedFd fd(open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.ok()) return errno;
  ssize_t n = 0;
  do {
    n = write(fd.get(), text.data(), text.size());
  } while (n < 0 && errno == EINTR);
  return n < 0 ? errno : 0;
}

// Not by access(2), which judges by the real user.
bool Exists(const std::string& path) {
  struct stat found {};
  return stat(path.c_str(), &found) == 0;
}

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  return text;
}

}  // namespace wqprof
