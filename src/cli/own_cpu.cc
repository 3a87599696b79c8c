// SPDX-License-Identifier: Apache-2.0
#include "cli/own_cpu.h"

#include <sys/resource.h>

namespace wqprof {

double OwnCpu::Take() {
  const auto now = std::chrono::steady_clock::now();
  const Nanos used = Used();
  const double wall = std::chrono::duration<double>(now - then_).count();
  const double share = wall > 0 ? std::chrono::duration<double>(used - used_).count() / wall : 0;
  then_ = now;
  used_ = used;
  return share;
}

Nanos OwnCpu::Used() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto of = [](const timeval& time) {
    return Nanos(std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec));
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}

}  // namespace wqprof
