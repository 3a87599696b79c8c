// SPDX-License-Identifier: Apache-2.0
// Completion scripts, made from the options that the program has when it is asked.
#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "fmt/format.h"
#include "wqprof/did_you_mean.h"

namespace wqprof {
namespace {

constexpr std::string_view kExamples =
    "Examples:\n"
    "  source <(wqprof completion bash)                                      this shell\n"
    "  wqprof completion bash > /etc/bash_completion.d/wqprof                all of them\n"
    "  wqprof completion zsh > ~/.zfunc/_wqprof\n"
    "  wqprof completion fish > ~/.config/fish/completions/wqprof.fish";

std::vector<std::string> WordsOf(const OptionFacts& option) {
  std::vector<std::string> words;
  for (const std::string& name : option.shorts) words.push_back("-" + name);
  for (const std::string& name : option.longs) words.push_back("--" + name);
  return words;
}

// `text` within single quotes of a POSIX shell.
std::string Quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string Bash(const CommandLine& line) {
  const std::vector<CommandFacts> commands = line.commands();
  std::vector<std::string> names, top;
  for (const CommandFacts& command : commands) names.push_back(command.name);
  const CommandFacts program = line.program();
  for (const OptionFacts& option : program.options) {
    for (const std::string& word : WordsOf(option)) top.push_back(word);
  }
  std::string out = fmt::format(
      "# bash completion of wqprof\n"
      "_wqprof() {{\n"
      "  local cur=${{COMP_WORDS[COMP_CWORD]}} prev=${{COMP_WORDS[COMP_CWORD-1]}} words=\n"
      "  COMPREPLY=()\n"
      "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
      "    COMPREPLY=($(compgen -W '{} {}' -- \"$cur\"))\n"
      "    return\n"
      "  fi\n"
      "  case ${{COMP_WORDS[1]}}:$prev in\n",
      fmt::join(names, " "), fmt::join(top, " "));
  for (const CommandFacts& command : commands) {
    for (const OptionFacts& option : command.options) {
      if (!option.takes_value) continue;
      std::vector<std::string> patterns;
      for (const std::string& word : WordsOf(option)) patterns.push_back(command.name + ":" + word);
      // Without a list of values, the shell's own completion offers files.
      out += fmt::format("    {})\n", fmt::join(patterns, "|"));
      if (!option.choices.empty()) {
        out += fmt::format("      COMPREPLY=($(compgen -W '{}' -- \"$cur\"))\n",
                           fmt::join(option.choices, " "));
      }
      out += "      return ;;\n";
    }
  }
  out += "  esac\n  case ${COMP_WORDS[1]} in\n";
  for (const CommandFacts& command : commands) {
    std::vector<std::string> words;
    for (const OptionFacts& option : command.options) {
      for (const std::string& word : WordsOf(option)) words.push_back(word);
    }
    out += fmt::format("    {}) words='{}' ;;\n", command.name, fmt::join(words, " "));
  }
  out +=
      "  esac\n"
      "  case $cur in\n"
      "    -*) COMPREPLY=($(compgen -W \"$words\" -- \"$cur\")) ;;\n"
      "  esac\n"
      "}\n"
      "complete -o default -F _wqprof wqprof\n";
  return out;
}

// In a description of zsh's _arguments, brackets and colons would end it.
std::string ZshText(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

std::string ZshSpec(const OptionFacts& option, const std::string& word) {
  std::string spec = fmt::format("{}[{}]", word, ZshText(option.description));
  if (option.takes_value) {
    spec += option.choices.empty() ? ":value:_files"
                                   : fmt::format(":value:({})", fmt::join(option.choices, " "));
  }
  return Quoted(spec);
}

std::string Zsh(const CommandLine& line) {
  const std::vector<CommandFacts> commands = line.commands();
  std::string out =
      "#compdef wqprof\n"
      "_wqprof() {\n"
      "  if (( CURRENT == 2 )); then\n"
      "    local -a commands=(\n";
  for (const CommandFacts& command : commands) {
    out += fmt::format("      {}\n",
                       Quoted(fmt::format("{}:{}", command.name, ZshText(command.description))));
  }
  out +=
      "    )\n"
      "    _describe command commands\n"
      "    return\n"
      "  fi\n"
      "  local command=$words[2]\n"
      "  shift words\n"
      "  (( CURRENT-- ))\n"
      "  case $command in\n";
  for (const CommandFacts& command : commands) {
    out += fmt::format("    {})\n      _arguments -s", command.name);
    for (const OptionFacts& option : command.options) {
      for (const std::string& word : WordsOf(option))
        out += " \\\n        " + ZshSpec(option, word);
    }
    out += " \\\n        '*:file:_files' ;;\n";
  }
  out +=
      "  esac\n"
      "}\n"
      // Both ways of loading: autoloaded by name, or sourced.
      "if [ \"$funcstack[1]\" = _wqprof ]; then _wqprof \"$@\"; else compdef _wqprof wqprof; fi\n";
  return out;
}

std::string Fish(const CommandLine& line) {
  std::string out = "# fish completion of wqprof\n";
  for (const CommandFacts& command : line.commands()) {
    out += fmt::format("complete -c wqprof -f -n __fish_use_subcommand -a {} -d {}\n", command.name,
                       Quoted(command.description));
    for (const OptionFacts& option : command.options) {
      out += fmt::format("complete -c wqprof -n '__fish_seen_subcommand_from {}'", command.name);
      for (const std::string& name : option.shorts) out += " -s " + name;
      for (const std::string& name : option.longs) out += " -l " + name;
      if (option.takes_value) out += " -r";
      if (!option.choices.empty()) {
        out += fmt::format(" -f -a '{}'", fmt::join(option.choices, " "));
      }
      out += fmt::format(" -d {}\n", Quoted(option.description));
    }
  }
  return out;
}

int RunCompletion(const CommandLine& line, const std::string& shell) {
  const std::vector<std::string> shells = {"bash", "zsh", "fish"};
  if (shell == "bash") return Fail(WriteOutput(Bash(line)));
  if (shell == "zsh") return Fail(WriteOutput(Zsh(line)));
  if (shell == "fish") return Fail(WriteOutput(Fish(line)));
  return Fail(absl::InvalidArgumentError(
      fmt::format("no completion for '{}'{}: there is one for bash, zsh and fish", shell,
                  DidYouMean(shell, shells))));
}

}  // namespace

void AddCompletionCommand(CommandLine& line) {
  auto shells = std::make_shared<std::vector<std::string>>();
  Command command = line.Add("completion", "Print a script that completes commands and options");
  command.AddArgument({"SHELL", "", "bash, zsh or fish"}, shells.get());
  command.SetExamples(kExamples);
  command.BeforeRun([shells] {
    return shells->size() == 1 ? absl::OkStatus()
                               : absl::InvalidArgumentError(
                                     "completion needs the name of a shell: bash, zsh or fish");
  });
  command.OnRun([&line, shells] { return RunCompletion(line, shells->front()); });
}

}  // namespace wqprof
