// SPDX-License-Identifier: Apache-2.0
#include "cli/help.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cli/options.h"
#include "fmt/format.h"

namespace wqprof {
namespace {

constexpr size_t kColumns = 80;
constexpr size_t kLeft = 26;  // where descriptions begin

// Appends the words of `text` to `out`, whose last line is `column` long; further lines
// begin at `indent`.
void AppendWrapped(std::string& out, std::string_view text, size_t column, size_t indent) {
  bool first = true;
  while (!text.empty()) {
    const size_t space = text.find(' ');
    const std::string_view word = text.substr(0, space);
    text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
    if (!first && column + 1 + word.size() > kColumns) {
      out += '\n';
      out.append(indent, ' ');
      column = indent;
    } else if (!first) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
    first = false;
  }
  out += '\n';
}

void AppendEntry(std::string& out, std::string_view left, std::string_view right) {
  out += "  ";
  out += left;
  size_t column = 2 + left.size();
  if (column + 1 > kLeft) {
    out += '\n';
    column = 0;
  }
  out.append(kLeft - column, ' ');
  AppendWrapped(out, right, kLeft, kLeft);
}

// Lines that are too long have an explanation behind two spaces, which goes on below its begin.
void AppendFooter(std::string& out, std::string_view footer) {
  while (!footer.empty()) {
    const std::string_view line = footer.substr(0, footer.find('\n'));
    footer.remove_prefix(std::min(footer.size(), line.size() + 1));
    const size_t gap = line.rfind("  ");
    if (line.size() <= kColumns || gap == std::string_view::npos || gap < 2) {
      out.append(line).push_back('\n');
      continue;
    }
    out += line.substr(0, gap + 2);
    AppendWrapped(out, line.substr(gap + 2), gap + 2, gap + 2);
  }
}

// "-o, --output FILE": short names first, so that the eye finds them in one column.
std::string OptionNames(const CLI::Option& option) {
  std::string out = option.get_snames().empty() ? "    " : "";
  for (const std::string& name : option.get_snames()) {
    out += fmt::format("-{}{}", name, option.get_lnames().empty() ? "" : ", ");
  }
  std::string_view separator;
  for (const std::string& name : option.get_lnames()) {
    out += fmt::format("{}--{}", separator, name);
    separator = ", ";
  }
  const bool takes_value = option.get_items_expected_max() > 0;
  if (takes_value && !option.get_type_name().empty()) out += " " + option.get_type_name();
  // A switch with a type may have a value.
  if (!takes_value && !option.get_type_name().empty()) {
    out += fmt::format("[={}]", option.get_type_name());
  }
  return out;
}

std::string PositionalUsage(const CLI::Option& option) {
  // Everything behind -- belongs to the command that is run.
  std::string name = option.get_name(true);
  if (option.get_items_expected_max() > 1 && option.get_type_name() != kOneArgument) name += "...";
  if (name.starts_with("CMD")) name = "-- " + name;
  return option.get_required() ? name : "[" + name + "]";
}

using Options = std::vector<const CLI::Option*>;

Options Positionals(const CLI::App& app) {
  return app.get_options([](const CLI::Option* option) {
    return option->get_positional() && !option->get_group().empty();
  });
}

void AppendUsage(std::string& out, const CLI::App& app, std::string_view name) {
  out += fmt::format("Usage: {}", name);
  const bool has_commands = !app.get_subcommands({}).empty();
  out += has_commands ? " COMMAND [OPTIONS]" : " [OPTIONS]";
  for (const CLI::Option* option : Positionals(app)) out += " " + PositionalUsage(*option);
  out += '\n';
}

void AppendOptions(std::string& out, const CLI::App& app) {
  const Options positionals = Positionals(app);
  if (!positionals.empty()) out += "\nArguments:\n";
  for (const CLI::Option* option : positionals) {
    AppendEntry(out, option->get_name(true), option->get_description());
  }
  for (const std::string& group : app.get_groups()) {
    const Options options = app.get_options([&](const CLI::Option* option) {
      return option->get_group() == group && option->nonpositional();
    });
    if (group.empty() || options.empty()) continue;
    out += fmt::format("\n{}:\n", group);
    for (const CLI::Option* option : options) {
      AppendEntry(out, OptionNames(*option), option->get_description());
    }
  }
}

// Help as UseOwnHelp() describes it.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_help(const CLI::App* app, std::string name, CLI::AppFormatMode) const override {
    std::string out;
    AppendWrapped(out, app->get_description(), 0, 0);
    out += '\n';
    AppendUsage(out, *app, name);
    const std::vector<const CLI::App*> commands =
        app->get_subcommands([](const CLI::App* command) { return !command->get_group().empty(); });
    if (!commands.empty()) out += "\nCommands:\n";
    for (const CLI::App* command : commands) {
      AppendEntry(out, command->get_name(), command->get_description());
    }
    AppendOptions(out, *app);
    if (const std::string footer = app->get_footer(); !footer.empty()) {
      out += '\n';
      AppendFooter(out, footer);
    }
    return out;
  }
};

}  // namespace

void UseOwnHelp(CLI::App& app) { app.formatter(std::make_shared<HelpFormatter>()); }

}  // namespace wqprof
