// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_LIVE_RECORDER_STATE_H_
#define WQPROF_LIVE_RECORDER_STATE_H_

#include <sys/resource.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "live/config_probe.h"
#include "live/event_plan.h"
#include "live/flush_probe.h"
#include "live/kernel_threads.h"
#include "live/page_pipe.h"
#include "live/ring_buffer.h"
#include "live/stack_trigger.h"
#include "live/trace_instance.h"
#include "live/tracefs.h"
#include "live/tsc_clock.h"
#include "wqprof/live.h"
#include "wqprof/settings.h"
#include "wqprof/types.h"

namespace wqprof {

// Whatever goes wrong here, and is nobody else's trouble, means that this machine cannot trace.
absl::Status Tracing(absl::Status status);

// Lets the collector run as soon as it is woken, however busy the machine: else it is the
// traced load itself that keeps it from reading in time.  Ends with the object.
class Urgency {
 public:
  Urgency() : nice_(getpriority(PRIO_PROCESS, 0)) { setpriority(PRIO_PROCESS, 0, kMostUrgent); }
  ~Urgency() { setpriority(PRIO_PROCESS, 0, nice_); }
  Urgency(const Urgency&) = delete;
  Urgency& operator=(const Urgency&) = delete;

 private:
  static constexpr int kMostUrgent = -20;
  int nice_;
};

// Members are destroyed from the last to the first: all files in the instance are closed
// before it is removed, and it before tracefs is unmounted.
struct Recorder::State {
  std::unique_ptr<Tracefs> tracefs;
  std::unique_ptr<TraceInstance> instance;
  std::unique_ptr<StackTrigger> stacks;  // absent: none are asked for
  ScopedFd tracing_on;
  ScopedFd epoll;
  std::map<Cpu, std::unique_ptr<CpuBuffer>> buffers;
  std::vector<PlannedEvent> events;
  TraceMetadata metadata;
  Settings note;                // of its settings, what does not change with time
  std::string clock;            // the one in use
  std::optional<TscClock> tsc;  // if it is x86-tsc
  Comms first_threads;
  TraceEnding ending;
  std::optional<RecordingStats> final_stats;  // once the buffers are gone
  std::vector<std::string> notes;
  PagePipe pipe;
  std::vector<std::byte> scratch;
  std::optional<Urgency> urgency;  // of the thread that records
  std::chrono::steady_clock::time_point started, next_counts, next_partial;
  std::set<Cpu> unwatched;  // by epoll
  bool little = false;      // the last round found hardly anything
  Nanos round_period{0};
  bool stopped = false;
  bool attached = false;  // to an instance of somebody else
  std::vector<std::string> disturbances;
  std::unique_ptr<ConfigProbe> probe;   // absent: nobody asks for the configuration
  std::unique_ptr<FlushProbe> flushes;  // absent: nobody asks for them

  absl::Status SetUp(RecorderOptions options);
  absl::Status Attach(const std::string& name);
  absl::Status SetUpInstance(const RecorderOptions& options, BufferSetup& buffer);
  absl::Status WatchFlushes(Nanos floor);
  void ChooseFlushes(Nanos floor);
  absl::Status OpenBuffers();
  absl::Status Watch(const CpuBuffer& buffer) const;
  absl::StatusOr<std::vector<CpuBuffer*>> Wait(Nanos timeout, int wake_fd);
  absl::Status Drain(PageSink& sink, Nanos timeout, int wake_fd);
  absl::Status DrainByCounts(PageSink& sink);
  absl::Status DrainRound(PageSink& sink);
  absl::Status Switch(bool on);
  // With a reading of now; empty of a clock that does not count cycles.
  ClockCalibration CalibrateNow();
  // What somebody else did to the instance, one sentence each.  REQUIRES: it is our own.
  std::vector<std::string> Disturbances() const;
  // The names of tasks, as far as they are known by now.
  std::string CmdlinesNow() const;
};

}  // namespace wqprof

#endif  // WQPROF_LIVE_RECORDER_STATE_H_
