// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <exception>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands.h"
#include "cli/did_you_mean.h"
#include "cli/exit_code.h"
#include "cli/help.h"
#include "cli/output.h"
#include "fmt/format.h"

namespace wqprof {
namespace {

constexpr std::string_view kFooter =
    "Examples:\n"
    "  sudo wqprof record -d 10s      trace every workqueue for ten seconds\n"
    "  wqprof report                  which works waited, and where\n"
    "  wqprof works --slowest 20      the twenty items that waited longest\n"
    "  wqprof stalls                  the times in which a pool started nothing\n"
    "\n"
    "wqprof COMMAND --help tells more on each.";

// What users may write where `word` was not understood: options of `app`, or its commands.
std::vector<std::string> Alternatives(const CLI::App& app, std::string_view word) {
  std::vector<std::string> out;
  if (word.starts_with('-')) {
    for (const CLI::Option* option : app.get_options()) {
      for (const std::string& name : option->get_lnames()) out.push_back("--" + name);
    }
  } else {
    for (const CLI::App* command : app.get_subcommands({})) out.push_back(command->get_name());
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

int UsageError(const CLI::App& app, std::string_view message) {
  const std::string text =
      fmt::format("wqprof: {}\nTry: {} --help\n", Printable(message), CommandName(Innermost(app)));
  std::fputs(text.c_str(), stderr);
  return kUsage;
}

// The words behind `--` of those commands for which it separates two lists; they are taken off
// `argc`, as the parser would join the lists.
std::vector<std::string> TakeBehindDashes(int& argc, char** argv) {
  const std::string_view command = argc > 1 ? argv[1] : "";
  if (command != "check" && command != "diff") return {};
  char** const end = argv + argc;
  char** const dashes = std::find(argv, end, std::string_view("--"));
  if (dashes == end) return {};
  argc = static_cast<int>(dashes - argv);
  return {dashes + 1, end};
}

void AddCommands(CLI::App& app, const std::vector<std::string>& behind_dashes, int& exit_code) {
  app.require_subcommand(0, 1);
  app.formatter(std::make_shared<HelpFormatter>());
  app.set_help_flag("-h,--help", "Print this help and exit");
  app.set_version_flag("--version", "wqprof " WQPROF_VERSION, "Print the version and exit");
  AddRecordCommand(app, exit_code);
  AddReportCommand(app, exit_code);
  AddStatCommand(app, exit_code);
  AddWorksCommand(app, exit_code);
  AddStallsCommand(app, exit_code);
  AddChainsCommand(app, exit_code);
  AddCheckCommand(app, behind_dashes, exit_code);
  AddDiffCommand(app, behind_dashes, exit_code);
  AddInfoCommand(app, exit_code);
  AddDoctorCommand(app, exit_code);
  AddCompletionCommand(app, exit_code);
  app.footer(std::string(kFooter));
}

int Run(int argc, char** argv) {
  CLI::App app("Tells which kernel work waited, behind what, and who queued it.", "wqprof");
  int exit_code = kOk;
  const std::vector<std::string> behind_dashes = TakeBehindDashes(argc, argv);
  AddCommands(app, behind_dashes, exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return Fail(WriteOutput(app.help()));
  } catch (const CLI::CallForVersion& version) {
    return Fail(WriteOutput(std::string(version.what()) + "\n"));
  } catch (const CLI::ExtrasError&) {
    return UsageError(app, ExplainExtras(app));
  } catch (const CLI::ParseError& error) {
    return UsageError(app, error.what());
  }
  if (app.get_subcommands().empty()) {
    std::fputs(app.help().c_str(), stderr);
    return kUsage;
  }
  return exit_code;
}

}  // namespace
}  // namespace wqprof

// Nothing of ours throws; the libraries below may, and a user shall not see a crash.
int main(int argc, char** argv) {
  try {
    return wqprof::Run(argc, argv);
  } catch (const std::bad_alloc&) {
    return wqprof::Fail(
        absl::ResourceExhaustedError("out of memory\nraise the limit that it runs under (ulimit "
                                     "-d, ulimit -v, MemoryMax=), or use "
                                     "--threads 1"));
  } catch (const std::exception& error) {
    return wqprof::Fail(absl::InternalError(error.what()));
  }
}
