// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_CLI_DID_YOU_MEAN_H_
#define WQPROF_CLI_DID_YOU_MEAN_H_

#include "wqprof/did_you_mean.h"

#endif  // WQPROF_CLI_DID_YOU_MEAN_H_
