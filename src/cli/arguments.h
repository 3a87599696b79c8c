// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_CLI_ARGUMENTS_H_
#define WQPROF_CLI_ARGUMENTS_H_

#include "wqprof/arguments.h"

#endif  // WQPROF_CLI_ARGUMENTS_H_
