// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TESTS_SUPPORT_OUTCOME_H_
#define WQPROF_TESTS_SUPPORT_OUTCOME_H_

#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "wqprof/model.h"

namespace wqprof::testing {

// All that a Reconstructor told of one trace.
struct Outcome {
  std::vector<WorkItem> items;           // in the order in which they were told
  std::map<uint64_t, ItemSplit> splits;  // by id of the item; with scheduler events
  std::vector<PoolGap> gaps;
  MatchQuality quality;
  std::vector<PoolOccupancy> pools;
  std::vector<WorkerOccupancy> workers;
  std::vector<IdleWaitAccount> idle_waits;
  std::map<PoolId, Pool> pool_of;

  // The items in the order of their first event.
  std::vector<WorkItem> ById() const;
  std::vector<WorkItem> InState(ItemState state) const;
  // The only item that was queued, or that started, at that time; fails the test if it is
  // not exactly one.
  WorkItem QueuedAt(Nanos at) const;
  WorkItem StartedAt(Nanos at) const;
  WorkItem EndedAt(Nanos at) const;
  std::string PoolName(const WorkItem& item) const;
  // The account of a pool by its name; fails the test if there is none.
  PoolOccupancy Occupancy(std::string_view pool) const;
  size_t size() const { return items.size(); }

 private:
  WorkItem TheOne(const char* what, const std::function<bool(const WorkItem&)>& is) const;
};

// Runs `source` through a Reconstructor, batch by batch as it gives them, and checks the
// invariants that hold for any trace.
Outcome Reconstruct(EventSource& source, Reconstructor::Options options = {});
// As above, for traces so odd that times may run backwards within an item.
Outcome ReconstructUnchecked(EventSource& source, Reconstructor::Options options = {});

// What must hold whatever the trace was: counts add up, no time precedes its cause, the
// accounts of pools and workers agree with the items.
void CheckInvariants(const Outcome& outcome);

}  // namespace wqprof::testing

#endif  // WQPROF_TESTS_SUPPORT_OUTCOME_H_
