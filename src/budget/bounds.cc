// SPDX-License-Identifier: Apache-2.0
#include "budget/bounds.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "budget/statistics.h"

namespace wqprof {
namespace {

// Fewer stretches than this say little about their own variance.
constexpr size_t kLeastStretches = 6;

// A part of the evidence that counts as one draw: a stretch of time, or a run.
struct Draw {
  double n = 0;
  double value = 0;  // items beyond a duration, or a sum of durations
};

// As many as the run is long, but so many are enough however long nothing happened.
size_t BlocksOf(const RunSeries& run) {
  const auto whole =
      std::min<Nanos::rep>(run.duration / run.series->width(), BlockSeries::kMaxBlocks - 1);
  const auto& blocks = run.series->blocks();
  const size_t last = blocks.empty() ? 0 : blocks.back().index;
  return std::max(static_cast<size_t>(whole), last) + 1;
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
    std::vector<Draw> draws(BlocksOf(run));
    for (const auto& block : run.series->blocks()) draws[block.index] = DrawOf(block, value);
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

// How many independent items would say as much about the share beyond `bucket` as these do.
std::optional<Beyond> BeyondBucket(std::span<const RunSeries> runs, int32_t bucket, double alpha) {
  const auto cuts = Cuts(runs, [bucket](const BlockSeries::Block& block) {
    double beyond = 0;
    for (const auto& [b, count] : block.counts)
      beyond += b > bucket ? static_cast<double>(count) : 0;
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
  return Nanos(
      static_cast<int64_t>(std::floor(std::exp2((bucket + 1.0) / (1 << Histogram::kScale)))));
}

// The share beyond any bucket, with the number of independent items behind it.
class Tail {
 public:
  Tail(std::span<const RunSeries> runs, const std::vector<int32_t>& buckets, double n, double alpha)
      : runs_(runs), n_(n), alpha_(alpha) {
    // Where few items are left beyond, they do not show how alike neighbours are; then those
    // at the last place where enough are left do.
    const auto few = std::partition_point(buckets.begin(), buckets.end(), [this](int32_t bucket) {
      return BeyondBucket(runs_, bucket, alpha_)->share * n_ >= kEnough;
    });
    if (few != buckets.begin()) last_n_ = BeyondBucket(runs, *(few - 1), alpha)->n;
  }
  Beyond At(int32_t bucket) const {
    Beyond out = *BeyondBucket(runs_, bucket, alpha_);
    if (out.share * n_ < kEnough) out.n = std::min(out.n, last_n_.value_or(out.n));
    return out;
  }

 private:
  static constexpr double kEnough = 5;
  std::span<const RunSeries> runs_;
  double n_, alpha_;
  std::optional<double> last_n_;
};

// The cut whose mean is known worst; null when none has two draws.
const std::vector<Draw>* WidestCut(const std::vector<std::vector<Draw>>& cuts, double alpha) {
  const std::vector<Draw>* widest = nullptr;
  double most = -1;
  for (const auto& cut : cuts) {
    const size_t draws = DrawsWithItems(cut);
    if (draws < 2) continue;
    const double t = StudentQuantile(1 - alpha, static_cast<double>(draws - 1));
    const double width = t * t * RatioOf(cut).variance;
    if (width <= most) continue;
    most = width;
    widest = &cut;
  }
  return widest;
}

// How far from the truth, in standard errors, samples drawn like `cut` land; sorted.
std::vector<double> Studentised(const std::vector<Draw>& cut) {
  constexpr size_t kResamples = 2000;
  const double seen = RatioOf(cut).ratio();
  std::mt19937_64 random(kBootstrapSeed);
  std::vector<double> out;
  std::vector<Draw> drawn(cut.size());
  for (size_t r = 0; r < kResamples; ++r) {
    // Not a distribution of the library's: those differ between implementations.
    for (Draw& draw : drawn) draw = cut[random() % cut.size()];
    if (DrawsWithItems(drawn) < 2) continue;
    const Ratio again = RatioOf(drawn);
    if (again.variance > 0) out.push_back((again.ratio() - seen) / std::sqrt(again.variance));
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

Bounds QuantileBounds(std::span<const RunSeries> runs, double q, double confidence) {
  const double alpha = (1 - confidence) / 2;
  const std::vector<int32_t> buckets = BucketsOf(runs);
  if (buckets.empty() || !BeyondBucket(runs, buckets.front(), alpha)) return {};
  uint64_t n = 0;
  Nanos min = Nanos::max(), max{0};
  for (const RunSeries& run : runs) {
    n += run.series->all().count();
    min = std::min(min, run.series->all().min().value_or(Nanos::max()));
    max = std::max(max, run.series->all().max().value_or(Nanos(0)));
  }
  const Tail tail(runs, buckets, static_cast<double>(n), alpha);
  Bounds out;
  // The first bucket beyond which the share is not proven to be more than 1 - q.
  const auto low = std::partition_point(buckets.begin(), buckets.end(), [&](int32_t bucket) {
    const Beyond b = tail.At(bucket);
    return ShareIsAbove(b.share * b.n, b.n, 1 - q, alpha);
  });
  if (low != buckets.begin()) {
    out.low = UpperEdge(*(low - 1));
  } else {
    // All lie at or beyond the smallest.
    const auto all = static_cast<double>(n);
    out.low = ShareIsAbove(all, all, 1 - q, alpha) ? min : Nanos(0);
  }
  const auto high = std::partition_point(buckets.begin(), buckets.end(), [&](int32_t bucket) {
    const Beyond b = tail.At(bucket);
    return !ShareIsAtMost(b.share * b.n, b.n, 1 - q, alpha);
  });
  if (high != buckets.end()) out.high = std::min(UpperEdge(*high), max);
  return out;
}

Bounds MeanBounds(std::span<const RunSeries> runs, double confidence) {
  const double alpha = (1 - confidence) / 2;
  const auto cuts = Cuts(runs, [](const BlockSeries::Block& block) { return block.sum_ns; });
  const std::vector<Draw>* const cut = WidestCut(cuts, alpha);
  if (cut == nullptr) return {};
  const Ratio seen = RatioOf(*cut);
  const double error = std::sqrt(seen.variance);
  // Student's t is the least: a handful of draws repeats itself too often in the bootstrap.
  const double t = StudentQuantile(1 - alpha, static_cast<double>(DrawsWithItems(*cut) - 1));
  double below = t, above = t;
  if (const std::vector<double> drawn = Studentised(*cut); !drawn.empty()) {
    const auto last = static_cast<double>(drawn.size() - 1);
    below = std::max(t, drawn[static_cast<size_t>((1 - alpha) * last)]);
    above = std::max(t, -drawn[static_cast<size_t>(alpha * last)]);
  }
  return {Nanos(static_cast<int64_t>(std::max(0.0, std::floor(seen.ratio() - below * error)))),
          Nanos(static_cast<int64_t>(std::ceil(seen.ratio() + above * error)))};
}

}  // namespace wqprof
