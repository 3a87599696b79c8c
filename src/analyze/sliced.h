// SPDX-License-Identifier: Apache-2.0
// Sums and latencies by slices of time, of which only the last ones are kept.
#ifndef WQPROF_ANALYZE_SLICED_H_
#define WQPROF_ANALYZE_SLICED_H_

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

#include "wqprof/histogram.h"
#include "wqprof/types.h"

namespace wqprof {

// Numbers the slices of time since a begin.  The newest one grows; those too old are gone.
class SliceClock {
 public:
  SliceClock(Nanos slice, size_t kept) : slice_(slice), kept_(kept) {}

  bool begun() const { return begin_ != kUnseen; }
  void Begin(Timestamp at) { begin_ = std::min(at, Timestamp::max() - 4 * slice_); }
  size_t newest() const { return newest_; }
  size_t oldest() const { return newest_ + 1 > kept_ ? newest_ + 1 - kept_ : 0; }
  // Whether `at` lies behind the newest slice.
  bool IsOver(Timestamp at) const { return NumberOf(at) > static_cast<int64_t>(newest_); }
  // The slice of `at`, which becomes the newest one.  REQUIRES: IsOver(at).
  void MoveTo(Timestamp at) { newest_ = static_cast<size_t>(NumberOf(at)); }
  Timestamp BeginOf(size_t slice) const { return begin_ + slice_ * static_cast<int64_t>(slice); }

  // Calls f(slice, part) for what [from, to) has in slices that are kept.
  template <typename F>
  void Spread(Timestamp from, Timestamp to, F&& f) const {
    from = std::max(from, BeginOf(oldest()));
    to = std::min(to, BeginOf(newest_ + 1));
    while (from < to) {
      const auto slice = static_cast<size_t>(NumberOf(from));
      const Timestamp until = std::min(to, BeginOf(slice + 1));
      f(slice, until - from);
      from = until;
    }
  }

 private:
  // The begins of this slice and of the next are known, whatever the stamps are.
  int64_t NumberOf(Timestamp at) const {
    const Nanos longest = Elapsed(begin_, Timestamp::max()) - 2 * slice_;
    return std::min(Elapsed(begin_, at), longest) / slice_;
  }

  const Nanos slice_;
  const size_t kept_;
  Timestamp begin_ = kUnseen;
  size_t newest_ = 0;
};

// Latencies by slice.  The newest slice has all buckets, the others those that are not empty: a
// function's latencies span few.
class SlicedLatency {
 public:
  static constexpr int kScale = 4;  // 16 buckets an octave
  static constexpr size_t kSlices = 60;

  void Add(Nanos latency) {
    if (dense_.empty()) dense_.resize(kBuckets);
    ++dense_[IndexOf(latency)];
    Slice& slice = slices_[newest_ % kSlices];
    slice.least = std::min(slice.least, latency);
    slice.worst = std::max(slice.worst, latency);
    ++slice.count;
  }

  // Slices after the newest one begin, up to `newest`.
  void MoveTo(size_t newest) {
    Slice& before = slices_[newest_ % kSlices];
    if (before.count > 0) {
      for (size_t i = 0; i < dense_.size(); ++i) {
        if (dense_[i] == 0) continue;
        before.buckets.push_back({static_cast<uint16_t>(i), dense_[i]});
        dense_[i] = 0;
      }
    }
    const size_t first = std::max(newest_ + 1, newest + 1 > kSlices ? newest + 1 - kSlices : 0);
    for (size_t i = first; i <= newest; ++i) {
      Slice& slice = slices_[i % kSlices];
      slice.buckets.clear();
      slice.count = 0;
      slice.least = Nanos::max();
      slice.worst = Nanos(0);
    }
    newest_ = newest;
  }

  // What some slices hold together.
  struct Sum {
    uint64_t count = 0;
    Nanos least = Nanos::max(), worst{0};
    std::vector<uint64_t> buckets = std::vector<uint64_t>(kBuckets);

    // Absent when there is nothing.
    std::optional<Nanos> Quantile(double q) const {
      if (count == 0) return std::nullopt;
      const auto rank = static_cast<uint64_t>(std::ceil(q * static_cast<double>(count)));
      uint64_t seen = 0;
      for (size_t i = 0; i < buckets.size(); ++i) {
        seen += buckets[i];
        if (seen >= std::max<uint64_t>(rank, 1)) return std::clamp(Middle(i), least, worst);
      }
      return worst;
    }
  };
  // Of the slices from `first` to the newest one.
  Sum SumFrom(size_t first) const {
    Sum sum;
    for (size_t i = first; i <= newest_; ++i) {
      const Slice& slice = slices_[i % kSlices];
      sum.count += slice.count;
      sum.least = std::min(sum.least, slice.least);
      sum.worst = std::max(sum.worst, slice.worst);
      for (const Bucket& bucket : slice.buckets) sum.buckets[bucket.index] += bucket.count;
    }
    for (size_t i = 0; i < dense_.size(); ++i) sum.buckets[i] += dense_[i];
    return sum;
  }
  Nanos WorstIn(size_t slice) const { return slices_[slice % kSlices].worst; }

 private:
  struct Bucket {
    uint16_t index;
    uint32_t count;
  };
  struct Slice {
    uint64_t count = 0;
    Nanos least = Nanos::max(), worst{0};
    std::vector<Bucket> buckets;
  };
  static constexpr int kShift = Histogram::kScale - kScale;
  // Of 0, and of each span of an int64.
  static constexpr size_t kBuckets = 2 + (size_t{64} << kScale);

  // 0: the span 0; 1: that of 1 ns, whose bucket lies below all others.
  static size_t IndexOf(Nanos latency) {
    if (latency <= Nanos(0)) return 0;
    return static_cast<size_t>((Histogram::IndexOf(latency.count()) >> kShift) + 2);
  }
  static Nanos Middle(size_t index) {
    if (index < 2) return Nanos(static_cast<int64_t>(index));
    const double exponent = (static_cast<double>(index - 2) + 0.5) / (1 << kScale);
    return Nanos(static_cast<int64_t>(std::min(std::exp2(exponent), 9e18)));
  }

  std::array<Slice, kSlices> slices_;
  std::vector<uint32_t> dense_;  // of the newest slice
  size_t newest_ = 0;
};

// Executions by slice.
class SlicedWork {
 public:
  static constexpr size_t kSlices = SlicedLatency::kSlices;
  // What one slice, or some, hold.
  struct Sum {
    uint64_t ended = 0;
    Nanos wall{0}, on_cpu{0};
  };
  Sum& operator[](size_t slice) { return slices_[slice % kSlices]; }
  void MoveTo(size_t newest) {
    const size_t first = std::max(newest_ + 1, newest + 1 > kSlices ? newest + 1 - kSlices : 0);
    for (size_t i = first; i <= newest; ++i) slices_[i % kSlices] = {};
    newest_ = newest;
  }
  Sum SumFrom(size_t first) const {
    Sum sum;
    for (size_t i = first; i <= newest_; ++i) {
      const Sum& slice = slices_[i % kSlices];
      sum.ended += slice.ended;
      sum.wall = AddSaturated(sum.wall, slice.wall);
      sum.on_cpu = AddSaturated(sum.on_cpu, slice.on_cpu);
    }
    return sum;
  }

 private:
  std::array<Sum, kSlices> slices_{};
  size_t newest_ = 0;
};

}  // namespace wqprof

#endif  // WQPROF_ANALYZE_SLICED_H_
