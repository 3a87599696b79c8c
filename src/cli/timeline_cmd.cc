// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/analysis_options.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/reading_rights.h"
#include "cli/threshold.h"
#include "cli/time_window.h"
#include "wqprof/pipeline.h"
#include "wqprof/render_timeline.h"
#include "wqprof/timeline.h"

namespace wqprof {
namespace {

constexpr std::string_view kExamples =
    "Examples:\n"
    "  wqprof timeline                        pools that stalled, and their workers, over time\n"
    "  wqprof timeline --stall 3              the time around stall 3 of `wqprof stalls`\n"
    "  wqprof timeline --item 4711            the time around one item of `wqprof works`\n"
    "  wqprof timeline --pool 'cpu*' --time +1,+1.5\n"
    "  wqprof timeline --format csv           backlog and busy workers of each pool, as numbers";

// What a line is wide where there is no terminal.
constexpr size_t kWidthOfPipe = 80;

// Options of `timeline` alone.
struct TimelineCommandOptions {
  AnalysisOptions input;
  WindowOptions window;
  TimelineView view;
  std::optional<size_t> width;
};

int RunTimeline(const TimelineCommandOptions& options) {
  if (const absl::Status kept = KeepOnlyReading(); !kept.ok()) return Fail(kept);
  absl::StatusOr<std::optional<TimeWindow>> found = FindWindow(options.input, options.window);
  if (!found.ok()) return FailInput(found.status());
  if (!*found) return kInsufficient;
  TimeWindow window = **found;
  absl::StatusOr<std::unique_ptr<EventSource>> source = OpenInput(options.input);
  if (!source.ok()) return FailInput(source.status());
  if (const absl::Status status = ResolveWindow(options.input, *source, window); !status.ok()) {
    return FailInput(status);
  }
  if (const absl::Status clock = CheckClock((*source)->info()); !clock.ok()) return Fail(clock);
  const Nanos threshold = TimeOf(options.window.threshold, (*source)->info());
  Pipeline pipeline(**source);
  TimelineCollector collector(**source, pipeline.model(), {window.from, window.to, threshold});
  pipeline.Attach(collector);
  if (const absl::Status read = pipeline.Run(); !read.ok()) return FailInput(read);
  Report report = ReportOf(pipeline.facts());
  const Timeline timeline = collector.Take();
  const Terminal terminal = DetectTerminal();
  const TextStyle style = StyleFor(terminal, options.input.color, options.input.ascii);
  TimelineView view = options.view;
  view.columns = options.width.value_or(terminal.columns > 0 ? terminal.columns : kWidthOfPipe);
  const absl::StatusOr<std::string> text =
      RenderTimeline(report, timeline, options.input.format, view, style);
  if (absl::IsNotFound(text.status())) {
    Note(std::string(text.status().message()));
    return kInsufficient;
  }
  if (!text.ok()) return Fail(text.status());
  if (const absl::Status written = WriteOutput(*text); !written.ok()) return Fail(written);
  if (options.input.format == Format::kCsv) NoteLosses(report);
  if (timeline.pools.empty()) {
    Note("no pool executed anything in that time");
    return kInsufficient;
  }
  return options.input.strict && !report.quality.complete() ? kInsufficient : kOk;
}

}  // namespace

void AddTimelineCommand(CommandLine& line) {
  auto options = std::make_shared<TimelineCommandOptions>();
  Command command = line.Add("timeline", "Draw pools and their workers over time");
  AddInputOptions(command, &options->input);
  AddStrictOption(command, &options->input);
  AddWindowOptions(command, &options->input, &options->window);
  command.AddTexts({"--pool", "GLOB",
                    "pools with names like this, e.g. 'cpu*'; default: those that stalled, or "
                    "the busiest",
                    kWhichItems},
                   &options->view.pools);
  AddOutputOptions(command, &options->input);
  AddPagerOption(command, &options->input);
  command.AddParsed(
      {"--width", "N", "columns of a line (default: the terminal's, or 80)", kHowToShow},
      &options->width, ParseCount);
  command.AddParsed(
      {"--lanes", "N", "workers of each pool, the busiest (default: 8); 0 shows all", kHowToShow},
      &options->view.lanes, ParseCount);
  command.SetExamples(kExamples);
  command.OnRun([options] { return RunTimeline(*options); });
}

}  // namespace wqprof
