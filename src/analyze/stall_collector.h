// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_ANALYZE_STALL_COLLECTOR_H_
#define WQPROF_ANALYZE_STALL_COLLECTOR_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "wqprof/analyze.h"
#include "wqprof/model.h"
#include "wqprof/report.h"

namespace wqprof {

Task ToTask(const TaskSeen& task, const NameTable& names);

// Turns gaps of pools into stalls, and finds for each who waited through it.
//
// An item is handed over when it is complete, which may be long after the gap; so each pool keeps
// its latest stalls within reach.
class StallCollector {
 public:
  // Keeps the `most` longest stalls that `filter` lets through: those in its time in which an item
  // waited, or kept a worker, that has the names and the CPU asked for.
  StallCollector(const EventSource& source, const Reconstructor& model, const ItemFilter& filter,
                 Nanos threshold, size_t most)
      : source_(source),
        model_(model),
        filter_(filter),
        matcher_(NamesOf(filter), source, model),
        threshold_(threshold),
        most_(most) {}

  // REQUIRES: gaps of a batch before its items.
  void AddGap(const PoolGap& gap);
  // Whether it waited through a stall.
  bool AddItem(const WorkItem& item);

  // Of those that the filter lets through.
  uint64_t total() const;
  Nanos StalledIn(PoolId pool) const;
  // By time.
  std::vector<Stall> Longest() const;
  // The last ones to begin that the filter lets through, at most `most`, the latest first.
  std::vector<Stall> Latest(size_t most) const;
  // A gap that goes on, and has no number yet.
  Stall StallOf(const PoolGap& gap) const;

 private:
  // An origin without what differs from item to item: its kind, comm or function.
  using OriginKey = std::pair<Origin::Kind, NameId>;
  // Items of one function that waited through a stall.
  struct Waited {
    NameId function, workqueue;
    uint64_t count = 0, first = 0;
    Nanos worst{0};
    std::vector<std::pair<OriginKey, uint64_t>> origins;
    std::vector<std::pair<NameId, uint64_t>> stacks;
  };
  // A stall while items may still be added to it.
  struct Record {
    uint64_t id = 0;
    PoolGap gap;
    bool matches = false;  // the filter lets it through, as far as is known
    uint64_t delayed = 0;
    Nanos worst_latency{0};
    std::vector<Waited> waited;
  };
  // What is kept of one pool.
  struct PoolState {
    Nanos stalled{0};
    std::deque<std::shared_ptr<Record>> recent;  // by time
  };
  static constexpr size_t kRecent = 256;
  static constexpr size_t kMaxWaited = 64;
  static constexpr size_t kMaxOrigins = 8, kMaxStacks = 8;

  static ItemFilter NamesOf(const ItemFilter& filter);
  bool MatchesWithoutItems(const PoolGap& gap);
  bool IsInTime(const PoolGap& gap) const;
  // `first`: it had not waited through an earlier one.
  void AddWaited(Record& record, const WorkItem& item, bool first);
  void AddOrigin(Waited& waited, const WorkItem& item) const;
  DelayedRow ToRow(const Waited& waited) const;
  // Leaves the `most_` longest ones; returns how many of the others the filter lets through.
  uint64_t CutToLongest(std::vector<std::shared_ptr<Record>>& records) const;
  Stall ToStall(const Record& record) const;

  const EventSource& source_;
  const Reconstructor& model_;
  const ItemFilter filter_;
  ItemMatcher matcher_;  // names and CPU
  Nanos threshold_;
  size_t most_;
  uint64_t ids_ = 0, dropped_ = 0;
  Timestamp newest_end_ = Timestamp::min();  // of all gaps: what was activated later met none
  absl::flat_hash_map<uint32_t, PoolState> pools_;
  std::vector<std::shared_ptr<Record>> kept_;
};

}  // namespace wqprof

#endif  // WQPROF_ANALYZE_STALL_COLLECTOR_H_
