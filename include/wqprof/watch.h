// SPDX-License-Identifier: Apache-2.0
// Conditions on a recording that goes on, in the words of budgets, and what meets them.
#ifndef WQPROF_WATCH_H_
#define WQPROF_WATCH_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "wqprof/budget.h"
#include "wqprof/event_source.h"
#include "wqprof/model.h"
#include "wqprof/pipeline.h"
#include "wqprof/report.h"
#include "wqprof/types.h"

namespace wqprof {

// "latency > 50ms, function=blk_mq_*": one item, stall or pool above the limit meets it.
struct WatchCondition {
  std::string text;  // as the user wrote it
  Quantity quantity = Quantity::kStall;
  double limit = 0;     // ns for times
  ItemFilter selector;  // of a stall, workqueues and functions are those that kept its workers
  bool is_time() const { return quantity != Quantity::kBacklog; }
  // Seen with scheduler events only, with those of timers.
  bool needs_sched() const { return IsPart(quantity); }
  bool needs_timers() const;
};
// kInvalidArgument with what is wrong and the nearest right word.
absl::StatusOr<WatchCondition> ParseWatchCondition(std::string_view text);

// What met a condition.
struct WatchHit {
  size_t condition = 0;                   // its index
  double value = 0;                       // ns for times
  bool goes_on = false;                   // it was not over when it was found
  std::string pool, workqueue, function;  // of a stall the last two kept its workers; "" unknown
  std::string worker;
  Pid worker_pid = Pid::kNone;
  std::string origin;          // of an item: who queued it, "task fio"
  uint64_t waiting = 0;        // items in the pool
  std::optional<Task> on_cpu;  // of a stall: the task that has the pool's CPU, or had it last
  // What it is about: an item, or a pool and the time since when it starts nothing.
  struct Key {
    uint64_t item = 0;
    PoolId pool = PoolId::kUnknown;
    Timestamp begin = kUnseen;
    friend bool operator==(const Key&, const Key&) = default;
  } key;
};

// Finds what meets conditions in a recording that goes on.  Memory does not grow with its length.
class WatchCollector : public ItemConsumer {
 public:
  // `source` and `model` must outlive this object.
  WatchCollector(const EventSource& source, const Reconstructor& model,
                 std::vector<WatchCondition> conditions);
  ~WatchCollector() override;
  Reconstructor::Options wants() const override;
  void Add(const Completed& completed) override;
  // The worst of each condition, of what ended since the last call and of what is open now; by
  // condition.
  std::vector<WatchHit> Look();
  // This one is not found again, also when it goes on and when it ends.
  void Settle(const WatchHit& hit);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wqprof

#endif  // WQPROF_WATCH_H_
