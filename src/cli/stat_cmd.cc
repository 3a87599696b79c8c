// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "cli/analysis_options.h"
#include "cli/buffer_size.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/live_pipeline.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/recording.h"
#include "cli/report_view.h"
#include "wqprof/analyze.h"
#include "wqprof/arguments.h"
#include "wqprof/interval.h"
#include "wqprof/live.h"
#include "wqprof/number_text.h"
#include "wqprof/page_feed.h"
#include "wqprof/render_interval.h"

namespace wqprof {
namespace {

constexpr std::string_view kExamples =
    "Examples:\n"
    "  wqprof stat -d 10s                   what report says of ten seconds, without a file\n"
    "  wqprof stat -I 1s                    a line a second until Ctrl-C, then the report\n"
    "  wqprof stat -I 1s --format ndjson    the same for programs\n"
    "  wqprof stat -- make -j8              for as long as a command runs";

// So often all buffers are read, more often if there is much in them.
constexpr Nanos kRound = std::chrono::milliseconds(100);
constexpr Nanos kShortestInterval = std::chrono::milliseconds(10);
constexpr int kLinesBelowHeading = 20;

// The options as the user gave them.
struct StatOptions {
  RecorderOptions recorder;
  std::optional<Nanos> duration, interval;
  std::optional<uint64_t> buffer_bytes;
  std::optional<std::string> flush_floor;  // as written; "" the default
  AnalysisOptions input;
  ReportView view;
  std::vector<std::string> command;
  bool quiet = false;
};

// Pages in, report out: analyses what a recorder drains as soon as it is certain.
class LiveAnalysis : public LivePipeline {
 public:
  LiveAnalysis(PageFeed& feed, Recorder& recorder, const AnalyzeOptions& options)
      : LivePipeline(feed, {.stall = options.stall_threshold, .execution = kLongRun}),
        recorder_(recorder),
        analyzer_(feed, pipeline().model(), options),
        intervals_(feed, pipeline().model(), options.filter, options.stall_threshold) {
    pipeline().Attach(analyzer_);
    pipeline().Attach(intervals_);
  }

  absl::Status EndRound(std::span<const Cpu> behind) override {
    absl::Status status = LivePipeline::EndRound(behind);
    analyzer_.AddFlushes(recorder_.TakeFlushes());
    return status;
  }
  Interval Cut() {
    feed().UpdateStats();
    return intervals_.Cut(pipeline().now());
  }
  // Nothing more comes.
  absl::StatusOr<Report> Finish() {
    if (absl::Status status = End(); !status.ok()) return status;
    analyzer_.AddFlushes(recorder_.TakeFlushes());
    return analyzer_.Snapshot();
  }

 private:
  Recorder& recorder_;
  Analyzer analyzer_;
  IntervalCollector intervals_;
};

// One run of the command.
class StatCommand {
 public:
  explicit StatCommand(StatOptions options) : options_(std::move(options)) {}

  int Run() {
    if (const absl::Status status = SetUp(); !status.ok()) return Fail(status);
    if (const absl::Status status = Record(); !status.ok()) return Fail(status);
    feed_->NoteEnding(recorder_->Ending());
    absl::StatusOr<Report> report = analysis_->Finish();
    if (!report.ok()) return Fail(report.status());
    report->filters = FilterWords(options_.input, feed_->info());
    if (const absl::Status status = recorder_->Remove(); !status.ok()) return Fail(status);
    NoteLosses(recorder_->stats(), LargerBuffer(options_.buffer_bytes));
    if (options_.interval && options_.input.format == Format::kTable) {
      if (const absl::Status written = WriteOutput("\n"); !written.ok()) return Fail(written);
    }
    return ShowReport(*report, options_.view, options_.input);
  }

 private:
  absl::Status SetUp() {
    if (!options_.command.empty()) {
      auto workload = PrepareBesideOutput(options_.command);
      if (!workload.ok()) return workload.status();
      workload_ = *std::move(workload);
    }
    options_.recorder.buffer_bytes = options_.buffer_bytes.value_or(0);
    options_.recorder.configuration = true;
    options_.recorder.stacks_of = options_.input.workqueues;
    options_.recorder.round_period =
        options_.interval ? std::min(kRound, *options_.interval) : kRound;
    auto recorder = Recorder::Create(options_.recorder);
    if (!recorder.ok()) return recorder.status();
    recorder_ = *std::move(recorder);
    if (!options_.quiet) {
      for (const std::string& note : recorder_->notes()) Note(note);
    }
    auto feed = PageFeed::Create(recorder_->metadata(), TaskName);
    if (!feed.ok()) return feed.status();
    feed_ = *std::move(feed);
    AnalyzeOptions analyze;
    analyze.filter.workqueues = options_.input.workqueues;
    analyze.filter.functions = options_.input.functions;
    analyze.filter.cpus = options_.input.cpus;
    analyze.stall_threshold = TimeOf(options_.view.threshold, feed_->info());
    ChooseSums(options_.view, options_.input.format, analyze);
    analysis_ = std::make_unique<LiveAnalysis>(*feed_, *recorder_, analyze);
    return absl::OkStatus();
  }

