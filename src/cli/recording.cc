// SPDX-License-Identifier: Apache-2.0
#include "cli/recording.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>

#include "cli/output.h"
#include "wqprof/arguments.h"
#include "wqprof/number_text.h"

namespace wqprof {
namespace {

using Clock = std::chrono::steady_clock;
using Reason = RecordingEnd::Reason;
constexpr auto kSecond = std::chrono::seconds(1);

// The loop of one recording.
class Loop {
 public:
  Loop(Recorder& recorder, PageSink& sink, Workload* workload, SignalQueue& signals,
       const RecordingLimits& limits)
      : recorder_(recorder), sink_(sink), workload_(workload), signals_(signals), limits_(limits) {}

  RecordingEnd Run(const std::function<void(Nanos)>& each_period) {
    RecordingEnd end;
    end.status = recorder_.Start();
    begin_ = Clock::now();
    std::optional<Reason> reason;
    if (end.status.ok() && workload_ != nullptr) {
      end.status = workload_->Start();
      if (!end.status.ok()) reason = Reason::kNoCommand;
    }
    if (end.status.ok() && limits_.begun) end.status = limits_.begun();
    auto next_period = begin_ + limits_.period;
    while (end.status.ok() && !(reason = WhyToEnd())) {
      const Nanos until_next = std::max<Nanos>(next_period - Clock::now(), Nanos(0));
      end.status = recorder_.Drain(sink_, std::min(Remaining(), until_next),
                                   limits_.wake_fd >= 0 ? limits_.wake_fd : signals_.fd());
      if (Clock::now() < next_period) continue;
      end.status.Update(recorder_.DrainNow(sink_));
      each_period(Clock::now() - begin_);
      while (next_period <= Clock::now()) next_period += limits_.period;
    }
    end.reason = reason.value_or(Reason::kError);
    end.elapsed = Clock::now() - begin_;
    if (end.reason == Reason::kCommand) end.command_time = end.elapsed;
    end.status.Update(recorder_.Stop(end.status.ok() ? &sink_ : nullptr));
    if (!end.status.ok() && end.reason != Reason::kNoCommand) end.reason = Reason::kError;
    return end;
  }

 private:
  std::optional<Reason> WhyToEnd() {
    while (const std::optional<int> signal = signals_.Next()) {
      if (*signal != SIGCHLD) return Reason::kSignal;
    }
    if (workload_ != nullptr && workload_->Ended()) return Reason::kCommand;
    if (limits_.full && limits_.full()) return Reason::kFull;
    if (Remaining() <= Nanos(0)) return Reason::kDuration;
    return std::nullopt;
  }

  Nanos Remaining() const {
    const Nanos longest = limits_.full_period.value_or(kSecond);
    if (!limits_.duration) return longest;
    return std::min<Nanos>(*limits_.duration - (Clock::now() - begin_), longest);
  }

  Recorder& recorder_;
  PageSink& sink_;
  Workload* const workload_;
  SignalQueue& signals_;
  const RecordingLimits& limits_;
  Clock::time_point begin_;
};

// While it lives, what starts writes to standard error what it means for standard output:
// that is for results.
class OutputGoesToError {
 public:
  OutputGoesToError() : output_(fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)) {
    if (output_ >= 0) dup2(STDERR_FILENO, STDOUT_FILENO);
  }
  ~OutputGoesToError() {
    if (output_ < 0) return;
    dup2(output_, STDOUT_FILENO);
    close(output_);
  }
  OutputGoesToError(const OutputGoesToError&) = delete;
  OutputGoesToError& operator=(const OutputGoesToError&) = delete;

 private:
  int output_;
};

}  // namespace

absl::Status FileSink::Add(Cpu cpu, std::span<const std::byte> pages) {
  const uint64_t used = std::min(limit_, writer_.size_at_most());
  // A call brings sub-buffers of one size; what is cut off here makes an odd end, as any loss.
  full_ |= pages.size() > limit_ - used;
  return full_ ? absl::OkStatus() : writer_.Append(cpu, pages);
}

absl::Status FileSink::AddFrom(Cpu cpu, int pipe, size_t size) {
  if (full_ || size > limit_ - std::min(limit_, writer_.size_at_most())) {
    return absl::UnimplementedError("the file has no room for all of it");
  }
  return writer_.AppendFrom(cpu, pipe, size);
}

