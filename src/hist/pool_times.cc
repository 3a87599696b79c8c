// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>

#include "wqprof/hist.h"

namespace wqprof {
namespace {

// The stretches in which a number was not zero.
struct Stretches {
  Timestamp since = kUnseen;  // kUnseen: it is zero
  Histogram lengths;

  void Step(Timestamp at, bool on) {
    if (on && since == kUnseen) since = at;
    if (!on) End(at);
  }
  void End(Timestamp at) {
    if (since == kUnseen) return;
    lengths.Add(std::max(Nanos(0), Elapsed(since, at)));
    since = kUnseen;
  }
};

// What is known of one pool so far.
struct OnePool {
  Stretches busy, backlog;
  Histogram stall;
};

// An execution that began before the trace is in no step: what it adds to the time in which the
// pool was busy is a stretch of its own.
void AddBegun(const std::vector<PoolOccupancy>& pools, std::map<std::string, PoolTimes>& by_name) {
  std::map<std::string, Nanos> busy;
  for (const PoolOccupancy& pool : pools) {
    Nanos& sum = busy[pool.pool.name];
    sum = AddSaturated(sum, std::max(Nanos(0), pool.busy_any));
  }
  for (const auto& [name, sum] : busy) {
    PoolTimes& times = by_name[name];
    times.pool = name;
    if (sum > times.busy.sum()) times.busy.Add(sum - times.busy.sum());
  }
}

}  // namespace

struct PoolTimeCollector::State {
  const EventSource& source;
  const Reconstructor& model;
  Nanos threshold;
  std::map<PoolId, OnePool> pools;
  std::vector<PoolTimes> result;
};

PoolTimeCollector::PoolTimeCollector(const EventSource& source, const Reconstructor& model,
                                     Nanos stall_threshold)
    : state_(std::make_unique<State>(State{source, model, stall_threshold, {}, {}})) {}
PoolTimeCollector::~PoolTimeCollector() = default;

Reconstructor::Options PoolTimeCollector::wants() const {
  return {.gap_floor = state_->threshold,
          .pool_steps = true,
          .wait_splits = false,
          .run_splits = false};
}

void PoolTimeCollector::Add(const Completed& completed) {
  for (const PoolStep& step : completed.pool_steps) {
    OnePool& pool = state_->pools[step.pool];
    pool.busy.Step(step.at, step.busy > 0);
    pool.backlog.Step(step.at, step.backlog > 0);
  }
  for (const PoolGap& gap : completed.gaps) {
    const Nanos length = Elapsed(gap.begin, gap.end);
    if (length >= state_->threshold) state_->pools[gap.pool].stall.Add(length);
  }
}

void PoolTimeCollector::Finish() {
  const Timestamp end = state_->source.stats().end;
  std::map<std::string, PoolTimes> by_name;
  for (auto& [id, pool] : state_->pools) {
    pool.busy.End(end);
    pool.backlog.End(end);
    const std::string& name = state_->model.pool(id).name;
    PoolTimes& times = by_name[name];
    times.pool = name;
    times.busy.Merge(pool.busy.lengths);
    times.backlog.Merge(pool.backlog.lengths);
    times.stall.Merge(pool.stall);
  }
  AddBegun(state_->model.Pools(), by_name);
  state_->result.clear();
  for (auto& [name, times] : by_name) state_->result.push_back(std::move(times));
}

std::vector<PoolTimes> PoolTimeCollector::Take() && { return std::move(state_->result); }

}  // namespace wqprof
