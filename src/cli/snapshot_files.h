// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_CLI_SNAPSHOT_FILES_H_
#define WQPROF_CLI_SNAPSHOT_FILES_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace wqprof {

// The whole of a file; "" where there is none.
absl::StatusOr<std::string> ReadSmallFile(const std::string& path);

// Puts a file in the place of `path` at once: who reads it sees the old one or the new one.
absl::Status ReplaceFile(const std::string& path, std::string_view text);

}  // namespace wqprof

#endif  // WQPROF_CLI_SNAPSHOT_FILES_H_
