// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/buffer_size.h"
#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/recording.h"
#include "cli/sudo_user.h"
#include "wqprof/arguments.h"
#include "wqprof/live.h"
#include "wqprof/number_text.h"
#include "wqprof/trace_writer.h"

namespace wqprof {
namespace {

constexpr std::string_view kExamples =
    "Examples:\n"
    "  wqprof record -d 10s                 every workqueue for ten seconds\n"
    "  wqprof record -- make -j8            for as long as a command runs\n"
    "  wqprof record --no-sched -d 2s       the leanest way: not what the scheduler did\n"
    "  wqprof record -o a.dat --compress    until Ctrl-C, into a small file\n"
    "\n"
    "An existing FILE becomes FILE.old. `wqprof doctor` shows whether this machine can\n"
    "record.";

// How often it is looked whether --max-size is near, and how much of it may come meanwhile.
constexpr Nanos kFullPeriod = std::chrono::milliseconds(20);
constexpr uint64_t kShareLeft = 20;
constexpr uint64_t kLeastOfPages = uint64_t{1} << 20;  // for which a recording is worth while

// The options as the user gave them.
struct RecordOptions {
  RecorderOptions recorder;
  WriterOptions writer;
  std::string output = kDefaultRecording;
  std::optional<Nanos> duration;
  std::optional<uint64_t> buffer_bytes, max_size;
  std::vector<std::string> workqueues;
  std::vector<std::string> command;
  std::optional<std::string> flush_floor;  // as written; "" the default
  bool verbose = false, quiet = false;
};

// CPU time of this process, all threads.
struct CpuTime {
  double user = 0, system = 0;
  static CpuTime Now() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& t) {
      return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    return {seconds(usage.ru_utime), seconds(usage.ru_stime)};
  }
  CpuTime operator-(const CpuTime& other) const {
    return {user - other.user, system - other.system};
  }
};

void Say(const std::string& text) { std::fputs((Printable(text) + "\n").c_str(), stderr); }

// One recording into a file, from the options to the last message.
class RecordCommand {
 public:
  explicit RecordCommand(RecordOptions options) : options_(std::move(options)) {}

  int Run() {
    if (const absl::Status status = SetUp(); !status.ok()) return Fail(status);
    Record();
    if (!begun_) {
      writer_->Discard();
      return Fail(end_.status);
    }
    const bool goes_on = end_.reason == RecordingEnd::Reason::kFull;
    if (workload_ != nullptr && !goes_on) EndCommand();
    absl::Status status = end_.status;
    const absl::Status finished = Finish();
    status.Update(finished);
    status.Update(recorder_->Remove());
    if (workload_ != nullptr && goes_on) LetCommandEnd();
    Report(finished);
    return Fail(status);
  }

 private:
  absl::Status SetUp() {
    if (!options_.command.empty()) {
      auto workload = Workload::Prepare(options_.command);
      if (!workload.ok()) return workload.status();
      workload_ = *std::move(workload);
    }
    options_.recorder.buffer_bytes = options_.buffer_bytes.value_or(0);
    options_.recorder.configuration = true;
    options_.recorder.stacks_of = options_.workqueues;
    auto recorder = Recorder::Create(options_.recorder);
    if (!recorder.ok()) return recorder.status();
    recorder_ = *std::move(recorder);
    if (absl::Status status = PrepareToReplace(options_.output); !status.ok()) return status;
    TraceMetadata metadata = recorder_->metadata();
    Settings settings = OwnSettings();
    settings.Append(metadata.settings);
    metadata.settings = std::move(settings);
    // It takes the place of an older one when the recording has begun.
    auto writer = TraceWriter::Create(options_.output + kNewSuffix, metadata, options_.writer);
    if (!writer.ok()) return writer.status();
    writer_ = *std::move(writer);
    if (absl::Status status = CheckMaxSize(); !status.ok()) {
      writer_->Discard();
      return status;
    }
    if (options_.quiet) return absl::OkStatus();
    for (const std::string& note : recorder_->notes()) Note(note);
    if (!options_.workqueues.empty()) {
      Note(
          "-w: all workqueues are recorded, as works could not be paired otherwise; "
          "reports show those");
    }
    return absl::OkStatus();
  }

