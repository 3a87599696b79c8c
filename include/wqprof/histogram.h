// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_HISTOGRAM_H_
#define WQPROF_HISTOGRAM_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "wqprof/types.h"

namespace wqprof {

// Durations in base-2 exponential buckets: bucket i of scale s holds
// (2^(i/2^s), 2^((i+1)/2^s)] ns, the layout of OpenTelemetry's exponential histograms.
// Zero has a count of its own.  Count, sum, min and max are exact; a quantile is off by
// at most 0.28 % (half a bucket at scale 7).  Merging is integer addition, hence
// commutative and associative.  Whole cache lines: what lies beside them in memory, other threads
// may use.
class alignas(64) Histogram {
 public:
  static constexpr int kScale = 7;

  // REQUIRES: value >= 0.
  // Several times for every item of a trace: not AddTimes(value, 1), which must multiply.
  void Add(Nanos value);
  void AddTimes(Nanos value, uint64_t times);
  void Merge(const Histogram& other);

  uint64_t count() const { return count_; }
  // Saturates at the largest int64 (292 years).
  Nanos sum() const { return Nanos(sum_); }
  // Absent when nothing was added.
  std::optional<Nanos> min() const;
  std::optional<Nanos> max() const;
  std::optional<Nanos> mean() const;
  // The value below or at which a share `q` in [0, 1] of the values lies (nearest rank),
  // clamped to [min, max].  Absent when nothing was added.
  std::optional<Nanos> Quantile(double q) const;

  struct Bucket {
    int32_t index;
    uint64_t count;
  };
  uint64_t zero_count() const { return zero_count_; }
  // The finest scale at which its buckets are known: kScale, unless it is made of coarser ones.
  int scale() const { return scale_; }
  // Non-empty buckets in ascending order at `scale` (<= scale()).
  std::vector<Bucket> Buckets(int scale) const;
  std::vector<Bucket> Buckets() const { return Buckets(scale_); }

  // What was summed up elsewhere.
  struct Parts {
    int scale = kScale;
    uint64_t count = 0, zero_count = 0;
    int64_t sum = 0, min = 0, max = 0;
    std::vector<Bucket> buckets;
  };
  // REQUIRES: 0 <= scale <= kScale; 0 <= min <= max; each index is that of a value above 0.
  static Histogram Of(const Parts& parts);

  // Bucket of `value` (> 0) at kScale.
  static int32_t IndexOf(int64_t value);

 private:
  static constexpr int kPerOctave = 1 << kScale;
  // Counts that are half as wide take half of the cache; what does not fit is carried.
  struct alignas(64) Octave : std::array<uint32_t, kPerOctave> {};

  // One block per octave in use: a function's durations span few octaves.
  using Octaves = std::array<std::unique_ptr<Octave>, 64>;
  // So many buckets are kept as a list: a trace may have any number of functions that are seen
  // once or twice.
  static constexpr size_t kFew = 8;

  [[gnu::always_inline]] void AddToBucket(int64_t value, uint64_t times);
  // Rarely, and kept out of the way of the other.
  [[gnu::noinline]] void AddToNewOctave(int octave, int sub, uint64_t times);
  [[gnu::noinline]] void AddToFew(int32_t index, uint64_t times);
  void AddToList(int32_t index, uint64_t times);
  [[gnu::always_inline]] void AddToOctave(Octave& octave, int number, int sub, uint64_t times);
  // Calls f(index, count) for each bucket that is not empty, in ascending order, as long as it
  // returns true.
  template <typename F>
  void ForEachBucket(F&& f) const;

  uint64_t count_ = 0;
  uint64_t zero_count_ = 0;
  int64_t sum_ = 0;
  int64_t min_ = INT64_MAX;
  int64_t max_ = INT64_MIN;
  std::unique_ptr<Octaves> octaves_;  // null as long as `few_` holds all
  std::vector<Bucket> few_;           // then: what is more than an octave's counts hold
  int scale_ = kScale;

 public:
  Histogram() = default;
  Histogram(const Histogram& other) { Merge(other); }
  Histogram& operator=(const Histogram& other);
  Histogram(Histogram&&) = default;
  Histogram& operator=(Histogram&&) = default;
};

// How many samples a quantile needs to be known with 95 % confidence that the sample
// holds a value beyond it: p95 59, p99 299, p99.9 2995.
uint64_t SamplesNeeded(double q);

}  // namespace wqprof

#endif  // WQPROF_HISTOGRAM_H_
