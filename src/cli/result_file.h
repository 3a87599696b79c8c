// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_CLI_RESULT_FILE_H_
#define WQPROF_CLI_RESULT_FILE_H_

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"

namespace wqprof {

// A file to be written, or standard output.
class ResultFile {
 public:
  enum class Mode { kReplace, kAppend };
  // "" or "-": standard output.
  explicit ResultFile(std::string path, Mode mode = Mode::kReplace)
      : path_(std::move(path)), mode_(mode) {}
  ~ResultFile();
  ResultFile(const ResultFile&) = delete;
  ResultFile& operator=(const ResultFile&) = delete;

  bool IsStandard() const { return path_.empty() || path_ == "-"; }
  const std::string& path() const { return path_; }
  // Makes sure that the file can be written when this process may no longer open any; what it holds
  // stays.
  absl::Status Reserve();
  // What the file held is gone, unless text is added to it.
  absl::Status Open();
  absl::Status Write(std::string_view text);

 private:
  absl::Status Error() const;
  std::string path_;
  Mode mode_;
  int fd_ = -1;
};

}  // namespace wqprof

#endif  // WQPROF_CLI_RESULT_FILE_H_
