// SPDX-License-Identifier: Apache-2.0
#include "trace/merge_ahead.h"

#include <algorithm>

namespace wqprof {

absl::StatusOr<std::span<const Event>> MergeAhead::Next() {
  if (crew_.helpers() == 0) return merger_.Next();
  lots_.Return();
  crew_.Schedule(*this);
  crew_.WaitUntil(*this, [this] { return lots_.ready(); });
  const EventBatch& lot = lots_.Take();
  if (lot.empty() && !status_.ok()) return status_;
  return std::span<const Event>(lot);
}

bool MergeAhead::Step() {
  if (ended_ || !lots_.has_room()) return false;
  EventBatch& lot = lots_.next();
  lot.clear();
  // What the consumer merges for itself it has in its cache, and it has waited long enough.
  const bool for_itself = std::this_thread::get_id() == consumer_;
  while (lot.size() < (for_itself ? 1 : kLot) && !merged_all_) {
    const auto run = merger_.Next();
    if (!run.ok()) status_ = run.status();
    merged_all_ = !run.ok() || run->empty();
    if (merged_all_) break;
    const size_t before = lot.size();
    lot.resize(before + run->size());
    if (for_itself) {
      std::copy(run->begin(), run->end(), lot.data() + before);
    } else {
      HandOver(lot.data() + before, run->data(), run->size());
    }
  }
  ended_ = lot.empty();
  lots_.Pass();
  return !ended_ && lots_.has_room();
}

}  // namespace wqprof
