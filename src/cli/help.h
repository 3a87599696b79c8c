// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_CLI_HELP_H_
#define WQPROF_CLI_HELP_H_

#include <CLI/CLI.hpp>
#include <string>

namespace wqprof {

// Prints help in 80 columns: description, usage, arguments, options by group, commands,
// footer.  A description starts on the line of its option and is wrapped beside it.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override;
};

}  // namespace wqprof

#endif  // WQPROF_CLI_HELP_H_
