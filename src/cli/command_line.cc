// SPDX-License-Identifier: Apache-2.0
#include "cli/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "cli/exit_code.h"
#include "cli/habits.h"
#include "cli/help.h"
#include "cli/output.h"
#include "cli/pager.h"
#include "wqprof/did_you_mean.h"

namespace wqprof {
namespace {

constexpr const char* kDescription =
    "Shows which kernel work waited, behind what, and who queued it.";
constexpr const char* kFooter =
    "Examples:\n"
    "  sudo wqprof record -d 10s      trace every workqueue for ten seconds\n"
    "  wqprof report                  which works waited, and where\n"
    "  wqprof works --slowest 20      the twenty items that waited longest\n"
    "  wqprof stalls                  the times in which a pool started nothing\n"
    "\n"
    "wqprof help COMMAND explains each command.";

// The commands that are not hidden.
std::vector<const CLI::App*> Listed(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App* command) { return !command->get_group().empty(); });
}

// What users may write where `word` was not understood: options of `app`, or its commands.
std::vector<std::string> Alternatives(const CLI::App& app, std::string_view word) {
  std::vector<std::string> out;
  if (word.starts_with('-')) {
    for (const CLI::Option* option : app.get_options()) {
      for (const std::string& name : option->get_lnames()) out.push_back("--" + name);
    }
  } else {
    for (const CLI::App* command : Listed(app)) out.push_back(command->get_name());
  }
  return out;
}

// The command that was being parsed when `app` failed.
const CLI::App& Innermost(const CLI::App& app) {
  const CLI::App* innermost = &app;
  while (!innermost->get_subcommands().empty()) innermost = innermost->get_subcommands().front();
  return *innermost;
}

std::string CommandName(const CLI::App& app) {
  return app.get_parent() == nullptr ? "wqprof" : "wqprof " + app.get_name();
}

// What was wrong with the words that no option or command took.
std::string ExplainExtras(const CLI::App& app) {
  // Words before a command belong to the program, those behind it to the command.
  const CLI::App& where = app.remaining().empty() ? Innermost(app) : app;
  const std::vector<std::string> extras = where.remaining();
  const std::string word = extras.empty() ? "" : extras.front();
  const std::string name = word.substr(0, word.find('='));
  const bool option = word.starts_with('-') && word.size() > 1;
  if (!option && where.get_parent() != nullptr) {
    return fmt::format("{} takes no argument '{}'", CommandName(where), word);
  }
  return fmt::format("{} has no {} '{}'{}", CommandName(where), option ? "option" : "command",
                     option ? name : word, DidYouMean(name, Alternatives(where, word)));
}

// A value that an option of this type may have, for a message.
std::string ExampleOf(const std::string& type) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kExamples = {
      {{"N", "3"},
       {"ID", "3"},
       {"TIME", "10ms"},
       {"SIZE", "64M"},
       {"GLOB", "'kb*'"},
       {"FILE", "wqprof.dat"},
       {"A,B", "+1,+2"},
       {"COLUMN", "p99"},
       {"METRIC", "latency.p99"}}};
  for (const auto& [known, example] : kExamples) {
    if (type == known) return std::string(example);
  }
  return type.substr(0, type.find('|'));
}

// What the parser found wrong, in our words where they are better than its own.
std::string Explain(const CLI::App& command, const CLI::ParseError& error) {
  std::string text = error.what();
  // An option that help does not show has no name for the parser.
  if (text.starts_with(": ")) text.erase(0, 2);
  std::string name = text.substr(0, text.find_first_of(": "));
  // Of some errors the parser leaves out the dashes.
  if (!name.starts_with('-')) name.insert(0, "--");
  const CLI::Option* const option = command.get_option_no_throw(name);
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) != nullptr && option != nullptr) {
    const std::string example = ExampleOf(option->get_type_name());
    return option->get_items_expected_max() == 0
               ? fmt::format("{} takes no value", name)
               : fmt::format("{} needs a value: {}{}", name, name,
                             example.empty() ? " ..." : " " + example);
  }
  if (option != nullptr && option->get_items_expected_max() == 0) {
    return fmt::format("{} takes no value", name);
  }
  return text;
}

// A type of several words with | between them lists all values: "auto|always|never".
std::vector<std::string> ChoicesOf(const std::string& type) {
  if (type.find('|') == std::string::npos) return {};
  return CLI::detail::split(type, '|');
}

