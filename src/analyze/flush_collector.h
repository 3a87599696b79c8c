// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_ANALYZE_FLUSH_COLLECTOR_H_
#define WQPROF_ANALYZE_FLUSH_COLLECTOR_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "wqprof/analyze.h"
#include "wqprof/flush_waits.h"
#include "wqprof/interval_union.h"
#include "wqprof/report.h"

namespace wqprof {

// Waits, summed up by kind, function and workqueue.
class FlushRows {
 public:
  FlushRows(Nanos long_wait, bool at_least) : long_wait_(long_wait), at_least_(at_least) {}
  // `workqueue` is "" where it is not known.
  void Add(const FlushWait& wait, std::string_view workqueue,
           const std::optional<FlushBehind>& behind);
  std::vector<FlushRow> Rows() const;

 private:
  const Nanos long_wait_;
  const bool at_least_;
  std::map<std::tuple<FlushKind, std::string, std::string>, std::pair<FlushRow, IntervalUnion>>
      all_;
};

// Finds for each wait in a flush what it waited behind.  A work is known by its address, a
// workqueue by its name.  Where the recording has no waits but the events that show them, they come
// from the model; of a live source, from whoever watches.
class FlushCollector {
 public:
  // `source` must outlive this object.  Waits of `long_wait` or longer are counted as long.
  FlushCollector(const EventSource& source, const ItemFilter& filter, Nanos long_wait);
  // Whether Add() takes waits.
  bool wants_waits() const { return log_ != nullptr && log_->by_events(); }
  void Add(const BarrierWait& wait);
  // Waits of a live source that were watched, as soon as they are known.
  void Add(const FlushWait& wait);
  // Items come in the order of their ends, or nearly so.
  void Add(const WorkItem& item);
  // Executions that ended in it may be missing.  By their ends.
  void AddLoss(const LossSpan& loss);
  // Of the waits that pass the filter's workqueues, functions and times.
  std::vector<FlushRow> Rows() const;
  // What is known of how they were watched; null: they were not.
  std::shared_ptr<const FlushLog> Log() const;

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

  // One that ended lately, and its work.
  struct Recent {
    uint64_t work = 0;
    Ended ended;
  };

  static Ended EndedOf(const WorkItem& item);
  void Remember(const WorkItem& item);
  void AddNow(const FlushWait& wait);
  static void Reach(Queue& queue, const Ended& ended, std::vector<Ended>& behind,
                    const std::vector<FlushWait>& waits);
  static void Settle(Queue& queue, std::vector<Ended>& behind, const std::vector<FlushWait>& waits);
  Queue* QueueOf(NameId workqueue);
  // Whether no events are missing between two times.
  bool IsWhole(Timestamp from, Timestamp to) const;
  bool Passes(const FlushWait& wait, std::string_view workqueue) const;
  FlushBehind Named(const Ended& ended) const;

  const EventSource& source_;
  const ItemFilter& filter_;
  const Nanos long_wait_;
  const std::shared_ptr<const FlushLog> log_;  // null: nothing was recorded
  absl::flat_hash_map<uint64_t, Queue> works_;
  std::vector<Queue> workqueues_;
  absl::flat_hash_map<std::string_view, size_t> by_name_;
  std::vector<uint32_t> by_id_;   // by NameId: 0 not looked up, 1 none, else index + 2
  std::vector<Ended> behind_;     // by wait
  std::vector<LossSpan> losses_;  // by time, apart from each other
  FlushRows streamed_;            // by events, or live
  // Of a live source: what a wait was behind ends before the wait is known, which comes before
  // events up to its end have come.
  bool live_ = false;
  std::vector<Recent> recent_;  // a ring, once it is full
  size_t next_recent_ = 0;
  std::vector<FlushWait> waiting_;  // for these events
  uint64_t unfollowed_ = 0;         // of these, whose length is not known
};

}  // namespace wqprof

#endif  // WQPROF_ANALYZE_FLUSH_COLLECTOR_H_
