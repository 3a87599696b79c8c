// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/analysis_options.h"
#include "cli/buffer_size.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/live_pipeline.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/own_cpu.h"
#include "cli/recording.h"
#include "cli/screen.h"
#include "cli/threshold.h"
#include "cli/top_control.h"
#include "cli/top_counters.h"
#include "wqprof/arguments.h"
#include "wqprof/live.h"
#include "wqprof/page_feed.h"
#include "wqprof/render_top.h"
#include "wqprof/window.h"

namespace wqprof {
namespace {

constexpr std::string_view kExamples =
    "Examples:\n"
    "  wqprof top                        pools, functions and workers of this machine; ? for keys\n"
    "  wqprof top -w 'xfs*' -I 2s        some workqueues, every two seconds\n"
    "  wqprof top --once                 one table, of one second\n"
    "  wqprof top --batch -n 60 > log    sixty tables, for a file\n"
    "  wqprof top --counters             by the kernel's own counters, without tracing";

// Each round costs as much as thousands of events, and a look begins with one.
constexpr Nanos kRound = std::chrono::seconds(1);
constexpr Nanos kShortestInterval = std::chrono::milliseconds(100);

// The options as the user gave them.
struct TopOptions {
  RecorderOptions recorder;
  Nanos interval = std::chrono::seconds(1);
  std::optional<Nanos> duration;
  std::optional<size_t> looks;
  std::optional<uint64_t> buffer_bytes;
  Threshold threshold;
  AnalysisOptions input;
  bool once = false, batch = false, counters = false;
};

// Pages in, windows out.
class LiveWindow : public LivePipeline {
 public:
  LiveWindow(PageFeed& feed, const ItemFilter& filter, Nanos threshold)
      : LivePipeline(feed, {.stall = threshold, .execution = kLongRun}),
        window_(feed, pipeline().model(), filter, threshold) {
    pipeline().Attach(window_);
  }

  Window Look(Nanos span) {
    feed().UpdateStats();
    return window_.Look(pipeline().now(), span);
  }
  Report About() const { return ReportOf(pipeline().facts()); }

 private:
  WindowCollector window_;
};

// One run of the command.
class TopCommand {
 public:
  TopCommand(TopOptions options, bool batch) : options_(std::move(options)), batch_(batch) {}

  int Run() {
    absl::Status status = SetUp();
    if (status.ok()) status = Record();
    screen_.reset();
    if (!status.ok()) return Fail(status);
    if (const absl::Status removed = recorder_->Remove(); !removed.ok()) return Fail(removed);
    NoteLosses(recorder_->stats(), LargerBuffer(options_.buffer_bytes));
    return kOk;
  }

 private:
  absl::Status SetUp() {
    options_.recorder.buffer_bytes = options_.buffer_bytes.value_or(0);
    options_.recorder.round_period = std::min(kRound, options_.interval);
    auto recorder = Recorder::Create(options_.recorder);
    if (!recorder.ok()) return recorder.status();
    recorder_ = *std::move(recorder);
    if (!options_.input.quiet && batch_) {
      for (const std::string& note : recorder_->notes()) Note(note);
    }
    auto feed = PageFeed::Create(recorder_->metadata(), TaskName);
    if (!feed.ok()) return feed.status();
    feed_ = *std::move(feed);
    ItemFilter filter;
    filter.workqueues = options_.input.workqueues;
    filter.functions = options_.input.functions;
    filter.cpus = options_.input.cpus;
    live_ = std::make_unique<LiveWindow>(*feed_, filter, TimeOf(options_.threshold, feed_->info()));
    facts_.utc = options_.input.utc;
    facts_.filters = fmt::format("{}", fmt::join(FilterWords(options_.input, feed_->info()), ", "));
    style_ = StyleOf(options_.input);
    if (batch_) return absl::OkStatus();
    auto screen = Screen::Open(signals_.fd());
    if (!screen.ok()) return screen.status();
    screen_ = *std::move(screen);
    return Draw();
  }

  absl::Status Record() {
    RecordingLimits limits;
    limits.duration = options_.duration;
    limits.period = options_.interval;
    if (screen_ != nullptr) limits.wake_fd = screen_->fd();
    own_cpu_.Take();  // what setting up took is no part of it
    absl::Status shown;
    limits.full = [&] {
      if (screen_ != nullptr) shown.Update(TakeKeys());
      return !shown.ok() || control_.quit() || (screen_ != nullptr && screen_->gone()) ||
             looks_ >= options_.looks.value_or(SIZE_MAX);
    };
    RecordingEnd end = RunRecording(*recorder_, *live_, nullptr, signals_, limits,
                                    [&](Nanos) { shown.Update(Look()); });
    end.status.Update(shown);
    return end.status;
  }

