// SPDX-License-Identifier: Apache-2.0
#include "wqprof/interval.h"

#include <algorithm>
#include <utility>

namespace wqprof {

IntervalCollector::IntervalCollector(const EventSource& source, const Reconstructor& model,
                                     const ItemFilter& filter, Nanos stall_threshold)
    : source_(source),
      model_(model),
      matcher_(filter, source, model),
      stall_threshold_(stall_threshold) {}

void IntervalCollector::Add(const Completed& completed) {
  for (const PoolGap& gap : completed.gaps) {
    if (gap.end - gap.begin >= stall_threshold_) ++next_.stalls;
  }
  for (const WorkItem& item : completed.items) {
    if (!item.executed() || !matcher_.Matches(item)) continue;
    ++next_.started;
    if (const auto latency = SpecOf(Measure::kLatency).Of(item)) next_.latency.Add(*latency);
  }
}

Interval IntervalCollector::Cut(Timestamp now) {
  const ReadStats& stats = source_.stats();
  Interval out = std::exchange(next_, Interval{});
  const Timestamp since = out.end != kUnseen ? out.end : stats.begin;
  out.length = Between(since, now).value_or(Nanos(0));
  out.end = now;
  out.events = stats.events - std::exchange(events_, stats.events);
  if (stats.lost_events) {
    out.lost = *stats.lost_events - std::exchange(lost_, *stats.lost_events);
  } else if (stats.lost_gaps != gaps_) {
    out.lost.reset();
  }
  gaps_ = stats.lost_gaps;
  double most = 0;
  for (const PoolOccupancy& pool : model_.Pools()) {
    Sums& before = pools_[pool.pool.id];
    const Sums sums{pool.busy_sum, pool.backlog_sum};
    if (out.length > Nanos(0)) {
      const auto mean = [&](Nanos sum) {
        return static_cast<double>(sum.count()) / static_cast<double>(out.length.count());
      };
      out.backlog += mean(sums.backlog - before.backlog);
      const double busy = mean(sums.busy - before.busy);
      if (busy > most) {
        most = busy;
        out.busiest = pool.pool.name;
      }
    }
    before = sums;
  }
  out.busy = most;
  next_.end = now;
  return out;
}

}  // namespace wqprof
