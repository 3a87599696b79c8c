// SPDX-License-Identifier: Apache-2.0
#include "budget/bounds.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "budget/statistics.h"

namespace wqprof {
namespace {

// Fewer stretches than this tell little of their own variance.
constexpr size_t kLeastStretches = 6;

// A part of the evidence that counts as one draw: a stretch of time, or a run.
struct Draw {
  double n = 0;
  double value = 0;  // items beyond a duration, or a sum of durations
};

size_t BlocksOf(const RunSeries& run) {
  const auto whole = static_cast<size_t>(run.duration / run.series->width()) + 1;
  return std::max(whole, run.series->blocks().size());
}

// What one block adds to its draw.
template <typename F>
Draw DrawOf(const BlockSeries::Block& block, F&& value) {
  return {static_cast<double>(block.n), block.n == 0 ? 0.0 : value(block)};
}

// The evidence cut into draws in each way that is worth a try.
template <typename F>
std::vector<std::vector<Draw>> Cuts(std::span<const RunSeries> runs, F&& value) {
  std::vector<std::vector<Draw>> cuts;
  std::vector<std::vector<Draw>> by_run;
  for (const RunSeries& run : runs) {
    std::vector<Draw> draws;
    for (const auto& block : run.series->blocks()) draws.push_back(DrawOf(block, value));
    draws.resize(BlocksOf(run));
    by_run.push_back(std::move(draws));
  }
  const auto merged = [&](size_t step) {
    std::vector<Draw> cut;
    for (const auto& draws : by_run) {
      // A rest that is shorter than half a stretch joins the one before it.
      const size_t pieces = std::max<size_t>(1, (draws.size() + step / 2) / step);
      for (size_t p = 0; p < pieces; ++p) {
        Draw sum;
        const size_t end = p + 1 == pieces ? draws.size() : (p + 1) * step;
        for (size_t i = p * step; i < end; ++i) {
          sum.n += draws[i].n;
          sum.value += draws[i].value;
        }
        cut.push_back(sum);
      }
    }
    return cut;
  };
  for (size_t step = 1; step <= BlockSeries::kMaxBlocks; step *= 2) {
    auto cut = merged(step);
    if (step > 1 && cut.size() < kLeastStretches * runs.size()) break;
    cuts.push_back(std::move(cut));
  }
  if (runs.size() > 1) cuts.push_back(merged(SIZE_MAX / 4));
  return cuts;
}

size_t DrawsWithItems(const std::vector<Draw>& cut) {
  return static_cast<size_t>(
      std::count_if(cut.begin(), cut.end(), [](const Draw& d) { return d.n > 0; }));
}

// value / n over all draws, and its variance.
struct Ratio {
  double n = 0, value = 0;
  double variance = 0;
  double ratio() const { return value / n; }
};

Ratio RatioOf(const std::vector<Draw>& cut) {
  Ratio out;
  for (const Draw& d : cut) {
    out.n += d.n;
    out.value += d.value;
  }
  const auto b = static_cast<double>(DrawsWithItems(cut));
  for (const Draw& d : cut) {
    const double rest = d.value - out.ratio() * d.n;
    out.variance += rest * rest;
  }
  out.variance *= b / (b - 1) / (out.n * out.n);
  return out;
}

// Items beyond a bucket, in all and as if they were independent.
struct Beyond {
  double share = 0;
  double n = 0;
};

// How many independent items would tell as much of the share beyond `bucket` as these do.
std::optional<Beyond> BeyondBucket(std::span<const RunSeries> runs, int32_t bucket, double alpha) {
  const auto cuts = Cuts(runs, [bucket](const BlockSeries::Block& block) {
    double beyond = 0;
    for (const auto& [b, count] : block.counts) beyond += b > bucket ? static_cast<double>(count) : 0;
    return beyond;
  });
  std::optional<Beyond> least;
  for (const std::vector<Draw>& cut : cuts) {
    const size_t draws = DrawsWithItems(cut);
    if (draws < 2) continue;
    const Ratio r = RatioOf(cut);
    const double independent = r.ratio() * (1 - r.ratio());
    double n = r.n;
    if (r.variance > 0) n = std::min(n, independent / r.variance);
    const double wide = StudentQuantile(1 - alpha, static_cast<double>(draws - 1));
    const double narrow = StudentQuantile(1 - alpha, std::max(1.0, r.n - 1));
    n *= (narrow / wide) * (narrow / wide);
    if (!least || n < least->n) least = {r.ratio(), n};
  }
  return least;
}

std::vector<int32_t> BucketsOf(std::span<const RunSeries> runs) {
  std::vector<int32_t> out;
  for (const RunSeries& run : runs) {
    if (run.series->all().zero_count() > 0) out.push_back(BlockSeries::kZeroBucket);
    for (const Histogram::Bucket& b : run.series->all().Buckets()) out.push_back(b.index);
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

Nanos UpperEdge(int32_t bucket) {
  if (bucket == BlockSeries::kZeroBucket) return Nanos(0);
  return Nanos(static_cast<int64_t>(
      std::floor(std::exp2((bucket + 1.0) / (1 << Histogram::kScale)))));
}

}  // namespace

Bounds QuantileBounds(std::span<const RunSeries> runs, double q, double confidence) {
  const double alpha = (1 - confidence) / 2;
  const std::vector<int32_t> buckets = BucketsOf(runs);
  if (buckets.empty()) return {};
  Histogram all;
  for (const RunSeries& run : runs) all.Merge(run.series->all());
  const Nanos middle = *all.Quantile(q);
  const int32_t at = middle.count() == 0 ? BlockSeries::kZeroBucket
                                         : Histogram::IndexOf(middle.count());
  // Beyond the quantile few items are left to tell how alike neighbours are; they are at
  // least as alike as those at it.
  // One bucket lower: at the quantile itself nothing may lie beyond.
  const auto below = std::lower_bound(buckets.begin(), buckets.end(), at);
  const auto at_quantile =
      BeyondBucket(runs, below == buckets.begin() ? at : *(below - 1), alpha);
  if (!at_quantile) return {};
  const auto beyond = [&](int32_t bucket) {
    Beyond out = *BeyondBucket(runs, bucket, alpha);
    if (bucket >= at) out.n = std::min(out.n, at_quantile->n);
    return out;
  };
  Bounds out;
  // The first bucket beyond which the share is not proven to be more than 1 - q.
  const auto low = std::partition_point(buckets.begin(), buckets.end(), [&](int32_t bucket) {
    const Beyond b = beyond(bucket);
    return ShareIsAbove(b.share * b.n, b.n, 1 - q, alpha);
  });
  if (low != buckets.begin()) out.low = UpperEdge(*(low - 1));
  const auto high = std::partition_point(buckets.begin(), buckets.end(), [&](int32_t bucket) {
    const Beyond b = beyond(bucket);
    return !ShareIsAtMost(b.share * b.n, b.n, 1 - q, alpha);
  });
  if (high != buckets.end()) out.high = std::min(UpperEdge(*high), *all.max());
  return out;
}

Bounds MeanBounds(std::span<const RunSeries> runs, double confidence) {
  const auto cuts = Cuts(runs, [](const BlockSeries::Block& block) { return block.sum_ns; });
  const std::vector<Draw>* widest = nullptr;
  double most = -1;
  for (const auto& cut : cuts) {
    if (DrawsWithItems(cut) < 2) continue;
    const double t = StudentQuantile(1 - (1 - confidence) / 2,
                                     static_cast<double>(DrawsWithItems(cut) - 1));
    const double width = t * t * RatioOf(cut).variance;
    if (width > most) {
      most = width;
      widest = &cut;
    }
  }
  if (widest == nullptr) return {};
  const Ratio seen = RatioOf(*widest);
  const double error = std::sqrt(seen.variance);
  constexpr size_t kResamples = 2000;
  std::mt19937_64 random(kBootstrapSeed);
  std::vector<double> t;
  for (size_t r = 0; r < kResamples; ++r) {
    std::vector<Draw> drawn;
    for (size_t i = 0; i < widest->size(); ++i) drawn.push_back((*widest)[random() % widest->size()]);
    if (DrawsWithItems(drawn) < 2) continue;
    const Ratio again = RatioOf(drawn);
    const double distance = again.ratio() - seen.ratio();
    if (again.variance > 0) t.push_back(distance / std::sqrt(again.variance));
  }
  if (t.size() < kResamples / 2) return error > 0 ? Bounds{} : Bounds{Nanos(int64_t(seen.ratio())), Nanos(int64_t(seen.ratio()))};
  std::sort(t.begin(), t.end());
  const double alpha = (1 - confidence) / 2;
  const auto at = [&](double p) { return t[static_cast<size_t>(p * static_cast<double>(t.size() - 1))]; };
  const double least = StudentQuantile(1 - alpha, static_cast<double>(DrawsWithItems(*widest) - 1));
  const double low = seen.ratio() - std::max(at(1 - alpha), least) * error;
  const double high = seen.ratio() - std::min(at(alpha), -least) * error;
  return {Nanos(static_cast<int64_t>(std::max(0.0, std::floor(low)))),
          Nanos(static_cast<int64_t>(std::ceil(high)))};
}

}  // namespace wqprof
