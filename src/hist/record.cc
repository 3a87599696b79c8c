// SPDX-License-Identifier: Apache-2.0
#include "hist/record.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace wqprof {
namespace {

bool IsTime(uint64_t ns) { return ns <= static_cast<uint64_t>(INT64_MAX); }

bool HasBuckets(const HistRecord& r) {
  constexpr int kMostScale = Histogram::kScale;
  if (!Has<&HistRecord::n>(r) || !Has<&HistRecord::scale>(r) || r.metric.empty()) return false;
  if (r.scale < kHistScale || r.scale > kMostScale || r.idx.size() != r.cnt.size()) return false;
  if (!IsTime(r.sum) || !IsTime(r.min) || !IsTime(r.max)) return false;
  // A value of 1 ns is in bucket -1, one of 2^63 in the last.
  const int64_t last = (int64_t{63} << r.scale) - 1;
  uint64_t sum = r.zero;
  for (size_t i = 0; i < r.idx.size(); ++i) {
    if (r.idx[i] < -1 || r.idx[i] > last || (i > 0 && r.idx[i] <= r.idx[i - 1])) return false;
    if (r.cnt[i] == 0 || __builtin_add_overflow(sum, r.cnt[i], &sum)) return false;
  }
  if (sum != r.n) return false;
  if (r.n == 0) return r.sum == 0;
  return Has<&HistRecord::min>(r) && Has<&HistRecord::max>(r) && r.min <= r.max && r.sum >= r.max;
}

bool HasQuality(const HistRecord& r) {
  constexpr double kMostSeconds = 1e9;
  const bool time = std::isfinite(r.seconds) && r.seconds >= 0 && r.seconds <= kMostSeconds;
  return time && r.stall_pool.size() == r.stall_cause.size() &&
         r.stall_pool.size() == r.stall_count.size() && r.stall_pool.size() == r.stall_ns.size() &&
         std::all_of(r.stall_ns.begin(), r.stall_ns.end(), IsTime);
}

}  // namespace

void HistRecord::Clear() {
  Clear((uint64_t{1} << kHistTargets.size()) - 1);
  anomalies.fill({});
  seen = 0;
}

void HistRecord::Clear(uint64_t targets) {
  for (; targets != 0; targets &= targets - 1) {
    const HistTarget& target = kHistTargets[static_cast<size_t>(std::countr_zero(targets))];
    if (target.text != nullptr) (this->*target.text).clear();
    if (target.count != nullptr) this->*target.count = 0;
    if (target.number != nullptr) this->*target.number = 0;
    if (target.texts != nullptr) (this->*target.texts).clear();
    if (target.counts != nullptr) (this->*target.counts).clear();
    if (target.integers != nullptr) (this->*target.integers).clear();
    if (target.labels) labels.clear();
  }
}

const HistTarget* TargetOf(std::string_view name, size_t& guess) {
  for (size_t i = 0; i < kHistTargets.size(); ++i) {
    const size_t at = guess + i < kHistTargets.size() ? guess + i : guess + i - kHistTargets.size();
    if (kHistTargets[at].name != name) continue;
    guess = at + 1 < kHistTargets.size() ? at + 1 : 0;
    return &kHistTargets[at];
  }
  return nullptr;
}

size_t AnomalyOf(std::string_view name) {
  size_t i = 0;
  while (i < kAnomalies.size() && kAnomalies[i].name != name) ++i;
  return i;
}

bool IsCoherent(HistRecord& r) {
  if (r.segment.empty()) return false;
  std::sort(r.labels.begin(), r.labels.end());
  const bool function = r.kind == ToString(HistKind::kFunction);
  const bool pool = r.kind == ToString(HistKind::kPool);
  // What lines of that kind do not have does not make another series of them.
  if (!function) {
    r.workqueue.clear();
    r.function.clear();
  }
  if (!pool) r.pool.clear();
  if (!function && !pool) {
    r.metric.clear();
    return r.kind == ToString(HistKind::kQuality) && HasQuality(r);
  }
  return (function || !r.pool.empty()) && HasBuckets(r);
}

}  // namespace wqprof
