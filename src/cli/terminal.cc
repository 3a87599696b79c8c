// SPDX-License-Identifier: Apache-2.0
#include "cli/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <optional>
#include <string>

#include "fmt/format.h"

namespace wqprof {
namespace {

constexpr size_t kFallbackColumns = 80;

// What the pager shows our output on, once one was started.
std::optional<Terminal>& Paged() {
  static std::optional<Terminal> terminal;
  return terminal;
}

std::string_view Environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

size_t ColumnsOfTerminal() {
  const std::string_view text = Environment("COLUMNS");
  size_t columns = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), columns);
  if (error == std::errc() && end == text.data() + text.size() && columns > 0) return columns;
  winsize size = {};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return kFallbackColumns;
}

// As setlocale() would decide, without making the program depend on installed locales.
bool LocaleIsUtf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string_view value = Environment(name);
    if (value.empty()) continue;
    return value.find("UTF-8") != std::string_view::npos ||
           value.find("utf8") != std::string_view::npos ||
           value.find("UTF8") != std::string_view::npos ||
           value.find("utf-8") != std::string_view::npos;
  }
  return false;
}

}  // namespace

absl::StatusOr<ColorMode> ParseColorMode(std::string_view text) {
  if (text == "auto") return ColorMode::kAuto;
  if (text == "always") return ColorMode::kAlways;
  if (text == "never") return ColorMode::kNever;
  return absl::InvalidArgumentError(
      fmt::format("'{}' is no way to colour: write auto, always or never", text));
}

void OutputIsPaged(const Terminal& terminal) { Paged() = terminal; }

Terminal DetectTerminal() {
  if (Paged()) return *Paged();
  Terminal terminal;
  terminal.is_terminal = isatty(STDOUT_FILENO) == 1;
  terminal.columns = terminal.is_terminal ? ColumnsOfTerminal() : 0;
  terminal.utf8 = LocaleIsUtf8();
  return terminal;
}

TextStyle StyleFor(const Terminal& terminal, ColorMode color, bool ascii) {
  const bool wanted =
      terminal.is_terminal && Environment("NO_COLOR").empty() && Environment("TERM") != "dumb";
  return {terminal.columns, color == ColorMode::kAlways || (color == ColorMode::kAuto && wanted),
          terminal.utf8 && !ascii};
}

}  // namespace wqprof
