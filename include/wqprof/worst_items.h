// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_WORST_ITEMS_H_
#define WQPROF_WORST_ITEMS_H_

#include <cstddef>
#include <optional>
#include <vector>

#include "wqprof/measure.h"

namespace wqprof {

// How long `measure` of the item lasted; at least how long, of one that the end of the trace cut.
std::optional<Nanos> LastedUntil(const MeasureSpec& measure, const WorkItem& item,
                                 Timestamp trace_end);

// Keeps the `limit` items out of many that a measure lasted longest for.
class WorstItems {
 public:
  WorstItems(const MeasureSpec& measure, size_t limit) : measure_(&measure), limit_(limit) {}
  size_t limit() const { return limit_; }
  // Items that had the measure, kept or not.
  size_t seen() const { return seen_; }

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
  std::vector<Kept> whole_;
  // Of those that the trace cut, the first to begin last longest, whenever it ends.
  std::vector<Kept> open_;
  const MeasureSpec* measure_;
  size_t limit_, seen_ = 0;
};

}  // namespace wqprof

#endif  // WQPROF_WORST_ITEMS_H_
