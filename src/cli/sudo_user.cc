// SPDX-License-Identifier: Apache-2.0
#include "cli/sudo_user.h"

#include <unistd.h>

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>

namespace wqprof {
namespace {

// Nothing when it is not a whole number: "1x" is nobody.
std::optional<uint32_t> NumberIn(const char* variable) {
  const char* const value = std::getenv(variable);
  if (value == nullptr) return std::nullopt;
  const std::string_view text = value;
  uint32_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  // What chown(2) takes for "leave it".
  return id == ~uint32_t{0} ? std::nullopt : std::optional(id);
}

}  // namespace

absl::Status GiveToSudoUser(TraceWriter& writer) {
  const auto user = NumberIn("SUDO_UID"), group = NumberIn("SUDO_GID");
  if (geteuid() != 0 || !user || !group) return absl::OkStatus();
  return writer.GiveTo(*user, *group);
}

}  // namespace wqprof