void AddEventOptions(Command& command, RecorderOptions* options, std::string_view group) {
  command.AddFlag(
      {"--no-sched", "", "Do not record the scheduler, which shows why works waited", group},
      [options] { options->sched = false; });
  command.AddFlag({"--no-timers", "", "Do not record the timers of delayed works", group},
                  [options] { options->timers = false; });
  command.AddFlag({"--irqs", "", "Record interrupts too, and what they took from works", group},
                  [options] { options->sched = options->irqs = true; });
  command.AddFlag({"--sched", "", "Record the scheduler (default)", group},
                  [options] { options->sched = true; });
  command.AddFlag({"--timers", "", "Record the timers of delayed works (default)", group},
                  [options] { options->timers = true; });
}

void AddStackOption(Command& command, RecorderOptions* options) {
  command.AddFlag({"--stacks", "", "Record the kernel stacks in which works are queued"},
                  &options->stacks);
}

void AddFlushOption(Command& command, std::optional<std::string>* floor) {
  command.AddFlagWithValue({"--flushes", "TIME",
                            "Record who waits for works to end (flush_work, cancel_work_sync, "
                            "flush_workqueue, drain_workqueue), by BPF, or lower bounds where the "
                            "kernel refuses that; waits shorter than TIME (default 100us) are left "
                            "out"},
                           floor);
}

absl::Status TakeFlushFloor(const std::optional<std::string>& floor, RecorderOptions& options) {
  constexpr Nanos kFloor = std::chrono::microseconds(100);
  if (!floor) return absl::OkStatus();
  options.flushes = kFloor;
  if (floor->empty()) return absl::OkStatus();
  const auto time = ParseDuration(*floor);
  if (!time.ok()) return time.status();
  options.flushes = *time;
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Workload>> PrepareBesideOutput(
    const std::vector<std::string>& argv) {
  const OutputGoesToError redirected;
  return Workload::Prepare(argv);
}

RecordingEnd RunRecording(Recorder& recorder, PageSink& sink, Workload* workload,
                          SignalQueue& signals, const RecordingLimits& limits,
                          const std::function<void(Nanos elapsed)>& each_period) {
  return Loop(recorder, sink, workload, signals, limits).Run(each_period);
}

bool WaitForWorkload(Workload& workload, SignalQueue& signals) {
  while (!workload.Ended()) {
    pollfd fd{signals.fd(), POLLIN, 0};
    poll(&fd, 1, 1000);
    while (const std::optional<int> signal = signals.Next()) {
      if (*signal != SIGCHLD) return false;
    }
  }
  return true;
}

void EndWorkload(Workload& workload, SignalQueue& signals) {
  workload.Signal(SIGTERM);
  while (!workload.Ended()) {
    pollfd fd{signals.fd(), POLLIN, 0};
    poll(&fd, 1, 1000);
    while (const std::optional<int> signal = signals.Next()) {
      if (*signal != SIGCHLD) workload.Signal(SIGKILL);
    }
  }
}

std::string CommandEndText(const std::string& command, int wait_status) {
  if (WIFSIGNALED(wait_status)) {
    return fmt::format("{} was ended by signal {} ({})", command, WTERMSIG(wait_status),
                       strsignal(WTERMSIG(wait_status)));
  }
  return fmt::format("{} exited with code {}", command, WEXITSTATUS(wait_status));
}

void NoteLosses(const RecordingStats& stats, std::string_view larger) {
  for (const CpuLoss& loss : stats.losses) {
    // The kernel does not always count what a gap lost.
    std::string what = loss.events > 0 ? CountOf(loss.events, "event") : "events";
    Note(fmt::format("lost {} on CPU {} ({}){}", what, ToInt(loss.cpu), CountOf(loss.gaps, "gap"),
                     larger.empty() ? "" : fmt::format("; a larger buffer helps: {}", larger)));
  }
  for (const std::string& what : stats.disturbances) {
    Note(
        fmt::format("while recording, somebody else changed the trace instance: {}; "
                    "events may be missing",
                    what));
  }
}

}  // namespace wqprof
