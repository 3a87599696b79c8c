// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_CLI_RUN_FILES_H_
#define WQPROF_CLI_RUN_FILES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "wqprof/budget.h"
#include "wqprof/input.h"

namespace wqprof {

// More runs on a side than this say nothing more, and the exact tests get slow.
inline constexpr size_t kMaxRuns = 30;

// The recordings that `paths` name; a directory stands for the *.dat in it, by name.
absl::StatusOr<std::vector<std::string>> ExpandRuns(const std::vector<std::string>& paths);

// Reads each recording into `runs`.
absl::Status ReadRuns(const std::vector<std::string>& files, const InputOptions& options,
                      RunSet& runs);

}  // namespace wqprof

#endif  // WQPROF_CLI_RUN_FILES_H_