  absl::Status CheckMaxSize() const {
    const uint64_t least = writer_->size_at_most();
    if (!options_.max_size || *options_.max_size > least + kLeastOfPages) return absl::OkStatus();
    return absl::InvalidArgumentError(
        fmt::format("--max-size {:.1f} MB: the file needs {:.1f} MB before its first event\n"
                    "give it more, e.g. --max-size {}M",
                    static_cast<double>(*options_.max_size) / 1e6, static_cast<double>(least) / 1e6,
                    (least >> 20) * 4 + 16));
  }

  Settings OwnSettings() const {
    Settings out;
    out.Add("wqprof", WQPROF_VERSION);
    for (const std::string& glob : options_.workqueues) out.Add("workqueue_filter", glob);
    if (!options_.command.empty()) {
      out.Add("command", fmt::format("{}", fmt::join(options_.command, " ")));
    }
    return out;
  }

  void Record() {
    FileSink sink(*writer_, options_.max_size.value_or(~uint64_t{0}));
    ProgressLine progress(!options_.quiet);
    RecordingLimits limits;
    limits.duration = options_.duration;
    if (recorder_->idle()) {
      Note("tracing is off there: what the buffer holds is all");
      limits.duration = Nanos(0);
    }
    limits.begun = [this] {
      absl::Status moved = writer_->MoveTo(options_.output);
      begun_ = moved.ok();
      return moved;
    };
    if (options_.max_size) {
      limits.full_period = kFullPeriod;
      limits.full = [this, &sink] { return sink.full() || WouldBeFull(); };
    }
    const CpuTime before = CpuTime::Now();
    end_ = RunRecording(*recorder_, sink, workload_.get(), signals_, limits, [&](Nanos elapsed) {
      progress.Show(RecordingText(elapsed, recorder_->stats(), writer_->size()));
      // So that a killed recorder loses little; Append() reports what fails here.
      writer_->Flush().IgnoreError();
      if (const auto reading = recorder_->LastClockReading()) writer_->NoteClock(*reading);
    });
    recording_cpu_ = CpuTime::Now() - before;
  }

  // Whether what waits in the ring buffers, and what comes until this is asked again, fills the
  // file: all of that is still to be written.
  bool WouldBeFull() const {
    const uint64_t most = *options_.max_size;
    return writer_->size_at_most() + recorder_->CountBuffered() + most / kShareLeft > most;
  }

  void EndCommand() {
    const bool was_running = !workload_->Ended();
    if (was_running) EndWorkload(*workload_, signals_);
    if (!options_.quiet) NoteCommandEnd(was_running ? ", as the recording ended before it" : "");
  }

  // The recording is over, and the command has its time.
  void LetCommandEnd() {
    if (!options_.quiet && !workload_->Ended()) {
      Note("--max-size is reached: nothing more is recorded, and the command goes on");
    }
    if (!WaitForWorkload(*workload_, signals_)) EndWorkload(*workload_, signals_);
    if (!options_.quiet) NoteCommandEnd("");
  }

  void NoteCommandEnd(std::string_view why) const {
    const int status = workload_->Ended() ? workload_->wait_status() : 0;
    std::string what = CommandEndText(options_.command.front(), status);
    if (end_.command_time) {
      what +=
          fmt::format(" after {:.3f} s", std::chrono::duration<double>(*end_.command_time).count());
    }
    Note(what.append(why));
  }

