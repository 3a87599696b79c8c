// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_CLI_ARGUMENTS_H_
#define WQPROF_CLI_ARGUMENTS_H_

#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"
#include "wqprof/types.h"

namespace wqprof {

// "250us", "10ms", "2s", "1.5s", "3m", "100ns"; a number without a unit is refused with the
// units that exist.  Never negative.
absl::StatusOr<Nanos> ParseDuration(std::string_view text);

// "4096", "64k", "16M", "2G" (powers of 1024), in bytes.
absl::StatusOr<uint64_t> ParseSize(std::string_view text);

}  // namespace wqprof

#endif  // WQPROF_CLI_ARGUMENTS_H_
