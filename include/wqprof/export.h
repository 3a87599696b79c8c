// SPDX-License-Identifier: Apache-2.0
// Recordings in the formats of other programs.
#ifndef WQPROF_EXPORT_H_
#define WQPROF_EXPORT_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "wqprof/analyze.h"
#include "wqprof/model.h"
#include "wqprof/pipeline.h"

namespace wqprof {

// Some items, and what their pools did while they waited and executed.
struct ItemScenes {
  // A pool's time in one of them.
  struct Scene {
    PoolId pool;
    Timestamp from, to;
  };
  std::vector<uint64_t> ids;  // in order
  std::vector<Scene> scenes;  // by pool, then by time; disjoint in a pool

  bool Holds(uint64_t id) const;
  bool Touches(PoolId pool, Timestamp from, Timestamp to) const;
};
// Of items that were complete when the trace ended at `end`.
ItemScenes ScenesOf(const std::vector<WorkItem>& items, Timestamp end);

// What goes into a Perfetto trace.
struct PerfettoOptions {
  Timestamp from = kUnseen, to = kUnseen;  // kUnseen: open
  Nanos stall_threshold = std::chrono::milliseconds(10);
  uint64_t max_items = 500'000;    // and of parts of executions
  std::optional<ItemScenes> only;  // absent: all items
};

// Makes a trace for Perfetto: a process a pool with a thread a worker, counters of the pool's
// backlog and busy workers, its stalls, and a group of tracks a workqueue with the waits of its
// items.  Memory grows with the items, up to their limit; then they are counted only.
class PerfettoExport : public ItemConsumer {
 public:
  // `source` and `model` must outlive this object.
  PerfettoExport(const EventSource& source, const Reconstructor& model,
                 const PerfettoOptions& options);
  ~PerfettoExport() override;
  Reconstructor::Options wants() const override;
  void Add(const Completed& completed) override;
  void Finish() override;

  // That lie in the window, those beyond the limit as well.
  uint64_t items() const;
  // Preempted and blocked parts of executions beyond as many as items may be.
  uint64_t parts_left_out() const;
  bool too_many() const;
  // The bytes of the file.  REQUIRES: after Finish(), !too_many().
  std::string Take();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Lines for flame graphs: the functions of a stack from the outermost inwards, the function of the
// work that was queued there, and a weight.  Memory grows with the distinct ones.
class FoldedStacks : public ItemConsumer {
 public:
  // How many items were queued, or how long they executed, in ns.
  enum class Weight : uint8_t { kCount, kExecution };
  // `source` and `model` must outlive this object.
  FoldedStacks(const EventSource& source, const Reconstructor& model, const ItemFilter& filter,
               Weight weight);
  ~FoldedStacks() override;
  Reconstructor::Options wants() const override;
  void Add(const Completed& completed) override;
  // By name.
  std::string Text() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wqprof

#endif  // WQPROF_EXPORT_H_
