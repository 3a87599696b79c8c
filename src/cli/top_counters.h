// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_CLI_TOP_COUNTERS_H_
#define WQPROF_CLI_TOP_COUNTERS_H_

#include <cstddef>
#include <optional>

#include "cli/analysis_options.h"

namespace wqprof {

// What `top --counters` takes of the options of `top`.
struct CountersOptions {
  Nanos interval{0};
  std::optional<Nanos> duration;
  std::optional<size_t> looks;
  bool batch = false;
  AnalysisOptions input;  // -w, and how to show it
};

// Shows the kernel's own counters of workqueues again and again; returns the exit code.
int RunCounters(const CountersOptions& options);

}  // namespace wqprof

#endif  // WQPROF_CLI_TOP_COUNTERS_H_
