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
#include "cli/hist_export.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/page_file.h"
#include "cli/reading_rights.h"
#include "cli/result_file.h"
#include "cli/time_window.h"
#include "wqprof/chains.h"
#include "wqprof/did_you_mean.h"
#include "wqprof/export.h"
#include "wqprof/measure.h"
#include "wqprof/number_text.h"
#include "wqprof/pipeline.h"
#include "wqprof/render_chains.h"
#include "wqprof/render_timeline.h"
#include "wqprof/worst_items.h"

namespace wqprof {
namespace {

constexpr std::string_view kExamples =
    "Examples:\n"
    "  wqprof export --to perfetto -o x.pftrace            for ui.perfetto.dev\n"
    "  wqprof export --to perfetto --stall 3 -o x.pftrace  only the time around one stall\n"
    "  wqprof export --to perfetto -n 1000 -o x.pftrace    the slowest items of a long recording\n"
    "  wqprof export --to html -o x.html                   a page that shows all at once\n"
    "  wqprof export --to folded | flamegraph.pl > x.svg   which work queued which\n"
    "  wqprof export --to folded --stacks                  in which stacks works were queued\n"
    "  wqprof export --to csv                              each change of each pool\n"
    "  wqprof export --to hist-ndjson *.dat -o x.ndjson    lines that merge: see wqprof merge";

constexpr std::string_view kForFleets = "Of hist-ndjson, openmetrics and otlp-json";

// Output is written in pieces of this size.
constexpr size_t kPiece = size_t{1} << 18;

enum class Target {
  kPerfetto,
  kHtml,
  kFolded,
  kCsv,
  kNdjson,
  kHistNdjson,
  kOpenMetrics,
  kOtlpJson
};

absl::StatusOr<Target> ParseTarget(std::string_view text) {
  const std::vector<std::string> names = {"perfetto", "html",        "folded",      "csv",
                                          "ndjson",   "hist-ndjson", "openmetrics", "otlp-json"};
  constexpr Target kTargets[] = {Target::kPerfetto,    Target::kHtml,    Target::kFolded,
                                 Target::kCsv,         Target::kNdjson,  Target::kHistNdjson,
                                 Target::kOpenMetrics, Target::kOtlpJson};
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
  size_t slowest = 0;  // 0: all items
  bool stacks = false;
  std::optional<FoldedStacks::Weight> weight;  // absent: the default
  HistOptions hist;
};

bool IsForFleets(std::optional<Target> to) {
  return to == Target::kHistNdjson || to == Target::kOpenMetrics || to == Target::kOtlpJson;
}

// Collects the items that waited longest.
class SlowestFinder : public ItemConsumer {
 public:
  explicit SlowestFinder(size_t count) : worst_(SpecOf(Measure::kLatency), count) {}
  void Add(const Completed& completed) override {
    for (const WorkItem& item : completed.items) worst_.Add(item, nullptr);
  }
  std::vector<WorkItem> Take(Timestamp end) {
    std::vector<WorkItem> items;
    for (const WorstItems::Kept& kept : worst_.Take(end)) items.push_back(kept.item);
    return items;
  }

