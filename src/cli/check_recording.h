// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_CLI_CHECK_RECORDING_H_
#define WQPROF_CLI_CHECK_RECORDING_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "wqprof/live.h"

namespace wqprof {

// How a command ended under the recorder.
struct RecordedCommand {
  bool interrupted = false;  // the user asked for the end
  std::string failure;       // "" when it exited with 0
};

// Records into `path` while `argv` runs.
absl::StatusOr<RecordedCommand> RecordWhileRunning(const std::vector<std::string>& argv,
                                                   const RecorderOptions& options,
                                                   const std::string& path);

// A directory of our own for recordings that nobody wants to keep; it goes with the object.
class ScratchDirectory {
 public:
  static absl::StatusOr<ScratchDirectory> Create();
  ~ScratchDirectory();
  ScratchDirectory(ScratchDirectory&& other) noexcept : path_(std::move(other.path_)) {
    other.path_.clear();
  }
  ScratchDirectory& operator=(ScratchDirectory&&) = delete;
  const std::string& path() const { return path_; }

 private:
  explicit ScratchDirectory(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

}  // namespace wqprof

#endif  // WQPROF_CLI_CHECK_RECORDING_H_
