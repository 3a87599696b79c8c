// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_CLI_RESULT_FILE_H_
#define WQPROF_CLI_RESULT_FILE_H_

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "cli/file_opener.h"

namespace wqprof {

// A file to be written, or standard output.  There is no file before there is something to write.
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
  // Whether the file can be written, as far as that shows while nothing is made.
  absl::Status Check() const;
  // Makes it possible to write the file when this process may no longer open any.  To be called
  // while there is one thread.
  absl::Status Delegate();
  // The first text makes the file; what the file held is gone, unless text is added to it.
  absl::Status Write(std::string_view text);

 private:
  absl::Status Open();
  absl::Status Error() const;
  int Flags() const;
  std::string path_;
  Mode mode_;
  FileOpener opener_;
  int fd_ = -1;
};

}  // namespace wqprof

#endif  // WQPROF_CLI_RESULT_FILE_H_
