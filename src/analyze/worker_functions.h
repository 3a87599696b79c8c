// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_ANALYZE_WORKER_FUNCTIONS_H_
#define WQPROF_ANALYZE_WORKER_FUNCTIONS_H_

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "wqprof/model.h"
#include "wqprof/report.h"

namespace wqprof {

// What each worker executed, and who queued that.
class WorkerFunctions {
 public:
  // `source` must outlive this object.
  explicit WorkerFunctions(const EventSource& source) : source_(source) {}

  // `split` may be null.
  void Add(uint64_t worker, const WorkItem& item, const ItemSplit* split);
  // By time of execution, the longest first.
  std::vector<WorkerFunctionRow> RowsOf(uint64_t worker) const;

 private:
  // An origin without what differs from item to item: its kind, comm or function.
  using OriginKey = std::pair<Origin::Kind, NameId>;
  static constexpr size_t kMaxOrigins = 8;
  // Of one function of one workqueue.
  struct Sums {
    uint64_t executions = 0;
    Nanos busy{0}, on_cpu{0};
    bool split = false;  // the time on a CPU is known of some
    std::vector<std::pair<OriginKey, uint64_t>> origins;
  };
  WorkerFunctionRow ToRow(uint64_t function, const Sums& sums) const;

  const EventSource& source_;
  absl::flat_hash_map<uint64_t, absl::flat_hash_map<uint64_t, Sums>> workers_;
};

}  // namespace wqprof

#endif  // WQPROF_ANALYZE_WORKER_FUNCTIONS_H_
