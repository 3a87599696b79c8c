// SPDX-License-Identifier: Apache-2.0
// The commands of the program and their options, as the file of each command declares them.
// The parser behind it is known to options.cc, command_line.cc and help.cc only.
#ifndef WQPROF_CLI_OPTIONS_H_
#define WQPROF_CLI_OPTIONS_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
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

// The recording that is written, or read, where none is named.
inline constexpr const char* kDefaultRecording = "wqprof.dat";

// The type of an argument of which there is one: help shows no "..." behind its name.
inline constexpr std::string_view kOneArgument = "one";

// What completion offers: the names that are in the recording.
inline constexpr const char* kWorkqueueNames = "@workqueues";
inline constexpr const char* kFunctionNames = "@functions";

// An option or an argument, as help and completion show it.
struct OptionText {
  std::string names;                // "-d,--duration"; of an argument "FILE"
  std::string type;                 // of the value: "TIME", or all its values: "auto|always|never"
  std::string description;          // what it does, in the words of help
  std::string_view group = kPlain;  // "": help does not show it
  // What completion offers, several by |: values, of which a value may list several by comma; or
  // one of the two below.
  std::string values = {};
};

// A command while it is declared.  All targets must live until the command has run.
class Command {
 public:
  // Is given a value as the user wrote it; its error becomes the message of a usage error.
  using Taker = std::function<absl::Status(std::string_view)>;

  // What is known of a command beside its options.
  struct Parts {
    std::function<int()> run;  // returns the exit code
    // Called in their order before it runs; the first error is a usage error.
    std::vector<std::function<absl::Status()>> before;
    std::vector<std::string>* arguments = nullptr;  // words that are no options
    std::vector<std::string>* behind_dashes = nullptr;
    bool runs_command = false;
    const bool* no_pager = nullptr;                    // null: its result is never shown in one
    std::map<const CLI::Option*, std::string> values;  // as OptionText has them
  };

  // Both must outlive it.
  Command(CLI::App& app, Parts& parts) : app_(app), parts_(parts) {}

  // A switch.
  void AddFlag(const OptionText& text, bool* target);
  void AddFlag(const OptionText& text, std::function<void()> given);
  // An option with a value, which `take` gets as often as it is given.
  void AddTaken(const OptionText& text, const Taker& take);
  // A switch that may have a value, behind '='; without one it is "".
  void AddFlagWithValue(const OptionText& text, std::optional<std::string>* target);
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

  // An option of other programs that does not make sense here: `why` is the error.  Help does not
  // show it.
  void Refuse(const std::string& names, bool takes_value, const std::string& why);

  // Words that are no options, and those behind `--`.
  void AddArguments(const OptionText& text, std::vector<std::string>* target);
  // The same, of which the command takes one; it says itself what is wrong with more.
  void AddArgument(const OptionText& text, std::vector<std::string>* target);
  // The words behind `--`, where they are another list.
  void AddBehindDashes(std::vector<std::string>* target) { parts_.behind_dashes = target; }
  // A command to run: the first word that is no option, and all behind it.
  void AddCommandToRun(const OptionText& text, std::vector<std::string>* target);

  // Stands below the options in help.
  void SetExamples(std::string_view examples);
  // Leaves it out of all lists of commands.
  void Hide();
  // A pager shows the result on a terminal, unless `no_pager` is set when the command runs.
  void ShowInPagerUnless(const bool* no_pager) { parts_.no_pager = no_pager; }
  // Runs after all options were understood and before the command.
  void BeforeRun(std::function<absl::Status()> step) { parts_.before.push_back(std::move(step)); }
  void OnRun(std::function<int()> run) { parts_.run = std::move(run); }

 private:
  void Place(CLI::Option* option, const OptionText& text);

  CLI::App& app_;
  Parts& parts_;
};

}  // namespace wqprof

#endif  // WQPROF_CLI_OPTIONS_H_
