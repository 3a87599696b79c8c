// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_MODEL_SLAB_LIST_H_
#define WQPROF_MODEL_SLAB_LIST_H_

#include "model/work_table.h"

namespace wqprof {

// Neighbours of an object in a SlabList.
struct SlabLinks {
  SlabIndex before = SlabIndex::kNone, after = SlabIndex::kNone;
};

// Objects of a slab in the order in which they were added, any of which may go at any time, in one
// step.  T has a member `links` of type SlabLinks.
template <typename T>
class SlabList {
 public:
  bool empty() const { return first_ == SlabIndex::kNone; }
  // REQUIRES: not empty().
  SlabIndex front() const { return first_; }
  void PushBack(Slab<T>& slab, SlabIndex index) {
    slab[index].links = {last_, SlabIndex::kNone};
    (last_ == SlabIndex::kNone ? first_ : slab[last_].links.after) = index;
    last_ = index;
  }
  // REQUIRES: it is in the list.  It stays in the slab.
  void Remove(Slab<T>& slab, SlabIndex index) {
    const SlabLinks links = slab[index].links;
    (links.before == SlabIndex::kNone ? first_ : slab[links.before].links.after) = links.after;
    (links.after == SlabIndex::kNone ? last_ : slab[links.after].links.before) = links.before;
  }

 private:
  SlabIndex first_ = SlabIndex::kNone, last_ = SlabIndex::kNone;
};

}  // namespace wqprof

#endif  // WQPROF_MODEL_SLAB_LIST_H_
