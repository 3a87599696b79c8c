// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_CLI_EXIT_CODE_H_
#define WQPROF_CLI_EXIT_CODE_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace wqprof {

// How the program ends; users and scripts rely on the numbers.
enum ExitCode : int {
  kOk = 0,
  kBroken = 1,        // a budget is broken, or a difference found
  kUsage = 2,         // usage or configuration
  kInsufficient = 3,  // evidence insufficient
  kCannotTrace = 4,   // rights, kernel, resources of this box
  kUnreadable = 5,    // unreadable input
  kBug = 70,          // or out of memory
  kCannotWrite = 74,  // output could not be written
};

// Prints `status` on stderr as "wqprof: <message>" and returns the exit code of its kind (see
// KindOf()).  kCancelled is silent and 0: whoever read our output has left.
// Messages say what, why and what to do, in at most three lines.
int Fail(const absl::Status& status);

// `text` with control bytes written as \x1b: a message may quote a file name or bytes of a
// hostile trace, and nothing in it may steer the terminal.  Line ends stay.
std::string Printable(std::string_view text);

}  // namespace wqprof

#endif  // WQPROF_CLI_EXIT_CODE_H_