// What completion offers for a value.
void AddValues(const CLI::Option& option, const Command::Parts& parts, OptionFacts& facts) {
  facts.choices = ChoicesOf(option.get_type_name());
  const auto found = parts.values.find(&option);
  if (found == parts.values.end()) return;
  const std::string& values = found->second;
  facts.list = true;
  if (values.starts_with('@')) {
    facts.names = values.substr(1);
  } else {
    facts.choices = CLI::detail::split(values, '|');
  }
}

CommandFacts FactsOf(const CLI::App& app, const Command::Parts& parts) {
  CommandFacts facts{app.get_name(), app.get_description(), {}, {}};
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) continue;
    OptionFacts known{.shorts = option->get_snames(),
                      .longs = option->get_lnames(),
                      .description = option->get_description(),
                      .takes_value = option->get_items_expected_max() > 0};
    if (known.takes_value) AddValues(*option, parts, known);
    if (option->nonpositional()) {
      facts.options.push_back(std::move(known));
    } else {
      facts.arguments = std::move(known.choices);
    }
  }
  return facts;
}

}  // namespace

CommandLine::CommandLine(int argc, char** argv)
    : words_(argv + std::min(argc, 1), argv + argc),
      app_(std::make_unique<CLI::App>(kDescription, "wqprof")) {
  app_->require_subcommand(0, 1);
  UseOwnHelp(*app_);
  app_->set_help_flag("-h,--help", "Print this help and exit");
  app_->set_version_flag("-V,--version", "wqprof " WQPROF_VERSION, "Print the version and exit");
  app_->footer(kFooter);
}

CommandLine::~CommandLine() = default;

Command CommandLine::Add(std::string_view name, std::string_view description) {
  CLI::App* const app = app_->add_subcommand(std::string(name), std::string(description));
  // The program's footer is not theirs.
  app->footer("");
  return {*app, parts_[std::string(name)]};
}

int CommandLine::UsageError(std::string_view message) const {
  const std::string text = fmt::format("wqprof: {}\nTry: {} --help\n", Printable(message),
                                       CommandName(Innermost(*app_)));
  std::fputs(text.c_str(), stderr);
  return kUsage;
}

std::optional<int> CommandLine::Parse(std::vector<std::string> words) {
  try {
    // The parser takes them from the back.
    std::reverse(words.begin(), words.end());
    app_->parse(words);
  } catch (const CLI::CallForHelp&) {
    return Fail(WriteOutput(app_->help()));
  } catch (const CLI::CallForVersion& version) {
    return Fail(WriteOutput(std::string(version.what()) + "\n"));
  } catch (const CLI::ExtrasError&) {
    return UsageError(ExplainExtras(*app_));
  } catch (const CLI::ParseError& error) {
    return UsageError(Explain(Innermost(*app_), error));
  }
  if (!app_->get_subcommands().empty()) return std::nullopt;
  std::fputs(app_->help().c_str(), stderr);
  return kUsage;
}

Command::Parts* CommandLine::Find(std::string_view command) {
  const auto found = parts_.find(command);
  return found == parts_.end() ? nullptr : &found->second;
}

int CommandLine::Run() {
  std::vector<std::string> names;
  for (const auto& [name, parts] : parts_) names.push_back(name);
  absl::StatusOr<std::vector<std::string>> words = Understand(words_, names);
  if (!words.ok()) return UsageError(std::string(words.status().message()));
  Command::Parts* const parts = words->empty() ? nullptr : Find(words->front());
  std::vector<std::string> behind;
  // Else they belong to the command that is run, dashes and all.
  if (parts != nullptr && !parts->runs_command) behind = TakeBehindDashes(*words);
  if (const std::optional<int> ended = Parse(*std::move(words))) return *ended;
  if (parts->behind_dashes != nullptr) {
    *parts->behind_dashes = std::move(behind);
  } else if (parts->arguments != nullptr) {
    parts->arguments->insert(parts->arguments->end(), behind.begin(), behind.end());
  } else if (!behind.empty()) {
    return UsageError(fmt::format("'{}' stands behind --, where nothing is taken", behind[0]));
  }
  for (const auto& step : parts->before) {
    if (const absl::Status status = step(); !status.ok()) {
      return UsageError(std::string(status.message()));
    }
  }
  if (parts->no_pager != nullptr && !*parts->no_pager) StartPager();
  return parts->run();
}

CommandFacts CommandLine::program() const { return FactsOf(*app_, {}); }

std::vector<CommandFacts> CommandLine::commands() const {
  std::vector<CommandFacts> out;
  for (const CLI::App* command : Listed(*app_)) {
    out.push_back(FactsOf(*command, parts_.at(command->get_name())));
  }
  return out;
}

}  // namespace wqprof
