// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

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
#include "cli/page_file.h"
#include "cli/result_file.h"
#include "cli/time_window.h"
#include "wqprof/chains.h"
#include "wqprof/did_you_mean.h"
#include "wqprof/export.h"
#include "wqprof/number_text.h"
#include "wqprof/pipeline.h"
#include "wqprof/render_chains.h"
#include "wqprof/render_timeline.h"

namespace wqprof {
namespace {

constexpr std::string_view kExamples =
    "Examples:\n"
    "  wqprof export --to perfetto -o x.pftrace            for ui.perfetto.dev\n"
    "  wqprof export --to perfetto --stall 3 -o x.pftrace  only the time around one stall\n"
    "  wqprof export --to html -o x.html                   a page that shows all at once\n"
    "  wqprof export --to folded | flamegraph.pl > x.svg   which work queued which\n"
    "  wqprof export --to csv                              each change of each pool";

// Output is written in pieces of this size.
constexpr size_t kPiece = size_t{1} << 18;

enum class Target { kPerfetto, kHtml, kFolded, kCsv, kNdjson };

absl::StatusOr<Target> ParseTarget(std::string_view text) {
  const std::vector<std::string> names = {"perfetto", "html", "folded", "csv", "ndjson"};
  constexpr Target kTargets[] = {Target::kPerfetto, Target::kHtml, Target::kFolded, Target::kCsv,
                                 Target::kNdjson};
  for (size_t i = 0; i < names.size(); ++i) {
    if (text == names[i]) return kTargets[i];
  }
  return absl::InvalidArgumentError(fmt::format("export has no target '{}'{}: write {}", text,
                                                DidYouMean(text, names), fmt::join(names, ", ")));
}

// Options of `export` alone.
struct ExportOptions {
  AnalysisOptions input;
  WindowOptions window;
  std::optional<Target> to;
  std::string output;  // "" or "-": standard output
};

// Writes each change of each pool in the window, as it comes.
class StepWriter : public ItemConsumer {
 public:
  StepWriter(const Reconstructor& model, const TimeWindow& window, Format format, ResultFile& file)
      : model_(model), window_(window), format_(format), file_(file), out_(StepsHeading(format)) {}
  Reconstructor::Options wants() const override { return {Nanos::max(), true}; }
  void Add(const Completed& completed) override {
    if (!status_.ok()) return;
    for (const PoolStep& step : completed.pool_steps) {
      if (window_.from != kUnseen && step.at < window_.from) continue;
      if (window_.to != kUnseen && step.at >= window_.to) continue;
      AppendStep(out_, format_, model_.pool(step.pool).name, step);
      ++count_;
    }
    if (out_.size() >= kPiece) WriteOut();
  }
  bool full() const override { return !status_.ok(); }
  void Finish() override {
    if (status_.ok()) WriteOut();
  }
  const absl::Status& status() const { return status_; }
  uint64_t count() const { return count_; }

