// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/analysis_options.h"
#include "cli/buffer_size.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/hist_export.h"
#include "cli/live_pipeline.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/recording.h"
#include "cli/snapshot_files.h"
#include "wqprof/analyze.h"
#include "wqprof/arguments.h"
#include "wqprof/hist.h"
#include "wqprof/live.h"
#include "wqprof/open_metrics.h"
#include "wqprof/page_feed.h"

namespace wqprof {
namespace {

constexpr std::string_view kExamples =
    "Examples:\n"
    "  wqprof snapshot -o host7.ndjson                  ten seconds of this machine, as lines\n"
    "  wqprof snapshot -d 30s --label rack=7 | zstd > x.ndjson.zst\n"
    "  wqprof snapshot -o /var/lib/wqprof/spool/        a file of its own each time\n"
    "  wqprof snapshot --textfile /var/lib/prometheus/node-exporter\n"
    "                                                   counters for Prometheus, added up";

constexpr Nanos kRound = std::chrono::milliseconds(100);
constexpr Nanos kUsual = std::chrono::seconds(10);
constexpr char kMetricsFile[] = "wqprof.prom";
constexpr char kStateFile[] = ".wqprof.state";
// In a directory of lines: the functions that the last file has lines of, one a line.
constexpr char kSeriesFile[] = ".wqprof.series";

// The options as the user gave them.
struct SnapshotOptions {
  RecorderOptions recorder;
  Nanos duration = kUsual;
  std::optional<uint64_t> buffer_bytes;
  Threshold threshold;
  HistOptions hist;
  std::string output;    // "" or "-": standard output; a directory: a file in it
  std::string textfile;  // a directory; "": none
  std::string state;     // a file; "": beside the textfile
  bool quiet = false, strict = false;
};

// Pages in, lines out.
class LiveHists : public LivePipeline {
 public:
  LiveHists(PageFeed& feed, const AnalyzeOptions& options)
      : LivePipeline(feed),
        analyzer_(feed, pipeline().model(), options),
        pools_(feed, pipeline().model(), options.stall_threshold) {
    pipeline().Attach(analyzer_);
    pipeline().Attach(pools_);
  }
  // Nothing more comes.
  absl::StatusOr<Report> Finish() {
    if (absl::Status status = End(); !status.ok()) return status;
    return analyzer_.Snapshot();
  }
  std::vector<PoolTimes> TakePools() { return std::move(pools_).Take(); }