 private:
  WorstItems worst_;
};

absl::StatusOr<std::optional<ItemScenes>> FindSlowest(const ExportOptions& options) {
  if (options.slowest == 0) return std::nullopt;
  if (options.to != Target::kPerfetto) {
    return absl::InvalidArgumentError("--slowest is for --to perfetto\nwrite --time A,B");
  }
  if (options.input.file == "-") {
    return absl::InvalidArgumentError(
        "standard input can be read once only, and --slowest needs it twice\nsave it to a file");
  }
  absl::StatusOr<std::unique_ptr<EventSource>> source = OpenInput(options.input);
  if (!source.ok()) return source.status();
  Pipeline pipeline(**source);
  SlowestFinder finder(options.slowest);
  pipeline.Attach(finder);
  if (absl::Status status = pipeline.Run(); !status.ok()) return status;
  const Timestamp end = (*source)->stats().end;
  return ScenesOf(finder.Take(end), end);
}

// Writes each change of each pool in the window, as it comes.
class StepWriter : public ItemConsumer {
 public:
  StepWriter(const Reconstructor& model, const TimeWindow& window, Format format, ResultFile& file)
      : model_(model), window_(window), format_(format), file_(file), out_(StepsHeading(format)) {}
  Reconstructor::Options wants() const override {
    Reconstructor::Options out = Reconstructor::Nothing();
    out.pool_steps = true;
    return out;
  }
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

Exported ExportStacks(EventSource& source, Pipeline& pipeline, const ExportOptions& options,
                      const TimeWindow& window, ResultFile& file) {
  ItemFilter filter;
  filter.from = window.from;
  filter.to = window.to;
  FoldedStacks collector(source, pipeline.model(), filter,
                         options.weight.value_or(FoldedStacks::Weight::kCount));
  pipeline.Attach(collector);
  Exported out;
  out.read = pipeline.Run();
  if (!out.read.ok()) return out;
  const std::string text = collector.Text();
  out.written = file.Write(text);
  out.anything = !text.empty();
  return out;
}

Exported ExportPerfetto(EventSource& source, Pipeline& pipeline, const ExportOptions& options,
                        const TimeWindow& window, std::optional<ItemScenes> only,
                        ResultFile& file) {
  PerfettoOptions perfetto;
  perfetto.only = std::move(only);
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
                    "write --slowest N, --time A,B, --stall N or --item ID for a part of them",
                    CountText(collector.items()), CountText(perfetto.max_items)));
    return out;
  }
  if (collector.parts_left_out() > 0) {
    Note(fmt::format("{} preempted and blocked parts of executions are left out: write --time A,B",
                     CountText(collector.parts_left_out())));
  }
  out.written = file.Write(collector.Take());
  out.anything = collector.items() > 0;
  return out;
}

absl::StatusOr<FoldedStacks::Weight> ParseWeight(std::string_view text) {
  if (text == "count") return FoldedStacks::Weight::kCount;
  if (text == "execution") return FoldedStacks::Weight::kExecution;
  return absl::InvalidArgumentError(
      fmt::format("'{}' is no weight of a stack: write count or execution", text));
}

// Of what is not for fleets: whether all options are for that target.
absl::Status CheckOptions(const ExportOptions& options, const ResultFile& file) {
  if (!options.hist.labels.empty() || options.hist.top_series || options.hist.original_names) {
    return absl::InvalidArgumentError(
        "--label, --top-series and --original-names are for --to hist-ndjson, openmetrics "
        "and otlp-json\nleave them out");
  }
  if (options.stacks && *options.to != Target::kFolded) {
    return absl::InvalidArgumentError("--stacks is for --to folded\nleave it out");
  }
  if (options.weight && !options.stacks) {
    return absl::InvalidArgumentError("--weight is for --to folded --stacks\nleave it out");
  }
  if (*options.to == Target::kPerfetto && file.IsStandard() && isatty(STDOUT_FILENO) != 0) {
    return absl::InvalidArgumentError("a Perfetto trace is not for a terminal\nwrite -o FILE");
  }
  return absl::OkStatus();
}

// Writes what is not for fleets.
Exported ExportTo(EventSource& source, Pipeline& pipeline, const ExportOptions& options,
                  const TimeWindow& window, std::optional<ItemScenes> only, ResultFile& file) {
  switch (*options.to) {
    case Target::kPerfetto:
      return ExportPerfetto(source, pipeline, options, window, std::move(only), file);
    case Target::kFolded:
      return options.stacks ? ExportStacks(source, pipeline, options, window, file)
                            : ExportFolded(source, pipeline, window, file);
    case Target::kCsv:
      return ExportSteps(pipeline, window, Format::kCsv, file);
    default:
      return ExportSteps(pipeline, window, Format::kNdjson, file);
  }
}