 private:
  void WriteOut() {
    status_ = file_.Write(out_);
    out_.clear();
  }
  const Reconstructor& model_;
  const TimeWindow window_;
  const Format format_;
  ResultFile& file_;
  std::string out_;
  absl::Status status_;
  uint64_t count_ = 0;
};

// What came of an export.
struct Exported {
  absl::Status read, written;
  bool anything = false;
};

Exported ExportSteps(Pipeline& pipeline, const TimeWindow& window, Format format,
                     ResultFile& file) {
  StepWriter writer(pipeline.model(), window, format, file);
  pipeline.Attach(writer);
  Exported out;
  out.read = pipeline.Run();
  out.written = writer.status();
  out.anything = writer.count() > 0;
  return out;
}

Exported ExportFolded(EventSource& source, Pipeline& pipeline, const TimeWindow& window,
                      ResultFile& file) {
  ChainOptions options;
  options.slowest = 0;
  options.filter.from = window.from;
  options.filter.to = window.to;
  ChainCollector collector(source, pipeline.model(), options);
  pipeline.Attach(collector);
  Exported out;
  out.read = pipeline.Run();
  if (!out.read.ok()) return out;
  const std::string text = FoldedChains(std::move(collector).Take());
  out.written = file.Write(text);
  out.anything = !text.empty();
  return out;
}

Exported ExportPerfetto(EventSource& source, Pipeline& pipeline, const ExportOptions& options,
                        const TimeWindow& window, ResultFile& file) {
  PerfettoOptions perfetto;
  perfetto.from = window.from;
  perfetto.to = window.to;
  perfetto.stall_threshold = TimeOf(options.window.threshold, source.info());
  PerfettoExport collector(source, pipeline.model(), perfetto);
  pipeline.Attach(collector);
  Exported out;
  out.read = pipeline.Run();
  if (!out.read.ok()) return out;
  if (collector.too_many()) {
    out.written = absl::InvalidArgumentError(
        fmt::format("{} items are too many for Perfetto, which takes {}\n"
                    "write --time A,B, --stall N or --item ID for a part of them",
                    CountText(collector.items()), CountText(perfetto.max_items)));
    return out;
  }
  out.written = file.Write(collector.Take());
  out.anything = collector.items() > 0;
  return out;
}

int RunExport(const ExportOptions& options) {
  if (!options.to) {
    return Fail(absl::InvalidArgumentError(
        "export needs a target\nwrite --to perfetto, html, folded, csv or ndjson"));
  }
  ResultFile file(options.output);
  if (*options.to == Target::kPerfetto && file.IsStandard() && isatty(STDOUT_FILENO) != 0) {
    return Fail(
        absl::InvalidArgumentError("a Perfetto trace is not for a terminal\nwrite -o FILE"));
  }
  absl::StatusOr<std::optional<TimeWindow>> found = FindWindow(options.input, options.window);
  if (!found.ok()) return FailInput(found.status());
  if (!*found) return kInsufficient;
  TimeWindow window = **found;
  absl::StatusOr<std::unique_ptr<EventSource>> source = OpenInput(options.input);
  if (!source.ok()) return FailInput(source.status());
  if (const absl::Status status = ResolveWindow(options.input, *source, window); !status.ok()) {
    return FailInput(status);
  }
  if (!(*source)->info().clock_is_ns) {
    return Fail(absl::InvalidArgumentError(fmt::format(
        "the clock '{}' of the recording does not count nanoseconds\nthere is no time to export",
        (*source)->info().clock)));
  }
  if (*options.to == Target::kHtml) {
    ItemFilter filter;
    filter.from = window.from;
    filter.to = window.to;
    return WriteReportPage(**source, {options.input, options.window.threshold, filter,
                                      options.output.empty() ? "-" : options.output});
  }
  if (const absl::Status opened = file.Open(); !opened.ok()) return Fail(opened);
  Pipeline pipeline(**source);
  const Exported done =
      *options.to == Target::kPerfetto ? ExportPerfetto(**source, pipeline, options, window, file)
      : *options.to == Target::kFolded
          ? ExportFolded(**source, pipeline, window, file)
          : ExportSteps(pipeline, window,
                        *options.to == Target::kCsv ? Format::kCsv : Format::kNdjson, file);
  if (!done.written.ok()) return Fail(done.written);
  if (!done.read.ok()) return FailInput(done.read);
  const Report report = ReportOf(pipeline.facts());
  NoteLosses(report);
  if (!done.anything) {
    Note("nothing happened in that time");
    return kInsufficient;
  }
  return options.input.strict && !report.quality.complete() ? kInsufficient : kOk;
}

}  // namespace

void AddExportCommand(CommandLine& line) {
  auto options = std::make_shared<ExportOptions>();
  Command command = line.Add("export", "Write a recording for other programs, e.g. Perfetto");
  AddInputOptions(command, &options->input);
  AddStrictOption(command, &options->input);
  command.AddParsed(
      {"--to", "perfetto|html|folded|csv|ndjson",
       "perfetto: a trace for ui.perfetto.dev; html: a page, one file, for a browser; folded: who "
       "queued "
       "whom, for flame "
       "graphs; csv, ndjson: backlog and busy workers of each pool, change by change"},
      &options->to, ParseTarget);
  command.AddText({"-o,--output", "FILE", "write to FILE (default: standard output)"},
                  &options->output);
  AddWindowOptions(command, &options->input, &options->window);
  command.SetExamples(kExamples);
  command.OnRun([options] { return RunExport(*options); });
}

}  // namespace wqprof
