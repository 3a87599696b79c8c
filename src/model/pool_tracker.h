// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_MODEL_POOL_TRACKER_H_
#define WQPROF_MODEL_POOL_TRACKER_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "model/growing_table.h"
#include "wqprof/model.h"
#include "wqprof/name_table.h"

namespace wqprof {

// A number that changes at points in time: its integral, its maximum, and for how long it
// was not zero.
class LevelMeter {
 public:
  void Change(Timestamp at, int64_t by) {
    Advance(at);
    level_ += by;
    max_ = std::max(max_, level_);
  }
  void Advance(Timestamp at) {
    if (level_ > 0 && at > since_) {
      sum_ = AddSaturated(sum_, MultiplySaturated(Elapsed(since_, at), level_));
      any_ = AddSaturated(any_, Elapsed(since_, at));
    }
    since_ = std::max(since_, at);
  }
  // The level was one higher from `from`, which is before any change so far, until `to`.
  void WasHigherSince(Timestamp from, Timestamp to) {
    Advance(to);
    sum_ = AddSaturated(sum_, Elapsed(from, to));
    any_ = Elapsed(from, to);
    ++max_;
  }
  int64_t level() const { return level_; }
  int64_t max() const { return max_; }
  Nanos sum() const { return sum_; }
  Nanos any() const { return any_; }

 private:
  Timestamp since_ = kUnseen;
  int64_t level_ = 0;
  int64_t max_ = 0;
  Nanos sum_{0};
  Nanos any_{0};
};

// Index of a feed of a PoolTracker.
enum class FeedId : uint32_t {};

// All that is known of pools: their names, how many executions are open on each, and how
// many activated items wait.
//
// A queue event does not name its pool (doc/kernel.md §3.2).  Items of one workqueue for one CPU
// make a "feed"; the first start of such an item shows which pool serves the feed, and the
// items that wait in it then count for that pool.
class PoolTracker {
 public:
  PoolTracker();

  PoolId PerCpu(Cpu cpu, bool highpri) {
    return Find(highpri ? PoolKind::kHighpri : PoolKind::kPerCpu, ToInt(cpu), cpu, {});
  }
  PoolId Unbound(int number) { return Find(PoolKind::kUnbound, number, Cpu::kNone, {}); }
  PoolId Bh(Cpu cpu, bool highpri) {
    return Find(highpri ? PoolKind::kBhHighpri : PoolKind::kBh, ToInt(cpu), cpu, {});
  }
  PoolId Rescuer(NameId comm, std::string_view text) {
    return Find(PoolKind::kRescuer, static_cast<int>(ToInt(comm)), Cpu::kNone, text);
  }

  // See Reconstructor::pool().
  const Pool& pool(PoolId id) const { return pools_[ToIndex(id)]; }

  // From now on each change of a pool is kept until it is taken.
  void ReportSteps() { reports_steps_ = true; }
  // Moves the steps since the last call into `out`, whose memory is used again.
  void TakeSteps(Completed::Batch<PoolStep>& out) {
    out.clear();
    std::swap(out, steps_);
  }

  // Items of `workqueue` whose queue event names `target`, or for an unbound one was emitted
  // on `source`.
  FeedId Feed(NameId workqueue, Cpu target, Cpu source);

  // An item of `feed` was activated.
  void ItemWaits(FeedId feed, Timestamp at);
  // It waits no more: superseded.
  void ItemGone(FeedId feed, Timestamp at);

  // What the start of an item shows of its wait.
  struct Started {
    PoolId waited_in = PoolId::kUnknown;
    Timestamp gap_begin = kUnseen;  // of the gap that it ended, when at least the floor long
  };
  // The gap from `begin` that a start on `pool` ends at `at`.  To be asked before the item that
  // starts is uncounted.
  PoolGap GapOf(PoolId pool, Timestamp begin, Timestamp at) const;
  // From this time on the events of all CPUs are in the trace; kUnseen: since ever.
  void SetCovered(Timestamp from) { covered_ = from; }
  // The start of an item that waited in `feed` since `activated` (kUnseen: not known).
  Started ItemStarts(PoolId pool, FeedId feed, Timestamp activated, Timestamp at, Nanos floor);
  // The start of an item that was activated, without its queue event: when the gap that it ended
  // began; kUnseen when it was shorter than `floor`.
  Timestamp ActivatedStarts(PoolId pool, Timestamp activated, Timestamp at, Nanos floor);
  // A start of which no wait is known: a barrier, or unmatched.
  void OtherStarts(PoolId pool, Timestamp at);
  void Ends(PoolId pool, Timestamp at);
  // An execution that began before the trace ended at `at`.
  void RanBefore(PoolId pool, Timestamp trace_begin, Timestamp at) {
    accounts_[ToIndex(pool)].busy.WasHigherSince(trace_begin, at);
  }

