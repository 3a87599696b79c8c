// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_CLI_HELP_H_
#define WQPROF_CLI_HELP_H_

namespace CLI {
class App;
}  // namespace CLI

namespace wqprof {

// Gives `app` and the commands added to it later a help in 80 columns: description, usage,
// arguments, options by group, commands, footer.  A description starts on the line of its option
// and is wrapped beside it.
void UseOwnHelp(CLI::App& app);

}  // namespace wqprof

#endif  // WQPROF_CLI_HELP_H_
