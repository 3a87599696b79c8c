// SPDX-License-Identifier: Apache-2.0
#include "cli/threshold.h"

#include <string>

#include "fmt/format.h"
#include "wqprof/arguments.h"

namespace wqprof {
namespace {

// wq_watchdog_thresh of kernel/workqueue.c.
constexpr std::chrono::seconds kKernelDefault(30);

}  // namespace

absl::StatusOr<Threshold> ParseThreshold(std::string_view text) {
  if (text == "kernel") return Threshold{kKernelDefault, true};
  const absl::StatusOr<Nanos> time = ParseDuration(text);
  if (!time.ok()) {
    return absl::InvalidArgumentError(fmt::format("{}; or kernel, for what its watchdog waits",
                                                  std::string(time.status().message())));
  }
  return Threshold{*time, false};
}

Nanos TimeOf(const Threshold& threshold, const TraceInfo& info) {
  if (!threshold.of_kernel) return threshold.time;
  // 0 turns the watchdog off.
  const Nanos of_kernel = info.watchdog_threshold.value_or(Nanos(0));
  return of_kernel > Nanos(0) ? of_kernel : Nanos(kKernelDefault);
}

}  // namespace wqprof
