// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_CLI_SELF_TEST_H_
#define WQPROF_CLI_SELF_TEST_H_

#include "wqprof/live.h"

namespace wqprof {

// Records for a second, with a few works of its own, and analyses the result; leaves nothing.
TracingCheck RunSelfTest();

}  // namespace wqprof

#endif  // WQPROF_CLI_SELF_TEST_H_
