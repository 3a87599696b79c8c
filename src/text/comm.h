// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TEXT_COMM_H_
#define WQPROF_TEXT_COMM_H_

#include <string_view>

#include "wqprof/comm.h"

namespace wqprof {

// The name of a task out of what stands before "-pid": without the blanks that pad it and what
// others put before the line.  A worker's name without what /proc hangs behind it.
std::string_view CommOfLeft(std::string_view left);

}  // namespace wqprof

#endif  // WQPROF_TEXT_COMM_H_
