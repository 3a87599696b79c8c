// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_INPUT_OPEN_FD_H_
#define WQPROF_INPUT_OPEN_FD_H_

#include <string>

#include "absl/status/statusor.h"

namespace wqprof {

inline constexpr int kMostWrappers = 4;  // a gzip in a zip, and the like

// A descriptor of a file, or of standard input ("-"); a directory is refused.  With a `stop_fd`
// (see InputOptions) a fifo is opened at once, whether or not somebody writes to it: FdStream
// waits.
absl::StatusOr<int> OpenFd(const std::string& path, int stop_fd = -1);

}  // namespace wqprof

#endif  // WQPROF_INPUT_OPEN_FD_H_
