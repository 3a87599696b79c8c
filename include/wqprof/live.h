// SPDX-License-Identifier: Apache-2.0
// Recording this machine: the ring buffer of a tracefs instance of our own, drained into
// whatever takes pages.
#ifndef WQPROF_LIVE_H_
#define WQPROF_LIVE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "wqprof/flush_waits.h"
#include "wqprof/trace_writer.h"
#include "wqprof/types.h"

namespace wqprof {

// The clock that costs least here and whose times are those of CLOCK_MONOTONIC.
inline constexpr char kAutoClock[] = "auto";

// What to record, and how.
struct RecorderOptions {
  bool sched = true;   // scheduler events too
  bool irqs = false;   // handlers of interrupts, and softirqs, too
  bool timers = true;  // timers of delayed works too
  // Kernel stacks of who queues, too; of the workqueues that pass these globs, where the kernel can
  // choose (none: of all).
  bool stacks = false;
  std::vector<std::string> stacks_of;
  std::string clock = "mono";  // or kAutoClock
  uint64_t buffer_bytes = 0;   // per CPU; 0: 16 MiB, or less where memory is scarce
  // How often all buffers are read to their end; 0: as seldom as a file allows, for which each
  // such round costs a sub-buffer a CPU.
  Nanos round_period{0};
  // An instance that somebody else runs ("": the top level's buffer) is drained instead of one of
  // our own: never changed, stopped, cleared or removed.  What is asked for above does not matter
  // then, but for round_period.
  std::optional<std::string> attach;
  // Reads how workqueues and pools are set up, for Ending() and EndingNow().
  bool configuration = false;
  // Watches who waits in flushes, for Ending(): waits of this length or longer one by one, shorter
  // ones are counted.  Needs a clock whose times are those of CLOCK_MONOTONIC.  Where the kernel
  // does not let BPF programs watch, and with scheduler events, what shows such waits is among the
  // events, and metadata() says so.
  std::optional<Nanos> flushes;
};

// Takes what a recorder drains.
class PageSink {
 public:
  virtual ~PageSink() = default;
  // `pages` holds whole sub-buffers of one CPU, in order; valid during the call.  After an
  // error the recorder hands over nothing more.
  virtual absl::Status Add(Cpu cpu, std::span<const std::byte> pages) = 0;
  // The same for `size` bytes of pages that wait in a pipe, which spares them the way through this
  // process.  kUnimplemented: they are still there, and are handed over by Add().
  virtual absl::Status AddFrom([[maybe_unused]] Cpu cpu, [[maybe_unused]] int pipe,
                               [[maybe_unused]] size_t size) {
    return absl::UnimplementedError("takes no pipes");
  }
  // Fills `out` with what stands `distance` bytes before the end of a CPU's pages.  Asked only of
  // a sink that took some by AddFrom().
  virtual absl::Status ReadBack([[maybe_unused]] Cpu cpu, [[maybe_unused]] uint64_t distance,
                                [[maybe_unused]] std::span<std::byte> out) {
    return absl::UnimplementedError("takes no pipes");
  }
  // With a round_period: since the last such call every buffer was read up to what was in it when
  // this round began, or further; but of the CPUs in `behind` there was more than one round takes.
  virtual absl::Status EndRound([[maybe_unused]] std::span<const Cpu> behind) {
    return absl::OkStatus();
  }
};

// Events of one CPU that the ring buffer could not keep.
struct CpuLoss {
  Cpu cpu = Cpu::kNone;
  uint64_t events = 0;  // by the kernel's count
  uint64_t gaps = 0;    // places in the pages where they are missing
};

// How a recording went, so far.
struct RecordingStats {
  uint64_t events = 0;  // read, or waiting in the ring buffer
  uint64_t lost = 0;
  std::vector<CpuLoss> losses;  // of CPUs that lost any
  uint64_t bytes = 0;           // of pages handed to the sink
  uint64_t reads = 0;           // of sub-buffers
  // What somebody else did to the instance meanwhile, known once it is stopped; see TraceInfo.
  std::vector<std::string> disturbances;
};

// Records in a tracefs instance of its own, which is named after this process and removed at
// the end of the object's life.  When the process is killed, the kernel stops tracing by
// itself and frees the buffer; the empty instance goes when the next recorder starts.
// No setting outside of the instance is touched.
class Recorder {
 public:
  // Sets everything up, and removes what dead recorders left; records nothing yet.
  // Errors: kInvalidArgument, when the options are wrong; others have ErrorKind::kCannotTrace.
  static absl::StatusOr<std::unique_ptr<Recorder>> Create(const RecorderOptions& options);
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  // What the user should know of the setup, one sentence each.
  const std::vector<std::string>& notes() const;
  const TraceMetadata& metadata() const;
  // Nothing more comes: it is attached to an instance that is switched off.
  bool idle() const;

