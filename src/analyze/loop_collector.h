// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_ANALYZE_LOOP_COLLECTOR_H_
#define WQPROF_ANALYZE_LOOP_COLLECTOR_H_

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "wqprof/model.h"

namespace wqprof {

// Functions that queue each other, or one that queues itself, in a ring.
struct WorkLoop {
  std::vector<NameId> functions;  // in the order in which they queue each other
  NameId workqueue = NameId::kUnknown;
  uint64_t rounds = 0;
  Timestamp first = kUnseen, last = kUnseen;  // first queue event and last start
};

// Finds loops by which function queued which.  Memory: a fixed number of pairs.
class LoopCollector {
 public:
  void Add(const WorkItem& item) {
    if (item.origin.kind != Origin::Kind::kWork || item.origin.function == NameId::kUnknown ||
        item.queued == kUnseen || item.state == ItemState::kSuperseded) {
      return;
    }
    AddEdge(item);
  }
  // Those of at least `least` rounds; a function is in one of them at most.
  std::vector<WorkLoop> Loops(uint64_t least) const;

 private:
  // Items of `to` that executions of `from` queued.
  struct Edge {
    NameId from, to, workqueue;
    uint64_t items = 0;
    Timestamp first = kUnseen, last = kUnseen;
  };
  static constexpr size_t kMostEdges = 4096;
  void AddEdge(const WorkItem& item);

  absl::flat_hash_map<uint64_t, Edge> edges_;
};

}  // namespace wqprof

#endif  // WQPROF_ANALYZE_LOOP_COLLECTOR_H_
