// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_MODEL_ITEM_SPLITTER_H_
#define WQPROF_MODEL_ITEM_SPLITTER_H_

#include <algorithm>
#include <utility>

#include "model/interrupts.h"
#include "model/item_outlet.h"
#include "model/tables.h"
#include "wqprof/model.h"

namespace wqprof {

// Where the time of items went: their waits and executions, split by what the worker did.
class ItemSplitter {
 public:
  ItemSplitter(const Tables& tables, Interrupts& interrupts, ItemOutlet& outlet)
      : tables_(tables), interrupts_(interrupts), outlet_(outlet) {}

  void Want(const Reconstructor::Options& options) {
    run_part_floor_ = std::min(run_part_floor_, options.run_part_floor);
    wait_splits_ |= options.wait_splits;
    run_splits_ |= options.run_splits;
  }
  // REQUIRES of both: scheduler events were seen; `context` executes `item`.
  [[gnu::noinline]] void SplitWait(const ExecutionContext& context, WorkItem& item);
  [[gnu::noinline]] void SplitRun(const ExecutionContext& context, WorkItem& item);
  // Moves the parts of executions since the last call into `out`, whose memory is used again.
  void TakeParts(Completed::Batch<RunPart>& out) {
    out.clear();
    std::swap(out, run_parts_);
  }

 private:
  void ReportParts(const ExecutionContext& context, const WorkItem& item);

  const Tables& tables_;
  Interrupts& interrupts_;
  ItemOutlet& outlet_;
  Nanos run_part_floor_ = Nanos::max();
  bool wait_splits_ = false, run_splits_ = false;
  Completed::Batch<RunPart> run_parts_;
};

}  // namespace wqprof

#endif  // WQPROF_MODEL_ITEM_SPLITTER_H_
