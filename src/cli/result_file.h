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
  // "" or "-": standard output.
  explicit ResultFile(std::string path) : path_(std::move(path)) {}
  ~ResultFile();
  ResultFile(const ResultFile&) = delete;
  ResultFile& operator=(const ResultFile&) = delete;

  bool IsStandard() const { return path_.empty() || path_ == "-"; }
  // What the file held is gone.
  absl::Status Open();
  absl::Status Write(std::string_view text);

 private:
  absl::Status Error() const;
  std::string path_;
  int fd_ = -1;
};

}  // namespace wqprof

#endif  // WQPROF_CLI_RESULT_FILE_H_
