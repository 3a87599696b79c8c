// SPDX-License-Identifier: Apache-2.0
#include "trace/merge_ahead.h"

#include <algorithm>

namespace wqprof {

absl::StatusOr<std::span<const Event>> MergeAhead::Next() {
  if (crew_.helpers() == 0) return merger_.Next();
  returned_.store(taken_, std::memory_order_release);
  crew_.Schedule(*this);
  crew_.WaitUntil(*this, [this] { return taken_ < made_.load(std::memory_order_acquire); });
  const EventBatch& lot = lots_[taken_++ % kLots];
  if (lot.empty() && !status_.ok()) return status_;
  return std::span<const Event>(lot);
}

bool MergeAhead::Step() {
  const size_t made = made_.load(std::memory_order_relaxed);
  if (ended_ || made - returned_.load(std::memory_order_acquire) == kLots) return false;
  EventBatch& lot = lots_[made % kLots];
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
      std::copy(run->begin(), run->end(), lot.begin());
    } else {
      HandOver(lot.data() + before, run->data(), run->size());
    }
  }
  ended_ = lot.empty();
  made_.store(made + 1, std::memory_order_release);
  return !ended_ && made + 1 - returned_.load(std::memory_order_acquire) < kLots;
}

}  // namespace wqprof
