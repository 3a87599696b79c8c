// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_CLI_TERMINAL_H_
#define WQPROF_CLI_TERMINAL_H_

#include <cstddef>
#include <string_view>

#include "absl/status/statusor.h"
#include "wqprof/render.h"

namespace wqprof {

enum class ColorMode { kAuto, kAlways, kNever };

// "auto", "always", "never".
absl::StatusOr<ColorMode> ParseColorMode(std::string_view text);

// What standard output can show.
struct Terminal {
  bool is_terminal = false;
  size_t columns = 0;  // 0: no terminal, no limit
  bool utf8 = false;   // by the locale
};

// COLUMNS goes before what the terminal says, for those who want it narrower.
Terminal DetectTerminal();
// Standard output will be a pipe to a pager from now on: DetectTerminal() answers `terminal`,
// which the pager shows it on.
void OutputIsPaged(const Terminal& terminal);

// NO_COLOR and TERM=dumb switch off what "auto" would switch on; "always" beats both.
TextStyle StyleFor(const Terminal& terminal, ColorMode color, bool ascii);

}  // namespace wqprof

#endif  // WQPROF_CLI_TERMINAL_H_
