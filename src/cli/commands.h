// SPDX-License-Identifier: Apache-2.0
// The commands of the program.  Each function adds one to `app`; when it is chosen, its
// callback runs it and stores the exit code (SPEC §4).
#ifndef WQPROF_CLI_COMMANDS_H_
#define WQPROF_CLI_COMMANDS_H_

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace wqprof {

void AddRecordCommand(CLI::App& app, int& exit_code);
void AddReportCommand(CLI::App& app, int& exit_code);
void AddStatCommand(CLI::App& app, int& exit_code);
void AddWorksCommand(CLI::App& app, int& exit_code);
void AddStallsCommand(CLI::App& app, int& exit_code);
void AddChainsCommand(CLI::App& app, int& exit_code);
// `behind_dashes`: the words behind `--`, a command to run or the second group of recordings.
void AddCheckCommand(CLI::App& app, const std::vector<std::string>& behind_dashes, int& exit_code);
void AddDiffCommand(CLI::App& app, const std::vector<std::string>& behind_dashes, int& exit_code);
void AddInfoCommand(CLI::App& app, int& exit_code);
void AddDoctorCommand(CLI::App& app, int& exit_code);
void AddCompletionCommand(CLI::App& app, int& exit_code);

}  // namespace wqprof

#endif  // WQPROF_CLI_COMMANDS_H_
