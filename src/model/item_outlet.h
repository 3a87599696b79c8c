// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_MODEL_ITEM_OUTLET_H_
#define WQPROF_MODEL_ITEM_OUTLET_H_

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "model/recorded_so_far.h"
#include "model/work_table.h"
#include "wqprof/model.h"

namespace wqprof {

// Where what is complete goes out: items get their ids, names of states and splits here, and are
// counted.  Until it is known which of the four events were recorded, items and gaps are held back,
// as what was not recorded did not "not happen".
class ItemOutlet {
 public:
  explicit ItemOutlet(std::optional<WorkqueueEvents> noted) : recorded_(noted) {}

  // Barriers are handed out, too.
  void WantBarriers() { wants_barriers_ = true; }
  // An event of this kind was seen.  Nothing to do once recorded().settled().
  void See(EventKind kind);
  const RecordedSoFar& recorded() const { return recorded_; }

  uint64_t NewId() { return next_id_++; }
  // Events are missing: a queue event of what begins from now on may be among them.
  void OnLoss() { first_after_loss_ = std::min(first_after_loss_, next_id_); }
  void Emit(const WorkItem& item);
  void AddGap(PoolGap gap);
  // No event comes any more, and these are the last items: what was not seen by now was not
  // recorded.
  void Finish(std::span<const WorkItem> rest);
  // The split of `item`, made if need be.  Valid until the next one is made.
  ItemSplit& SplitFor(WorkItem& item);

  MatchQuality& quality() { return quality_; }
  const MatchQuality& quality() const { return quality_; }
  // Moves items, splits and gaps since the last call into `out`, whose memory is used again.
  void Take(Completed& out);

 private:
  // What was not seen by now was not recorded.
  void Decide();
  void Release();
  void HandOut(const WorkItem& item);
  void CountState(ItemState state);
  void CountBarrier(const WorkItem& item);
  void PairEnds();
  void Name(WorkItem& item);
  void DropSplit(WorkItem& item, bool wait, bool run);
  void FinishQuality();

  RecordedSoFar recorded_;
  bool wants_barriers_ = false;
  uint64_t next_id_ = 1;
  uint64_t first_after_loss_ = UINT64_MAX;  // id of the first item that began after one
  std::vector<WorkItem> held_;
  std::vector<PoolGap> held_gaps_;
  Slab<ItemSplit> splits_;
  Completed::Batch<WorkItem> items_;
  std::vector<PoolGap> gaps_;
  MatchQuality quality_;
};

}  // namespace wqprof

#endif  // WQPROF_MODEL_ITEM_OUTLET_H_
