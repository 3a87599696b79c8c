// SPDX-License-Identifier: Apache-2.0
#include "cli/exit_code.h"

#include <cstdio>

#include "fmt/format.h"

namespace wqprof {
namespace {

ExitCode CodeOf(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
    case absl::StatusCode::kCancelled:
      return kOk;
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kAlreadyExists:
      return kUsage;
    case absl::StatusCode::kOutOfRange:
      return kInsufficient;
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kUnimplemented:
    case absl::StatusCode::kResourceExhausted:
      return kCannotTrace;
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kDataLoss:
      return kUnreadable;
    default:
      return kBug;
  }
}

}  // namespace

std::string Printable(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\n') || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out;
}

int Fail(const absl::Status& status) {
  const ExitCode code = CodeOf(status);
  if (code == kOk) return code;
  const std::string_view message(status.message().data(), status.message().size());
  std::string text = fmt::format("wqprof: {}\n", Printable(message));
  if (code == kBug) {
    text += fmt::format("This is a bug of wqprof ({}): please report it with the command.\n",
                        std::string(absl::StatusCodeToString(status.code())));
  }
  // Not fmt::print, which throws when standard error is closed.
  std::fputs(text.c_str(), stderr);
  return code;
}

}  // namespace wqprof
