// SPDX-License-Identifier: Apache-2.0
// Options whose text is parsed by one of our own functions.
#ifndef WQPROF_CLI_OPTIONS_H_
#define WQPROF_CLI_OPTIONS_H_

#include <CLI/CLI.hpp>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace wqprof {

// Adds an option that takes one value, which `parse` turns into a T (or a std::optional<T>);
// its error becomes the message of a usage error.  The last of several wins.
// `target` must live until the command has run.
template <class Target, class Value>
CLI::Option* AddParsedOption(CLI::App& app, const std::string& names, const std::string& type,
                             Target* target, absl::StatusOr<Value> (*parse)(std::string_view),
                             const std::string& description) {
  CLI::Option* const option = app.add_option(names, description);
  option->type_name(type)->take_last()->check([target, parse](const std::string& text) {
    absl::StatusOr<Value> value = parse(text);
    if (!value.ok()) return std::string(value.status().message());
    *target = *std::move(value);
    return std::string();
  });
  return option;
}

}  // namespace wqprof

#endif  // WQPROF_CLI_OPTIONS_H_
