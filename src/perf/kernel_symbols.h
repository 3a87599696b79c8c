// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_PERF_KERNEL_SYMBOLS_H_
#define WQPROF_PERF_KERNEL_SYMBOLS_H_

#include <string>

#include "absl/status/statusor.h"
#include "perf/facts.h"
#include "wqprof/perf_data.h"

namespace wqprof {

// The symbols of the recorded kernel: those of the file that the user named, or of the kernel that
// runs here if it is the same one, at the same place; "" if there are none.
absl::StatusOr<std::string> FindKernelSymbols(const PerfFacts& facts, const PerfSymbols& symbols);

}  // namespace wqprof

#endif  // WQPROF_PERF_KERNEL_SYMBOLS_H_
