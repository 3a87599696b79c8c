// SPDX-License-Identifier: Apache-2.0
// Where a new trace goes, and what stood there before.
#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "trace/trace_dat_writer.h"

namespace wqprof {
namespace {

// The numbers N of the files `<path>.cpu<N>` that exist.
std::vector<int> SiblingsOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const std::string prefix = path.substr(slash == std::string::npos ? 0 : slash + 1) + ".cpu";
  std::vector<int> out;
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(directory.c_str()), closedir);
  if (dir == nullptr) return out;
  while (const dirent* entry = readdir(dir.get())) {
    const std::string_view name = entry->d_name;
    if (!name.starts_with(prefix)) continue;
    const std::string number(name.substr(prefix.size()));
    if (number.empty() || number.size() > 5 ||
        number.find_first_not_of("0123456789") != std::string::npos) {
      continue;
    }
    out.push_back(std::stoi(number));
  }
  return out;
}

// Whether a trace may take the place of what is at `path`.
absl::Status CheckReplaceable(const std::string& path) {
  struct stat found {};
  const bool exists = lstat(path.c_str(), &found) == 0;
  if (!exists && errno != ENOENT) return WriteError(path, errno);
  // A link may lead to a file that is worth keeping under its own name.
  if (exists && !S_ISREG(found.st_mode)) {
    return absl::InvalidArgumentError(
        fmt::format("cannot write {}: it is not a regular file, which a trace needs\n"
                    "choose another file with -o",
                    path));
  }
  if (exists && OutputFile::IsBeingWritten(path)) {
    return absl::InvalidArgumentError(
        fmt::format("cannot write {}: another wqprof is recording into it\n"
                    "choose another file with -o",
                    path));
  }
  return absl::OkStatus();
}

}  // namespace

std::string SiblingPath(const std::string& path, int cpu) {
  return fmt::format("{}.cpu{}", path, cpu);
}

absl::Status PrepareToReplace(const std::string& path) {
  if (absl::Status status = CheckReplaceable(path); !status.ok()) return status;
  // Left by a recorder that was killed before its recording began.
  const std::string fresh = path + kNewSuffix;
  struct stat found {};
  if (lstat(fresh.c_str(), &found) != 0) return absl::OkStatus();
  if (absl::Status status = CheckReplaceable(fresh); !status.ok()) return status;
  for (const int cpu : SiblingsOf(fresh)) unlink(SiblingPath(fresh, cpu).c_str());
  return unlink(fresh.c_str()) == 0 ? absl::OkStatus() : WriteError(fresh, errno);
}

absl::Status MoveOldTraceAway(const std::string& path) {
  if (absl::Status status = CheckReplaceable(path); !status.ok()) return status;
  const bool exists = access(path.c_str(), F_OK) == 0;
  const std::string old = path + ".old";
  const std::vector<int> siblings = SiblingsOf(path);
  if (!exists && siblings.empty()) return absl::OkStatus();
  for (const int cpu : SiblingsOf(old)) unlink(SiblingPath(old, cpu).c_str());
  if (exists && rename(path.c_str(), old.c_str()) != 0) return WriteError(old, errno);
  for (const int cpu : siblings) {
    if (rename(SiblingPath(path, cpu).c_str(), SiblingPath(old, cpu).c_str()) != 0) {
      return WriteError(SiblingPath(old, cpu), errno);
    }
  }
  return absl::OkStatus();
}

}  // namespace wqprof
