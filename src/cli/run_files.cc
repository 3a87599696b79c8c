// SPDX-License-Identifier: Apache-2.0
#include "cli/run_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "cli/log_view.h"
#include "cli/output.h"

namespace wqprof {

absl::StatusOr<std::vector<std::string>> ExpandRuns(const std::vector<std::string>& paths) {
  namespace fs = std::filesystem;
  std::vector<std::string> out;
  for (const std::string& path : paths) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      out.push_back(path);
      continue;
    }
    std::vector<std::string> found;
    for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
      if (it->path().extension() == ".dat") found.push_back(it->path().string());
    }
    if (error) {
      return absl::NotFoundError(fmt::format("cannot list {}: {}", path, error.message()));
    }
    if (found.empty()) {
      return absl::NotFoundError(
          fmt::format("there is no recording (*.dat) in {}\nrecord into it: wqprof record -o "
                      "{}/1.dat",
                      path, path));
    }
    std::sort(found.begin(), found.end());
    out.insert(out.end(), found.begin(), found.end());
  }
  if (out.size() > kMaxRuns) {
    return absl::InvalidArgumentError(
        fmt::format("{} recordings are more than the {} that a side may have\nname fewer of them",
                    out.size(), kMaxRuns));
  }
  return out;
}

absl::Status ReadRuns(const std::vector<std::string>& files, const InputOptions& options,
                      RunSet& runs) {
  for (const std::string& file : files) {
    LogCollector log;
    InputOptions open = options;
    open.log = &log;
    const auto source = OpenInput(file, open);
    if (!source.ok()) return source.status();
    if (log.found() && HasNoEvents(**source)) return NoItemsInLog(file);
    const size_t told = runs.repeated().size();
    if (const absl::Status status = runs.Add(**source); !status.ok()) return status;
    if (runs.repeated().size() > told) Note(runs.repeated().back());
  }
  return absl::OkStatus();
}

}  // namespace wqprof
