// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>
#include <string>

#include "cli/analysis_options.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/log_view.h"
#include "cli/output.h"
#include "cli/reading_rights.h"
#include "wqprof/error_kind.h"
#include "wqprof/render.h"

namespace wqprof {
namespace {

constexpr std::string_view kExamples =
    "Examples:\n"
    "  wqprof info                       what is in wqprof.dat\n"
    "  wqprof info --workqueues          how its workqueues and pools were set up\n"
    "  wqprof info --format csv f.dat    how many events of each kind";

// The options as the user gave them.
struct InfoOptions {
  AnalysisOptions analysis;
  bool workqueues = false;
};

absl::Status ReadAll(EventSource& source) {
  while (true) {
    const absl::StatusOr<std::span<const Event>> events = source.Next();
    if (!events.ok()) return events.status();
    if (events->empty()) return absl::OkStatus();
  }
}

int RunInfo(const InfoOptions& shown) {
  const AnalysisOptions& options = shown.analysis;
  if (const absl::Status kept = KeepOnlyReading(); !kept.ok()) return Fail(kept);
  LogCollector log;
  absl::StatusOr<std::unique_ptr<EventSource>> source = OpenInput(options, &log);
  if (!source.ok()) return FailInput(source.status());
  if (const absl::Status status = ReadAll(**source); !status.ok()) return FailInput(status);
  if (log.found() && HasNoEvents(**source)) return ShowLogInfo(log.Take(), options);
  const TraceInfo& info = (*source)->info();
  if (shown.workqueues && info.config.empty()) {
    return Fail(WithKind(
        absl::NotFoundError(fmt::format("{} does not say how its workqueues were set up\n"
                                        "a recording by wqprof record of this version does",
                                        info.path)),
        ErrorKind::kInsufficient));
  }
  const absl::StatusOr<std::string> text =
      RenderInfo(info, (*source)->stats(), options.format, StyleOf(options), shown.workqueues);
  return Fail(text.ok() ? WriteOutput(*text) : text.status());
}

}  // namespace

void AddInfoCommand(CommandLine& line) {
  auto shown = std::make_shared<InfoOptions>();
  AnalysisOptions* const options = &shown->analysis;
  Command command = line.Add("info", "Show what is in a recording: host, kernel, events, losses");
  AddInputOptions(command, options);
  command.AddFlag({"--workqueues", "", "Show how the workqueues and worker pools were set up"},
                  &shown->workqueues);
  AddOutputOptions(command, options);
  AddPagerOption(command, options);
  AddVerboseOption(command, options);
  command.SetExamples(kExamples);
  command.OnRun([shown] { return RunInfo(*shown); });
}

}  // namespace wqprof
