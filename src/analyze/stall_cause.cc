// SPDX-License-Identifier: Apache-2.0
#include "analyze/stall_cause.h"

#include <algorithm>

namespace wqprof {
namespace {

// What the executions in a gap did, as far as that shows a cause.
struct HolderFacts {
  bool any = false;
  bool on_cpu = false;   // one of them had a CPU for half the gap
  bool starved = false;  // one of them wanted a CPU for half the gap, and did not get it
  bool late = false;     // ... though that CPU idled
  bool all_blocked = false;
  bool creating = false;  // a worker slept most of the gap over making another one
};

HolderFacts FactsOf(const PoolGap& gap) {
  const Nanos half = (gap.end - gap.begin) / 2;
  HolderFacts facts;
  facts.creating = gap.creation > half;
  facts.all_blocked = !gap.holders.empty();
  for (const GapHolder& holder : gap.holders) {
    if (!holder.split) continue;
    const RunSplit& split = *holder.split;
    facts.any = true;
    facts.on_cpu |= split.on_cpu >= half;
    facts.starved |= split.preempted + split.runnable - holder.idled >= half;
    facts.late |= holder.idled >= half;
    facts.all_blocked &= split.blocked * 2 >= holder.overlap;
  }
  facts.all_blocked &= facts.any;
  return facts;
}

// Of workers that hold the others back, by concurrency management or by being the only one.
StallCause CauseOfHolders(const HolderFacts& facts, StallCause if_blocked) {
  if (facts.on_cpu) return StallCause::kCpuHog;
  // That create_worker() took so long is why nobody took over from those that slept, or were late.
  if (facts.creating) return StallCause::kNoIdleWorker;
  if (facts.starved) return StallCause::kStarved;
  if (facts.late) return StallCause::kIdleCpu;
  return facts.all_blocked ? if_blocked : StallCause::kUnknown;
}

}  // namespace

StallCause CauseOf(const PoolGap& gap, PoolKind pool) {
  if (pool == PoolKind::kBh || pool == PoolKind::kBhHighpri) return StallCause::kSoftirqDelay;
  if (gap.collided) return StallCause::kBehindItem;
  const HolderFacts facts = FactsOf(gap);
  const Nanos half = (gap.end - gap.begin) / 2;
  if (!gap.starter) return CauseOfHolders(facts, StallCause::kAllBlocked);
  const WaitSplit& s = *gap.starter;
  // A rescuer is called when no worker could be made in time, and may then take more than one
  // item: these wait for each other, whatever the pool's workers do.
  if (gap.rescued) {
    return s.head_of_line >= half ? StallCause::kBehindItem : StallCause::kNoIdleWorker;
  }
  const Nanos awake = s.runqueue + s.wakeup;
  const Nanos most =
      std::max({s.hold, s.worker_creation, awake, s.head_of_line, s.pre_work, s.unknown});
  // A worker may be awake and still wait for the one that hogs its CPU: from 6.5 on the tick
  // takes a CPU-intensive worker out of concurrency management, and wakes another.
  if (most == awake) {
    if (facts.on_cpu) return StallCause::kCpuHog;
    return gap.starter_idled * 2 >= awake ? StallCause::kIdleCpu : StallCause::kStarved;
  }
  if (most == s.worker_creation) return StallCause::kNoIdleWorker;
  if (most == s.hold) return CauseOfHolders(facts, StallCause::kAllBlocked);
  if (most == s.head_of_line) {
    // Had an idle worker been there, a blocked one would have had it woken: either there was
    // none, or the items were bound to this very worker (linked, collided, rescuer).
    const bool alone = gap.holders.size() <= 1;
    return CauseOfHolders(facts, alone ? StallCause::kBehindItem : StallCause::kAllBlocked);
  }
  return facts.on_cpu ? StallCause::kCpuHog : StallCause::kUnknown;
}

}  // namespace wqprof
