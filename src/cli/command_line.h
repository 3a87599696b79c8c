// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_CLI_COMMAND_LINE_H_
#define WQPROF_CLI_COMMAND_LINE_H_

#include <deque>
#include <memory>
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
};

// A command, or the program itself, and its options.
struct CommandFacts {
  std::string name, description;
  std::vector<OptionFacts> options;
};

// The program's commands, and the words that it was called with.
class CommandLine {
 public:
  // The words behind `--` of those commands for which it separates two lists are set apart.
  CommandLine(int argc, char** argv);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  // A new command.  Commands are listed in the order of their adding.
  Command Add(std::string_view name, std::string_view description);
  // The words behind `--`: a command to run, or the second group of recordings.
  const std::vector<std::string>& behind_dashes() const { return behind_dashes_; }

  // Understands the words and runs the command that they name; returns the exit code.
  int Run();

  CommandFacts program() const;
  std::vector<CommandFacts> commands() const;

 private:
  int UsageError(std::string_view message) const;

  std::vector<std::string> words_, behind_dashes_;
  std::unique_ptr<CLI::App> app_;
  // In the order of the commands; they keep their places.
  std::deque<Command::Runner> runners_;
};

}  // namespace wqprof

#endif  // WQPROF_CLI_COMMAND_LINE_H_
