// SPDX-License-Identifier: Apache-2.0
// The commands of the program and their options, as the file of each command declares them.
// The parser behind it is known to options.cc, command_line.cc and help.cc only.
#ifndef WQPROF_CLI_OPTIONS_H_
#define WQPROF_CLI_OPTIONS_H_

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace wqprof {

// The headings under which help lists options.
inline constexpr std::string_view kPlain = "Options";
inline constexpr std::string_view kWhichItems = "Which items";
inline constexpr std::string_view kHowToShow = "How to show it";

// An option or an argument, as help and completion show it.
struct OptionText {
  std::string names;        // "-d,--duration"; of an argument "FILE"
  std::string type;         // of the value: "TIME", or all its values: "auto|always|never"
  std::string description;  // what it does, in the words of help
  std::string_view group = kPlain;
};

// A command while it is declared.  All targets must live until the command has run.
class Command {
 public:
  // Is given a value as the user wrote it; its error becomes the message of a usage error.
  using Taker = std::function<absl::Status(std::string_view)>;
  // Runs the command; returns the exit code.
  using Runner = std::function<int()>;

  // `app` and `runner`, which OnRun() sets, must outlive it.
  Command(CLI::App& app, Runner& runner) : app_(app), runner_(runner) {}

  // A switch.
  void AddFlag(const OptionText& text, bool* target);
  void AddFlag(const OptionText& text, std::function<void()> given);
  // An option with a value, which `take` gets as often as it is given.
  void AddTaken(const OptionText& text, const Taker& take);
  // As written; the last of several wins.
  void AddText(const OptionText& text, std::string* target);
  // As written; several add up, and so do the parts of one between `separator`s ('\0': none).
  void AddTexts(const OptionText& text, std::vector<std::string>* target, char separator = '\0');
  // `parse` makes it a T for a T or a std::optional<T>; the last of several wins.
  template <class Target, class Value>
  void AddParsed(const OptionText& text, Target* target,
                 absl::StatusOr<Value> (*parse)(std::string_view)) {
    AddTaken(text, [target, parse](std::string_view written) {
      absl::StatusOr<Value> value = parse(written);
      if (!value.ok()) return value.status();
      *target = *std::move(value);
      return absl::OkStatus();
    });
  }

  // Words that are no options.
  void AddArgument(const OptionText& text, std::string* target);
  void AddArguments(const OptionText& text, std::vector<std::string>* target);
  // A command to run: the first word that is no option, and all behind it.
  void AddCommandToRun(const OptionText& text, std::vector<std::string>* target);

  // Stands below the options in help.
  void SetExamples(std::string_view examples);
  // Leaves it out of all lists of commands.
  void Hide();
  void OnRun(Runner run) { runner_ = std::move(run); }

 private:
  void Place(CLI::Option* option, const OptionText& text);

  CLI::App& app_;
  Runner& runner_;
};

}  // namespace wqprof

#endif  // WQPROF_CLI_OPTIONS_H_
