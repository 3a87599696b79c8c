// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/exit_code.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/recording.h"
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
    "  wqprof record --sched -d 2s          with what the scheduler did to workers\n"
    "  wqprof record -o a.dat --compress    until Ctrl-C, into a small file\n"
    "\n"
    "An existing FILE becomes FILE.old. `wqprof doctor` tells whether this machine can record.";

// The options as the user gave them.
struct RecordOptions {
  RecorderOptions recorder;
  WriterOptions writer;
  std::string output = "wqprof.dat";
  std::optional<Nanos> duration;
  std::optional<uint64_t> buffer_bytes, max_size;
  std::vector<std::string> workqueues;
  std::vector<std::string> command;
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
    if (workload_ != nullptr) EndCommand();
    const absl::Status finished = Finish();
    if (exec_failed_) return Fail(end_.status);
    Report(finished);
    end_.status.Update(finished);
    end_.status.Update(recorder_->Remove());
    return Fail(end_.status);
  }

 private:
  absl::Status SetUp() {
    if (!options_.command.empty()) {
      auto workload = Workload::Prepare(options_.command);
      if (!workload.ok()) return workload.status();
      workload_ = *std::move(workload);
    }
    options_.recorder.buffer_bytes = options_.buffer_bytes.value_or(0);
    auto recorder = Recorder::Create(options_.recorder);
    if (!recorder.ok()) return recorder.status();
    recorder_ = *std::move(recorder);
    if (absl::Status status = MoveOldTraceAway(options_.output); !status.ok()) return status;
    TraceMetadata metadata = recorder_->metadata();
    metadata.settings = OwnSettings() + metadata.settings;
    auto writer = TraceWriter::Create(options_.output, metadata, options_.writer);
    if (!writer.ok()) return writer.status();
    writer_ = *std::move(writer);
    if (options_.max_size && *options_.max_size <= writer_->size()) {
      const uint64_t least = writer_->size();
      writer_->Discard();
      return absl::InvalidArgumentError(
          fmt::format("--max-size {}: the file needs {} before its first event\n"
                      "give it more, e.g. --max-size {}M",
                      *options_.max_size, least, (least >> 20) * 4 + 16));
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

  std::string OwnSettings() const {
    std::string out = "wqprof=" WQPROF_VERSION "\n";
    for (const std::string& glob : options_.workqueues) {
      out += fmt::format("workqueue_filter={}\n", glob);
    }
    if (!options_.command.empty()) {
      std::string words;
      for (const std::string& word : options_.command) {
        words += fmt::format("{}{}", words.empty() ? "" : " ", Printable(word));
      }
      std::replace(words.begin(), words.end(), '\n', ' ');
      out += fmt::format("command={}\n", words);
    }
    return out;
  }

  void Record() {
    FileSink sink(*writer_);
    ProgressLine progress(!options_.quiet);
    RecordingLimits limits;
    limits.duration = options_.duration;
    if (options_.max_size) {
      limits.full = [this] { return writer_->size() >= *options_.max_size; };
    }
    const CpuTime before = CpuTime::Now();
    end_ = RunRecording(*recorder_, sink, workload_.get(), signals_, limits, [&](Nanos elapsed) {
      progress.Show(RecordingText(elapsed, recorder_->stats(), writer_->size()));
      // So that a killed recorder loses little; what fails here Append() tells.
      writer_->Flush().IgnoreError();
    });
    recording_cpu_ = CpuTime::Now() - before;
    exec_failed_ = end_.reason == RecordingEnd::Reason::kNoCommand;
  }

  void EndCommand() {
    const bool was_running = !workload_->Ended();
    if (was_running && !exec_failed_) EndWorkload(*workload_, signals_);
    if (options_.quiet || exec_failed_) return;
    const int status = workload_->Ended() ? workload_->wait_status() : 0;
    std::string what = CommandEndText(options_.command.front(), status);
    if (end_.command_time) {
      what +=
          fmt::format(" after {:.3f} s", std::chrono::duration<double>(*end_.command_time).count());
    } else if (was_running) {
      what += ", as the recording ended before it";
    }
    Note(what);
  }

  absl::Status Finish() {
    if (exec_failed_) {
      writer_->Discard();
      return absl::OkStatus();
    }
    const CpuTime before = CpuTime::Now();
    TraceEnding ending = recorder_->Ending();
    ending.settings = fmt::format("ended_by={}\n", ReasonText());
    absl::Status status = writer_->Finish(ending);
    GiveToUser();
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

  // A trace is readable by its owner only, and under sudo the user shall be that.
  void GiveToUser() const {
    const auto number = [](const char* variable) {
      const char* const text = std::getenv(variable);
      unsigned id = 0;
      const bool good =
          text != nullptr && std::from_chars(text, text + std::strlen(text), id).ec == std::errc();
      return good ? std::optional(id) : std::nullopt;
    };
    const auto uid = number("SUDO_UID"), gid = number("SUDO_GID");
    if (geteuid() != 0 || !uid || !gid) return;
    if (lchown(options_.output.c_str(), *uid, *gid) != 0) {
      Note(fmt::format("{} belongs to root: {}", options_.output, std::strerror(errno)));
    }
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
    NoteLosses(stats, fmt::format("-b {}M", SuggestedMebibytes()));
    if (options_.verbose) {
      Note(
          fmt::format("collector: {:.3f} s CPU while recording ({:.3f} user, {:.3f} system), "
                      "{:.3f} s to finish the file; {} of {:.1f} MB",
                      recording_cpu_.user + recording_cpu_.system, recording_cpu_.user,
                      recording_cpu_.system, finishing_cpu_.user + finishing_cpu_.system,
                      CountOf(stats.reads, "read"), static_cast<double>(stats.bytes) / 1e6));
    }
  }

  uint64_t SuggestedMebibytes() const {
    constexpr uint64_t kMebibyte = uint64_t{1} << 20;
    return std::max(options_.buffer_bytes.value_or(16 * kMebibyte) / kMebibyte * 4, uint64_t{1});
  }

  RecordOptions options_;
  SignalQueue signals_;
  std::unique_ptr<Workload> workload_;
  std::unique_ptr<Recorder> recorder_;
  std::unique_ptr<TraceWriter> writer_;
  RecordingEnd end_;
  CpuTime recording_cpu_, finishing_cpu_;
  bool exec_failed_ = false;
};

absl::StatusOr<int> ParseFileVersion(std::string_view text) {
  if (text == "6" || text == "7") return text == "6" ? 6 : 7;
  return absl::InvalidArgumentError(fmt::format("'{}' is no version of trace.dat: 6 or 7", text));
}

int RunRecord(const RecordOptions& options) {
  if (options.writer.version == 6 && options.writer.compress) {
    return Fail(absl::InvalidArgumentError(
        "--compress needs version 7 of the file format\nleave out --file-version 6"));
  }
  if (options.duration && *options.duration == Nanos(0)) {
    return Fail(absl::InvalidArgumentError("-d 0 would record nothing\ngive a time, e.g. -d 10s"));
  }
  return RecordCommand(options).Run();
}

}  // namespace

void AddRecordCommand(CommandLine& line) {
  auto options = std::make_shared<RecordOptions>();
  Command command = line.Add("record", "Record this machine's workqueues into a file (as root)");
  command.AddText({"-o,--output", "FILE", "File to write (default wqprof.dat)"}, &options->output);
  command.AddParsed(
      {"-d,--duration", "TIME", "Stop after TIME, e.g. 10s; default: when CMD ends, or at Ctrl-C"},
      &options->duration, ParseSeconds);
  AddEventOptions(command, &options->recorder);
  command.AddTexts({"-w,--workqueue", "GLOB",
                    "Show only workqueues that match GLOB in reports of this recording; "
                    "may be repeated"},
                   &options->workqueues);
  command.AddParsed(
      {"-b,--buffer", "SIZE", "Ring buffer of each CPU (default 16M, less if memory is scarce)"},
      &options->buffer_bytes, ParseSize);
  command.AddText({"--clock", "CLOCK", "Clock of the stamps (default mono)", kPlain,
                   "mono|boot|tai|mono_raw|local|global|x86-tsc|perf|counter|uptime"},
                  &options->recorder.clock);
  command.AddParsed({"--max-size", "SIZE", "Stop when the file has about SIZE"}, &options->max_size,
                    ParseSize);
  command.AddParsed(
      {"--file-version", "6|7", "Version of trace.dat: 7 (default), or 6 for old readers"},
      &options->writer.version, ParseFileVersion);
  command.AddFlag({"--compress", "", "Compress the file (zstd)"}, &options->writer.compress);
  command.AddFlag({"-v,--verbose", "", "Tell what the recording itself cost"}, &options->verbose);
  command.AddFlag({"-q,--quiet", "", "Tell errors and losses only"}, &options->quiet);
  command.AddFlag({"-a,--all-cpus", "", "", ""}, [] {});  // which it always does
  command.Refuse("-e,--event", true,
                 "record has no option -e: it always records the events of all workqueues");
  command.Refuse("-p,--pid", true,
                 "record has no option -p: works are executed by workers, not by who queues them\n"
                 "To see who queued what: wqprof report --by origin");
  command.Refuse("-C,--cpu", true,
                 "record has no option -C: a work may be queued on one CPU and run on another\n"
                 "To see some CPUs only: wqprof report -C LIST");
  command.Refuse("-g,--call-graph", false, "record has no option -g: it records no call graphs");
  command.Refuse("-F,--freq", true, "record has no option -F: it records events, not samples");
  command.AddCommandToRun({"CMD", "", "Record until this command ends"}, &options->command);
  command.SetExamples(kExamples);
  command.OnRun([options] { return RunRecord(*options); });
}

}  // namespace wqprof
