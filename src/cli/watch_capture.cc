// SPDX-License-Identifier: Apache-2.0
#include "cli/watch_capture.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <utility>

#include "cli/sudo_user.h"

namespace wqprof {
namespace {

constexpr std::string_view kPrefix = ".wqprof-watch-";
constexpr uint64_t kLeastFree = uint64_t{16} << 20;

std::string TemporaryPath(const std::string& directory) {
  return fmt::format("{}/{}{}.dat", directory, kPrefix, getpid());
}

// Whose file it is while it is written; absent for any other name.
std::optional<pid_t> WriterOf(std::string_view name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
  const std::string_view rest(end, static_cast<size_t>(name.data() + name.size() - end));
  return error == std::errc() && pid > 0 && rest.starts_with(".dat") ? std::optional(pid)
                                                                     : std::nullopt;
}

// What a file may have so that a tenth of the room is left.
absl::StatusOr<uint64_t> RoomIn(const std::string& directory) {
  struct statvfs room {};
  if (statvfs(directory.c_str(), &room) != 0) {
    return absl::ResourceExhaustedError(
        fmt::format("cannot write into {}: {}", directory, std::strerror(errno)));
  }
  const uint64_t free = uint64_t{room.f_bavail} * room.f_frsize;
  return free - std::min(free, std::max(free / 10, kLeastFree));
}

std::string UtcNow() {
  const time_t now = std::time(nullptr);
  tm utc{};
  gmtime_r(&now, &utc);
  return fmt::format("{:04}{:02}{:02}T{:02}{:02}{:02}Z", utc.tm_year + 1900, utc.tm_mon + 1,
                     utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

}  // namespace

absl::StatusOr<size_t> PrepareDirectory(const std::string& directory) {
  const auto cannot = [&](int error) {
    return absl::InvalidArgumentError(fmt::format(
        "cannot write into {}: {}\nname a directory with -o DIR", directory, std::strerror(error)));
  };
  if (mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) return cannot(errno);
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(directory.c_str()), closedir);
  if (dir == nullptr) return cannot(errno);
  if (access(directory.c_str(), W_OK | X_OK) != 0) return cannot(errno);
  size_t removed = 0;
  while (const dirent* entry = readdir(dir.get())) {
    const std::optional<pid_t> writer = WriterOf(entry->d_name);
    if (!writer) continue;
    const bool dead = *writer == getpid() || (kill(*writer, 0) != 0 && errno == ESRCH);
    if (dead && unlinkat(dirfd(dir.get()), entry->d_name, 0) == 0) ++removed;
  }
  return removed;
}

absl::StatusOr<std::unique_ptr<WatchCapture>> WatchCapture::Begin(const std::string& directory,
                                                                  const std::string& word,
                                                                  TraceMetadata metadata,
                                                                  uint64_t bytes, int nice) {
  const absl::StatusOr<uint64_t> most = RoomIn(directory);
  if (!most.ok()) return most.status();
  const uint64_t wanted = bytes + metadata.kallsyms.size() / 2;
  if (wanted > *most) {
    return absl::ResourceExhaustedError(
        fmt::format("not written: {} has {} MiB to spare, and this needs some {} MiB\n"
                    "remove older recordings there",
                    directory, *most >> 20, (wanted >> 20) + 1));
  }
  return std::unique_ptr<WatchCapture>(new WatchCapture(
      directory, fmt::format("{}-{}", word, UtcNow()), std::move(metadata), *most, nice));
}

WatchCapture::WatchCapture(std::string directory, std::string name, TraceMetadata metadata,
                           uint64_t most, int nice)
    : directory_(std::move(directory)),
      name_(std::move(name)),
      metadata_(std::move(metadata)),
      most_(most),
      nice_(nice),
      thread_([this] { Run(); }) {}

WatchCapture::~WatchCapture() {
  if (!ended_) End({});
  thread_.join();
}

void WatchCapture::Take(std::vector<std::shared_ptr<const PageChunk>> chunks) {
  if (chunks.empty()) return;
  const std::lock_guard lock(mutex_);
  waiting_.insert(waiting_.end(), std::make_move_iterator(chunks.begin()),
                  std::make_move_iterator(chunks.end()));
  changed_.notify_all();
}

void WatchCapture::End(TraceEnding ending) {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  ending_ = std::move(ending);
  changed_.notify_all();
}

absl::StatusOr<std::string> WatchCapture::Result() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return done_.load(); });
  return result_;
}

std::shared_ptr<const PageChunk> WatchCapture::Next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !waiting_.empty() || ending_.has_value(); });
  if (waiting_.empty()) return nullptr;
  std::shared_ptr<const PageChunk> chunk = std::move(waiting_.front());
  waiting_.pop_front();
  return chunk;
}

void WatchCapture::Run() {
  setpriority(PRIO_PROCESS, 0, nice_);  // of this thread: it is the recorder that is urgent
  absl::StatusOr<std::string> result = Write();
  const std::lock_guard lock(mutex_);
  waiting_.clear();
  result_ = std::move(result);
  done_ = true;
  changed_.notify_all();
}

absl::StatusOr<std::string> WatchCapture::Write() {
  WriterOptions options;
  options.compress = true;
  const std::string path = TemporaryPath(directory_);
  auto writer = TraceWriter::Create(path, metadata_, options);
  if (!writer.ok()) return writer.status();
  metadata_ = {};
  ChunkReplay replay(**writer);
  absl::Status status;
  while (const std::shared_ptr<const PageChunk> chunk = Next()) {
    if (!status.ok()) continue;
    status = replay.Append(*chunk);
    if ((*writer)->size_at_most() <= most_) continue;
    status.Update(absl::ResourceExhaustedError(
        fmt::format("not written: {} has no room for more", directory_)));
  }
  if (status.ok()) status = (*writer)->Finish(*ending_);
  if (status.ok()) status = GiveToSudoUser(**writer);
  if (!status.ok()) {
    (*writer)->Discard();
    return status;
  }
  auto named = GiveName(path);
  if (!named.ok()) (*writer)->Discard();
  return named;
}

// What has the name already stays.
absl::StatusOr<std::string> WatchCapture::GiveName(const std::string& from) const {
  constexpr int kMostOfOneSecond = 100;
  int error = EEXIST;
  for (int n = 1; n <= kMostOfOneSecond && error == EEXIST; ++n) {
    const std::string path =
        fmt::format("{}/{}{}.dat", directory_, name_, n == 1 ? "" : fmt::format("-{}", n));
    if (renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE) == 0) {
      return path;
    }
    error = errno;
    if (error != EINVAL && error != ENOSYS) continue;
    // Some file systems cannot do it in one step.
    error = access(path.c_str(), F_OK) == 0           ? EEXIST
            : rename(from.c_str(), path.c_str()) == 0 ? 0
                                                      : errno;
    if (error == 0) return path;
  }
  return absl::ResourceExhaustedError(
      fmt::format("cannot name {}/{}.dat: {}", directory_, name_, std::strerror(error)));
}

}  // namespace wqprof
