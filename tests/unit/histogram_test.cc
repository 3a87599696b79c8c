// SPDX-License-Identifier: Apache-2.0
#include "wqprof/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace wqprof {
namespace {

using namespace std::chrono_literals;

TEST(HistogramTest, EmptyHasNoValuesRatherThanZeroes) {
  const Histogram h;
  EXPECT_EQ(h.count(), 0u);
  EXPECT_EQ(h.sum(), 0ns);
  EXPECT_EQ(h.min(), std::nullopt);
  EXPECT_EQ(h.max(), std::nullopt);
  EXPECT_EQ(h.mean(), std::nullopt);
  EXPECT_EQ(h.Quantile(0.5), std::nullopt);
  EXPECT_TRUE(h.Buckets().empty());
}

TEST(HistogramTest, OneValueIsEveryQuantileExactly) {
  Histogram h;
  h.Add(123456789ns);
  for (const double q : {0.0, 0.001, 0.5, 0.99, 1.0}) EXPECT_EQ(h.Quantile(q), 123456789ns);
  EXPECT_EQ(h.min(), 123456789ns);
  EXPECT_EQ(h.max(), 123456789ns);
  EXPECT_EQ(h.mean(), 123456789ns);
}

TEST(HistogramTest, ZeroIsAValueOfItsOwn) {
  Histogram h;
  h.AddTimes(0ns, 3);
  h.Add(8ns);
  EXPECT_EQ(h.count(), 4u);
  EXPECT_EQ(h.zero_count(), 3u);
  EXPECT_EQ(h.min(), 0ns);
  EXPECT_EQ(h.Quantile(0.5), 0ns);
  EXPECT_EQ(h.Quantile(1.0), 8ns);
  EXPECT_EQ(h.Buckets().size(), 1u) << "zero is in no bucket";
}

TEST(HistogramTest, CountSumMinAndMaxAreExact) {
  Histogram h;
  int64_t sum = 0;
  for (int64_t v = 1; v < 100000; v += 7) {
    h.Add(Nanos(v));
    sum += v;
  }
  EXPECT_EQ(h.sum(), Nanos(sum));
  EXPECT_EQ(h.min(), 1ns);
  EXPECT_EQ(h.mean(), Nanos(sum / static_cast<int64_t>(h.count())));
}

TEST(HistogramTest, AnyNumberOfValuesMayBeInABucket) {
  constexpr uint64_t kMany = uint64_t{1} << 32;
  Histogram h;
  h.AddTimes(1us, kMany - 1);
  h.AddTimes(3us, kMany);
  for (int i = 0; i < 20; ++i) h.Add(1ms * (1 << i));  // more buckets than a list takes
  h.Add(1us);
  h.AddTimes(5us, 2 * kMany + 7);
  h.AddTimes(1ns, kMany);
  const auto in = [](const Histogram& all, Nanos value) {
    uint64_t count = 0;
    for (const auto& [index, n] : all.Buckets()) {
      if (index == Histogram::IndexOf(value.count())) count += n;
    }
    return count;
  };
  Histogram twice = h;
  twice.Merge(h);
  for (const auto& [value, count] : {std::pair{Nanos(1us), kMany},
                                     {3us, kMany},
                                     {5us, 2 * kMany + 7},
                                     {1ns, kMany},
                                     {2ms, uint64_t{1}}}) {
    EXPECT_EQ(in(h, value), count) << value.count();
    EXPECT_EQ(in(twice, value), 2 * count) << value.count();
  }
  const auto buckets = h.Buckets();
  EXPECT_TRUE(std::is_sorted(buckets.begin(), buckets.end(),
                             [](const auto& a, const auto& b) { return a.index < b.index; }));
  EXPECT_NEAR(static_cast<double>(h.Quantile(0.5)->count()), 3000, 9);
}

TEST(HistogramTest, APowerOfTwoEndsItsBucket) {
  EXPECT_EQ(Histogram::IndexOf(1), -1);
  EXPECT_EQ(Histogram::IndexOf(2), 127);
  EXPECT_EQ(Histogram::IndexOf(4), 255);
  for (int k = 2; k < 62; ++k) {
    const int64_t power = int64_t{1} << k;
    EXPECT_EQ(Histogram::IndexOf(power), k * 128 - 1) << k;
    if (k > 8) {
      EXPECT_EQ(Histogram::IndexOf(power + 1), k * 128) << k;
    }
  }
}

TEST(HistogramTest, AllPositiveNumbersHaveABucket) {
  EXPECT_EQ(Histogram::IndexOf(INT64_MAX), 63 * 128 - 1);
  Histogram h;
  h.Add(Nanos(INT64_MAX));
  EXPECT_EQ(h.Quantile(0.5), Nanos(INT64_MAX));
}

TEST(HistogramTest, TheSumStopsAtTheLargestNumber) {
  Histogram h;
  h.AddTimes(Nanos(INT64_MAX / 2), 5);
  EXPECT_EQ(h.sum(), Nanos(INT64_MAX));
  Histogram other = h;
  other.Merge(h);
  EXPECT_EQ(other.sum(), Nanos(INT64_MAX));
  EXPECT_EQ(other.count(), 10u);
}

TEST(HistogramTest, AddingManyTimesIsAddingOnceEach) {
  Histogram a, b;
  a.AddTimes(77ns, 5);
  a.AddTimes(88ns, 0);
  for (int i = 0; i < 5; ++i) b.Add(77ns);
  EXPECT_EQ(a.count(), b.count());
  EXPECT_EQ(a.sum(), b.sum());
  EXPECT_EQ(a.max(), 77ns);
}

TEST(HistogramTest, QuantilesAreOfTheNearestRank) {
  Histogram h;
  for (int i = 1; i <= 100; ++i) h.Add(Nanos(i * 1000000));
  const auto near = [&](double q, int64_t value) {
    const double got = static_cast<double>(h.Quantile(q)->count());
    return std::abs(got / static_cast<double>(value) - 1) < 0.003;
  };
  EXPECT_TRUE(near(0.5, 50000000));
  EXPECT_TRUE(near(0.9, 90000000));
  EXPECT_TRUE(near(0.99, 99000000));
  EXPECT_EQ(h.Quantile(1.0), 100ms);
  EXPECT_EQ(h.Quantile(0.0), 1ms);
}

TEST(HistogramTest, BucketsAscendAndHoldAllButTheZeroes) {
  Histogram h;
  for (int64_t v = 0; v < 5000; v += 3) h.Add(Nanos(v));
  for (const int scale : {7, 6, 4, 2, 0}) {
    uint64_t total = 0;
    int32_t last = INT32_MIN;
    for (const Histogram::Bucket& b : h.Buckets(scale)) {
      EXPECT_GT(b.index, last);
      EXPECT_GT(b.count, 0u);
      last = b.index;
      total += b.count;
    }
    EXPECT_EQ(total + h.zero_count(), h.count());
  }
}

// A trace may have any number of functions, each seen once or twice.
TEST(HistogramTest, AFewValuesAreToldLikeMany) {
  EXPECT_LE(sizeof(Histogram), 128u);
  Histogram few, many;
  for (const int64_t v : {1, 700, 3, 1 << 30, 3, 0, 12345}) few.Add(Nanos(v));
  EXPECT_EQ(few.count(), 7u);
  EXPECT_EQ(few.min(), 0ns);
  EXPECT_EQ(few.max(), Nanos(1 << 30));
  std::vector<int32_t> indices;
  for (const Histogram::Bucket& b : few.Buckets()) indices.push_back(b.index);
  EXPECT_TRUE(std::is_sorted(indices.begin(), indices.end()));
  EXPECT_EQ(indices.size(), 5u);
  for (int64_t v = 1; v < 2000; v += 7) many.Add(Nanos(v));
  Histogram one = few, other = many;
  one.Merge(many);
  other.Merge(few);
  ASSERT_EQ(one.count(), other.count());
  for (const double q : {0.0, 0.1, 0.5, 0.9, 0.99, 1.0})
    EXPECT_EQ(one.Quantile(q), other.Quantile(q));
  ASSERT_EQ(one.Buckets().size(), other.Buckets().size());
}

TEST(HistogramTest, ACopyIsIndependent) {
  Histogram a;
  a.Add(5ns);
  Histogram b = a;
  b.Add(7ns);
  EXPECT_EQ(a.count(), 1u);
  a = b;
  EXPECT_EQ(a.count(), 2u);
  Histogram& same = a;
  a = same;
  EXPECT_EQ(a.count(), 2u);
  EXPECT_EQ(a.max(), 7ns);
}

TEST(SamplesNeededTest, AreThoseOfThe95PercentRule) {
  EXPECT_EQ(SamplesNeeded(0.95), 59u);
  EXPECT_EQ(SamplesNeeded(0.99), 299u);
  EXPECT_EQ(SamplesNeeded(0.999), 2995u);
}

TEST(Histogram, IsMadeOfCoarserBuckets) {
  Histogram fine;
  for (int64_t ns = 1; ns < 2000; ns += 7) fine.Add(Nanos(ns * ns));
  fine.Add(Nanos(0));
  const Histogram coarse =
      Histogram::Of({4, fine.count(), fine.zero_count(), fine.sum().count(), fine.min()->count(),
                     fine.max()->count(), fine.Buckets(4)});
  EXPECT_EQ(coarse.scale(), 4);
  ASSERT_EQ(coarse.Buckets().size(), fine.Buckets(4).size());
  EXPECT_EQ(coarse.Buckets(2).size(), fine.Buckets(2).size());
  for (const double q : {0.1, 0.5, 0.99}) {
    const auto value = static_cast<double>(coarse.Quantile(q)->count());
    EXPECT_NEAR(value / static_cast<double>(fine.Quantile(q)->count()), 1, 0.025) << q;
  }
  Histogram sum = fine;
  sum.Merge(coarse);
  EXPECT_EQ(sum.scale(), 4);
  EXPECT_EQ(sum.count(), 2 * fine.count());
}

}  // namespace
}  // namespace wqprof
