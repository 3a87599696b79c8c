// SPDX-License-Identifier: Apache-2.0
#include <fnmatch.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "cli/analysis_options.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/log_view.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/reading_rights.h"
#include "cli/threshold.h"
#include "fmt/format.h"
#include "wqprof/analyze.h"
#include "wqprof/did_you_mean.h"
#include "wqprof/pipeline.h"
#include "wqprof/render.h"
#include "wqprof/stall_picture.h"

namespace wqprof {
namespace {

constexpr std::string_view kExamples =
    "Examples:\n"
    "  wqprof stalls                      every time a pool started nothing for 10ms\n"
    "  wqprof stalls --threshold 1ms      shorter ones as well\n"
    "  wqprof stalls --explain 3          the story of one, and what to try\n"
    "  wqprof stalls --cause starved      those in which other tasks had the CPU\n"
    "  wqprof stalls --format csv --sort duration_ns";

// Options of `stalls` alone.
struct StallsOptions {
  AnalysisOptions input;
  View view;
  Threshold threshold;
  std::optional<size_t> explain;
  std::vector<std::string> pools, causes;
};

// The words of causes, as the table shows them.
absl::StatusOr<std::vector<std::string>> ParseCauses(std::string_view text) {
  std::vector<std::string> known, causes;
  for (int i = 0; i <= static_cast<int>(StallCause::kIdleCpu); ++i) {
    known.emplace_back(ToString(static_cast<StallCause>(i)));
  }
  for (std::string_view rest = text;;) {
    const size_t comma = rest.find(',');
    const std::string_view word = rest.substr(0, comma);
    if (std::find(known.begin(), known.end(), word) == known.end()) {
      return absl::InvalidArgumentError(fmt::format("no stall has the cause '{}'{}: write {}", word,
                                                    DidYouMean(word, known),
                                                    fmt::join(known, ", ")));
    }
    causes.emplace_back(word);
    if (comma == std::string_view::npos) return causes;
    rest.remove_prefix(comma + 1);
  }
}

// Keeps the stalls of the pools and causes asked for.
void Select(const StallsOptions& options, Report& report) {
  const auto is_out = [&](const Stall& stall) {
    const auto matches = [&stall](const std::string& glob) {
      return fnmatch(glob.c_str(), stall.pool.c_str(), 0) == 0;
    };
    const bool pool =
        options.pools.empty() || std::any_of(options.pools.begin(), options.pools.end(), matches);
    const bool cause =
        options.causes.empty() || std::find(options.causes.begin(), options.causes.end(),
                                            ToString(stall.cause)) != options.causes.end();
    return !pool || !cause;
  };
  report.stalls_total -= std::erase_if(report.stalls, is_out);
  if (!options.pools.empty()) {
    report.filters.push_back(fmt::format("pool {}", fmt::join(options.pools, ", ")));
  }
  if (!options.causes.empty()) {
    report.filters.push_back(fmt::format("cause {}", fmt::join(options.causes, ", ")));
  }
}

// What the stall looks like over time, for which the input is read once more; absent where it is a
// pipe, which cannot be.
std::optional<StallPicture> PictureOf(const Stall& stall, const AnalysisOptions& input) {
  const std::string path = input.path();
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored)) return std::nullopt;
  absl::StatusOr<std::unique_ptr<EventSource>> source = OpenInput(input);
  if (!source.ok() || !(*source)->info().clock_is_ns) return std::nullopt;
  Pipeline pipeline(**source);
  StallPictureCollector collector(**source, pipeline.model(), stall);
  pipeline.Attach(collector);
  if (!pipeline.Run().ok()) return std::nullopt;
  return collector.Take();
}

