// SPDX-License-Identifier: Apache-2.0
// What pools and workers did over time, in bins: what is drawn as lanes.
#ifndef WQPROF_TIMELINE_H_
#define WQPROF_TIMELINE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "wqprof/model.h"
#include "wqprof/pipeline.h"

namespace wqprof {

// What is drawn.
struct TimelineOptions {
  // kUnseen: from the first event, to the last one.
  Timestamp from = kUnseen, to = kUnseen;
  Nanos stall_threshold = std::chrono::milliseconds(10);
};

// One worker of a pool, or the softirqs of a BH pool, by bin.
struct TimelineLane {
  std::string worker;    // "kworker/0:1"; "softirq"; "" not known
  Pid pid = Pid::kNone;  // kNone: softirq
  uint64_t executions = 0;
  Nanos busy{0};
  std::vector<Nanos> busy_in;      // executions, of the bin's length
  std::vector<uint32_t> function;  // that had most of it: place in Timeline::functions; UINT32_MAX
};

// One pool by bin.
struct TimelinePool {
  Pool pool;
  Nanos busy{0};     // integral of the executions that were open
  Nanos stalled{0};  // sum of its stalls, as far as they lie in the time that is drawn
  uint32_t backlog_max = 0;
  std::vector<double> backlog_mean, busy_mean;
  std::vector<uint32_t> backlog_most;
  std::vector<Nanos> stalled_in;
  std::vector<TimelineLane> lanes;  // the busiest first
  uint64_t lanes_left_out = 0;
};

// A function that executed.
struct TimelineFunction {
  std::string name;
  Nanos execution{0};
};

// All of it; the bins are equal, the last one may reach past `end`.
struct Timeline {
  Timestamp begin = kUnseen, end = kUnseen;
  Nanos bin{0};
  size_t bins = 0;
  std::vector<TimelineFunction> functions;  // most execution first
  std::vector<TimelinePool> pools;          // longest stalled first, then busiest
  std::vector<Nanos> lost_in;  // time with events missing, by bin, summed over the CPUs
};

// Collects a timeline in one pass and in fixed memory: when the time of a trace outgrows the bins,
// two become one.
class TimelineCollector : public ItemConsumer {
 public:
  static constexpr size_t kBins = 2048;  // at most, and at least half as many of a long trace
  static constexpr size_t kMaxLanes = 512, kMaxPools = 1024;  // further ones are counted only

  // `source` and `model` must outlive this object.
  TimelineCollector(const EventSource& source, const Reconstructor& model,
                    const TimelineOptions& options);
  ~TimelineCollector() override;
  Reconstructor::Options wants() const override;
  void Add(const Completed& completed) override;
  void Finish() override;
  // REQUIRES: after Finish().
  Timeline Take() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wqprof

#endif  // WQPROF_TIMELINE_H_
