// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_MODEL_PENDING_WINDOW_H_
#define WQPROF_MODEL_PENDING_WINDOW_H_

#include <cstdint>
#include <deque>
#include <optional>
#include <utility>
#include <vector>

#include "model/item_outlet.h"
#include "model/item_splitter.h"
#include "model/tables.h"
#include "wqprof/model.h"

namespace wqprof {

// Queue events that came while one was open.  The older one is "displaced": a worker that has yet
// to emit its start may have taken it, in the window between clearing PENDING and the start event,
// or a canceller.  Which of the two, later starts show (doc/kernel.md, rules 3 to 5).
class PendingWindow {
 public:
  PendingWindow(Tables& tables, ItemSplitter& splitter, ItemOutlet& outlet)
      : tables_(tables), splitter_(splitter), outlet_(outlet) {}

  // `old`, of `work`, is displaced by a newer queue event.
  void Displace(WorkState& work, QueueRecord& old);
  // REQUIRES: one was displaced.
  const QueueRecord& Displaced(const WorkState& work) const { return displaced_[work.displaced]; }
  // It is displaced no more.
  QueueRecord TakeDisplaced(WorkState& work);

  // The newest record of the work was matched to the start in `run`, though `old` may have been in
  // the window: matches that later events may yet turn around.
  void Open(SlabIndex work, ExecutionContext& context, const QueueRecord& old, OpenExecution& run);
  // So may `record`, which `run` got, of a work with such matches.
  void AddLink(SlabIndex index, const QueueRecord& record, ExecutionContext& context,
               OpenExecution& run);
  // Whether a queueing now cannot, for all practical purposes, be in the window of a start that
  // follows upon the last link.  REQUIRES, as below: the work has such matches.
  bool IsCut(const WorkState& work, Timestamp at) const;
  // The worker of the last link starts what was queued by `next`.
  void FollowUp(ExecutionContext& context, const QueueRecord& next);
  // The item with this id was activated after it had started.
  void Activated(const WorkState& work, uint64_t id, Timestamp at);
  // The matches stand: the first queueing never came to a start.
  void Resolve(SlabIndex index, bool ambiguous);
  // One more start came than queue events: each before it was one too late (rule 3).  The record
  // that is left for the new start; none if nothing is certain.
  std::optional<QueueRecord> Shift(WorkState& work);
  // Holds an item back that ended while its match may be turned around.  Whether it does.
  bool Hold(const OpenExecution& run);

 private:
  // One match.
  struct Link {
    QueueRecord record;
    size_t context = 0;  // where the start was
    WorkItem held;       // the item, once it has ended
    bool ended = false;
  };
  // Matches of one work.  `first` was displaced by the record of the first link before the start
  // that this one got; each further link was queued where it may have been in the window of its
  // start, too.  If one more start follows without a queue event, then every start was that of the
  // record before (rule 3).
  struct Provisional {
    SlabIndex work = SlabIndex::kNone;
    QueueRecord first;
    std::vector<Link> links;
    bool certain = false;  // but for a start without a queue event, `first` never started
  };

  WorkItem* ItemOf(SlabIndex index, Link& link);
  void TurnAround(SlabIndex index);
  void Drop(SlabIndex index);

  Tables& tables_;
  ItemSplitter& splitter_;
  ItemOutlet& outlet_;
  Slab<QueueRecord> displaced_;
  Slab<Provisional> provisionals_;
  // By time, as slab index and id of the first item: the oldest are let go when too many are open.
  std::deque<std::pair<SlabIndex, uint64_t>> provisional_queue_;
};

}  // namespace wqprof

#endif  // WQPROF_MODEL_PENDING_WINDOW_H_
