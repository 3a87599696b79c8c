// SPDX-License-Identifier: Apache-2.0
#include "cli/habits.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "wqprof/did_you_mean.h"

namespace wqprof {
namespace {

// A command of perf, trace-cmd, rtla or of later days, and what does its work here.
struct ForeignWord {
  std::string_view word, ours;
};
constexpr std::array<ForeignWord, 10> kForeign = {{
    {"timehist", "`wqprof works` lists items one by one, with all their times"},
    {"script", "`wqprof works --format ndjson` writes each item for programs"},
    {"dump", "`wqprof works --format ndjson` writes each item for programs"},
    {"lat", "`wqprof report` shows the latencies of each function"},
    {"latency", "`wqprof report` shows the latencies of each function"},
    {"hist", "`wqprof report --hist` shows histograms"},
    {"start", "`wqprof record` records until Ctrl-C"},
    {"stop", "`wqprof record` ends at Ctrl-C, or after -d TIME"},
    {"show", "`wqprof report` shows a recording"},
    {"list", "`wqprof report` shows the workqueues and functions of a recording"},
}};

bool IsOneOf(std::string_view word, std::initializer_list<std::string_view> all) {
  return std::find(all.begin(), all.end(), word) != all.end();
}

// How many of `words` are options that belong to the command, but may stand before it.
size_t LeadingOptions(const std::vector<std::string>& words) {
  size_t count = 0;
  while (count < words.size()) {
    const std::string& word = words[count];
    if (IsOneOf(word, {"--no-pager", "-v", "--verbose", "-q", "--quiet"}) ||
        word.starts_with("--color=")) {
      ++count;
    } else if (word == "--color" && count + 1 < words.size()) {
      count += 2;
    } else {
      break;
    }
  }
  return count;
}

absl::Status NoCommand(const std::string& word, std::span<const std::string> commands) {
  for (const ForeignWord& foreign : kForeign) {
    if (word == foreign.word) {
      return absl::InvalidArgumentError(
          fmt::format("wqprof has no command '{}'\n{}", word, foreign.ours));
    }
  }
  if (word.ends_with(".dat")) {
    return absl::InvalidArgumentError(fmt::format(
        "wqprof has no command '{}'\nTo read a recording: wqprof report {}", word, word));
  }
  return absl::InvalidArgumentError(
      fmt::format("wqprof has no command '{}'{}", word, DidYouMean(word, commands)));
}

// The command that `word` is the beginning of.
absl::StatusOr<std::string> CommandOf(const std::string& word,
                                      std::span<const std::string> commands) {
  std::vector<std::string> begun;
  for (const std::string& command : commands) {
    if (command == word) return word;
    if (command.starts_with(word)) begun.push_back(command);
  }
  const bool foreign = std::any_of(kForeign.begin(), kForeign.end(),
                                   [&](const ForeignWord& known) { return word == known.word; });
  if (begun.size() == 1 && !foreign) return begun.front();
  if (begun.size() > 1 && !foreign) {
    return absl::InvalidArgumentError(
        fmt::format("'{}' may be {}: write more of it", word, fmt::join(begun, " or ")));
  }
  return NoCommand(word, commands);
}

}  // namespace

absl::StatusOr<std::vector<std::string>> Understand(std::vector<std::string> words,
                                                    std::span<const std::string> commands) {
  const auto leading = words.begin() + static_cast<std::ptrdiff_t>(LeadingOptions(words));
  if (leading == words.end()) return words;
  // The command goes to the front, what stood before it behind it.
  std::rotate(words.begin(), leading, leading + 1);
  std::string& first = words.front();
  if (first == "version" || first == "-V") return std::vector<std::string>{"--version"};
  if (first == "help") {
    words.erase(words.begin());
    if (words.empty() || words.front().starts_with('-')) return std::vector<std::string>{"--help"};
    words = {words.front(), "--help"};
  }
  if (words.front().empty() || words.front().starts_with('-')) return words;
  absl::StatusOr<std::string> command = CommandOf(words.front(), commands);
  if (!command.ok()) return command.status();
  words.front() = *std::move(command);
  return words;
}

std::vector<std::string> TakeBehindDashes(std::vector<std::string>& words) {
  const auto dashes = std::find(words.begin(), words.end(), "--");
  if (dashes == words.end()) return {};
  std::vector<std::string> behind(dashes + 1, words.end());
  words.erase(dashes, words.end());
  return behind;
}

bool LooksLikeRegex(std::string_view text) {
  return text.find_first_of("^$|()+\\") != std::string_view::npos ||
         text.find(".*") != std::string_view::npos;
}

std::string GlobOfRegex(std::string_view regex) {
  const bool from_begin = regex.starts_with('^'), to_end = regex.ends_with('$');
  std::string out = from_begin ? "" : "*";
  const auto star = [&out] {
    if (!out.ends_with('*')) out += '*';
  };
  for (size_t i = 0; i < regex.size(); ++i) {
    const char c = regex[i];
    const char next = i + 1 < regex.size() ? regex[i + 1] : '\0';
    if (c == '.' && next == '+') {
      out += "?*";
      ++i;
    } else if (c == '.' && next == '*') {
      star();
      ++i;
    } else if (c == '.') {
      out += '?';
    } else if (c == '\\' && next != '\0') {
      out += next;
      ++i;
    } else if (c == '|') {
      // Each alternative begins and ends like the whole.
      if (!to_end) star();
      out += from_begin ? "," : ",*";
    } else if (c == '+' || c == '*') {
      star();
    } else if (std::string_view("^$()\\").find(c) == std::string_view::npos) {
      out += c;
    }
  }
  if (!to_end) star();
  return out;
}

}  // namespace wqprof
