// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <vector>

#include "wqprof/histogram.h"

namespace wqprof {
namespace {

constexpr int kRounds = 300;

// Durations as they occur: log-uniform over a random range, some zeroes, some repeats.
std::vector<int64_t> RandomValues(std::mt19937_64& random) {
  std::uniform_real_distribution<double> exponent(0, 1 + static_cast<double>(random() % 50));
  std::vector<int64_t> values(1 + random() % 2000);
  for (int64_t& v : values) v = static_cast<int64_t>(std::exp2(exponent(random)));
  for (size_t i = 0; i < values.size(); i += 50) values[i] = 0;
  return values;
}

Histogram Of(const std::vector<int64_t>& values) {
  Histogram h;
  for (const int64_t v : values) h.Add(Nanos(v));
  return h;
}

void ExpectSame(const Histogram& a, const Histogram& b) {
  EXPECT_EQ(a.count(), b.count());
  EXPECT_EQ(a.sum(), b.sum());
  EXPECT_EQ(a.min(), b.min());
  EXPECT_EQ(a.max(), b.max());
  EXPECT_EQ(a.zero_count(), b.zero_count());
  const auto x = a.Buckets(), y = b.Buckets();
  ASSERT_EQ(x.size(), y.size());
  for (size_t i = 0; i < x.size(); ++i) {
    EXPECT_EQ(x[i].index, y[i].index);
    EXPECT_EQ(x[i].count, y[i].count);
  }
}

TEST(HistogramPropertyTest, MergingCommutesAndAssociatesAndEqualsAddingAll) {
  std::mt19937_64 random(1);
  for (int round = 0; round < kRounds; ++round) {
    const auto a = RandomValues(random), b = RandomValues(random), c = RandomValues(random);
    Histogram ab = Of(a), ba = Of(b);
    ab.Merge(Of(b));
    ba.Merge(Of(a));
    ExpectSame(ab, ba);
    Histogram left = ab, right = Of(b);
    left.Merge(Of(c));
    right.Merge(Of(c));
    Histogram all = Of(a);
    all.Merge(right);
    ExpectSame(left, all);
    std::vector<int64_t> together = a;
    together.insert(together.end(), b.begin(), b.end());
    ExpectSame(ab, Of(together));
  }
}

TEST(HistogramPropertyTest, QuantilesAreOffByAtMostThreeInAThousand) {
  std::mt19937_64 random(2);
  for (int round = 0; round < kRounds; ++round) {
    std::vector<int64_t> values = RandomValues(random);
    const Histogram h = Of(values);
    std::sort(values.begin(), values.end());
    for (const double q : {0.0, 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0}) {
      const double rank = std::max(1.0, std::ceil(q * static_cast<double>(values.size())));
      const int64_t exact = values[static_cast<size_t>(rank) - 1];
      const int64_t got = h.Quantile(q)->count();
      // Half a bucket, and the rounding to whole nanoseconds.
      EXPECT_LE(std::abs(static_cast<double>(got - exact)),
                0.00272 * static_cast<double>(exact) + 0.5)
          << "q " << q << " of " << values.size();
    }
  }
}

TEST(HistogramPropertyTest, QuantilesNeverFall) {
  std::mt19937_64 random(3);
  for (int round = 0; round < kRounds; ++round) {
    const Histogram h = Of(RandomValues(random));
    Nanos last = *h.min();
    for (double q = 0; q <= 1; q += 0.01) {
      EXPECT_GE(*h.Quantile(q), last);
      last = *h.Quantile(q);
    }
    EXPECT_LE(last, *h.max());
  }
}

// 2^(i / 2^scale) < value <= 2^((i + 1) / 2^scale), but for the rounding of the test itself.
TEST(HistogramPropertyTest, IndicesAreThoseOfTheExponentialLayout) {
  std::mt19937_64 random(4);
  for (int round = 0; round < 200000; ++round) {
    const auto value = static_cast<int64_t>(random() >> (1 + random() % 62)) | 1;
    const long double position = std::log2(static_cast<long double>(value)) * 128;
    const auto expected = static_cast<int32_t>(std::ceil(position)) - 1;
    const int32_t got = Histogram::IndexOf(value);
    if (std::abs(position - std::round(position)) > 1e-9L) {
      ASSERT_EQ(got, expected) << value;
    } else {
      ASSERT_LE(std::abs(got - expected), 1) << value;
    }
  }
}

TEST(HistogramPropertyTest, ACoarserScaleIsExactlyTheSumOfItsFinerBuckets) {
  std::mt19937_64 random(5);
  for (int round = 0; round < kRounds; ++round) {
    const std::vector<int64_t> values = RandomValues(random);
    const Histogram h = Of(values);
    for (int scale = 0; scale < Histogram::kScale; ++scale) {
      std::map<int32_t, uint64_t> expected;
      for (const int64_t v : values) {
        if (v > 0) ++expected[Histogram::IndexOf(v) >> (Histogram::kScale - scale)];
      }
      std::map<int32_t, uint64_t> got;
      for (const Histogram::Bucket& b : h.Buckets(scale)) got[b.index] = b.count;
      ASSERT_EQ(got, expected) << "scale " << scale;
    }
  }
}

}  // namespace
}  // namespace wqprof
