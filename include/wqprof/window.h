// SPDX-License-Identifier: Apache-2.0
// What happened within the last seconds of a recording that goes on.
#ifndef WQPROF_WINDOW_H_
#define WQPROF_WINDOW_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "wqprof/analyze.h"
#include "wqprof/model.h"
#include "wqprof/pipeline.h"
#include "wqprof/report.h"

namespace wqprof {

// One of the items of a function that waited longest.
struct SlowItem {
  uint64_t id = 0;
  Timestamp started = kUnseen;
  Nanos latency{0};
  std::optional<Nanos> activation_wait, execution;
  std::string origin;  // "task fio", "softirq"
  std::string worker, pool;
  Pid worker_pid = Pid::kNone;
};

// One function of one workqueue.  Latencies are of items that ended in the window.
struct WindowFunction {
  std::string workqueue, function;
  bool others = false;  // all for which there was no row of their own
  uint64_t ended = 0;   // executions
  uint64_t running = 0;
  double per_second = 0;
  uint64_t samples = 0;                   // latencies
  std::optional<Nanos> p50, p99, worst;   // of latency; off by 2.2 % at most, worst is exact
  double executing = 0;                   // executions that were open, on the mean
  std::optional<double> cpu;              // share of one CPU; with scheduler events
  std::vector<uint64_t> worst_by_second;  // ns, the oldest first; 0: nothing ended
  std::vector<SlowItem> slowest;          // of the last minute, the slowest first
};

// One pool that has anything open, or had in the window.
struct WindowPool {
  Pool pool;
  uint64_t busy = 0, backlog = 0;  // now
  double busy_mean = 0, backlog_mean = 0;
  std::optional<Stall> stall;  // that goes on
  std::optional<Task> on_cpu;  // in it: the task that has the pool's CPU ...
  std::optional<Nanos> on_cpu_for;
};

// One worker that executed in the window.
struct WindowWorker {
  std::string comm, pool;
  Pid pid = Pid::kNone;
  bool others = false;
  uint64_t ended = 0;
  double per_second = 0;
  double busy = 0;            // share of the window
  std::optional<double> cpu;  // share of one CPU
  std::string running;        // a function; "": none
  std::optional<Nanos> running_for;
  std::vector<std::pair<std::string, double>> functions;  // share of its time, the most first
};

// All of it.
struct Window {
  Timestamp end = kUnseen;  // the last event
  Nanos length{0};
  double started_per_second = 0, events_per_second = 0;
  std::optional<uint64_t> lost = 0;  // since the recording began; absent: some, number unknown
  std::vector<WindowFunction> functions;
  std::vector<WindowPool> pools;
  std::vector<WindowWorker> workers;
  std::vector<Stall> stalls;  // that are over, the latest first
  uint64_t stalls_total = 0;  // since the recording began
};

// How much of it is kept.
struct WindowLimits {
  size_t functions = 256, workers = 512;  // further ones share a row
  size_t stalls = 32;                     // the latest
};

// Keeps the last minute in slices of a second.  Memory does not depend on how long that goes on,
// nor on how many functions and workers come and go.
class WindowCollector : public ItemConsumer {
 public:
  static constexpr Nanos kSlice = std::chrono::seconds(1);
  static constexpr size_t kSlices = 60;

  // `source` and `model` must outlive this object.
  WindowCollector(const EventSource& source, const Reconstructor& model, const ItemFilter& filter,
                  Nanos stall_threshold, const WindowLimits& limits = {});
  ~WindowCollector() override;
  Reconstructor::Options wants() const override;
  void Add(const Completed& completed) override;
  // The last `span`, at most kSlices * kSlice, up to the last event that the model was given.  The
  // source's stats must be as new as that.
  Window Look(Timestamp now, Nanos span);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wqprof

#endif  // WQPROF_WINDOW_H_
