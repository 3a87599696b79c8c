// SPDX-License-Identifier: Apache-2.0
#include "cli/analysis_options.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cctype>
#include <charconv>
#include <filesystem>
#include <utility>

#include "cli/exit_code.h"
#include "cli/log_view.h"
#include "cli/output.h"
#include "cli/run_files.h"
#include "cli/signals.h"
#include "fmt/format.h"
#include "wqprof/did_you_mean.h"
#include "wqprof/input.h"
#include "wqprof/wall_clock.h"

namespace wqprof {
namespace {

absl::StatusOr<Format> ParseFormat(std::string_view text) {
  const std::vector<std::string> names = {"table", "json", "ndjson", "csv"};
  constexpr Format kFormats[] = {Format::kTable, Format::kJson, Format::kNdjson, Format::kCsv};
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  for (size_t i = 0; i < names.size(); ++i) {
    if (lower == names[i]) return kFormats[i];
  }
  return absl::InvalidArgumentError(fmt::format("'{}' is not a format{}: write {}", text,
                                                DidYouMean(text, names), fmt::join(names, ", ")));
}

absl::StatusOr<int> ParseThreads(std::string_view text) {
  constexpr int kMost = 256;
  int threads = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), threads);
  if (error != std::errc() || end != text.data() + text.size() || threads < 1 || threads > kMost) {
    return absl::InvalidArgumentError(
        fmt::format("'{}' is not a number of threads: write 1 to {}", text, kMost));
  }
  return threads;
}

absl::StatusOr<Nanos> ParseStampUnit(std::string_view text) {
  if (text == "ns") return Nanos(1);
  if (text == "us") return Nanos(1000);
  return absl::InvalidArgumentError(
      fmt::format("'{}' is not a unit of stamps: write ns, us", text));
}

// A directory holds recordings, but is none: which, so that one can be named.
absl::Status RefuseDirectory(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) return absl::OkStatus();
  const absl::StatusOr<std::vector<std::string>> runs = ExpandRuns({path});
  constexpr size_t kNamed = 5;
  if (!runs.ok()) {
    return absl::NotFoundError(
        fmt::format("{} is a directory, and there is no recording (*.dat) in it", path));
  }
  const size_t named = std::min(runs->size(), kNamed);
  return absl::NotFoundError(
      fmt::format("{} is a directory: name one of the recordings in it\n{}{}", path,
                  fmt::join(runs->begin(), runs->begin() + static_cast<std::ptrdiff_t>(named), " "),
                  named < runs->size() ? " ..." : ""));
}

// Unlike a pipe, or a file of tracefs such as trace_pipe, which has no size.
bool EndsByItself(const std::string& path) {
  struct stat st;
  const bool known = path == "-" ? fstat(STDIN_FILENO, &st) == 0 : stat(path.c_str(), &st) == 0;
  return !known || (S_ISREG(st.st_mode) && st.st_size > 0) || S_ISDIR(st.st_mode);
}

// What one command reads.  `diff` is for two.
absl::Status TakeFile(AnalysisOptions& options) {
  if (options.files.size() > 1) {
    return absl::InvalidArgumentError(
        fmt::format("one recording is read at a time, not {}\nTo compare them: wqprof diff {}",
                    options.files.size(), fmt::join(options.files, " ")));
  }
  if (!options.files.empty()) options.file = options.files.front();
  return absl::OkStatus();
}

// A source whose first events were looked at before the analysis began.
class PeekedSource : public EventSource {
 public:
  explicit PeekedSource(std::unique_ptr<EventSource> source) : source_(std::move(source)) {}

  // REQUIRES: before the first Next().
  absl::Status Peek() {
    absl::StatusOr<std::span<const Event>> events = source_->Next();
    if (!events.ok()) return events.status();
    peeked_ = *events;
    return absl::OkStatus();
  }
  // Events of kinds that the analysis does not know count too, as in all other output.
  Timestamp begin() const {
    if (stats().begin != kUnseen) return stats().begin;
    return peeked_ && !peeked_->empty() ? peeked_->front().at : kUnseen;
  }

