// SPDX-License-Identifier: Apache-2.0
// Files of a fleet's lines.
#ifndef WQPROF_CLI_HIST_FILES_H_
#define WQPROF_CLI_HIST_FILES_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "wqprof/hist.h"

namespace wqprof {

// Adds the lines of all files; a directory stands for the *.ndjson, *.ndjson.zst, ... in it.  A
// file that ends within a line, or that is damaged, counts as far as it can be read.
absl::Status ReadHists(const std::vector<std::string>& paths, HistMerger& merger);

// Why there is nothing to show; OK where there is something.
absl::Status NothingMerged(const MergeTally& tally);

}  // namespace wqprof

#endif  // WQPROF_CLI_HIST_FILES_H_