 private:
  Analyzer analyzer_;
  PoolTimeCollector pools_;
};

bool IsDirectory(const std::string& path) {
  std::error_code error;
  return !path.empty() && std::filesystem::is_directory(path, error);
}

std::string SeriesFile(const SnapshotOptions& options) {
  return (std::filesystem::path(options.output) / kSeriesFile).string();
}

// Without them series come and go that are about as large as each other.
std::set<std::string> KeptSeries(const SnapshotOptions& options) {
  std::set<std::string> out;
  if (!IsDirectory(options.output)) return out;
  const absl::StatusOr<std::string> text = ReadSmallFile(SeriesFile(options));
  if (!text.ok()) return out;
  for (std::string_view rest = *text; !rest.empty();) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    out.emplace(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out;
}

// What one recording came to.
struct Measured {
  HistSnapshot snapshot;
  bool complete = false;
};

absl::StatusOr<Measured> Measure(SnapshotOptions& options) {
  options.recorder.buffer_bytes = options.buffer_bytes.value_or(0);
  options.recorder.round_period = kRound;
  auto recorder = Recorder::Create(options.recorder);
  if (!recorder.ok()) return recorder.status();
  if (!options.quiet) {
    for (const std::string& note : (*recorder)->notes()) Note(note);
  }
  auto feed = PageFeed::Create((*recorder)->metadata(), TaskName);
  if (!feed.ok()) return feed.status();
  AnalyzeOptions analyze;
  analyze.stall_threshold = TimeOf(options.threshold, (*feed)->info());
  analyze.max_stalls = kHistStalls;
  LiveHists hists(**feed, analyze);
  {
    ProgressLine progress(!options.quiet);
    SignalQueue signals;
    RecordingLimits limits;
    limits.duration = options.duration;
    const RecordingEnd end = RunRecording(
        **recorder, hists, nullptr, signals, limits,
        [&](Nanos elapsed) { progress.Show(RecordingText(elapsed, (*recorder)->stats(), 0)); });
    if (!end.status.ok()) return end.status;
  }
  (*feed)->NoteEnding((*recorder)->Ending());
  absl::StatusOr<Report> report = hists.Finish();
  if (!report.ok()) return report.status();
  if (const absl::Status status = (*recorder)->Remove(); !status.ok()) return status;
  NoteLosses((*recorder)->stats(), LargerBuffer(options.buffer_bytes));
  options.hist.kept = KeptSeries(options);
  return Measured{MakeHistSnapshot(*report, hists.TakePools(), options.hist),
                  report->quality.complete()};
}

// Adds the snapshot to what was summed up before, and writes both.
absl::Status WriteTextfile(const SnapshotOptions& options, const HistSnapshot& snapshot) {
  const std::filesystem::path directory = options.textfile;
  const std::string state =
      options.state.empty() ? (directory / kStateFile).string() : options.state;
  const absl::StatusOr<std::string> kept = ReadSmallFile(state);
  if (!kept.ok()) return kept.status();
  const HistTotal total =
      AddToTotal(*kept, snapshot, options.hist.top_series.value_or(kTopMetrics));
  if (total.began_anew) {
    Note(fmt::format("{} is damaged: the counters begin at zero again", state));
  }
  // The state first: counters that were shown never go back.
  if (const absl::Status s = ReplaceFile(state, ToHistNdjson(total.snapshot)); !s.ok()) return s;
  return ReplaceFile((directory / kMetricsFile).string(), ToMetrics(total.snapshot));
}

absl::Status WriteLines(const SnapshotOptions& options, const HistSnapshot& snapshot) {
  const std::string lines = ToHistNdjson(snapshot);
  if (options.output.empty() || options.output == "-") return WriteOutput(lines);
  if (!IsDirectory(options.output)) return ReplaceFile(options.output, lines);
  const std::string names = fmt::format("{}\n", fmt::join(KeptFunctions(snapshot), "\n"));
  if (const absl::Status s = ReplaceFile(SeriesFile(options), names); !s.ok()) return s;
  const std::filesystem::path directory = options.output;
  return ReplaceFile((directory / (snapshot.segment.id + ".ndjson")).string(), lines);
}

// What cannot be written is known before anything is recorded.
absl::Status Check(const SnapshotOptions& options) {
  if (options.duration == Nanos(0)) {
    return absl::InvalidArgumentError("-d 0 would see nothing\ngive a time, e.g. -d 10s");
  }
  if (!options.textfile.empty() && !IsDirectory(options.textfile)) {
    return absl::InvalidArgumentError(
        fmt::format("--textfile {}: there is no such directory\nname the one that node_exporter "
                    "reads: --collector.textfile.directory",
                    options.textfile));
  }
  if (!options.state.empty() && options.textfile.empty()) {
    return absl::InvalidArgumentError("--state is for --textfile DIR\nleave it out, or name DIR");
  }
  if (options.output.ends_with('/') && !IsDirectory(options.output)) {
    return absl::InvalidArgumentError(fmt::format(
        "-o {}: there is no such directory\nmake it: mkdir -p {}", options.output, options.output));
  }
  return absl::OkStatus();
}

int RunSnapshot(SnapshotOptions& options) {
  if (const absl::Status status = Check(options); !status.ok()) return Fail(status);
  const absl::StatusOr<Measured> measured = Measure(options);
  if (!measured.ok()) return Fail(measured.status());
  // Who asks for counters alone gets no lines.
  if (options.textfile.empty() || !options.output.empty()) {
    const absl::Status written = WriteLines(options, measured->snapshot);
    if (!written.ok()) return Fail(written);
  }
  if (!options.textfile.empty()) {
    const absl::Status written = WriteTextfile(options, measured->snapshot);
    if (!written.ok()) return Fail(written);
  }
  return options.strict && !measured->complete ? kInsufficient : kOk;
}

}  // namespace

void AddSnapshotCommand(CommandLine& line) {
  auto options = std::make_shared<SnapshotOptions>();
  Command command =
      line.Add("snapshot", "Measure this machine as a fleet's lines, or for Prometheus (as root)");
  command.AddParsed({"-d,--duration", "TIME", "Measure for TIME, or until Ctrl-C (default: 10s)"},
                    &options->duration, ParseSeconds);
  command.AddText({"-o,--output", "FILE",
                   "Write to FILE, or a file of its own into a directory (default: standard "
                   "output)"},
                  &options->output);
  command.AddText({"--textfile", "DIR",
                   "Add up what all snapshots measured in DIR/wqprof.prom, which node_exporter "
                   "reads"},
                  &options->textfile);
  command.AddText(
      {"--state", "FILE", "Where the sums are kept for the next one (default: DIR/.wqprof.state)"},
      &options->state);
  AddHistOptions(command, &options->hist);
  AddEventOptions(command, &options->recorder);
  command.AddParsed(
      {"-b,--buffer", "SIZE", "Ring buffer of each CPU (default 16M, less if memory is scarce)"},
      &options->buffer_bytes, ParseBufferSize);
  command.AddParsed({"--threshold", "TIME",
                     "shortest stall that counts (default: 10ms); kernel: as its watchdog does"},
                    &options->threshold, ParseThreshold);
  command.AddFlag({"-q,--quiet", "", "Print only errors and losses"}, &options->quiet);
  command.AddFlag(
      {"--strict", "", "exit with 3 when anything was lost, damaged or could not be explained"},
      &options->strict);
  command.SetExamples(kExamples);
  command.OnRun([options] { return RunSnapshot(*options); });
}

}  // namespace wqprof