  absl::Status Start();
  // Hands over what the ring buffer has when there is much of it; else returns after
  // `timeout`, or when `wake_fd` (-1: none) becomes readable.
  absl::Status Drain(PageSink& sink, Nanos timeout, int wake_fd);
  // With a round_period: a round now, so that the sink has what was recorded so far.
  absl::Status DrainNow(PageSink& sink);
  // Stops tracing and hands over the rest.  Without a sink the rest is dropped.
  absl::Status Stop(PageSink* sink);
  // REQUIRES: stopped.
  TraceEnding Ending() const;
  // Of a part of a recording that goes on: the metadata with the symbols, names and clocks of now,
  // and how it stands, with the flushes that ended since `since`.  The kernel's counters, which are
  // of the whole recording, are not in it.
  absl::StatusOr<TraceMetadata> MetadataNow();
  TraceEnding EndingNow(Timestamp since);
  // With a round_period: the waits in flushes that BPF showed since the last call, by end or nearly
  // so.
  std::vector<FlushWait> TakeFlushes();
  RecordingStats stats() const;
  // Of a clock that counts cycles: the last one, for TraceWriter::NoteClock().
  std::optional<ClockReading> LastClockReading() const;
  // Asks the kernel anew how many bytes wait in the ring buffers.
  uint64_t CountBuffered();
  // Removes the instance; the destructor does it too, but cannot report that it failed.
  absl::Status Remove();

 private:
  struct State;
  explicit Recorder(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// The name of a task as its events have it; "" when there is no such task (any more).
std::string TaskName(Pid pid);

// What a command gets apart from its arguments.
struct WorkloadOptions {
  std::vector<std::string> environment;  // "NAME=VALUE", beside ours or in its place
  std::optional<int> nice;               // absent: ours
};

// A command that is run under the recorder.  It does not begin before Start(), so that
// nothing of it is missed.
class Workload {
 public:
  // kInvalidArgument when there is no such program.
  static absl::StatusOr<std::unique_ptr<Workload>> Prepare(const std::vector<std::string>& argv,
                                                           const WorkloadOptions& options = {});
  // The same, of which it is only known whether there is the program.
  static absl::Status Check(const std::string& program);
  // Kills the command when it still runs.
  ~Workload();
  Workload(const Workload&) = delete;
  Workload& operator=(const Workload&) = delete;

  absl::Status Start();
  // True once it has ended; does not wait.
  bool Ended();
  // Sends a signal to a command that still runs.
  void Signal(int signal);
  // Its wait status (see wait(2)).  REQUIRES: Ended().
  int wait_status() const;

 private:
  Workload(std::string name, int pid, int start_fd, int error_fd);
  std::string name_;
  int pid_;
  int start_fd_;  // a byte written to it lets the command begin
  int error_fd_;  // carries the errno of a failed exec
  std::optional<int> status_;
};

// One thing that recording needs of a machine.
struct TracingCheck {
  enum class Verdict { kOk, kWarn, kFail };  // kFail: `record` does not work
  std::string name;
  Verdict verdict = Verdict::kOk;
  std::string finding;
  std::string repair;  // a command, or what to change; "" when there is none
};

// Whether this machine can record, and with which limits.  Removes instances of dead
// recorders, and says so.
std::vector<TracingCheck> InspectTracing();

}  // namespace wqprof

#endif  // WQPROF_LIVE_H_