// As text its story, else its data.
int Explain(Report& report, uint64_t id, const StallsOptions& options) {
  const auto stall = std::find_if(report.stalls.begin(), report.stalls.end(),
                                  [id](const Stall& s) { return s.id == id; });
  if (stall == report.stalls.end()) {
    Note(report.stalls.empty()
             ? "there is no stall in this recording; a lower --threshold shows shorter ones"
             : fmt::format("there is no stall {}: they have the numbers {} to {}; wqprof stalls "
                           "lists them",
                           id, report.stalls.front().id, report.stalls.back().id));
    return kInsufficient;
  }
  const TextStyle style = StyleOf(options.input);
  if (options.input.format == Format::kTable) {
    const std::optional<StallPicture> picture = PictureOf(*stall, options.input);
    return Fail(WriteOutput(ExplainStall(report, *stall, style, picture ? &*picture : nullptr)));
  }
  report.stalls = {Stall(*stall)};
  report.stalls_total = 1;
  const absl::StatusOr<std::string> text =
      RenderStalls(report, options.input.format, options.view, style);
  return Fail(text.ok() ? WriteOutput(*text) : text.status());
}

int RunStalls(const StallsOptions& options) {
  if (const absl::Status kept = KeepOnlyReading(); !kept.ok()) return Fail(kept);
  LogCollector log;
  absl::StatusOr<std::unique_ptr<EventSource>> source = OpenInput(options.input, &log);
  if (!source.ok()) return FailInput(source.status());
  AnalyzeOptions analyze;
  absl::StatusOr<ItemFilter> filter = ResolveFilter(options.input, *source);
  if (!filter.ok()) return FailInput(filter.status());
  // A number means the same stall whatever else is asked for.
  if (!options.explain) analyze.filter = *filter;
  analyze.stall_threshold = TimeOf(options.threshold, (*source)->info());
  absl::StatusOr<Report> report = Analyze(**source, analyze);
  if (!report.ok()) return FailInput(report.status());
  if (log.found() && HasNoEvents(**source)) {
    return ShowLockups(log.Take(), options.view, options.explain, options.input);
  }
  if (!TellsStalls(report->recorded)) {
    Note(
        "no stall can be found: the recording has no workqueue_activate_work or no "
        "workqueue_execute_start events\nwqprof record takes all that are needed");
    return kInsufficient;
  }
  report->filters = FilterWords(options.input, (*source)->info());
  Select(options, *report);
  if (options.explain) return Explain(*report, *options.explain, options);
  const TextStyle style = StyleOf(options.input);
  View view = options.view;
  view.by = InvocationOf(options.input, options.threshold);
  const absl::StatusOr<std::string> text = RenderStalls(*report, options.input.format, view, style);
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
  AddFilterOptions(command, &options->input);
  command.AddTexts(
      {"--pool", "GLOB", "only stalls of these pools; globs, several by comma", kWhichItems},
      &options->pools, ',');
  command.AddParsed(
      {"--cause", "LIST", "only stalls of these causes, several by comma: starved, cpu_hog, ...",
       kWhichItems},
      &options->causes, ParseCauses);
  command.AddParsed({"--threshold", "TIME",
                     "shortest stall to report (default: 10ms); kernel: as its watchdog does"},
                    &options->threshold, ParseThreshold);
  command.AddParsed({"--explain", "N", "the story of stall number N, and what to try"},
                    &options->explain, ParseCount);
  AddOutputOptions(command, &options->input);
  AddPagerOption(command, &options->input);
  AddVerboseOption(command, &options->input);
  command.AddText({"-s,--sort", "COLUMN",
                   "order: by time (default), duration_ns, delayed_items, worst_latency_ns, pool",
                   kHowToShow, "duration_ns|delayed_items|worst_latency_ns|pool"},
                  &options->view.sort);
  command.AddParsed(
      {"-n,--top", "N", "only the N worst by that order; without --sort the longest N", kHowToShow},
      &options->view.top, ParseCount);
  command.BeforeRun([options] {
    if (const auto stall = NumberForFile(options->input)) options->explain = stall;
    return absl::OkStatus();
  });
  command.SetExamples(kExamples);
  command.OnRun([options] { return RunStalls(*options); });
}

}  // namespace wqprof
