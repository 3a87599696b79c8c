// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>

#include "cli/analysis_options.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/output.h"
#include "wqprof/error_kind.h"
#include "wqprof/render_state.h"
#include "wqprof/workqueue_reader.h"

namespace wqprof {
namespace {

constexpr std::string_view kExamples =
    "Examples:\n"
    "  sudo wqprof state                 which pool has works waiting, and what its workers do\n"
    "  sudo wqprof state --format json   the same for programs\n"
    "  wqprof state                      without root: the workers that execute, from /proc";

// The options as the user gave them.
struct StateOptions {
  AnalysisOptions output;
  StateView view;
};

bool ShowsWorkers(const WorkqueueState& state) {
  return std::any_of(state.pools.begin(), state.pools.end(),
                     [](const PoolState& pool) { return pool.setup.workers.value_or(0) > 0; });
}

int RunState(const StateOptions& options) {
  absl::StatusOr<WorkqueueState> state = LookAtPools();
  if (!state.ok()) {
    const std::string why(state.status().message());
    state = LookAtWorkersInProc();
    state->limited_by = why;
    if (!ShowsWorkers(*state)) {
      return Fail(
          WithKind(absl::UnavailableError(fmt::format(
                       "cannot see the workers of the kernel: {}, and /proc shows none either\n"
                       "run it as root, outside of a container or in the machine's pid namespace",
                       why)),
                   ErrorKind::kCannotTrace));
    }
  }
  StateView view = options.view;
  if (options.output.verbose) view.top = 0;
  const std::string text =
      RenderState(*state, options.output.format, view, StyleOf(options.output));
  if (const int written = Fail(WriteOutput(text)); written != kOk) return written;
  const std::vector<std::string> notes = StateNotes(*state);
  if (!options.output.quiet) {
    for (const std::string& note : notes) Note(note);
  }
  return options.output.strict && !notes.empty() ? kInsufficient : kOk;
}

}  // namespace

void AddStateCommand(CommandLine& line) {
  auto options = std::make_shared<StateOptions>();
  Command command =
      line.Add("state", "Show what each pool executes now, and what waits on it (as root)");
  command.AddParsed(
      {"-n,--top", "N", "Show N workers and kinds of works a pool (default 10); 0: all"},
      &options->view.top, ParseCount);
  command.AddFlag({"--strict", "", "End with 3 when it could not be read whole"},
                  &options->output.strict);
  command.AddFlag({"-q,--quiet", "", "Leave out notes on standard error"}, &options->output.quiet);
  AddOutputOptions(command, &options->output);
  AddVerboseOption(command, &options->output);
  command.SetExamples(kExamples);
  command.OnRun([options] { return RunState(*options); });
}

}  // namespace wqprof
