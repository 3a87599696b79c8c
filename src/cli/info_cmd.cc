// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>

#include "cli/analysis_options.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/log_view.h"
#include "cli/output.h"
#include "cli/reading_rights.h"
#include "wqprof/render.h"

namespace wqprof {
namespace {

constexpr std::string_view kExamples =
    "Examples:\n"
    "  wqprof info                       what is in wqprof.dat\n"
    "  wqprof info --format csv f.dat    how many events of each kind";

absl::Status ReadAll(EventSource& source) {
  while (true) {
    const absl::StatusOr<std::span<const Event>> events = source.Next();
    if (!events.ok()) return events.status();
    if (events->empty()) return absl::OkStatus();
  }
}

int RunInfo(const AnalysisOptions& options) {
  if (const absl::Status kept = KeepOnlyReading(); !kept.ok()) return Fail(kept);
  LogCollector log;
  absl::StatusOr<std::unique_ptr<EventSource>> source = OpenInput(options, &log);
  if (!source.ok()) return FailInput(source.status());
  if (const absl::Status status = ReadAll(**source); !status.ok()) return FailInput(status);
  if (log.found() && HasNoEvents(**source)) return ShowLogInfo(log.Take(), options);
  const absl::StatusOr<std::string> text =
      RenderInfo((*source)->info(), (*source)->stats(), options.format, StyleOf(options));
  return Fail(text.ok() ? WriteOutput(*text) : text.status());
}

}  // namespace

void AddInfoCommand(CommandLine& line) {
  auto options = std::make_shared<AnalysisOptions>();
  Command command = line.Add("info", "Show what is in a recording: host, kernel, events, losses");
  AddInputOptions(command, options.get());
  AddOutputOptions(command, options.get());
  AddPagerOption(command, options.get());
  AddVerboseOption(command, options.get());
  command.SetExamples(kExamples);
  command.OnRun([options] { return RunInfo(*options); });
}

}  // namespace wqprof
