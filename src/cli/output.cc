// SPDX-License-Identifier: Apache-2.0
#include "cli/output.h"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "cli/exit_code.h"
#include "fmt/format.h"
#include "wqprof/error_kind.h"

namespace wqprof {
namespace {

// Without this, the first write to a closed pipe kills the program, and `set -o pipefail`
// takes that for a failure.
void IgnoreClosedPipes() {
  static const auto before = std::signal(SIGPIPE, SIG_IGN);
  (void)before;
}

}  // namespace

absl::Status WriteOutput(std::string_view text) {
  IgnoreClosedPipes();
  while (!text.empty()) {
    const ssize_t n = write(STDOUT_FILENO, text.data(), text.size());
    if (n >= 0) {
      text.remove_prefix(static_cast<size_t>(n));
    } else if (errno == EPIPE) {
      return absl::CancelledError("nobody reads the output");
    } else if (errno != EINTR) {
      return WithKind(absl::UnknownError(fmt::format(
                          "cannot write the result to standard output: {}", std::strerror(errno))),
                      ErrorKind::kCannotWrite);
    }
  }
  return absl::OkStatus();
}

void Note(std::string_view text) {
  std::fputs(fmt::format("wqprof: {}\n", Printable(text)).c_str(), stderr);
}

}  // namespace wqprof
