// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_INTERVAL_H_
#define WQPROF_INTERVAL_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "wqprof/analyze.h"
#include "wqprof/histogram.h"
#include "wqprof/model.h"
#include "wqprof/pipeline.h"

namespace wqprof {

// What happened between two looks at a recording that goes on.
struct Interval {
  Timestamp end = kUnseen;  // on the trace's clock; what is later was not yet certain
  Nanos length{0};          // since the look before; the first one: since the first event
  uint64_t events = 0;
  std::optional<uint64_t> lost = 0;  // absent: some, number unknown
  uint64_t started = 0;              // items
  Histogram latency;                 // of those that no loss taints
  uint64_t stalls = 0;               // that ended, or became known
  double backlog = 0;                // mean number of activated items that waited, over all pools
  std::string busiest;               // pool with most executions open, on the mean; "": none
  double busy = 0;                   // that mean
};

// Turns what a model completes into Intervals.
class IntervalCollector : public ItemConsumer {
 public:
  // `source` and `model` must outlive this object.
  IntervalCollector(const EventSource& source, const Reconstructor& model, const ItemFilter& filter,
                    Nanos stall_threshold);
  Reconstructor::Options wants() const override {
    return {.gap_floor = stall_threshold_, .wait_splits = false, .run_splits = false};
  }
  void Add(const Completed& completed) override;
  // What happened since the last call, up to the last event that the model was given.  The
  // source's stats must be as new as that.
  Interval Cut(Timestamp now);

 private:
  // Integrals of one pool at the last cut.
  struct Sums {
    Nanos busy{0}, backlog{0};
  };
  const EventSource& source_;
  const Reconstructor& model_;
  ItemMatcher matcher_;
  const Nanos stall_threshold_;
  Interval next_;
  uint64_t events_ = 0, lost_ = 0, gaps_ = 0;  // at the last cut
  std::map<PoolId, Sums> pools_;
};

}  // namespace wqprof

#endif  // WQPROF_INTERVAL_H_
