// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_MODEL_POOL_TRACKER_H_
#define WQPROF_MODEL_POOL_TRACKER_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "model/pool_levels.h"
#include "model/pool_table.h"
#include "model/pwq_table.h"
#include "wqprof/model.h"

namespace wqprof {

// How busy pools are, what waits for them, and the gaps in which they start nothing.
//
// A queue event does not name its pool (doc/kernel.md §3.2): the first start of an item of a
// pool_workqueue shows which pool serves it, and the items that wait in it then count for that
// pool.
class PoolTracker {
 public:
  explicit PoolTracker(const PoolTable& pools) : pools_(pools) {}

  // From this time on the events of all CPUs are in the trace; kUnseen: since ever.
  void SetCovered(Timestamp from) { covered_ = from; }
  PwqTable& pwqs() { return pwqs_; }
  const PwqTable& pwqs() const { return pwqs_; }
  PoolLevels& levels() { return levels_; }
  const PoolLevels& levels() const { return levels_; }

  // An item of `pwq` was activated.
  void ItemWaits(PwqId pwq, Timestamp at) { ChangeWaiting(pwq, at, 1); }
  // It waits no more: it started, or was superseded.
  [[gnu::always_inline]] void ItemGone(PwqId pwq, Timestamp at) { ChangeWaiting(pwq, at, -1); }
  // What the start of an item shows of its wait.
  struct Started {
    PoolId waited_in = PoolId::kUnknown;
    Timestamp gap_begin = kUnseen;  // of the gap that it ended, when at least the floor long
  };
  // The start of an item that waited in `pwq` since `activated` (kUnseen: not known).
  Started ItemStarts(PoolId pool, PwqId pwq, Timestamp activated, Timestamp at, Nanos floor);
  // The start of an item that was activated, without its queue event: when the gap that it ended
  // began; kUnseen when it was shorter than `floor`.
  Timestamp ActivatedStarts(PoolId pool, Timestamp activated, Timestamp at, Nanos floor);
  // A start of which no wait is known: a barrier, or unmatched.
  [[gnu::always_inline]] void OtherStarts(PoolId pool, Timestamp at) {
    Account& account = At(pool);
    ++account.executions;
    account.last_start = at;
    levels_.ChangeBusy(pool, at, 1);
  }
  void Ends(PoolId pool, Timestamp at) { levels_.ChangeBusy(pool, at, -1); }
  void NoteWorker(PoolId pool) { ++At(pool).workers; }

  // When an item that was activated when all CPUs were covered started first on the pool; kUnseen
  // before.  Until then an unknown item may have waited since before the trace, or the part of it
  // that is missing.  Items that waited longer were taken from the worklist before it, though their
  // starts may come later.
  Timestamp first_known_start(PoolId pool) const { return At(pool).first_known_start; }
  // The gap from `begin` that a start on `pool` ends at `at`.  To be asked before the item that
  // starts is uncounted.
  PoolGap GapOf(PoolId pool, Timestamp begin, Timestamp at) const;
  // Whether a later item of its pool was taken from the list before one that waits in `pwq` since
  // `activated`.
  bool Overtaken(PwqId pwq, Timestamp activated) const;

  // Activated items that wait in one pool.
  struct Waiting {
    uint64_t items = 0;
    Timestamp oldest = Timestamp::max();  // activation
  };
  // Counts an item that waits in `pwq` since `activated`, by pool.  Items that a later one has
  // overtaken in their pool are no longer on its worklist, and do not count.
  void CountWaiting(std::vector<Waiting>& by_pool, PwqId pwq, Timestamp activated) const;
  // The gap in which a pool with these items is at `now`; absent where it is shorter than `floor`.
  std::optional<PoolGap> OpenGap(PoolId pool, const Waiting& waiting, Timestamp now,
                                 Nanos floor) const;

  std::vector<PoolOccupancy> Occupancy(Timestamp end) const;

 private:
  // What is known of the starts of one pool.  Of a size that finds its place without a
  // multiplication.
  struct alignas(64) Account {
    uint64_t executions = 0;
    uint64_t workers = 0;
    Timestamp last_start = kUnseen;
    Timestamp first_known_start = kUnseen;
    Timestamp newest_started = kUnseen;   // latest activation of an item that has started
    Timestamp newest_in_order = kUnseen;  // likewise, but for those that a rescuer picked out
  };

  [[gnu::always_inline]] Account& At(PoolId pool) {
    const size_t i = static_cast<size_t>(pool);
    if (i >= accounts_.size()) [[unlikely]]
      Grow(i + 1);
    return accounts_[i];
  }
  const Account& At(PoolId pool) const {
    static constexpr Account kNothingStarted;
    const size_t i = static_cast<size_t>(pool);
    return i < accounts_.size() ? accounts_[i] : kNothingStarted;
  }
  // Rarely, and kept out of the way of the callers.
  [[gnu::noinline]] void Grow(size_t size) { accounts_.resize(size); }
  [[gnu::always_inline]] void ChangeWaiting(PwqId id, Timestamp at, int64_t by) {
    PwqState& pwq = pwqs_[id];
    pwq.waiting += by;
    if (pwq.pool != PoolId::kUnknown) levels_.ChangeWaiting(pwq.pool, at, by);
  }
  // Learns that `pool` serves `pwq`; what waits in it moves there.  REQUIRES: another did, or none.
  [[gnu::noinline]] void Serve(PwqState& pwq, PoolId pool, Timestamp at);

  const PoolTable& pools_;
  Timestamp covered_ = kUnseen;
  std::vector<Account> accounts_;  // by pool, as far as anything started
  PwqTable pwqs_;
  PoolLevels levels_;
};

}  // namespace wqprof

#endif  // WQPROF_MODEL_POOL_TRACKER_H_
