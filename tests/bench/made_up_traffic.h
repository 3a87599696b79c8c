// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TESTS_BENCH_MADE_UP_TRAFFIC_H_
#define WQPROF_TESTS_BENCH_MADE_UP_TRAFFIC_H_

#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "support/trace_builder.h"

namespace wqprof::testing {

// What the traffic of a made-up recording is like.
struct TrafficStyle {
  int cpus = 2;
  // That many works, each with an address of its own, are pending at once on the whole machine
  // at the end of each burst; 0: a few.
  int64_t live_works = 0;
  // After each burst the scheduler switches that often among tasks that are no workers; also
  // says how workers were woken and switched to.  0: no scheduler events.
  int switches = 0;
  // After every kBurst events of the machine nothing happens for so long.
  static constexpr size_t kBurst = 1500;
  Nanos pause{0};
};

// A short stretch of traffic, always the same for the same style: bursts of works that are queued
// by a task and executed one by one by a worker of the same CPU, or, for an unbound workqueue,
// of the next one.  With scheduler events all workers stay on the CPU of the task.  The stretch
// ends as it began, so that it may follow itself.
class MadeUpTraffic {
 public:
  explicit MadeUpTraffic(const TrafficStyle& style);
  Nanos length() const;
  // Adds the events, in order.
  void Play(TraceBuilder& trace) const;

 private:
  // One event to come.
  struct Step {
    Nanos at;
    WorkAddr work;
    uint32_t job;
    uint32_t by, other;  // positions in tasks_; `other`: switched to, or woken
    EventKind kind;
    char state;  // of who was switched out
  };
  // The tasks of one CPU.
  struct Tasks {
    uint32_t queuer, worker, unbound_worker;
    std::vector<uint32_t> others;
  };
  using Queued = std::vector<std::pair<WorkAddr, uint32_t>>;

  int Random(int from, int to) { return std::uniform_int_distribution<int>(from, to)(random_); }
  uint32_t AddTask(std::string comm, int cpu);
  Tasks AddTasks(int cpu);
  void AddCpu(int cpu, const Tasks& tasks, uint32_t unbound_worker);
  void Queue(Nanos& now, const Tasks& tasks, const Queued& works);
  void Execute(Nanos& now, uint32_t worker, const Queued& works);
  void Switch(Nanos& now, uint32_t from, uint32_t to, char state);
  void Wake(Nanos& now, uint32_t by, uint32_t worker);
  void PlayStep(const Step& step, TraceBuilder& trace) const;

  TrafficStyle style_;
  std::mt19937 random_{20220623};
  std::vector<std::string> functions_, workqueues_;
  std::vector<std::pair<std::string, int>> tasks_;  // comm and CPU; the pid is kFirstPid + position
  std::vector<Step> steps_;
};

}  // namespace wqprof::testing

#endif  // WQPROF_TESTS_BENCH_MADE_UP_TRAFFIC_H_
