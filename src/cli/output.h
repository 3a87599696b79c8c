// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_CLI_OUTPUT_H_
#define WQPROF_CLI_OUTPUT_H_

#include <string_view>

#include "absl/status/status.h"

namespace wqprof {

// Writes results to standard output, past the buffers of stdio, so that a full disk is reported
// where it happens.  kCancelled: nobody reads any more (`| head`), which is no error.
absl::Status WriteOutput(std::string_view text);

// Writes a warning or a note to standard error as "wqprof: <text>".
void Note(std::string_view text);

}  // namespace wqprof

#endif  // WQPROF_CLI_OUTPUT_H_
