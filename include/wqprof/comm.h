// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_COMM_H_
#define WQPROF_COMM_H_

#include <cstddef>
#include <string_view>

namespace wqprof {

// The kernel's longest name of a task.
inline constexpr size_t kLongestComm = 15;

// "kworker/1:1H-kblockd" -> "kworker/1:1H": a worker's name without what /proc hangs behind it.
// Other names stay as they are.
std::string_view WithoutSuffix(std::string_view comm);

}  // namespace wqprof

#endif  // WQPROF_COMM_H_