  // Whether an item that was activated when all CPUs were covered has started on the pool: until
  // then an unknown item may have waited since before the trace, or the part of it that is missing.
  bool started_known(PoolId pool) const { return first_known_start(pool) != kUnseen; }
  // When the first such item started; kUnseen before.  Items that waited longer were taken from
  // the worklist before it, though their starts may come later.
  Timestamp first_known_start(PoolId pool) const {
    return accounts_[ToIndex(pool)].first_known_start;
  }
  void NoteWorker(PoolId pool) { ++accounts_[ToIndex(pool)].workers; }

  PoolId PoolOf(FeedId feed) const { return feeds_[static_cast<size_t>(feed)].pool; }

  // Whether a later item of its pool was taken from the list before one that waits in `feed` since
  // `activated`.
  bool Overtaken(FeedId feed, Timestamp activated) const {
    const PoolId pool = PoolOf(feed);
    return pool != PoolId::kUnknown && activated < accounts_[ToIndex(pool)].newest_in_order;
  }
  // Activated items that wait in one pool.
  struct Waiting {
    uint64_t items = 0;
    Timestamp oldest = Timestamp::max();  // activation
  };
  // Counts an item that waits in `feed` since `activated`, by pool.  Items that a later one has
  // overtaken in their pool are no longer on its worklist, and do not count.
  void CountWaiting(std::vector<Waiting>& by_pool, FeedId feed, Timestamp activated) const;
  // The gap in which a pool with these items is at `now`; absent where it is shorter than `floor`.
  std::optional<PoolGap> OpenGap(PoolId pool, const Waiting& waiting, Timestamp now,
                                 Nanos floor) const;
  size_t size() const { return accounts_.size(); }
  uint64_t BusyIn(PoolId pool) const {
    return static_cast<uint64_t>(std::max<int64_t>(0, accounts_[ToIndex(pool)].busy.level()));
  }

  std::vector<PoolOccupancy> Occupancy(Timestamp end) const;

 private:
  struct Account {
    PoolKind kind = PoolKind::kUnknown;
    uint32_t newest_step = 0;  // its place in steps_, if that is of this pool
    uint64_t executions = 0;
    uint64_t workers = 0;
    LevelMeter busy;
    LevelMeter waiting;
    Timestamp last_start = kUnseen;
    Timestamp first_known_start = kUnseen;
    Timestamp newest_started = kUnseen;   // latest activation of an item that has started
    Timestamp newest_in_order = kUnseen;  // likewise, but for those that a rescuer picked out
  };
  struct FeedState {
    PoolId pool = PoolId::kUnknown;
    int64_t waiting = 0;
  };
  // A feed asked for lately: a queue event asks by name each time.
  struct RecentFeed {
    uint64_t key = UINT64_MAX;  // no feed's: the middle of a key is zeros
    FeedId feed{};
  };
  static constexpr int kRecentBits = 6;

  void ChangeWaiting(PoolId pool, Timestamp at, int64_t by) {
    accounts_[ToIndex(pool)].waiting.Change(at, by);
    if (reports_steps_) [[unlikely]]
      AddStep(pool, at);
  }
  void ChangeBusy(PoolId pool, Timestamp at, int64_t by) {
    accounts_[ToIndex(pool)].busy.Change(at, by);
    if (reports_steps_) [[unlikely]]
      AddStep(pool, at);
  }
  void AddStep(PoolId pool, Timestamp at);

  static size_t ToIndex(PoolId id) { return static_cast<size_t>(id); }
  PoolId Find(PoolKind kind, int number, Cpu cpu, std::string_view comm);
  // Learns that `pool` serves `feed`; what waits in it moves there.
  void Serve(FeedState& feed, PoolId pool, Timestamp at);

  Timestamp covered_ = kUnseen;
  std::vector<Account> accounts_;  // as pools_
  GrowingTable<Pool> pools_;
  absl::flat_hash_map<std::pair<int, int>, PoolId> ids_;
  std::vector<FeedState> feeds_;
  absl::flat_hash_map<uint64_t, FeedId> feed_ids_;
  std::array<RecentFeed, 1 << kRecentBits> recent_feeds_;
  bool reports_steps_ = false;
  Completed::Batch<PoolStep> steps_;
};

}  // namespace wqprof

#endif  // WQPROF_MODEL_POOL_TRACKER_H_