  absl::StatusOr<std::span<const Event>> Next() override {
    if (!peeked_) return source_->Next();
    // What Peek() got stays valid until the source is asked again.
    return *std::exchange(peeked_, std::nullopt);
  }
  const TraceInfo& info() const override { return source_->info(); }
  const ReadStats& stats() const override { return source_->stats(); }
  const NameTable& names() const override { return source_->names(); }
  NameId CommOf(Pid pid) const override { return source_->CommOf(pid); }
  Crew* crew() override { return source_->crew(); }

 private:
  std::unique_ptr<EventSource> source_;
  std::optional<std::span<const Event>> peeked_;
};

// Without any of the user's own it is what the recording was made for.
const std::vector<std::string>& WorkqueuesOf(const AnalysisOptions& options,
                                             const TraceInfo& info) {
  return options.workqueues.empty() ? info.workqueue_filter : options.workqueues;
}

Timestamp Resolve(const std::optional<TimeBound>& bound, Timestamp begin,
                  const std::optional<WallClock>& clock) {
  if (!bound) return kUnseen;
  if (bound->time_of_day && clock) return clock->At(bound->at);
  // Nothing lies before or after the begin of a trace without events.
  const Timestamp zero = begin == kUnseen ? Timestamp() : begin;
  return bound->since_begin ? zero + bound->at : Timestamp(bound->at);
}

}  // namespace

void AddInputOptions(Command& command, AnalysisOptions* options) {
  AddInputOptions(command, options, [] { return false; });
}

void AddInputOptions(Command& command, AnalysisOptions* options, std::function<bool()> several) {
  command.AddArgument(
      {"FILE", "",
       fmt::format("recording to read (default: {}; - is standard input)", kDefaultRecording)},
      &options->files);
  command.AddTexts({"-i,--input", "FILE", "the same as FILE"}, &options->files);
  command.BeforeRun([options, several = std::move(several)] {
    return several() ? absl::OkStatus() : TakeFile(*options);
  });
  AddReadingOptions(command, options);
}

void AddReadingOptions(Command& command, AnalysisOptions* options) {
  command.AddText({"--instance", "NAME",
                   "buffer to read when the file holds several (default: the one with data)"},
                  &options->instance);
  command.AddParsed(
      {"--threads", "N", "threads that read and sum up (default: one per CPU, up to 8)"},
      &options->threads, ParseThreads);
  command.AddParsed(
      {"--stamp-unit", "ns|us",
       "of a text with stamps like 26254: what they count (default: they are no time)"},
      &options->stamp_unit, ParseStampUnit);
  command.AddText({"--kallsyms", "FILE",
                   "names of functions where a perf.data or Perfetto trace holds addresses: the "
                   "traced kernel's /proc/kallsyms"},
                  &options->kallsyms);
}

void AddItemOptions(Command& command, AnalysisOptions* options) {
  command.AddTexts(
      {"-w,--workqueue", "GLOB", "only these workqueues; globs, several by comma, !GLOB leaves out",
       kWhichItems, kWorkqueueNames},
      &options->workqueues, ',');
  command.AddTexts(
      {"-f,--function", "GLOB", "only these functions; globs, several by comma, !GLOB leaves out",
       kWhichItems, kFunctionNames},
      &options->functions, ',');
  command.AddTaken(
      {"-C,--cpu", "LIST",
       "only items that ran on these CPUs (queued there if they never ran): 0-3,5", kWhichItems},
      [options](std::string_view text) {
        absl::StatusOr<std::vector<Cpu>> cpus = ParseCpuList(text);
        if (!cpus.ok()) return cpus.status();
        options->cpus = *std::move(cpus);
        options->cpus_text = text;
        return absl::OkStatus();
      });
}

void AddZoneOption(Command& command, AnalysisOptions* options) {
  command.AddFlag({"--utc", "", "times of day in UTC, not in the zone of this machine", kHowToShow},
                  &options->utc);
}

