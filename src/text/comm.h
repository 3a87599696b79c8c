// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TEXT_COMM_H_
#define WQPROF_TEXT_COMM_H_

#include <string_view>

namespace wqprof {

// The kernel's longest name of a task.
inline constexpr size_t kLongestComm = 15;

// The name of a task out of what stands before "-pid": without the blanks that pad it and what
// others put before the line.  A worker's name without what /proc hangs behind it.
std::string_view CommOfLeft(std::string_view left);

// "kworker/1:1H-kblockd" -> "kworker/1:1H".  Other names stay as they are.
std::string_view WithoutSuffix(std::string_view comm);

}  // namespace wqprof

#endif  // WQPROF_TEXT_COMM_H_
