// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_SLOWEST_ITEMS_H_
#define WQPROF_SLOWEST_ITEMS_H_

#include <cstddef>
#include <optional>
#include <vector>

#include "wqprof/model.h"

namespace wqprof {

// Keeps the `limit` items with the longest latency out of many.  An item that never started
// waits until the trace ends: a lower bound of its latency.
class SlowestItems {
 public:
  explicit SlowestItems(size_t limit) : limit_(limit) {}
  size_t limit() const { return limit_; }

  // An item with its split, which the model would forget.
  struct Kept {
    WorkItem item;
    std::optional<ItemSplit> split;
  };
  // `split` may be null.
  void Add(const WorkItem& item, const ItemSplit* split);
  // The longest first; equal ones by id.
  std::vector<Kept> Take(Timestamp trace_end);

 private:
  // The shortest is on top, to be replaced first.
  std::vector<Kept> started_;
  // Of those that never started, the first queued wait longest, whenever the trace ends.
  std::vector<Kept> pending_;
  size_t limit_;
};

}  // namespace wqprof

#endif  // WQPROF_SLOWEST_ITEMS_H_
