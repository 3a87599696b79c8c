// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_CLI_OWN_CPU_H_
#define WQPROF_CLI_OWN_CPU_H_

#include <chrono>

#include "wqprof/types.h"

namespace wqprof {

// The share of a CPU that this process took since it was asked last.
class OwnCpu {
 public:
  double Take();

 private:
  static Nanos Used();
  std::chrono::steady_clock::time_point then_ = std::chrono::steady_clock::now();
  Nanos used_ = Used();
};

}  // namespace wqprof

#endif  // WQPROF_CLI_OWN_CPU_H_