  // Another interval is over.
  absl::Status Look() {
    facts_.own_cpu = own_cpu_.Take();
    ++looks_;
    if (!control_.view().paused) LookAnew();
    return batch_ ? Print() : Draw();
  }
  void LookAnew() {
    window_ = live_->Look(control_.span());
    // By the kernel's own count: a mark in a page may lack it.
    window_.lost = recorder_->stats().lost;
    facts_.about = live_->About();
  }

  absl::Status TakeKeys() {
    const Screen::Size before = screen_->size();
    const std::vector<Key> keys = screen_->Update();
    const Nanos span = control_.span();
    const bool paused = control_.view().paused;
    for (const Key& key : keys) control_.Press(key, window_, facts_, screen_->size().lines);
    if (control_.span() != span || (paused && !control_.view().paused)) LookAnew();
    const bool resized =
        screen_->size().columns != before.columns || screen_->size().lines != before.lines;
    return keys.empty() && !resized && !screen_->blank() ? absl::OkStatus() : Draw();
  }

  absl::Status Draw() {
    style_.columns = screen_->size().columns;
    return screen_->Show(TopLines(window_, facts_, control_.view(), screen_->size().lines, style_));
  }

  absl::Status Print() const {
    std::string out;
    for (const std::string& line : TopLines(window_, facts_, TopView(), 0, style_)) {
      out += line;
      out += '\n';
    }
    const bool last = options_.looks && looks_ >= *options_.looks;
    return WriteOutput(last ? out : out + "\n");
  }

  TopOptions options_;
  const bool batch_;
  SignalQueue signals_;
  std::unique_ptr<Recorder> recorder_;
  std::unique_ptr<PageFeed> feed_;
  std::unique_ptr<LiveWindow> live_;
  TopControl control_;
  TopFacts facts_;
  Window window_;
  TextStyle style_;
  OwnCpu own_cpu_;
  size_t looks_ = 0;
  std::unique_ptr<Screen> screen_;  // the last one made: whatever happens, it is put back first
};

int RunTop(TopOptions options) {
  const AnalysisOptions& input = options.input;
  if (options.counters && (!input.functions.empty() || !input.cpus.empty())) {
    return Fail(absl::InvalidArgumentError(
        "--counters: the kernel counts by workqueue, not by function or CPU\n"
        "leave out -f and -C; -w selects workqueues"));
  }
  if (options.interval < kShortestInterval) {
    return Fail(absl::InvalidArgumentError("-I: the shortest interval is 100ms"));
  }
  if (options.duration && *options.duration == Nanos(0)) {
    return Fail(absl::InvalidArgumentError("-d 0 would see nothing\ngive a time, e.g. -d 10s"));
  }
  if (options.looks && *options.looks == 0) {
    return Fail(absl::InvalidArgumentError("-n 0 would show nothing\ngive a number, e.g. -n 10"));
  }
  if (options.once) options.looks = 1;
  const char* const term = std::getenv("TERM");
  const bool able = DetectTerminal().is_terminal && term != nullptr && *term != '\0' &&
                    std::string_view(term) != "dumb";
  const bool batch = options.batch || options.once || !able;
  if (options.counters) {
    return RunCounters({options.interval, options.duration, options.looks, batch, options.input});
  }
  return TopCommand(std::move(options), batch).Run();
}

}  // namespace

void AddTopCommand(CommandLine& line) {
  auto options = std::make_shared<TopOptions>();
  Command command = line.Add("top", "Show what happens on this machine now (as root)");
  command.AddParsed({"-I,--interval", "TIME", "A new look every TIME (default 1s)"},
                    &options->interval, ParseSeconds);
  command.AddParsed({"-d,--duration", "TIME", "Stop after TIME, e.g. 10s; default: at q or Ctrl-C"},
                    &options->duration, ParseSeconds);
  command.AddParsed({"-n,--iterations", "N", "Stop after N looks"}, &options->looks, ParseCount);
  command.AddFlag({"--once", "", "Print one table, after one interval"}, &options->once);
  command.AddFlag({"--batch", "",
                   "Print a table an interval, one after the other; default where the output is "
                   "no terminal"},
                  &options->batch);
  command.AddFlag({"--counters", "",
                   "Show the kernel's own counters of each workqueue, without tracing (since Linux "
                   "6.5)"},
                  &options->counters);
  AddEventOptions(command, &options->recorder);
  command.AddParsed(
      {"-b,--buffer", "SIZE", "Ring buffer of each CPU (default 16M, less if memory is scarce)"},
      &options->buffer_bytes, ParseBufferSize);
  command.AddParsed({"--threshold", "TIME",
                     "Shortest stall to report (default 10ms); kernel: as its watchdog does"},
                    &options->threshold, ParseThreshold);
  command.AddFlag({"-q,--quiet", "", "Print only errors and losses"}, &options->input.quiet);
  AddItemOptions(command, &options->input);
  AddZoneOption(command, &options->input);
  AddScreenOptions(command, &options->input);
  command.SetExamples(kExamples);
  command.OnRun([options] { return RunTop(*options); });
}

}  // namespace wqprof
