// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_CLI_RECORDING_H_
#define WQPROF_CLI_RECORDING_H_

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/options.h"
#include "cli/signals.h"
#include "wqprof/live.h"
#include "wqprof/trace_writer.h"
#include "wqprof/types.h"

namespace wqprof {

// --no-sched --no-timers --irqs, and what was needed when they were no defaults: --sched --timers.
// `options` must live as long as the command.
void AddEventOptions(Command& command, RecorderOptions* options, std::string_view group = kPlain);
// --stacks, for those who can show them.
void AddStackOption(Command& command, RecorderOptions* options);
// --flushes, as written; "" the default.
void AddFlushOption(Command& command, std::optional<std::string>* floor);
// Sets how long a flush must wait to be shown, of one that was asked for.
absl::Status TakeFlushFloor(const std::optional<std::string>& floor, RecorderOptions& options);

// Puts pages into a trace file; drops what would make it larger than `limit`.
class FileSink : public PageSink {
 public:
  explicit FileSink(TraceWriter& writer, uint64_t limit = ~uint64_t{0})
      : writer_(writer), limit_(limit) {}
  absl::Status Add(Cpu cpu, std::span<const std::byte> pages) override;
  absl::Status AddFrom(Cpu cpu, int pipe, size_t size) override;
  // Whether something was dropped.
  bool full() const { return full_; }
  absl::Status ReadBack(Cpu cpu, uint64_t distance, std::span<std::byte> out) override {
    return writer_.ReadBack(cpu, distance, out);
  }

 private:
  TraceWriter& writer_;
  uint64_t limit_;
  bool full_ = false;
};

// A command whose standard output goes to standard error, as ours is for results.
absl::StatusOr<std::unique_ptr<Workload>> PrepareBesideOutput(const std::vector<std::string>& argv);

// When a recording ends by itself.
struct RecordingLimits {
  std::optional<Nanos> duration;
  // Asked about once a round; true ends the recording.
  std::function<bool()> full;
  std::optional<Nanos> full_period;  // so often at least it is asked
  // Readable: `full` is asked at once.  As it stands for the signals, too, it must become readable
  // with their queue; -1: they alone.
  int wake_fd = -1;
  // Called once everything has begun, the command too; an error ends the recording.
  std::function<absl::Status()> begun;
  Nanos period = std::chrono::seconds(1);  // of `each_period`
};

// How it ended.
struct RecordingEnd {
  // kNoCommand: the command could not be executed, and `status` says why.
  enum class Reason { kDuration, kCommand, kSignal, kFull, kError, kNoCommand };
  Reason reason = Reason::kDuration;
  Nanos elapsed{0};
  std::optional<Nanos> command_time;  // of a command that ended meanwhile
  absl::Status status;                // of the recording; not OK with kError, kNoCommand
};

// Records into `sink` until a limit is reached, `workload` (nullptr: none) ends, or a signal
// asks for the end; then stops tracing and drains what is left.  `each_period` is for what is
// noted meanwhile; of a recorder with a round_period a round comes before it.
RecordingEnd RunRecording(Recorder& recorder, PageSink& sink, Workload* workload,
                          SignalQueue& signals, const RecordingLimits& limits,
                          const std::function<void(Nanos elapsed)>& each_period);

// Waits for the command; false when a signal asks for the end first.
bool WaitForWorkload(Workload& workload, SignalQueue& signals);

// "make exited with code 2", "make was ended by signal 9 (Killed)".
std::string CommandEndText(const std::string& command, int wait_status);
// Says where events were lost, and that `larger`, e.g. "-b 64M", helps.
void NoteLosses(const RecordingStats& stats, std::string_view larger);

// Ends a command that still runs as `perf record` does: with SIGTERM, and waits for it.  A
// second signal from the user kills it.
void EndWorkload(Workload& workload, SignalQueue& signals);

}  // namespace wqprof

#endif  // WQPROF_CLI_RECORDING_H_
