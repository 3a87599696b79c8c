// SPDX-License-Identifier: Apache-2.0
#include "support/outcome.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace wqprof::testing {
namespace {

uint64_t Count(const Outcome& o, const std::function<bool(const WorkItem&)>& is) {
  return static_cast<uint64_t>(std::count_if(o.items.begin(), o.items.end(), is));
}

auto In(ItemState state) {
  return [state](const WorkItem& i) { return i.state == state; };
}

void CheckItem(const WorkItem& i) {
  SCOPED_TRACE(::testing::Message() << "item " << i.id << ", state " << ToString(i.state));
  // A start before its queue event is clocks that disagree, and is counted as such.
  if (i.queued != kUnseen && i.activated != kUnseen) {
    EXPECT_LE(i.queued, i.activated);
  }
  if (i.started != kUnseen && i.ended != kUnseen) {
    EXPECT_LE(i.started, i.ended);
  }
  if (i.started == kUnseen) {
    EXPECT_EQ(i.run_cpu, Cpu::kNone);
  }
  if (i.ended == kUnseen) {
    EXPECT_EQ(i.end_cpu, Cpu::kNone);
  }
  if (i.queued == kUnseen) {
    EXPECT_EQ(i.queue_cpu, Cpu::kNone);
  }
  // Without an address a work is never paired with its queue event.
  if (i.work == WorkAddr{}) return;
  switch (i.state) {
    case ItemState::kDone:
      EXPECT_NE(i.queued, kUnseen);
      EXPECT_NE(i.started, kUnseen);
      EXPECT_TRUE(i.ended != kUnseen || i.run_tainted);
      break;
    case ItemState::kSuperseded:
    case ItemState::kPending:
      EXPECT_EQ(i.started, kUnseen);
      EXPECT_EQ(i.ended, kUnseen);
      break;
    case ItemState::kRunning:
      EXPECT_NE(i.started, kUnseen);
      EXPECT_EQ(i.ended, kUnseen);
      break;
    case ItemState::kQueued:
    case ItemState::kStarted:
      ADD_FAILURE() << "all events are recorded";
      break;
    case ItemState::kBarrier:
    case ItemState::kBeforeTrace:
    case ItemState::kUnmatched:
      EXPECT_EQ(i.queued, kUnseen);
      break;
  }
}

void CheckCounts(const Outcome& o) {
  EXPECT_EQ(o.quality.superseded, Count(o, In(ItemState::kSuperseded)));
  EXPECT_EQ(o.quality.barriers,
            Count(o, [](const WorkItem& i) { return i.function == NameId::kBarrier; }));
  EXPECT_EQ(o.quality.pending_at_end, Count(o, In(ItemState::kPending)));
  EXPECT_EQ(o.quality.unmatched_starts + o.quality.unmatched_ends,
            // What a loss explains is not counted as unexplained.
            Count(o, [](const WorkItem& i) {
              const bool explained = i.started != kUnseen ? i.wait_tainted : i.tainted();
              return i.state == ItemState::kUnmatched && !explained;
            }));
  EXPECT_EQ(o.quality.tainted, Count(o, [](const WorkItem& i) { return i.tainted(); }));
  EXPECT_EQ(o.quality.ambiguous, Count(o, [](const WorkItem& i) { return i.ambiguous; }));
  EXPECT_EQ(o.quality.executed, Count(o, [](const WorkItem& i) {
              return i.queued != kUnseen && i.started != kUnseen;
            }));
  EXPECT_EQ(o.quality.negative_latencies, Count(o, [](const WorkItem& i) {
              const Nanos zero{0};
              return i.Latency().value_or(zero) < zero || i.DispatchWait().value_or(zero) < zero;
            }));
  std::set<uint64_t> ids;
  for (const WorkItem& i : o.items) EXPECT_TRUE(ids.insert(i.id).second) << "id told twice";
  if (!ids.empty()) {
    EXPECT_GE(*ids.begin(), 1u);
  }
}

void CheckAccounts(const Outcome& o) {
  uint64_t on_pools = 0, by_workers = 0;
  std::set<PoolId> pools;
  for (const PoolOccupancy& p : o.pools) {
    SCOPED_TRACE(p.pool.name);
    EXPECT_TRUE(pools.insert(p.pool.id).second) << "a pool told twice";
    on_pools += p.executions;
    EXPECT_GE(p.busy_any, Nanos(0));
    EXPECT_LE(p.busy_any, p.busy_sum);
    EXPECT_GE(p.backlog_sum, Nanos(0));
    // BH works have no worker.
    const auto by_worker = Count(o, [&](const WorkItem& i) {
      return i.started != kUnseen && i.pool == p.pool.id && !i.softirq;
    });
    if (by_worker > 0) {
      EXPECT_GT(p.workers, 0u);
    }
    EXPECT_EQ(p.executions, Count(o, [&](const WorkItem& i) {
                return i.started != kUnseen && i.pool == p.pool.id;
              }));
  }
  for (const WorkerOccupancy& w : o.workers) {
    by_workers += w.executions;
    EXPECT_GE(w.busy, Nanos(0));
  }
  const uint64_t started = Count(o, [](const WorkItem& i) { return i.started != kUnseen; });
  EXPECT_EQ(on_pools, started);
  // A softirq is no worker: what it ran is not on any worker's account.
  const uint64_t in_softirq =
      Count(o, [](const WorkItem& i) { return i.started != kUnseen && i.softirq; });
  EXPECT_EQ(by_workers, started - in_softirq);
  for (const PoolGap& g : o.gaps) {
    EXPECT_LE(g.begin, g.end);
    EXPECT_GE(g.waiting, 1u);
  }
}

}  // namespace

