// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_CLI_SUDO_USER_H_
#define WQPROF_CLI_SUDO_USER_H_

#include "absl/status/status.h"
#include "wqprof/trace_writer.h"

namespace wqprof {

// A trace is readable by its owner only, and under sudo that shall be who called it.  Without sudo
// nothing is done.
absl::Status GiveToSudoUser(TraceWriter& writer);

}  // namespace wqprof

#endif  // WQPROF_CLI_SUDO_USER_H_