void AddFilterOptions(Command& command, AnalysisOptions* options) {
  AddItemOptions(command, options);
  AddZoneOption(command, options);
  command.AddTaken({"--time", "A,B",
                    "only items whose last event lies in this time: seconds as trace-cmd prints "
                    "them, +1.5 since the trace began, or 14:02:10; a B with a unit, as +5s, is a "
                    "length after A; A or B may be left out",
                    kWhichItems},
                   [options](std::string_view text) {
                     const absl::StatusOr<TimeRange> time = ParseTimeRange(text);
                     if (!time.ok()) return time.status();
                     options->time = *time;
                     options->time_text = text;
                     return absl::OkStatus();
                   });
}

void AddOutputOptions(Command& command, AnalysisOptions* options) {
  command.AddParsed({"--format", "table|json|ndjson|csv",
                     "how the result is written (default: table)", kHowToShow},
                    &options->format, ParseFormat);
  command.AddFlag({"--json", "", "the same as --format json", kHowToShow},
                  [options] { options->format = Format::kJson; });
  AddScreenOptions(command, options);
}

void AddScreenOptions(Command& command, AnalysisOptions* options) {
  command.AddParsed({"--color", "auto|always|never",
                     "colours (default: auto, on a terminal unless NO_COLOR is set)", kHowToShow},
                    &options->color, ParseColorMode);
  command.AddFlag({"--ascii", "", "draw with ASCII characters only", kHowToShow}, &options->ascii);
}

void AddPagerOption(Command& command, AnalysisOptions* options) {
  command.AddFlag({"--no-pager", "", "do not show the result in a pager", kHowToShow},
                  &options->no_pager);
  command.ShowInPagerUnless(&options->no_pager);
  // Not in each help, but in wqprof(1).
  command.AddFlag({"-q,--quiet", "", "", ""}, &options->quiet);
}

void AddVerboseOption(Command& command, AnalysisOptions* options) {
  command.AddFlag({"-v,--verbose", "", "", ""}, &options->verbose);
}

void AddStrictOption(Command& command, AnalysisOptions* options) {
  command.AddFlag(
      {"--strict", "", "exit with 3 when anything was lost, damaged or could not be explained"},
      &options->strict);
}

absl::StatusOr<size_t> ParseCount(std::string_view text) {
  size_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || end != text.data() + text.size()) {
    return absl::InvalidArgumentError(fmt::format("'{}' is not a whole number, 0 or more", text));
  }
  return count;
}

std::optional<size_t> NumberForFile(AnalysisOptions& options) {
  std::error_code error;
  const absl::StatusOr<size_t> number = ParseCount(options.file);
  if (!number.ok() || std::filesystem::exists(options.file, error)) return std::nullopt;
  options.file.clear();
  return *number;
}

TextStyle StyleOf(const AnalysisOptions& options) {
  TextStyle style = StyleFor(DetectTerminal(), options.color, options.ascii);
  style.utc = options.utc;
  return style;
}

bool HasNoEvents(const EventSource& source) { return source.stats().seen_events.empty(); }

absl::Status NoItemsInLog(const std::string& path) {
  return absl::OutOfRangeError(
      fmt::format("{} is a kernel log: a log has no items: use report\nwqprof report {}",
                  path == "-" ? "standard input" : path, path));
}

InputOptions InputOptionsOf(const AnalysisOptions& options) {
  InputOptions open;
  open.trace = {.instance = options.instance, .threads = options.threads};
  open.stamp_unit = options.stamp_unit;
  open.kallsyms = options.kallsyms;
  return open;
}

absl::StatusOr<std::unique_ptr<EventSource>> OpenInput(const AnalysisOptions& options) {
  // Lives as long as any source that is opened here.
  static LogCollector log;
  absl::StatusOr<std::unique_ptr<EventSource>> source = OpenInput(options, &log);
  if (source.ok() && log.found() && HasNoEvents(**source)) return NoItemsInLog(options.file);
  return source;
}

