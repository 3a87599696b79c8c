// SPDX-License-Identifier: Apache-2.0
#include "cli/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include "cli/exit_code.h"
#include "cli/help.h"
#include "cli/output.h"
#include "wqprof/did_you_mean.h"

namespace wqprof {
namespace {

constexpr const char* kDescription =
    "Tells which kernel work waited, behind what, and who queued it.";
constexpr const char* kFooter =
    "Examples:\n"
    "  sudo wqprof record -d 10s      trace every workqueue for ten seconds\n"
    "  wqprof report                  which works waited, and where\n"
    "  wqprof works --slowest 20      the twenty items that waited longest\n"
    "  wqprof stalls                  the times in which a pool started nothing\n"
    "\n"
    "wqprof COMMAND --help tells more on each.";

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
    return fmt::format("'{}' is one argument too many for {}", word, CommandName(where));
  }
  return fmt::format("'{}' is no {} of {}{}", option ? name : word, option ? "option" : "command",
                     CommandName(where), DidYouMean(name, Alternatives(where, word)));
}

// The words behind `--` of those commands for which it separates two lists; they are taken off
// `words`, as the parser would join the lists.
std::vector<std::string> TakeBehindDashes(std::vector<std::string>& words) {
  if (words.empty() || (words[0] != "check" && words[0] != "diff")) return {};
  const auto dashes = std::find(words.begin(), words.end(), "--");
  if (dashes == words.end()) return {};
  std::vector<std::string> behind(dashes + 1, words.end());
  words.erase(dashes, words.end());
  return behind;
}

// A type of several words with | between them lists all values: "auto|always|never".
std::vector<std::string> ChoicesOf(const std::string& type) {
  if (type.find('|') == std::string::npos) return {};
  return CLI::detail::split(type, '|');
}

CommandFacts FactsOf(const CLI::App& app) {
  CommandFacts facts{app.get_name(), app.get_description(), {}};
  for (const CLI::Option* option : app.get_options()) {
    if (!option->nonpositional() || option->get_group().empty()) continue;
    const bool takes_value = option->get_items_expected_max() > 0;
    facts.options.push_back(
        {option->get_snames(), option->get_lnames(), option->get_description(), takes_value,
         takes_value ? ChoicesOf(option->get_type_name()) : std::vector<std::string>()});
  }
  return facts;
}

}  // namespace

CommandLine::CommandLine(int argc, char** argv)
    : words_(argv + std::min(argc, 1), argv + argc),
      behind_dashes_(TakeBehindDashes(words_)),
      app_(std::make_unique<CLI::App>(kDescription, "wqprof")) {
  app_->require_subcommand(0, 1);
  UseOwnHelp(*app_);
  app_->set_help_flag("-h,--help", "Print this help and exit");
  app_->set_version_flag("--version", "wqprof " WQPROF_VERSION, "Print the version and exit");
  app_->footer(kFooter);
}

CommandLine::~CommandLine() = default;

Command CommandLine::Add(std::string_view name, std::string_view description) {
  CLI::App* const app = app_->add_subcommand(std::string(name), std::string(description));
  // The program's footer is not theirs.
  app->footer("");
  return {*app, runners_.emplace_back()};
}

int CommandLine::UsageError(std::string_view message) const {
  const std::string text = fmt::format("wqprof: {}\nTry: {} --help\n", Printable(message),
                                       CommandName(Innermost(*app_)));
  std::fputs(text.c_str(), stderr);
  return kUsage;
}

int CommandLine::Run() {
  try {
    // The parser takes them from the back.
    std::vector<std::string> words(words_.rbegin(), words_.rend());
    app_->parse(words);
  } catch (const CLI::CallForHelp&) {
    return Fail(WriteOutput(app_->help()));
  } catch (const CLI::CallForVersion& version) {
    return Fail(WriteOutput(std::string(version.what()) + "\n"));
  } catch (const CLI::ExtrasError&) {
    return UsageError(ExplainExtras(*app_));
  } catch (const CLI::ParseError& error) {
    return UsageError(error.what());
  }
  const std::vector<CLI::App*> chosen = app_->get_subcommands();
  if (chosen.empty()) {
    std::fputs(app_->help().c_str(), stderr);
    return kUsage;
  }
  const std::vector<CLI::App*> all = app_->get_subcommands({});
  const auto place = std::find(all.begin(), all.end(), chosen.front()) - all.begin();
  return runners_[static_cast<size_t>(place)]();
}

CommandFacts CommandLine::program() const { return FactsOf(*app_); }

std::vector<CommandFacts> CommandLine::commands() const {
  std::vector<CommandFacts> out;
  for (const CLI::App* command : Listed(*app_)) out.push_back(FactsOf(*command));
  return out;
}

}  // namespace wqprof