  absl::Status Finish() {
    const CpuTime before = CpuTime::Now();
    TraceEnding ending = recorder_->Ending();
    ending.settings.Add("ended_by", ReasonText());
    // --max-size counted them.
    ending.all_symbols = end_.reason == RecordingEnd::Reason::kFull;
    for (std::string* const extra : {&ending.flushes, &ending.workqueues}) {
      const uint64_t size =
          writer_->size_at_most() + ending.flushes.size() + ending.workqueues.size();
      if (size >= options_.max_size.value_or(~0ULL)) extra->clear();
    }
    absl::Status status = writer_->Finish(ending);
    if (const absl::Status given = GiveToSudoUser(*writer_); !given.ok()) {
      Note(fmt::format("{} belongs to root: {}", options_.output, std::string(given.message())));
    }
    finishing_cpu_ = CpuTime::Now() - before;
    return status;
  }

  std::string_view ReasonText() const {
    switch (end_.reason) {
      case RecordingEnd::Reason::kDuration:
        return "duration";
      case RecordingEnd::Reason::kCommand:
        return "command";
      case RecordingEnd::Reason::kSignal:
        return "signal";
      case RecordingEnd::Reason::kFull:
        return "max-size";
      case RecordingEnd::Reason::kError:
      case RecordingEnd::Reason::kNoCommand:
        return "error";
    }
    return "";
  }

  void Report(const absl::Status& finished) const {
    const RecordingStats stats = recorder_->stats();
    if (!options_.quiet) {
      if (end_.reason == RecordingEnd::Reason::kFull) Note("stopped: --max-size is reached");
      const bool whole = end_.status.ok() && finished.ok();
      // Of what could not be written nobody knows the number of events.
      Say(whole ? fmt::format("wrote {}: {}", options_.output,
                              RecordingText(end_.elapsed, stats, writer_->size()))
                : fmt::format("wrote a part of the recording to {}: {:.1f} MB", options_.output,
                              static_cast<double>(writer_->size()) / 1e6));
    }
    if (writer_->version() != options_.writer.version) {
      Note(fmt::format("{} has version {} of the format, as there was no room for version {}",
                       options_.output, writer_->version(), options_.writer.version));
    }
    NoteLosses(stats, options_.recorder.attach ? "" : LargerBuffer(options_.buffer_bytes));
    if (options_.verbose) {
      Note(
          fmt::format("collector: {:.3f} s CPU while recording ({:.3f} user, {:.3f} system), "
                      "{:.3f} s to finish the file; {} of {:.1f} MB",
                      recording_cpu_.user + recording_cpu_.system, recording_cpu_.user,
                      recording_cpu_.system, finishing_cpu_.user + finishing_cpu_.system,
                      CountOf(stats.reads, "read"), static_cast<double>(stats.bytes) / 1e6));
    }
    if (!options_.quiet && end_.status.ok() && finished.ok()) {
      Say(fmt::format("next: wqprof report{}",
                      options_.output == kDefaultRecording ? "" : " " + options_.output));
    }
  }

  RecordOptions options_;
  SignalQueue signals_;
  std::unique_ptr<Workload> workload_;
  std::unique_ptr<Recorder> recorder_;
  std::unique_ptr<TraceWriter> writer_;
  RecordingEnd end_;
  CpuTime recording_cpu_, finishing_cpu_;
  bool begun_ = false;  // the file has its name
};

absl::StatusOr<int> ParseFileVersion(std::string_view text) {
  if (text == "6" || text == "7") return text == "6" ? 6 : 7;
  return absl::InvalidArgumentError(
      fmt::format("'{}' is not a version of trace.dat: write 6 or 7", text));
}

int RunRecord(RecordOptions& options) {
  if (const absl::Status status = TakeFlushFloor(options.flush_floor, options.recorder);
      !status.ok())
    return Fail(status);
  if (options.writer.version == 6 && options.writer.compress) {
    return Fail(absl::InvalidArgumentError(
        "--compress needs version 7 of the file format\nleave out --file-version 6"));
  }
  if (options.duration && *options.duration == Nanos(0)) {
    return Fail(absl::InvalidArgumentError("-d 0 would record nothing\ngive a time, e.g. -d 10s"));
  }
  const RecorderOptions& recorder = options.recorder;
  if (recorder.attach &&
      (options.buffer_bytes || recorder.irqs || recorder.stacks || recorder.flushes ||
       !recorder.sched || !recorder.timers || recorder.clock != kAutoClock)) {
    return Fail(absl::InvalidArgumentError(
        "--attach takes what somebody else records, as it is\n"
        "leave out -b, --clock, --flushes, --irqs, --stacks, --no-sched and --no-timers"));
  }
  if (options.output == "-") {
    return Fail(absl::InvalidArgumentError(
        "-o -: a trace cannot be written to standard output, as its parts are sought\n"
        "name a file with -o FILE, or see the report at once: wqprof stat"));
  }
  return RecordCommand(options).Run();
}

}  // namespace