absl::StatusOr<std::unique_ptr<EventSource>> OpenInput(const AnalysisOptions& options,
                                                       LogSink* log) {
  const bool by_default = options.file.empty();
  const std::string path = options.path();
  if (absl::Status status = RefuseDirectory(path); !status.ok()) return status;
  InputOptions open = InputOptionsOf(options);
  if (!EndsByItself(path)) {
    // Ctrl-C is its end, not ours.
    static const SignalQueue signals(SignalQueue::Children::kOfNoConcern);
    open.stop_fd = signals.fd();
  }
  open.log = log;
  absl::StatusOr<std::unique_ptr<EventSource>> source = OpenInput(path, open);
  if (by_default && absl::IsNotFound(source.status())) {
    return absl::NotFoundError(
        fmt::format("there is no {} here to read.\n"
                    "Make one with: sudo wqprof record -d 10s; or name a recording.",
                    kDefaultRecording));
  }
  return source;
}

absl::StatusOr<ItemFilter> ResolveFilter(const AnalysisOptions& options,
                                         std::unique_ptr<EventSource>& source) {
  ItemFilter filter;
  filter.workqueues = WorkqueuesOf(options, source->info());
  filter.functions = options.functions;
  filter.cpus = options.cpus;
  if (!options.time) return filter;
  const TimeRange& range = *options.time;
  Timestamp begin = kUnseen;
  const auto relative = [](const std::optional<TimeBound>& bound) {
    return bound && (bound->since_begin || bound->time_of_day);
  };
  if (relative(range.from) || relative(range.to)) {
    auto peeked = std::make_unique<PeekedSource>(std::move(source));
    const absl::Status status = peeked->Peek();
    begin = peeked->begin();
    source = std::move(peeked);
    if (!status.ok()) return status;
  }
  const auto clock = WallClock::Of(source->info().wall_begin, begin, options.utc);
  if (!clock && ((range.from && range.from->time_of_day) || (range.to && range.to->time_of_day))) {
    return absl::InvalidArgumentError(
        "--time: this recording does not know the time of day\n"
        "write the time since it began, e.g. --time +1.5,+2");
  }
  filter.from = Resolve(range.from, begin, clock);
  filter.to = range.to && range.to->is_length && filter.from != kUnseen
                  ? Timestamp(AddSaturated(filter.from.time_since_epoch(), range.to->at))
                  : Resolve(range.to, begin, clock);
  if (filter.from != kUnseen && filter.to != kUnseen && filter.to < filter.from) {
    return absl::InvalidArgumentError("--time: the end is before the begin");
  }
  return filter;
}

std::vector<std::string> FilterWords(const AnalysisOptions& options, const TraceInfo& info) {
  std::vector<std::string> words;
  const auto add = [&words](std::string_view kind, const std::string& text) {
    if (!text.empty()) words.push_back(fmt::format("{} {}", kind, text));
  };
  const std::string globs = fmt::format("{}", fmt::join(WorkqueuesOf(options, info), ", "));
  const bool noted = options.workqueues.empty() && !info.workqueue_filter.empty();
  add("workqueue", globs + (noted ? " (as recorded with -w; all: -w '*')" : ""));
  add("function", fmt::format("{}", fmt::join(options.functions, ", ")));
  add("CPU", options.cpus_text);
  add("time", options.time_text);
  return words;
}

Invocation InvocationOf(const AnalysisOptions& options, const Threshold& threshold) {
  Invocation by;
  by.utc = options.utc;
  by.file = options.file;
  if (options.file == "-") by.input = Invocation::Input::kStandardInput;
  if (threshold.of_kernel) {
    by.threshold = "kernel";
  } else if (threshold.time != Threshold().time) {
    // Exact: another threshold would number the stalls otherwise.
    by.threshold = fmt::format("{}ns", threshold.time.count());
  }
  return by;
}

absl::Status CheckClock(const TraceInfo& info) {
  if (info.clock_is_ns) return absl::OkStatus();
  return absl::InvalidArgumentError(
      fmt::format("the clock '{}' of the recording does not count nanoseconds\n"
                  "record with another one, e.g. --clock mono",
                  info.clock));
}

void NoteLosses(const Report& report) {
  for (const std::string& note : LossNotes(report)) Note(note);
}

int FailInput(const absl::Status& status) { return Fail(status); }

}  // namespace wqprof
