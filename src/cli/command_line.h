// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_CLI_COMMAND_LINE_H_
#define WQPROF_CLI_COMMAND_LINE_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/options.h"

namespace wqprof {

// An option as a shell's completion needs to know it.
struct OptionFacts {
  std::vector<std::string> shorts, longs;  // without dashes
  std::string description;
  bool takes_value = false;
  std::vector<std::string> choices;  // its values, where there is a list
  bool list = false;                 // a value may be several of them, by comma
  std::string names;                 // "workqueues", "functions": those in the recording
};

// A command, or the program itself, and its options.
struct CommandFacts {
  std::string name, description;
  std::vector<OptionFacts> options;
  std::vector<std::string> arguments;  // what its argument may be, where there is a list
};

// The program's commands, and the words that it was called with.
class CommandLine {
 public:
  CommandLine(int argc, char** argv);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  // A new command.  Commands are listed in the order of their adding.
  Command Add(std::string_view name, std::string_view description);
  // Understands the words and runs the command that they name; returns the exit code.
  int Run();

  CommandFacts program() const;
  std::vector<CommandFacts> commands() const;

 private:
  int UsageError(std::string_view message) const;
  // Gives `words` to the parser; absent when the command that they name can run.
  std::optional<int> Parse(std::vector<std::string> words);
  Command::Parts* Find(std::string_view command);

  std::vector<std::string> words_;
  std::unique_ptr<CLI::App> app_;
  std::map<std::string, Command::Parts, std::less<>> parts_;  // by the name of the command
};

}  // namespace wqprof

#endif  // WQPROF_CLI_COMMAND_LINE_H_
