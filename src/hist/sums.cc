// SPDX-License-Identifier: Apache-2.0
#include "hist/sums.h"

#include <algorithm>

namespace wqprof {
namespace {

void AddTo(uint64_t& sum, uint64_t value, uint64_t most = UINT64_MAX) {
  if (__builtin_add_overflow(sum, value, &sum) || sum > most) sum = most;
}

}  // namespace

void HistSums::Add(const HistRecord& record) {
  if (record.n == 0) return;
  AddTo(count_, record.n);
  AddTo(zero_, record.zero);
  AddTo(sum_, record.sum, static_cast<uint64_t>(INT64_MAX));
  min_ = std::min(min_, record.min);
  max_ = std::max(max_, record.max);
  if (record.idx.empty()) return;
  const auto shift = static_cast<int>(record.scale) - kHistScale;
  const auto low = static_cast<int32_t>(record.idx.front() >> shift);
  const auto high = static_cast<int32_t>(record.idx.back() >> shift);
  if (buckets_.empty()) first_ = low;
  if (low < first_) {
    buckets_.insert(buckets_.begin(), static_cast<size_t>(first_ - low), 0);
    first_ = low;
  }
  const auto needed = static_cast<size_t>(high - first_ + 1);
  if (buckets_.size() < needed) buckets_.resize(needed);
  for (size_t i = 0; i < record.idx.size(); ++i) {
    AddTo(buckets_[static_cast<size_t>((record.idx[i] >> shift) - first_)], record.cnt[i]);
  }
}

bool HistSums::too_large() const {
  return count_ == UINT64_MAX || sum_ == static_cast<uint64_t>(INT64_MAX) ||
         std::find(buckets_.begin(), buckets_.end(), UINT64_MAX) != buckets_.end();
}

Histogram HistSums::ToHistogram() const {
  Histogram::Parts parts;
  parts.scale = kHistScale;
  if (count_ == 0) return Histogram::Of(parts);
  parts.count = count_;
  parts.zero_count = zero_;
  parts.sum = static_cast<int64_t>(sum_);
  parts.min = static_cast<int64_t>(min_);
  parts.max = static_cast<int64_t>(max_);
  for (size_t i = 0; i < buckets_.size(); ++i) {
    if (buckets_[i] > 0) parts.buckets.push_back({first_ + static_cast<int32_t>(i), buckets_[i]});
  }
  return Histogram::Of(parts);
}

}  // namespace wqprof
