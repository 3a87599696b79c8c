// SPDX-License-Identifier: Apache-2.0
// The commands of the program.  Each function declares one; when it is chosen, it runs and
// returns the exit code (exit_code.h).
#ifndef WQPROF_CLI_COMMANDS_H_
#define WQPROF_CLI_COMMANDS_H_

#include "cli/command_line.h"

namespace wqprof {

void AddRecordCommand(CommandLine& line);
void AddReportCommand(CommandLine& line);
void AddStatCommand(CommandLine& line);
void AddTopCommand(CommandLine& line);
void AddStateCommand(CommandLine& line);
void AddWatchCommand(CommandLine& line);
void AddWorksCommand(CommandLine& line);
void AddStallsCommand(CommandLine& line);
void AddChainsCommand(CommandLine& line);
void AddTimelineCommand(CommandLine& line);
void AddCheckCommand(CommandLine& line);
void AddDiffCommand(CommandLine& line);
void AddSnapshotCommand(CommandLine& line);
void AddMergeCommand(CommandLine& line);
void AddExportCommand(CommandLine& line);
void AddInfoCommand(CommandLine& line);
void AddDoctorCommand(CommandLine& line);
void AddCompletionCommand(CommandLine& line);
void AddSchemaCommand(CommandLine& line);  // for the tests; not in the help

}  // namespace wqprof

#endif  // WQPROF_CLI_COMMANDS_H_
