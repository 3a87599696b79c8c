// SPDX-License-Identifier: Apache-2.0
#include "model/pool_levels.h"

namespace wqprof {

void PoolLevels::AddStep(PoolId pool, Timestamp at) {
  Levels& levels = At(pool);
  // A start is two changes at one time.
  const size_t newest = levels.newest_step;
  const bool same =
      newest < steps_.size() && steps_[newest].pool == pool && steps_[newest].at == at;
  if (!same) {
    levels.newest_step = static_cast<uint32_t>(steps_.size());
    steps_.push_back({at, pool, 0, 0, 0});
  }
  const auto count = [](const LevelMeter& meter) {
    return static_cast<uint32_t>(std::clamp<int64_t>(meter.level(), 0, UINT32_MAX));
  };
  PoolStep& step = steps_[levels.newest_step];
  step.backlog = count(levels.waiting);
  step.busy = count(levels.busy);
}

bool PoolLevels::Fill(PoolId pool, Timestamp end, PoolOccupancy& out) const {
  const size_t i = static_cast<size_t>(pool);
  if (i >= levels_.size()) return false;
  Levels levels = levels_[i];
  if (levels.busy.max() == 0 && levels.waiting.max() == 0) return false;
  levels.busy.Advance(end);
  levels.waiting.Advance(end);
  out.busy_max = static_cast<uint32_t>(levels.busy.max());
  out.busy_sum = levels.busy.sum();
  out.busy_any = levels.busy.any();
  out.backlog_max = static_cast<uint64_t>(levels.waiting.max());
  out.backlog_sum = levels.waiting.sum();
  return true;
}

}  // namespace wqprof
