// SPDX-License-Identifier: Apache-2.0
#include <string>

#include "fmt/format.h"
#include "wqprof/arguments.h"

namespace wqprof {
namespace {

absl::Status Refuse(std::string_view text, std::string_view why, std::string_view advice) {
  return absl::InvalidArgumentError(fmt::format("'{}' {}\n{}", text, why, advice));
}

}  // namespace

absl::StatusOr<std::vector<std::string>> ParseCommand(std::string_view text) {
  constexpr std::string_view kOfShells = "|&;<>()$`*?~#\n";
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\' && quote != '\'') {
      if (++i == text.size()) {
        return Refuse(text, "ends with a backslash", "leave it out, or write two");
      }
      word += text[i];
      in_word = true;
    } else if (quote != 0) {
      if (c == quote) {
        quote = 0;
      } else {
        word += c;
      }
    } else if (c == '\'' || c == '"') {
      quote = c;
      in_word = true;
    } else if (c == ' ' || c == '\t') {
      if (in_word) words.push_back(std::move(word));
      word.clear();
      in_word = false;
    } else if (kOfShells.find(c) != std::string_view::npos) {
      return Refuse(text, fmt::format("has a '{}', which only a shell understands", c),
                    "quote it, or let a shell run it: sh -c '...'");
    } else {
      word += c;
      in_word = true;
    }
  }
  if (quote != 0) return Refuse(text, fmt::format("has a {} that is not closed", quote), "add one");
  if (in_word) words.push_back(std::move(word));
  if (words.empty() || words.front().empty()) {
    return Refuse(text, "names no program", "write a program and its arguments");
  }
  return words;
}

}  // namespace wqprof
