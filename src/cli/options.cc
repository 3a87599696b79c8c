// SPDX-License-Identifier: Apache-2.0
#include "cli/options.h"

#include <CLI/CLI.hpp>
#include <memory>
#include <utility>

namespace wqprof {

void Command::Place(CLI::Option* option, const OptionText& text) {
  if (!text.type.empty()) option->type_name(text.type);
  option->group(std::string(text.group));
  if (!text.values.empty()) parts_.values[option] = text.values;
}

void Command::AddFlag(const OptionText& text, bool* target) {
  Place(app_.add_flag(text.names, *target, text.description)->disable_flag_override(), text);
}

void Command::AddFlag(const OptionText& text, std::function<void()> given) {
  Place(app_.add_flag_callback(text.names, std::move(given), text.description), text);
}

void Command::AddFlagWithValue(const OptionText& text, std::optional<std::string>* target) {
  const auto written = std::make_shared<std::string>();
  // Nobody writes what stands for no value.
  const std::string none = "\x01";
  CLI::Option* const option =
      app_.add_flag(text.names + "{" + none + "}", *written, text.description);
  Place(option, text);
  BeforeRun([option, written, none, target] {
    if (option->count() > 0) *target = *written == none ? "" : *written;
    return absl::OkStatus();
  });
}

void Command::AddTaken(const OptionText& text, const Taker& take) {
  CLI::Option* const option = app_.add_option(text.names, text.description);
  option->expected(1)->take_all()->check([take](const std::string& written) {
    const absl::Status status = take(written);
    return status.ok() ? std::string() : std::string(status.message());
  });
  Place(option, text);
}

void Command::AddText(const OptionText& text, std::string* target) {
  AddTaken(text, [target](std::string_view written) {
    *target = written;
    return absl::OkStatus();
  });
}

void Command::AddTexts(const OptionText& text, std::vector<std::string>* target, char separator) {
  AddTaken(text, [target, separator](std::string_view written) {
    while (separator != '\0' && written.find(separator) != std::string_view::npos) {
      const size_t end = written.find(separator);
      target->emplace_back(written.substr(0, end));
      written.remove_prefix(end + 1);
    }
    target->emplace_back(written);
    return absl::OkStatus();
  });
}

void Command::Refuse(const std::string& names, bool takes_value, const std::string& why) {
  const auto refuse = [&parts = parts_, why] {
    parts.before.insert(parts.before.begin(), [why] { return absl::InvalidArgumentError(why); });
  };
  if (!takes_value) {
    AddFlag({names, "", "", ""}, refuse);
    return;
  }
  AddTaken({names, "", "", ""},
           [why](std::string_view) { return absl::InvalidArgumentError(why); });
}

void Command::AddArguments(const OptionText& text, std::vector<std::string>* target) {
  CLI::Option* const argument = app_.add_option(text.names, *target, text.description);
  argument->type_name(text.type);
  if (!text.values.empty()) parts_.values[argument] = text.values;
  parts_.arguments = target;
}

void Command::AddArgument(const OptionText& text, std::vector<std::string>* target) {
  AddArguments({text.names, std::string(kOneArgument), text.description, kPlain, text.values},
               target);
}

void Command::AddCommandToRun(const OptionText& text, std::vector<std::string>* target) {
  app_.add_option(text.names, *target, text.description)->type_name("");
  app_.positionals_at_end();
  parts_.runs_command = true;
}

void Command::SetExamples(std::string_view examples) { app_.footer(std::string(examples)); }

void Command::Hide() { app_.group(""); }

}  // namespace wqprof
