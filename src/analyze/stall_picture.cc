// SPDX-License-Identifier: Apache-2.0
#include "wqprof/stall_picture.h"

#include <algorithm>

#include "analyze/stall_collector.h"

namespace wqprof {

StallPictureCollector::StallPictureCollector(const EventSource& source, const Reconstructor& model,
                                             const Stall& stall)
    : source_(source),
      model_(model),
      pool_(stall.pool),
      begin_(stall.begin),
      duration_(stall.duration),
      timeline_(source, model, {stall.begin, stall.begin + stall.duration, stall.duration}) {}

Reconstructor::Options StallPictureCollector::wants() const {
  return {.gap_floor = duration_,
          .pool_steps = true,
          .picture_of = begin_,
          .wait_splits = false,
          .run_splits = false};
}

void StallPictureCollector::Add(const Completed& completed) {
  timeline_.Add(completed);
  for (const PoolGap& gap : completed.gaps) {
    if (gap.begin != begin_ || model_.pool(gap.pool).name != pool_) continue;
    gap_ = gap.picture;
    cpu_ = model_.pool(gap.pool).cpu;
  }
}

StallPicture StallPictureCollector::Take() const {
  StallPicture out;
  out.timeline = timeline_.Take();
  std::erase_if(out.timeline.pools,
                [this](const TimelinePool& pool) { return pool.pool.name != pool_; });
  if (gap_ == nullptr) return out;
  out.cpu = cpu_;
  const NameTable& names = source_.names();
  for (const GapPicture::Run& run : gap_->runs) {
    out.runs.push_back({ToTask(run.task, names), run.begin, run.end});
  }
  for (const GapPicture::Worker& worker : gap_->workers) {
    out.workers.push_back({std::string(names.Get(worker.comm)), worker.pid, worker.did});
  }
  return out;
}

}  // namespace wqprof
