// SPDX-License-Identifier: Apache-2.0
// What people type who know other programs, as the words that ours knows.
#ifndef WQPROF_CLI_HABITS_H_
#define WQPROF_CLI_HABITS_H_

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace wqprof {

// The words of a call with the command in front.  `help [CMD]`, `version` and -V become options;
// --no-pager, --color, -v and -q may stand before the command; a unique beginning of a command is
// the command.  The error of a word that can be no command says what to write instead.
absl::StatusOr<std::vector<std::string>> Understand(std::vector<std::string> words,
                                                    std::span<const std::string> commands);

// Takes `--` and what stands behind it off `words`.
std::vector<std::string> TakeBehindDashes(std::vector<std::string>& words);

// Whether `text` is a regular expression rather than a glob: "^kb.*", "a|b", "x$".
bool LooksLikeRegex(std::string_view text);
// The glob that matches what the expression does, as far as a glob can: "kb*" for "^kb.*".
std::string GlobOfRegex(std::string_view regex);

}  // namespace wqprof

#endif  // WQPROF_CLI_HABITS_H_