void AddRecordCommand(CommandLine& line) {
  auto options = std::make_shared<RecordOptions>();
  options->recorder.clock = kAutoClock;
  Command command = line.Add("record", "Record this machine's workqueues into a file (as root)");
  command.AddText({"-o,--output", "FILE", "File to write (default wqprof.dat)"}, &options->output);
  command.AddParsed(
      {"-d,--duration", "TIME", "Stop after TIME, e.g. 10s; default: when CMD ends, or at Ctrl-C"},
      &options->duration, ParseSeconds);
  AddEventOptions(command, &options->recorder);
  AddStackOption(command, &options->recorder);
  AddFlushOption(command, &options->flush_floor);
  command.AddTexts({"-w,--workqueue", "GLOB",
                    "Show only workqueues that match GLOB in reports of this recording; "
                    "may be repeated"},
                   &options->workqueues);
  command.AddParsed(
      {"-b,--buffer", "SIZE", "Ring buffer of each CPU (default 16M, less if memory is scarce)"},
      &options->buffer_bytes, ParseBufferSize);
  command.AddText({"--clock", "CLOCK",
                   "Clock of the stamps (default auto: x86-tsc if the kernel itself uses it, "
                   "else mono)",
                   kPlain, "auto|mono|boot|tai|mono_raw|local|global|x86-tsc|perf|counter|uptime"},
                  &options->recorder.clock);
  command.AddFlagWithValue({"--attach", "NAME",
                            "Drain the trace instance NAME, or the top level's buffer, which "
                            "somebody else runs, without changing it"},
                           &options->recorder.attach);
  command.AddParsed({"--max-size", "SIZE", "Stop before the file is larger than SIZE; CMD goes on"},
                    &options->max_size, ParseSize);
  command.AddParsed(
      {"--file-version", "6|7", "Version of trace.dat: 7 (default), or 6 for old readers"},
      &options->writer.version, ParseFileVersion);
  command.AddFlag({"--compress", "", "Compress the file (zstd)"}, &options->writer.compress);
  command.AddFlag({"-v,--verbose", "", "Print what the recording itself cost"}, &options->verbose);
  command.AddFlag({"-q,--quiet", "", "Print only errors and losses"}, &options->quiet);
  command.AddFlag({"-a,--all-cpus", "", "", ""}, [] {});  // which it always does
  command.Refuse("-e,--event", true,
                 "record has no option -e: it always records the events of all workqueues");
  command.Refuse("-p,--pid", true,
                 "record has no option -p: works are executed by workers, not by who queues them\n"
                 "To see who queued what: wqprof report --by origin");
  command.Refuse("-C,--cpu", true,
                 "record has no option -C: a work may be queued on one CPU and run on another\n"
                 "To see some CPUs only: wqprof report -C LIST");
  command.Refuse(
      "-g,--call-graph", false,
      "record has no option -g: for the stacks in which works are queued write --stacks");
  command.Refuse("-F,--freq", true, "record has no option -F: it records events, not samples");
  command.AddCommandToRun({"CMD", "", "Record until this command ends"}, &options->command);
  command.SetExamples(kExamples);
  command.OnRun([options] { return RunRecord(*options); });
}

}  // namespace wqprof
