// SPDX-License-Identifier: Apache-2.0
#include "cli/threshold.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>

#include "fmt/format.h"
#include "wqprof/arguments.h"

namespace wqprof {
namespace {

// wq_watchdog_thresh of kernel/workqueue.c.
constexpr std::chrono::seconds kKernelDefault(30);
constexpr int64_t kLongest = 1'000'000;  // seconds

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
  constexpr std::string_view kKey = "watchdog_thresh=";
  std::string_view rest = info.settings;
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    if (!line.starts_with(kKey)) continue;
    const std::string_view number = line.substr(kKey.size());
    int64_t seconds = 0;
    const auto [end, error] =
        std::from_chars(number.data(), number.data() + number.size(), seconds);
    // 0 turns the watchdog off.
    if (error == std::errc() && seconds > 0 && seconds <= kLongest) {
      return std::chrono::seconds(seconds);
    }
  }
  return kKernelDefault;
}

}  // namespace wqprof
