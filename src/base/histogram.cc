// SPDX-License-Identifier: Apache-2.0
#include "wqprof/histogram.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <utility>

namespace wqprof {
namespace {

constexpr int kPerOctave = 1 << Histogram::kScale;

// Upper edges of the buckets of one octave, as 64-bit fractions: edges[i] is the largest m
// for which a value 2^k * (1 + m / 2^64) lies in bucket i.  A first guess from the upper
// bits of the fraction is at most one bucket too low, as the steps of the guess are narrower
// than the narrowest bucket, so that no logarithm is taken per value.
struct OctaveTable {
  static constexpr int kGuessBits = Histogram::kScale + 1;
  // A guess, and the upper edge of the bucket that it is: what one look brings.
  struct Guess {
    uint64_t edge;
    uint64_t sub;
  };
  std::array<Guess, size_t{1} << kGuessBits> guesses;

  OctaveTable() {
    std::array<uint64_t, kPerOctave> edges;
    for (int i = 0; i < kPerOctave; ++i) {
      const long double upper = exp2l(static_cast<long double>(i + 1) / kPerOctave) - 1.0L;
      edges[static_cast<size_t>(i)] =
          i + 1 == kPerOctave ? UINT64_MAX : static_cast<uint64_t>(upper * 0x1p64L);
    }
    for (size_t g = 0; g < guesses.size(); ++g) {
      const uint64_t fraction = static_cast<uint64_t>(g) << (64 - kGuessBits);
      const auto at = std::lower_bound(edges.begin(), edges.end(), fraction);
      guesses[g] = {*at, static_cast<uint64_t>(at - edges.begin())};
    }
  }
};

// Made before main(): a table made on first use would be asked for at every value.
const OctaveTable kTable;

// Buckets are (lower, upper]: a power of two belongs to the octave below it.
struct Position {
  int octave;  // -1 for the value 1
  int sub;
};

Position PositionOf(uint64_t value) {
  const int zeros = std::countl_zero(value);
  // Without the leading one.  Twice, as a shift by all 64 bits is not defined.
  const uint64_t fraction = value << zeros << 1;
  if (fraction == 0) [[unlikely]]
    return {62 - zeros, kPerOctave - 1};
  const OctaveTable::Guess& guess = kTable.guesses[fraction >> (64 - OctaveTable::kGuessBits)];
  return {63 - zeros, static_cast<int>(guess.sub) + (fraction > guess.edge ? 1 : 0)};
}

// The geometric middle of a bucket of `scale` that holds a fine one, the point with the least
// relative error.
int64_t Middle(int32_t fine, int scale) {
  const int32_t index = fine >> (Histogram::kScale - scale);
  return static_cast<int64_t>(std::llround(std::exp2((index + 0.5) / (1 << scale))));
}

}  // namespace

int32_t Histogram::IndexOf(int64_t value) {
  assert(value > 0);
  const Position p = PositionOf(static_cast<uint64_t>(value));
  return p.octave * kPerOctave + p.sub;
}

inline void Histogram::AddToBucket(int64_t value, uint64_t times) {
  if (value == 0) {
    zero_count_ += times;
    return;
  }
  const Position p = PositionOf(static_cast<uint64_t>(value));
  if (octaves_ == nullptr) [[unlikely]]
    return AddToFew(p.octave * kPerOctave + p.sub, times);
  Octave* const octave = (*octaves_)[static_cast<size_t>(p.octave + 1)].get();
  if (octave == nullptr) [[unlikely]]
    return AddToNewOctave(p.octave, p.sub, times);
  AddToOctave(*octave, p.octave, p.sub, times);
}

inline void Histogram::AddToOctave(Octave& octave, int number, int sub, uint64_t times) {
  uint32_t& count = octave[static_cast<size_t>(sub)];
  const uint64_t sum = count + times;
  count = static_cast<uint32_t>(sum);
  if (sum > UINT32_MAX) [[unlikely]]
    AddToList(number * kPerOctave + sub, sum - count);
}

void Histogram::AddToNewOctave(int octave, int sub, uint64_t times) {
  auto& made = (*octaves_)[static_cast<size_t>(octave + 1)];
  if (made == nullptr) made = std::make_unique<Octave>();
  AddToOctave(*made, octave, sub, times);
}

void Histogram::AddToList(int32_t index, uint64_t times) {
  for (Bucket& bucket : few_) {
    if (bucket.index != index) continue;
    bucket.count += times;
    return;
  }
  few_.push_back({index, times});
}

void Histogram::AddToFew(int32_t index, uint64_t times) {
  AddToList(index, times);
  if (few_.size() <= kFew) return;
  octaves_ = std::make_unique<Octaves>();
  for (const Bucket& bucket : std::exchange(few_, {})) {
    // Rounded down, as the one octave below 1 is.
    const int octave = bucket.index >> kScale;
    AddToNewOctave(octave, bucket.index - octave * kPerOctave, bucket.count);
  }
}

template <typename F>
void Histogram::ForEachBucket(F&& f) const {
  std::vector<Bucket> few = few_;
  std::sort(few.begin(), few.end(),
            [](const Bucket& a, const Bucket& b) { return a.index < b.index; });
  if (octaves_ == nullptr) {
    for (const Bucket& bucket : few) {
      if (!f(bucket.index, bucket.count)) return;
    }
    return;
  }
  auto carried = few.begin();
  for (size_t o = 0; o < octaves_->size(); ++o) {
    const Octave* const octave = (*octaves_)[o].get();
    if (octave == nullptr) continue;
    for (size_t i = 0; i < kPerOctave; ++i) {
      const int32_t index = (static_cast<int32_t>(o) - 1) * kPerOctave + static_cast<int32_t>(i);
      uint64_t count = (*octave)[i];
      if (carried != few.end() && carried->index == index) count += (carried++)->count;
      if (count != 0 && !f(index, count)) return;
    }
  }
}

void Histogram::Add(Nanos value) {
  const int64_t v = value.count();
  assert(v >= 0);
  ++count_;
  if (__builtin_add_overflow(sum_, v, &sum_)) [[unlikely]]
    sum_ = INT64_MAX;
  if (v < min_) [[unlikely]]
    min_ = v;
  if (v > max_) [[unlikely]]
    max_ = v;
  AddToBucket(v, 1);
}

void Histogram::AddTimes(Nanos value, uint64_t times) {
  const int64_t v = value.count();
  assert(v >= 0);
  if (times == 0) return;
  count_ += times;
  int64_t product, sum;
  const bool overflow =
      __builtin_mul_overflow(v, times, &product) || __builtin_add_overflow(sum_, product, &sum);
  sum_ = overflow ? INT64_MAX : sum;
  min_ = std::min(min_, v);
  max_ = std::max(max_, v);
  AddToBucket(v, times);
}

Histogram Histogram::Of(const Parts& parts) {
  Histogram out;
  out.scale_ = parts.scale;
  out.count_ = parts.count;
  out.zero_count_ = parts.zero_count;
  out.sum_ = parts.sum;
  if (parts.count > 0) {
    out.min_ = parts.min;
    out.max_ = parts.max;
  }
  const int shift = kScale - parts.scale;
  for (const Bucket& bucket : parts.buckets) {
    const int32_t index = static_cast<int32_t>(static_cast<uint32_t>(bucket.index) << shift);
    const int octave = index >> kScale;
    out.octaves_ ? out.AddToNewOctave(octave, index - octave * kPerOctave, bucket.count)
                 : out.AddToFew(index, bucket.count);
  }
  return out;
}

void Histogram::Merge(const Histogram& other) {
  scale_ = std::min(scale_, other.scale_);
  count_ += other.count_;
  zero_count_ += other.zero_count_;
  sum_ = sum_ > INT64_MAX - other.sum_ ? INT64_MAX : sum_ + other.sum_;
  min_ = std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  other.ForEachBucket([this](int32_t index, uint64_t n) {
    const int octave = index >> kScale;
    octaves_ ? AddToNewOctave(octave, index - octave * kPerOctave, n) : AddToFew(index, n);
    return true;
  });
}

Histogram& Histogram::operator=(const Histogram& other) {
  if (this != &other) {
    *this = Histogram();
    Merge(other);
  }
  return *this;
}

std::optional<Nanos> Histogram::min() const {
  return count_ ? std::optional(Nanos(min_)) : std::nullopt;
}
std::optional<Nanos> Histogram::max() const {
  return count_ ? std::optional(Nanos(max_)) : std::nullopt;
}
std::optional<Nanos> Histogram::mean() const {
  if (count_ == 0) return std::nullopt;
  return Nanos(static_cast<int64_t>(static_cast<uint64_t>(sum_) / count_));
}

std::optional<Nanos> Histogram::Quantile(double q) const {
  if (count_ == 0) return std::nullopt;
  const double wanted = std::ceil(q * static_cast<double>(count_));
  const uint64_t rank =
      std::clamp<uint64_t>(static_cast<uint64_t>(std::max(wanted, 1.0)), 1, count_);
  // The extremes are known exactly.
  if (rank == count_) return Nanos(max_);
  if (rank == 1) return Nanos(min_);
  uint64_t seen = zero_count_;
  if (rank <= seen) return Nanos(0);
  int64_t value = max_;
  ForEachBucket([&](int32_t index, uint64_t n) {
    seen += n;
    if (rank > seen) return true;
    value = std::clamp(Middle(index, scale_), min_, max_);
    return false;
  });
  return Nanos(value);
}

std::vector<Histogram::Bucket> Histogram::Buckets(int scale) const {
  assert(scale <= scale_);
  std::vector<Bucket> out;
  ForEachBucket([&](int32_t fine, uint64_t n) {
    // Halving the resolution halves the index, rounded down: >> of a negative is so.
    const int32_t index = fine >> (kScale - scale);
    if (!out.empty() && out.back().index == index) {
      out.back().count += n;
    } else {
      out.push_back({index, n});
    }
    return true;
  });
  return out;
}

uint64_t SamplesNeeded(double q) {
  return static_cast<uint64_t>(std::ceil(std::log(0.05) / std::log(q)));
}

}  // namespace wqprof