std::vector<WorkItem> Outcome::ById() const {
  std::vector<WorkItem> sorted = items;
  std::sort(sorted.begin(), sorted.end(),
            [](const WorkItem& a, const WorkItem& b) { return a.id < b.id; });
  return sorted;
}

std::vector<WorkItem> Outcome::InState(ItemState state) const {
  std::vector<WorkItem> found;
  for (const WorkItem& i : ById()) {
    if (i.state == state) found.push_back(i);
  }
  return found;
}

WorkItem Outcome::TheOne(const char* what, const std::function<bool(const WorkItem&)>& is) const {
  std::vector<WorkItem> found;
  std::copy_if(items.begin(), items.end(), std::back_inserter(found), is);
  EXPECT_EQ(found.size(), 1u) << "items " << what << " then";
  return found.empty() ? WorkItem{} : found.front();
}

WorkItem Outcome::QueuedAt(Nanos at) const {
  return TheOne("queued", [at](const WorkItem& i) { return i.queued == Timestamp(at); });
}

WorkItem Outcome::StartedAt(Nanos at) const {
  return TheOne("started", [at](const WorkItem& i) { return i.started == Timestamp(at); });
}

WorkItem Outcome::EndedAt(Nanos at) const {
  return TheOne("ended", [at](const WorkItem& i) { return i.ended == Timestamp(at); });
}

std::string Outcome::PoolName(const WorkItem& item) const {
  const auto it = pool_of.find(item.pool);
  return it == pool_of.end() ? "no such pool" : it->second.name;
}

PoolOccupancy Outcome::Occupancy(std::string_view pool) const {
  for (const PoolOccupancy& p : pools) {
    if (p.pool.name == pool) return p;
  }
  ADD_FAILURE() << "no account of pool " << pool;
  return {};
}

// The parts of a split are none of them negative, and add up to the whole, to the nanosecond.
void CheckSplit(const WorkItem& item, const ItemSplit& split) {
  const Nanos zero{0};
  if (split.wait) {
    const WaitSplit& w = *split.wait;
    EXPECT_EQ(w.Sum(), item.DispatchWait()) << "item " << item.id;
    EXPECT_GE(std::min({w.hold, w.worker_creation, w.wakeup, w.runqueue, w.pre_work, w.head_of_line,
                        w.unknown}),
              zero)
        << "item " << item.id;
  }
  if (split.run) {
    const RunSplit& r = *split.run;
    EXPECT_EQ(r.Sum(), item.Execution()) << "item " << item.id;
    EXPECT_GE(std::min({r.on_cpu, r.preempted, r.blocked, r.runnable, r.unknown}), zero)
        << "item " << item.id;
    EXPECT_LE(r.Stolen().value_or(zero), r.on_cpu) << "item " << item.id;
  }
}

Outcome ReconstructUnchecked(EventSource& source, Reconstructor::Options options) {
  Outcome outcome;
  Reconstructor model(source, options);
  Completed completed;
  const auto take = [&] {
    model.Take(completed);
    outcome.items.insert(outcome.items.end(), completed.items.begin(), completed.items.end());
    for (const WorkItem& item : completed.items) {
      const ItemSplit* split = completed.SplitOf(item);
      if (split == nullptr) continue;
      CheckSplit(item, *split);
      outcome.splits[item.id] = *split;
    }
    outcome.gaps.insert(outcome.gaps.end(), completed.gaps.begin(), completed.gaps.end());
  };
  while (true) {
    const auto batch = source.Next();
    EXPECT_TRUE(batch.ok()) << batch.status().ToString();
    if (!batch.ok() || batch->empty()) break;
    model.Add(*batch);
    take();
  }
  model.Finish();
  take();
  outcome.quality = model.quality();
  outcome.pools = model.Pools();
  outcome.workers = model.Workers();
  outcome.idle_waits = model.IdleWaits();
  for (const WorkItem& i : outcome.items) outcome.pool_of[i.pool] = model.pool(i.pool);
  for (const PoolGap& g : outcome.gaps) outcome.pool_of[g.pool] = model.pool(g.pool);
  return outcome;
}

Outcome Reconstruct(EventSource& source, Reconstructor::Options options) {
  Outcome outcome = ReconstructUnchecked(source, options);
  CheckInvariants(outcome);
  return outcome;
}

void CheckInvariants(const Outcome& outcome) {
  for (const WorkItem& i : outcome.items) CheckItem(i);
  CheckCounts(outcome);
  CheckAccounts(outcome);
}

}  // namespace wqprof::testing