int RunExport(const ExportOptions& options) {
  if (!options.to) {
    return Fail(
        absl::InvalidArgumentError("export needs a target\nwrite --to perfetto, html, folded, csv, "
                                   "ndjson, hist-ndjson, openmetrics or otlp-json"));
  }
  ResultFile file(options.output);
  if (const absl::Status kept = KeepOnlyReading({&file}); !kept.ok()) return Fail(kept);
  if (IsForFleets(options.to)) {
    if (options.input.time || options.window.stall || options.window.item || options.slowest > 0) {
      return Fail(absl::InvalidArgumentError(
          "lines of a fleet are about a whole recording\nleave out --time, --stall, --item and "
          "--slowest"));
    }
    const HistForm form = *options.to == Target::kHistNdjson    ? HistForm::kLines
                          : *options.to == Target::kOpenMetrics ? HistForm::kOpenMetrics
                                                                : HistForm::kOtlpJson;
    return ExportHist(options.input, options.window.threshold, options.hist, form, file);
  }
  if (const absl::Status fit = CheckOptions(options, file); !fit.ok()) return Fail(fit);
  absl::StatusOr<std::optional<TimeWindow>> found = FindWindow(options.input, options.window);
  if (!found.ok()) return FailInput(found.status());
  if (!*found) return kInsufficient;
  TimeWindow window = **found;
  absl::StatusOr<std::optional<ItemScenes>> only = FindSlowest(options);
  if (!only.ok()) return FailInput(only.status());
  absl::StatusOr<std::unique_ptr<EventSource>> source = OpenInput(options.input);
  if (!source.ok()) return FailInput(source.status());
  if (const absl::Status status = ResolveWindow(options.input, *source, window); !status.ok()) {
    return FailInput(status);
  }
  if (const absl::Status clock = CheckClock((*source)->info()); !clock.ok()) return Fail(clock);
  if (*options.to == Target::kHtml) {
    ItemFilter filter;
    filter.from = window.from;
    filter.to = window.to;
    return WriteReportPage(**source, {options.input, options.window.threshold, filter, file});
  }
  Pipeline pipeline(**source);
  const Exported done = ExportTo(**source, pipeline, options, window, *std::move(only), file);
  if (!done.written.ok()) return Fail(done.written);
  if (!done.read.ok()) return FailInput(done.read);
  const Report report = ReportOf(pipeline.facts());
  NoteLosses(report);
  if (options.stacks && (*source)->stats().queue_stacks == 0) {
    Note("the recording has no kernel stacks in which works were queued: record --stacks");
    return kInsufficient;
  }
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
  AddInputOptions(command, &options->input, [options] { return IsForFleets(options->to); });
  AddStrictOption(command, &options->input);
  command.AddParsed(
      {"--to", "perfetto|html|folded|csv|ndjson|hist-ndjson|openmetrics|otlp-json",
       "perfetto: a trace for ui.perfetto.dev; html: a page, one file, for a browser; folded: who "
       "queued whom, for flame graphs; csv, ndjson: backlog and busy workers of each pool, change "
       "by change; hist-ndjson: histograms that merge by addition, for a fleet; openmetrics: "
       "counters and histograms, for Prometheus; otlp-json: a request of OpenTelemetry's protocol "
       "for each recording"},
      &options->to, ParseTarget);
  command.AddText({"-o,--output", "FILE", "write to FILE (default: standard output)"},
                  &options->output);
  AddWindowOptions(command, &options->input, &options->window);
  command.AddParsed({"-n,--slowest", "N",
                     "perfetto: only the N items that waited longest, and what else their pools "
                     "executed meanwhile",
                     kWhichItems},
                    &options->slowest, ParseCount);
  command.AddFlag({"--stacks", "",
                   "folded: the kernel stacks in which works were queued, of a recording with "
                   "--stacks"},
                  &options->stacks);
  command.AddParsed(
      {"--weight", "count|execution",
       "of --stacks: how many works were queued (default), or how long they executed, "
       "in ns"},
      &options->weight, ParseWeight);
  AddHistOptions(command, &options->hist, kForFleets);
  command.SetExamples(kExamples);
  command.OnRun([options] { return RunExport(*options); });
}

}  // namespace wqprof
