// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_ANALYZE_LONG_WAITS_H_
#define WQPROF_ANALYZE_LONG_WAITS_H_

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "wqprof/interval_union.h"
#include "wqprof/model.h"
#include "wqprof/report.h"

namespace wqprof {

// Waits of kLongWait or more that have one thing in common: their pool, or their workqueue and CPU.
struct WaitGroup {
  // Items of one function and workqueue that waited.
  struct Delayed {
    NameId function = NameId::kUnknown, workqueue = NameId::kUnknown;
    uint64_t count = 0;
    Nanos worst{0};
  };
  // How long a task had the CPU while workers were on its runqueue.
  struct HadCpu {
    TaskSeen task;
    Nanos time{0};
  };
  uint64_t items = 0;
  uint64_t rescued = 0;  // of them, executed by a rescuer
  // The CPU that all of them were queued for; kNone: more than one, or none.
  Cpu cpu = Cpu::kNone;
  Nanos waited{0};  // summed over the items
  Nanos worst{0};
  std::vector<uint64_t> worst_items;  // ids, the longest wait first, a few
  IntervalUnion covered;              // time in which at least one of them waited
  WaitSplit split;                    // of dispatch waits, with scheduler events
  std::vector<Delayed> delayed;
  std::vector<HadCpu> had_cpu;
};

// Collects them.  Memory: a fixed amount for each pool, and each workqueue and CPU.
class LongWaitCollector {
 public:
  // Items of one unbound workqueue have Cpu::kNone.
  using Slots = std::pair<NameId, Cpu>;

  LongWaitCollector(const EventSource& source, const Reconstructor& model)
      : source_(source), model_(model) {}
  // `stalled`: it waited through a stall, which is reported elsewhere.
  void Add(const WorkItem& item, const ItemSplit* split, bool stalled) {
    const bool in_order = item.queued <= item.activated && item.activated <= item.started;
    const bool is_short = in_order && item.queued != kUnseen && *item.Latency() < kLongWait;
    if (!is_short) [[unlikely]]
      AddLong(item, split, stalled);
  }

  // By the pool on whose worklist they waited, or the rescuer when only that is known.
  const std::map<PoolId, WaitGroup>& dispatch() const { return dispatch_; }
  const std::map<Slots, WaitGroup>& activation() const { return activation_; }
  LongWaits Summary() const;

 private:
  void AddLong(const WorkItem& item, const ItemSplit* split, bool stalled);
  void AddDispatch(const WorkItem& item, const ItemSplit* split);

  const EventSource& source_;
  const Reconstructor& model_;
  std::map<PoolId, WaitGroup> dispatch_;
  std::map<Slots, WaitGroup> activation_;
  LongWaits summary_;
  NameId worst_function_ = NameId::kUnknown, worst_workqueue_ = NameId::kUnknown;
};

}  // namespace wqprof

#endif  // WQPROF_ANALYZE_LONG_WAITS_H_
