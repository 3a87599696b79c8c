// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_MODEL_ORPHAN_STARTS_H_
#define WQPROF_MODEL_ORPHAN_STARTS_H_

#include "model/item_outlet.h"
#include "model/slab_list.h"
#include "model/tables.h"
#include "wqprof/model.h"

namespace wqprof {

// Starts without a queue event, held back for a while: the clock of the CPU that queued may be
// behind, so that the event follows (rule 44).
class OrphanStarts {
 public:
  OrphanStarts(Tables& tables, ItemOutlet& outlet) : tables_(tables), outlet_(outlet) {}

  // The item starts in this context, without a queue event of its work.
  void Add(SlabIndex work, const ExecutionContext& context, const WorkItem& item);
  // Whether the queue event `e` may be that of the work's orphan.  REQUIRES: it has one.
  bool MayBelong(const WorkState& work, const Event& e) const;
  // A queue event of a work that has one.
  void OnQueue(WorkState& work, const Event& e);
  // Takes the item that ended in `run`, if it is an orphan.  Whether it is.
  bool Hold(const WorkState& work, const OpenExecution& run);
  // Gives an orphan up, or the open queue event of its work to it.
  void Settle(SlabIndex index, bool with_queue);
  // Gives those up for which no queue event can come any more.
  void Expire() {
    if (!by_start_.empty()) [[unlikely]]
      ExpireOldest();
  }

 private:
  // One such start.
  struct Orphan {
    SlabIndex work = SlabIndex::kNone;
    size_t context = 0;
    WorkItem item;
    bool open = true;  // its execution has not ended
    SlabLinks links;
  };

  [[gnu::noinline]] void ExpireOldest();

  Tables& tables_;
  ItemOutlet& outlet_;
  Slab<Orphan> orphans_;
  SlabList<Orphan> by_start_;
};

}  // namespace wqprof

#endif  // WQPROF_MODEL_ORPHAN_STARTS_H_
