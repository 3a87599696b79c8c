// SPDX-License-Identifier: Apache-2.0
// Completion scripts, made from the options that the program has when it is asked.
#include <algorithm>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "fmt/format.h"
#include "wqprof/did_you_mean.h"
#include "wqprof/event_source.h"

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

// The lines of a case that answer what `option` may be, from its patterns on.
std::string BashCase(const CommandFacts& command, const OptionFacts& option) {
  std::vector<std::string> patterns;
  for (const std::string& word : WordsOf(option)) patterns.push_back(command.name + ":" + word);
  std::string out = fmt::format("    {})\n", fmt::join(patterns, "|"));
  if (option.list) out += "      list=1\n";
  if (!option.names.empty()) {
    return out + fmt::format("      values=$(_wqprof_names {}) ;;\n", option.names);
  }
  // Without values, the shell's own completion offers files.
  if (option.choices.empty()) return out + "      return ;;\n";
  return out + fmt::format("      values='{}' ;;\n", fmt::join(option.choices, " "));
}

constexpr std::string_view kBashHead = R"(# bash completion of wqprof
# The names that the recording has which is on the command line, or the default one.
_wqprof_names() {
  local word file=
  for word in "${COMP_WORDS[@]:2}"; do [ -f "$word" ] && file=$word; done
  "${COMP_WORDS[0]}" completion --names "$1" ${file:+"$file"} 2>/dev/null
}
_wqprof() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
  local words= values= list= before=
  COMPREPLY=()
  # --by=x is three words.
  if [ "$cur" = = ]; then cur=; elif [ "$prev" = = ]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi
)";

constexpr std::string_view kBashTail = R"(  esac
  if [ -n "$values" ]; then
    [ -z "$list" ] || before=${cur%"${cur##*,}"}
    COMPREPLY=($(compgen -P "$before" -W "$values" -- "${cur#"$before"}"))
    return
  fi
  case $cur in
    -*) COMPREPLY=($(compgen -W "$words" -- "$cur")) ;;
  esac
}
complete -o default -F _wqprof wqprof
)";

std::string Bash(const CommandLine& line) {
  const std::vector<CommandFacts> commands = line.commands();
  std::vector<std::string> names, top;
  for (const CommandFacts& command : commands) names.push_back(command.name);
  const CommandFacts program = line.program();
  for (const OptionFacts& option : program.options) {
    for (const std::string& word : WordsOf(option)) top.push_back(word);
  }
  std::string out(kBashHead);
  out += fmt::format(
      "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
      "    COMPREPLY=($(compgen -W '{} help version {}' -- \"$cur\"))\n"
      "    return\n"
      "  fi\n"
      "  case ${{COMP_WORDS[1]}}:$prev in\n"
      "    help:*) values='{}' ;;\n",
      fmt::join(names, " "), fmt::join(top, " "), fmt::join(names, " "));
  for (const CommandFacts& command : commands) {
    for (const OptionFacts& option : command.options) {
      if (option.takes_value) out += BashCase(command, option);
    }
  }
  out += "  esac\n  [ -n \"$values\" ] || case ${COMP_WORDS[1]} in\n";
  for (const CommandFacts& command : commands) {
    std::vector<std::string> words;
    for (const OptionFacts& option : command.options) {
      for (const std::string& word : WordsOf(option)) words.push_back(word);
    }
    out += fmt::format("    {}) words='{}'", command.name, fmt::join(words, " "));
    if (!command.arguments.empty()) {
      out += fmt::format("; [[ $cur == -* ]] || values='{}'", fmt::join(command.arguments, " "));
    }
    out += " ;;\n";
  }
  return out.append(kBashTail);
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

// What zsh does for a value: offers files, words, or the names of the recording.
std::string ZshAction(const OptionFacts& option) {
  if (!option.names.empty()) {
    return fmt::format("{{compadd -- ${{(f)\"$(wqprof completion --names {} 2>/dev/null)\"}}}}",
                       option.names);
  }
  if (option.choices.empty()) return "_files";
  const std::string words = fmt::format("{}", fmt::join(option.choices, " "));
  return option.list ? fmt::format("_values -s , value {}", words) : fmt::format("({})", words);
}

std::string ZshSpec(const OptionFacts& option, const std::string& word) {
  std::string spec = fmt::format("{}[{}]", word, ZshText(option.description));
  if (option.takes_value) spec += ":value:" + ZshAction(option);
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
    const OptionFacts argument{.choices = command.arguments};
    out += fmt::format(" \\\n        '*:file:{}' ;;\n", ZshAction(argument));
  }
  out +=
      "  esac\n"
      "}\n"
      // Both ways of loading: autoloaded by name, or sourced.
      "if [ \"$funcstack[1]\" = _wqprof ]; then _wqprof \"$@\"; else compdef _wqprof wqprof; fi\n";
  return out;
}

