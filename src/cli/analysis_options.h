// SPDX-License-Identifier: Apache-2.0
// What the analysing commands have in common: which file, which items, which format.
#ifndef WQPROF_CLI_ANALYSIS_OPTIONS_H_
#define WQPROF_CLI_ANALYSIS_OPTIONS_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "cli/threshold.h"
#include "wqprof/analyze.h"
#include "wqprof/arguments.h"
#include "wqprof/event_source.h"
#include "wqprof/input.h"
#include "wqprof/render.h"
#include "wqprof/text.h"

namespace wqprof {

// The options as the user gave them.
struct AnalysisOptions {
  std::string file;                // "": the default recording
  std::vector<std::string> files;  // as named; more than one is an error
  std::string path() const { return file.empty() ? kDefaultRecording : file; }
  std::string instance;
  int threads = 0;
  std::optional<Nanos> stamp_unit;  // of a text whose stamps have no point
  std::string kallsyms;             // a file; "": none was named
  std::vector<std::string> workqueues, functions;
  std::vector<Cpu> cpus;
  std::optional<TimeRange> time;
  std::string cpus_text, time_text;  // as the user wrote them
  Format format = Format::kTable;
  ColorMode color = ColorMode::kAuto;
  bool ascii = false;
  bool utc = false;
  bool strict = false;
  bool quiet = false, verbose = false;  // nothing beside the result; all rows
  bool no_pager = false;
};

// Add options to a command; `options` must live as long as the command.
void AddInputOptions(Command& command, AnalysisOptions* options);  // FILE and those
// The same; where `several` says so, any number of files, which are in `files`.
void AddInputOptions(Command& command, AnalysisOptions* options, std::function<bool()> several);
void AddReadingOptions(Command& command, AnalysisOptions* options);  // --instance --threads ...
void AddItemOptions(Command& command, AnalysisOptions* options);     // -w -f -C
void AddZoneOption(Command& command, AnalysisOptions* options);      // --utc
void AddFilterOptions(Command& command, AnalysisOptions* options);   // -w -f -C --utc --time
void AddOutputOptions(Command& command, AnalysisOptions* options);   // --format --color --ascii
void AddScreenOptions(Command& command, AnalysisOptions* options);   // --color --ascii
// Of commands that only read: a pager shows their result on a terminal; --no-pager.
void AddPagerOption(Command& command, AnalysisOptions* options);
void AddVerboseOption(Command& command, AnalysisOptions* options);  // -v: all rows
void AddStrictOption(Command& command, AnalysisOptions* options);

// A whole number that is not negative, as --top takes it.
absl::StatusOr<size_t> ParseCount(std::string_view text);

// The number that was written where a file is expected, as in `stalls 3`, unless there is such a
// file; the default recording is read then.
std::optional<size_t> NumberForFile(AnalysisOptions& options);

TextStyle StyleOf(const AnalysisOptions& options);

// How files are read, as far as the options say.
InputOptions InputOptionsOf(const AnalysisOptions& options);

// Opens FILE, or the default recording.  Any failure means that there is nothing to analyse.
absl::StatusOr<std::unique_ptr<EventSource>> OpenInput(const AnalysisOptions& options);
// The same; what is no event goes to `log`, which outlives the source.  A kernel log is then a
// source without events.
absl::StatusOr<std::unique_ptr<EventSource>> OpenInput(const AnalysisOptions& options,
                                                       LogSink* log);
// The error of a command that needs items, where a kernel log was given.
absl::Status NoItemsInLog(const std::string& path);
// Whether the source is a kernel log that holds no event of a workqueue.
bool HasNoEvents(const EventSource& source);

// The items that the user wants to see.  Times since the begin of the trace need its first
// event: `source` is then replaced by one that has read it already and gives it again.
absl::StatusOr<ItemFilter> ResolveFilter(const AnalysisOptions& options,
                                         std::unique_ptr<EventSource>& source);

// What the filters let through, as the user wrote it: "workqueue events*", "CPU 0-3".
std::vector<std::string> FilterWords(const AnalysisOptions& options, const TraceInfo& info);

// How the user came by the data, for the commands that a report names.
Invocation InvocationOf(const AnalysisOptions& options, const Threshold& threshold);

// Tells on standard error what the recording lacks, where the output has no room for it.
void NoteLosses(const Report& report);

// As Fail(), for what went wrong with the input: a file that may not be read is unreadable
// (5), unlike a box that may not be traced (4).
int FailInput(const absl::Status& status);
// kInvalidArgument: the recording's clock only orders events, so that nothing of it lies in time.
absl::Status CheckClock(const TraceInfo& info);

}  // namespace wqprof

#endif  // WQPROF_CLI_ANALYSIS_OPTIONS_H_
