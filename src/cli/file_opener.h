// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_CLI_FILE_OPENER_H_
#define WQPROF_CLI_FILE_OPENER_H_

#include <sys/types.h>

#include <string>

namespace wqprof {

// A process that opens one file when it is asked to, for this one, which may then open none any
// more. The file and how it is opened are chosen at the start; that process sees nothing of what
// this one reads later, and ends with it.
class FileOpener {
 public:
  FileOpener() = default;
  ~FileOpener();
  FileOpener(const FileOpener&) = delete;
  FileOpener& operator=(const FileOpener&) = delete;

  // To be called while there is one thread.  `flags`: as open() takes them.  False: errno is set.
  bool Start(const std::string& path, int flags);
  bool started() const { return socket_ >= 0; }
  // Once only: a descriptor, which the caller closes; -1: errno is set.
  int Open();

 private:
  int socket_ = -1;
  pid_t process_ = -1;
};

}  // namespace wqprof

#endif  // WQPROF_CLI_FILE_OPENER_H_
