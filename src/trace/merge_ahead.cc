// SPDX-License-Identifier: Apache-2.0
#include "trace/merge_ahead.h"

#include <algorithm>

namespace wqprof {

absl::StatusOr<std::span<const Event>> MergeAhead::Next() {
  if (crew_.helpers() == 0) return merger_.Next();
  batches_.Return();
  crew_.Schedule(*this);
  crew_.WaitUntil(*this, [this] { return batches_.ready(); });
  const EventBatch& batch = batches_.Take();
  if (batch.empty() && !status_.ok()) return status_;
  return std::span<const Event>(batch);
}

bool MergeAhead::Step() {
  if (ended_ || !batches_.has_room()) return false;
  EventBatch& batch = batches_.next();
  batch.clear();
  // What the consumer merges for itself it has in its cache, and it has waited long enough.
  const bool for_itself = crew_.hand() == 0;
  while (batch.size() < (for_itself ? 1 : kBatch) && !merged_all_) {
    const auto run = merger_.Next();
    if (!run.ok()) status_ = run.status();
    merged_all_ = !run.ok() || run->empty();
    if (merged_all_) break;
    const size_t before = batch.size();
    batch.resize(before + run->size());
    if (for_itself) {
      std::copy(run->begin(), run->end(), batch.data() + before);
    } else {
      StreamCopy(batch.data() + before, run->data(), run->size());
    }
  }
  ended_ = batch.empty();
  batches_.Pass();
  return !ended_ && batches_.has_room();
}

}  // namespace wqprof
