// SPDX-License-Identifier: Apache-2.0
#include "cli/check_recording.h"

#include <fmt/format.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>

#include "cli/buffer_size.h"
#include "cli/output.h"
#include "cli/recording.h"
#include "cli/signals.h"
#include "cli/sudo_user.h"
#include "wqprof/trace_writer.h"

namespace wqprof {
namespace {

std::string FailureOf(const std::string& name, int status) {
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? "" : CommandEndText(name, status);
}

}  // namespace

absl::StatusOr<RecordedCommand> RecordWhileRunning(const std::vector<std::string>& argv,
                                                   const RecorderOptions& options,
                                                   const std::string& path) {
  auto workload = PrepareBesideOutput(argv);
  if (!workload.ok()) return workload.status();
  SignalQueue signals;
  auto recorder = Recorder::Create(options);
  if (!recorder.ok()) return recorder.status();
  if (const absl::Status moved = MoveOldTraceAway(path); !moved.ok()) return moved;
  TraceMetadata metadata = (*recorder)->metadata();
  Settings settings;
  settings.Add("wqprof", WQPROF_VERSION);
  settings.Append(metadata.settings);
  metadata.settings = std::move(settings);
  auto writer = TraceWriter::Create(path, metadata, WriterOptions());
  if (!writer.ok()) return writer.status();
  FileSink sink(**writer);
  const RecordingEnd end =
      RunRecording(**recorder, sink, workload->get(), signals, {}, [](Nanos) {});
  if (!(*workload)->Ended()) EndWorkload(**workload, signals);
  absl::Status status = end.status;
  TraceEnding ending = (*recorder)->Ending();
  ending.settings.Add("ended_by", end.reason == RecordingEnd::Reason::kCommand  ? "command"
                                  : end.reason == RecordingEnd::Reason::kSignal ? "signal"
                                                                                : "error");
  status.Update((*writer)->Finish(ending));
  status.Update(GiveToSudoUser(**writer));
  status.Update((*recorder)->Remove());
  if (!status.ok()) return status;
  NoteLosses(
      (*recorder)->stats(),
      LargerBuffer(options.buffer_bytes == 0 ? std::nullopt : std::optional(options.buffer_bytes)));
  RecordedCommand out;
  out.interrupted = end.reason == RecordingEnd::Reason::kSignal;
  if ((*workload)->Ended()) out.failure = FailureOf(argv.front(), (*workload)->wait_status());
  return out;
}

absl::StatusOr<ScratchDirectory> ScratchDirectory::Create() {
  const char* const parent = std::getenv("TMPDIR");
  std::string path =
      fmt::format("{}/wqprof-check-XXXXXX", parent != nullptr && *parent != '\0' ? parent : "/tmp");
  if (mkdtemp(path.data()) == nullptr) {
    return absl::InvalidArgumentError(fmt::format(
        "cannot make a directory {}: {}\nname one with --keep DIR", path, std::strerror(errno)));
  }
  return ScratchDirectory(path);
}

ScratchDirectory::~ScratchDirectory() {
  if (path_.empty()) return;
  std::error_code ignored;  // nothing can be done about it here
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace wqprof