// `text` within double quotes of fish, where $ and ( ) shall be seen when words are offered.
std::string FishEscaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\' || c == '$') out += '\\';
    out += c;
  }
  return out;
}

// What fish offers for a value; "" for files.
std::string FishWords(const OptionFacts& option) {
  std::string words =
      !option.names.empty()
          ? fmt::format("wqprof completion --names {} 2>/dev/null", option.names)
          : fmt::format("string split \" \" \"{}\"", fmt::join(option.choices, " "));
  if (option.names.empty() && option.choices.empty()) return "";
  if (!option.list) return fmt::format("({})", words);
  return fmt::format("(__fish_complete_list , {})", Quoted(words));
}

std::string Fish(const CommandLine& line) {
  std::string out = "# fish completion of wqprof\n";
  for (const CommandFacts& command : line.commands()) {
    const std::string seen = fmt::format("'__fish_seen_subcommand_from {}'", command.name);
    out += fmt::format("complete -c wqprof -f -n __fish_use_subcommand -a {} -d {}\n", command.name,
                       Quoted(command.description));
    if (!command.arguments.empty()) {
      out += fmt::format("complete -c wqprof -f -n {} -a '{}'\n", seen,
                         fmt::join(command.arguments, " "));
    }
    for (const OptionFacts& option : command.options) {
      out += fmt::format("complete -c wqprof -n {}", seen);
      for (const std::string& name : option.shorts) out += " -s " + name;
      for (const std::string& name : option.longs) out += " -l " + name;
      if (option.takes_value) out += " -r";
      if (const std::string words = FishWords(option); !words.empty()) {
        out += fmt::format(" -f -a \"{}\"", FishEscaped(words));
      }
      out += fmt::format(" -d {}\n", Quoted(option.description));
    }
  }
  return out;
}

// Prints the workqueues or functions that have been queued in a recording; nothing where it
// cannot be read, as whoever asked is in the middle of a line.
int PrintNames(const std::string& kind, const std::string& file) {
  const auto source = OpenTrace(file.empty() ? kDefaultRecording : file, OpenOptions());
  std::set<NameId> seen;
  constexpr int kMostBatches = 2000;  // somebody waits for it
  for (int i = 0; source.ok() && i < kMostBatches; ++i) {
    const absl::StatusOr<std::span<const Event>> events = (*source)->Next();
    if (!events.ok() || events->empty()) break;
    for (const Event& event : *events) {
      if (event.kind != EventKind::kQueueWork) continue;
      seen.insert(kind == "functions" ? event.work.function : event.work.workqueue);
    }
  }
  std::set<std::string> names;
  for (const NameId id : seen) {
    names.emplace(SplitFunction((*source)->names().Get(id)).name);
  }
  names.erase("");
  return Fail(WriteOutput(names.empty() ? "" : fmt::format("{}\n", fmt::join(names, "\n"))));
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
  // What was asked for: a script, or with --names the names in a recording.
  struct Asked {
    std::vector<std::string> words;
    std::string names;
  };
  auto asked = std::make_shared<Asked>();
  Command command = line.Add("completion", "Print a script that completes commands and options");
  command.AddArgument({"SHELL", "", "bash, zsh or fish", kPlain, "bash|zsh|fish"}, &asked->words);
  // For the scripts alone.
  command.AddText({"--names", "KIND", "", ""}, &asked->names);
  command.BeforeRun([asked] {
    return asked->words.size() == 1 || !asked->names.empty()
               ? absl::OkStatus()
               : absl::InvalidArgumentError(
                     "completion needs the name of a shell: bash, zsh or fish");
  });
  command.SetExamples(kExamples);
  command.OnRun([&line, asked] {
    const std::string word = asked->words.empty() ? "" : asked->words.front();
    return asked->names.empty() ? RunCompletion(line, word) : PrintNames(asked->names, word);
  });
}

}  // namespace wqprof
