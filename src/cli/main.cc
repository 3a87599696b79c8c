// SPDX-License-Identifier: Apache-2.0
#include <exception>
#include <new>

#include "cli/command_line.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "wqprof/error_kind.h"

namespace wqprof {
namespace {

int Run(int argc, char** argv) {
  CommandLine line(argc, argv);
  AddRecordCommand(line);
  AddReportCommand(line);
  AddStatCommand(line);
  AddTopCommand(line);
  AddStateCommand(line);
  AddWatchCommand(line);
  AddWorksCommand(line);
  AddStallsCommand(line);
  AddChainsCommand(line);
  AddTimelineCommand(line);
  AddCheckCommand(line);
  AddDiffCommand(line);
  AddSnapshotCommand(line);
  AddMergeCommand(line);
  AddExportCommand(line);
  AddInfoCommand(line);
  AddDoctorCommand(line);
  AddCompletionCommand(line);
  AddSchemaCommand(line);
  return line.Run();
}

}  // namespace
}  // namespace wqprof

// Nothing of ours throws; the libraries below may, and a user shall not see a crash.
int main(int argc, char** argv) {
  try {
    return wqprof::Run(argc, argv);
  } catch (const std::bad_alloc&) {
    return wqprof::Fail(wqprof::WithKind(
        absl::ResourceExhaustedError("out of memory\nraise the limit that it runs under (ulimit "
                                     "-d, ulimit -v, MemoryMax=), or use "
                                     "--threads 1"),
        wqprof::ErrorKind::kOutOfMemory));
  } catch (const std::exception& error) {
    return wqprof::Fail(absl::InternalError(error.what()));
  }
}