  absl::Status Record() {
    ProgressLine progress(!options_.quiet && !options_.interval);
    RecordingLimits limits;
    limits.duration = options_.duration;
    limits.period = options_.interval.value_or(std::chrono::seconds(1));
    absl::Status written;
    limits.full = [&] { return !written.ok(); };
    RecordingEnd end =
        RunRecording(*recorder_, *analysis_, workload_.get(), signals_, limits, [&](Nanos elapsed) {
          progress.Show(RecordingText(elapsed, recorder_->stats(), 0));
          if (options_.interval) written.Update(ShowInterval());
        });
    if (workload_ != nullptr) EndCommand(end);
    end.status.Update(written);
    return end.status;
  }

  absl::Status ShowInterval() {
    const Interval interval = analysis_->Cut();
    std::string out;
    if (options_.input.format == Format::kNdjson) {
      const Table table = IntervalTable(interval);
      out = ToNdjson("wqprof.stat/1", {&table, 1});
      // The schema stands once, above all intervals.
      if (lines_ > 0) out.erase(0, out.find('\n') + 1);
    } else {
      if (lines_ % kLinesBelowHeading == 0) out = IntervalHeading();
      out += IntervalLine(interval);
    }
    ++lines_;
    return WriteOutput(out);
  }

  void EndCommand(const RecordingEnd& end) {
    if (end.reason == RecordingEnd::Reason::kNoCommand) return;
    if (!workload_->Ended()) EndWorkload(*workload_, signals_);
    const int status = workload_->wait_status();
    if (options_.quiet || (WIFEXITED(status) && WEXITSTATUS(status) == 0)) return;
    Note(CommandEndText(options_.command.front(), status));
  }

  StatOptions options_;
  SignalQueue signals_;
  std::unique_ptr<Workload> workload_;
  std::unique_ptr<Recorder> recorder_;
  std::unique_ptr<PageFeed> feed_;
  std::unique_ptr<LiveAnalysis> analysis_;
  int lines_ = 0;
};

int RunStat(StatOptions& options) {
  const absl::Status floor = TakeFlushFloor(options.flush_floor, options.recorder);
  if (!floor.ok()) return Fail(floor);
  const Format format = options.input.format;
  if (options.interval && format != Format::kTable && format != Format::kNdjson) {
    return Fail(absl::InvalidArgumentError(
        "-I has no place in one json or csv document\nwrite --format ndjson, or leave out -I"));
  }
  if (options.interval && *options.interval < kShortestInterval) {
    return Fail(absl::InvalidArgumentError("-I: the shortest interval is 10ms"));
  }
  if (options.duration && *options.duration == Nanos(0)) {
    return Fail(absl::InvalidArgumentError("-d 0 would see nothing\ngive a time, e.g. -d 10s"));
  }
  return StatCommand(options).Run();
}

}  // namespace

void AddStatCommand(CommandLine& line) {
  auto options = std::make_shared<StatOptions>();
  options->view.live = true;
  Command command = line.Add("stat", "Report on this machine at once, without a file (as root)");
  command.AddParsed(
      {"-d,--duration", "TIME", "Stop after TIME, e.g. 10s; default: when CMD ends, or at Ctrl-C"},
      &options->duration, ParseSeconds);
  command.AddParsed({"-I,--interval", "TIME",
                     "A line every TIME (table), or an object (ndjson), before the report"},
                    &options->interval, ParseSeconds);
  AddEventOptions(command, &options->recorder);
  AddStackOption(command, &options->recorder);
  AddFlushOption(command, &options->flush_floor);
  command.AddParsed(
      {"-b,--buffer", "SIZE", "Ring buffer of each CPU (default 16M, less if memory is scarce)"},
      &options->buffer_bytes, ParseBufferSize);
  command.AddText({"--clock", "CLOCK", "Clock of the stamps (default mono)", kPlain,
                   "mono|boot|tai|mono_raw|local|global|x86-tsc|perf|counter|uptime"},
                  &options->recorder.clock);
  command.AddFlag({"-q,--quiet", "", "Print only errors and losses"}, &options->quiet);
  AddStrictOption(command, &options->input);
  AddItemOptions(command, &options->input);
  AddZoneOption(command, &options->input);
  AddOutputOptions(command, &options->input);
  AddReportViewOptions(command, &options->view);
  command.AddCommandToRun({"CMD", "", "Record until this command ends"}, &options->command);
  command.SetExamples(kExamples);
  command.OnRun([options] { return RunStat(*options); });
}

}  // namespace wqprof
