// SPDX-License-Identifier: Apache-2.0
#include "cli/exit_code.h"

#include <cstdio>

#include "fmt/format.h"
#include "wqprof/error_kind.h"

namespace wqprof {
namespace {

ExitCode CodeOf(const absl::Status& status) {
  switch (KindOf(status)) {
    case ErrorKind::kNone:
      return kOk;
    case ErrorKind::kUsage:
      return kUsage;
    case ErrorKind::kInsufficient:
      return kInsufficient;
    case ErrorKind::kCannotTrace:
      return kCannotTrace;
    case ErrorKind::kUnreadable:
      return kUnreadable;
    case ErrorKind::kCannotWrite:
      return kCannotWrite;
    case ErrorKind::kOutOfMemory:
    case ErrorKind::kBug:
      return kBug;
  }
  return kBug;
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
  if (KindOf(status) == ErrorKind::kBug) {
    text += fmt::format("This is a bug of wqprof ({}): please report it with the command.\n",
                        std::string(absl::StatusCodeToString(status.code())));
  }
  // Not fmt::print, which throws when standard error is closed.
  std::fputs(text.c_str(), stderr);
  return code;
}

}  // namespace wqprof
