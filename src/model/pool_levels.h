// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_MODEL_POOL_LEVELS_H_
#define WQPROF_MODEL_POOL_LEVELS_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "wqprof/model.h"

namespace wqprof {

// A level over time: its integral, its maximum and the time in which it was above zero.
class LevelMeter {
 public:
  [[gnu::always_inline]] void Change(Timestamp at, int64_t by) {
    Advance(at);
    level_ += by;
    max_ = std::max(max_, level_);
  }
  [[gnu::always_inline]] void Advance(Timestamp at) {
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

// How many executions are open on each pool, and how many activated items wait there.
class PoolLevels {
 public:
  // Inlined, as their callers do little else.
  [[gnu::always_inline]] void ChangeWaiting(PoolId pool, Timestamp at, int64_t by) {
    At(pool).waiting.Change(at, by);
    if (reports_steps_) [[unlikely]]
      AddStep(pool, at);
  }
  [[gnu::always_inline]] void ChangeBusy(PoolId pool, Timestamp at, int64_t by) {
    At(pool).busy.Change(at, by);
    if (reports_steps_) [[unlikely]]
      AddStep(pool, at);
  }
  // An execution that began before the trace ended at `at`.
  void RanBefore(PoolId pool, Timestamp trace_begin, Timestamp at) {
    At(pool).busy.WasHigherSince(trace_begin, at);
  }
  uint64_t Busy(PoolId pool) const { return Level(pool, &Levels::busy); }
  uint64_t Waiting(PoolId pool) const { return Level(pool, &Levels::waiting); }
  // Fills in what is known up to `end`.  False: nothing ever was on the pool.
  bool Fill(PoolId pool, Timestamp end, PoolOccupancy& out) const;

  // From now on each change of a pool is kept until it is taken.
  void ReportSteps() { reports_steps_ = true; }
  // Moves the steps since the last call into `out`, whose memory is used again.
  void TakeSteps(Completed::Batch<PoolStep>& out) {
    out.clear();
    std::swap(out, steps_);
  }

 private:
  // Those of one pool.  Of a size that finds its place without a multiplication.
  struct alignas(64) Levels {
    LevelMeter busy, waiting;
    uint32_t newest_step = 0;  // its place in steps_, if that is of this pool
  };
  [[gnu::always_inline]] Levels& At(PoolId pool) {
    const size_t i = static_cast<size_t>(pool);
    if (i >= levels_.size()) [[unlikely]]
      Grow(i + 1);
    return levels_[i];
  }
  // Rarely, and kept out of the way of the callers.
  [[gnu::noinline]] void Grow(size_t size) { levels_.resize(size); }
  uint64_t Level(PoolId pool, LevelMeter Levels::*meter) const {
    const size_t i = static_cast<size_t>(pool);
    if (i >= levels_.size()) return 0;
    return static_cast<uint64_t>(std::max<int64_t>((levels_[i].*meter).level(), 0));
  }
  [[gnu::noinline]] void AddStep(PoolId pool, Timestamp at);

  std::vector<Levels> levels_;
  bool reports_steps_ = false;
  Completed::Batch<PoolStep> steps_;
};

}  // namespace wqprof

#endif  // WQPROF_MODEL_POOL_LEVELS_H_
