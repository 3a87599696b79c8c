// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_ANALYZE_FLUSH_COLLECTOR_H_
#define WQPROF_ANALYZE_FLUSH_COLLECTOR_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "wqprof/analyze.h"
#include "wqprof/flush_waits.h"
#include "wqprof/report.h"

namespace wqprof {

// Finds for each wait in a flush what it waited behind.  A work is known by its address, a
// workqueue by its name.
class FlushCollector {
 public:
  // `source` must outlive this object.
  FlushCollector(const EventSource& source, const ItemFilter& filter);
  // Items come in the order of their ends, or nearly so.
  void Add(const WorkItem& item);
  // Executions that ended in it may be missing.  By their ends.
  void AddLoss(const LossSpan& loss);
  // Of the waits that pass the filter's workqueues, functions and times.
  std::vector<FlushRow> Rows(Nanos long_wait) const;

 private:
  // An execution that ended.
  struct Ended {
    uint64_t item = 0;
    NameId function = NameId::kUnknown, workqueue = NameId::kUnknown;
    Timestamp end = kUnseen;
    std::optional<Nanos> executed, waited;
  };
  // The waits for one work or workqueue, by end, as far as executions have come.
  struct Queue {
    std::vector<size_t> waits;  // indexes
    size_t next = 0;            // the first whose end executions have not reached
    Ended last;
  };

  static void Reach(Queue& queue, const Ended& ended, std::vector<Ended>& behind,
                    const std::vector<FlushWait>& waits);
  static void Settle(Queue& queue, std::vector<Ended>& behind, const std::vector<FlushWait>& waits);
  Queue* QueueOf(NameId workqueue);
  // Whether no events are missing between two times.
  bool IsWhole(Timestamp from, Timestamp to) const;
  bool Passes(const FlushWait& wait, std::string_view workqueue) const;

  const EventSource& source_;
  const ItemFilter& filter_;
  const std::shared_ptr<const FlushLog> log_;  // null: nothing was recorded
  absl::flat_hash_map<uint64_t, Queue> works_;
  std::vector<Queue> workqueues_;
  absl::flat_hash_map<std::string_view, size_t> by_name_;
  std::vector<uint32_t> by_id_;   // by NameId: 0 not looked up, 1 none, else index + 2
  std::vector<Ended> behind_;     // by wait
  std::vector<LossSpan> losses_;  // by time, apart from each other
};

}  // namespace wqprof

#endif  // WQPROF_ANALYZE_FLUSH_COLLECTOR_H_
