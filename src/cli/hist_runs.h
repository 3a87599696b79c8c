// SPDX-License-Identifier: Apache-2.0
// A fleet's hosts as runs that are compared.
#ifndef WQPROF_CLI_HIST_RUNS_H_
#define WQPROF_CLI_HIST_RUNS_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "wqprof/budget.h"

namespace wqprof {

// Two releases of the kernel.
struct KernelPair {
  std::string base, now;
};
// "6.1.0,6.12.0".
absl::StatusOr<KernelPair> ParseKernelPair(std::string_view text);

// So many groups prove a change of one row among millions, and more make the exact tests slow.
inline constexpr size_t kHostGroups = 16;

// Reads lines, and adds a run for each host.  More hosts than kHostGroups become that many groups
// of hosts, and a note says so.
absl::Status ReadHosts(const std::vector<std::string>& paths, RunSet& runs);
// The same, by the kernel of each host.
absl::Status ReadHosts(const std::vector<std::string>& paths, const KernelPair& kernels,
                       RunSet& base, RunSet& now);

}  // namespace wqprof

#endif  // WQPROF_CLI_HIST_RUNS_H_
