// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_ANALYZE_STALL_COLLECTOR_H_
#define WQPROF_ANALYZE_STALL_COLLECTOR_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "wqprof/model.h"
#include "wqprof/report.h"

namespace wqprof {

// Turns gaps of pools into stalls, and finds for each who waited through it.
//
// An item is told when it is complete, which may be long after the gap; so each pool keeps
// its latest stalls within reach.
class StallCollector {
 public:
  // Keeps the `most` longest stalls.
  StallCollector(const EventSource& source, const Reconstructor& model, Nanos threshold,
                 size_t most)
      : source_(source), model_(model), threshold_(threshold), most_(most) {}

  // REQUIRES: gaps of a batch before its items.
  void AddGap(const PoolGap& gap);
  void AddItem(const WorkItem& item);

  uint64_t total() const { return total_; }
  Nanos StalledIn(PoolId pool) const;
  // By time.
  std::vector<Stall> Take();

 private:
  // An origin without what differs from item to item: its kind, comm or function.
  using OriginKey = std::pair<Origin::Kind, NameId>;
  // Items of one function that waited through a stall.
  struct Waited {
    NameId function, workqueue;
    uint64_t count = 0;
    Nanos worst{0};
    std::vector<std::pair<OriginKey, uint64_t>> origins;
  };
  // A stall while items may still be added to it.
  struct Record {
    uint64_t id = 0;
    PoolGap gap;
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
  static constexpr size_t kMaxOrigins = 8;

  void AddWaited(Record& record, const WorkItem& item);
  void AddOrigin(Waited& waited, const Origin& origin) const;
  DelayedRow ToRow(const Waited& waited) const;
  void KeepLongest();
  Stall ToStall(const Record& record) const;

  const EventSource& source_;
  const Reconstructor& model_;
  Nanos threshold_;
  size_t most_;
  uint64_t total_ = 0;
  absl::flat_hash_map<uint32_t, PoolState> pools_;
  std::vector<std::shared_ptr<Record>> kept_;
};

}  // namespace wqprof

#endif  // WQPROF_ANALYZE_STALL_COLLECTOR_H_
