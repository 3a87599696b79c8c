// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include "cli/analysis_options.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/threshold.h"
#include "fmt/format.h"
#include "wqprof/analyze.h"
#include "wqprof/render.h"

namespace wqprof {
namespace {

constexpr std::string_view kExamples =
    "Examples:\n"
    "  wqprof stalls                      every time a pool started nothing for 10ms\n"
    "  wqprof stalls --threshold 1ms      shorter ones as well\n"
    "  wqprof stalls --explain 3          the story of one\n"
    "  wqprof stalls --format csv --sort duration_ns";

// Options of `stalls` alone.
struct StallsOptions {
  AnalysisOptions input;
  View view;
  Threshold threshold;
  std::optional<size_t> explain;
};

int Explain(const Report& report, uint64_t id, const TextStyle& style) {
  const auto stall = std::find_if(report.stalls.begin(), report.stalls.end(),
                                  [id](const Stall& s) { return s.id == id; });
  if (stall == report.stalls.end()) {
    Note(report.stalls.empty()
             ? "there is no stall in this recording; a lower --threshold tells of shorter ones"
             : fmt::format("there is no stall {}; wqprof stalls lists them", id));
    return kInsufficient;
  }
  return Fail(WriteOutput(ExplainStall(report, *stall, style)));
}

int RunStalls(const StallsOptions& options) {
  absl::StatusOr<std::unique_ptr<EventSource>> source = OpenInput(options.input);
  if (!source.ok()) return FailInput(source.status());
  AnalyzeOptions analyze;
  analyze.stall_threshold = TimeOf(options.threshold, (*source)->info());
  const absl::StatusOr<Report> report = Analyze(**source, analyze);
  if (!report.ok()) return FailInput(report.status());
  const TextStyle style = StyleOf(options.input);
  if (options.explain) return Explain(*report, *options.explain, style);
  const absl::StatusOr<std::string> text =
      RenderStalls(*report, options.input.format, options.view, style);
  if (!text.ok()) return Fail(text.status());
  if (const absl::Status written = WriteOutput(*text); !written.ok()) return Fail(written);
  if (options.input.format == Format::kCsv) NoteLosses(*report);
  return options.input.strict && !report->quality.complete() ? kInsufficient : kOk;
}

}  // namespace

void AddStallsCommand(CommandLine& line) {
  auto options = std::make_shared<StallsOptions>();
  Command command =
      line.Add("stalls", "List the times in which a pool had work waiting and started none");
  AddInputOptions(command, &options->input);
  AddStrictOption(command, &options->input);
  command.AddParsed({"--threshold", "TIME",
                     "shortest stall to tell of (default: 10ms); kernel: as its watchdog does"},
                    &options->threshold, ParseThreshold);
  command.AddParsed({"--explain", "N", "tell the story of stall number N"}, &options->explain,
                    ParseCount);
  AddOutputOptions(command, &options->input);
  command.AddText(
      {"--sort", "COLUMN",
       "order: by time (default), duration_ns, delayed_items, worst_latency_ns, pool", kHowToShow},
      &options->view.sort);
  command.AddParsed({"--top", "N", "only the first N; without --sort the longest N", kHowToShow},
                    &options->view.top, ParseCount);
  command.SetExamples(kExamples);
  command.OnRun([options] { return RunStalls(*options); });
}

}  // namespace wqprof
