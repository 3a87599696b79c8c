// SPDX-License-Identifier: Apache-2.0
// -b of the commands that record.
#ifndef WQPROF_CLI_BUFFER_SIZE_H_
#define WQPROF_CLI_BUFFER_SIZE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace wqprof {

// A size with its unit: a bare number is more often meant as megabytes than as bytes.
absl::StatusOr<uint64_t> ParseBufferSize(std::string_view text);

// "-b 64M": four times the buffer that was too small.
std::string LargerBuffer(const std::optional<uint64_t>& buffer_bytes);

}  // namespace wqprof

#endif  // WQPROF_CLI_BUFFER_SIZE_H_
