// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_CLI_THRESHOLD_H_
#define WQPROF_CLI_THRESHOLD_H_

#include <chrono>
#include <string_view>

#include "absl/status/statusor.h"
#include "wqprof/event_source.h"
#include "wqprof/types.h"

namespace wqprof {

// For how long a pool must have had work and started none: a time, or what the watchdog of the
// recorded kernel waits before it reports a "workqueue lockup".
struct Threshold {
  Nanos time = std::chrono::milliseconds(10);
  bool of_kernel = false;
};

// "10ms", or "kernel".
absl::StatusOr<Threshold> ParseThreshold(std::string_view text);

// The watchdog's time is in the recording if wqprof made it; else it is the kernel's default.
Nanos TimeOf(const Threshold& threshold, const TraceInfo& info);

}  // namespace wqprof

#endif  // WQPROF_CLI_THRESHOLD_H_
