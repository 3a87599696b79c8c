// SPDX-License-Identifier: Apache-2.0
#include "budget/statistics.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>
#include <numeric>

namespace wqprof {
namespace {

// The continued fraction of the incomplete beta function by Lentz's method; converges fast
// for x < (a + 1) / (a + b + 2).
double BetaFraction(double a, double b, double x) {
  constexpr double kTiny = 1e-300;
  const auto away_from_zero = [](double v) { return std::fabs(v) < kTiny ? kTiny : v; };
  double c = 1;
  double d = 1 / away_from_zero(1 - (a + b) * x / (a + 1));
  double result = d;
  for (int m = 1; m < 10000; ++m) {
    const double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / away_from_zero(1 + even * d);
    c = away_from_zero(1 + even / c);
    result *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / away_from_zero(1 + odd * d);
    c = away_from_zero(1 + odd / c);
    result *= d * c;
    if (std::fabs(d * c - 1) < 1e-12) break;
  }
  return result;
}

// The share of arrangements of two groups for each rank sum of the second, as counts.
// Ranks are doubled, so that those of ties are whole.
struct RankSums {
  std::vector<double> count;  // by doubled rank sum of `b`
  size_t seen = 0;            // the sum that was observed
};

std::vector<size_t> DoubledRanks(const std::vector<double>& sorted) {
  std::vector<size_t> ranks(sorted.size());
  for (size_t i = 0; i < sorted.size();) {
    size_t end = i;
    while (end < sorted.size() && sorted[end] == sorted[i]) ++end;
    for (size_t k = i; k < end; ++k) ranks[k] = i + 1 + end;  // twice the mean of i+1..end
    i = end;
  }
  return ranks;
}

RankSums CountRankSums(std::span<const double> a, std::span<const double> b) {
  std::vector<double> all(a.begin(), a.end());
  all.insert(all.end(), b.begin(), b.end());
  std::sort(all.begin(), all.end());
  const std::vector<size_t> ranks = DoubledRanks(all);
  const size_t most = std::accumulate(ranks.begin(), ranks.end(), size_t{0});
  RankSums out;
  for (const double value : b) {
    out.seen +=
        ranks[static_cast<size_t>(std::lower_bound(all.begin(), all.end(), value) - all.begin())];
  }
  // ways[k][s]: choices of k values whose ranks add up to s.
  std::vector<std::vector<double>> ways(b.size() + 1, std::vector<double>(most + 1));
  ways[0][0] = 1;
  for (const size_t rank : ranks) {
    for (size_t k = b.size(); k-- > 0;) {
      for (size_t s = most - rank + 1; s-- > 0;) ways[k + 1][s + rank] += ways[k][s];
    }
  }
  out.count = std::move(ways[b.size()]);
  return out;
}

}  // namespace

double IncompleteBeta(double a, double b, double x) {
  assert(a > 0 && b > 0);
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const double front = std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) +
                                a * std::log(x) + b * std::log1p(-x));
  if (x < (a + 1) / (a + b + 2)) return front * BetaFraction(a, b, x) / a;
  return 1 - front * BetaFraction(b, a, 1 - x) / b;
}

double StudentQuantile(double p, double df) {
  assert(p >= 0.5 && p < 1 && df > 0);
  const auto below = [df](double t) {
    return 1 - 0.5 * IncompleteBeta(df / 2, 0.5, df / (df + t * t));
  };
  double low = 0, high = 1;
  while (below(high) < p && high < 1e9) high *= 2;
  for (int i = 0; i < 80; ++i) {
    const double middle = (low + high) / 2;
    (below(middle) < p ? low : high) = middle;
  }
  return (low + high) / 2;
}

bool ShareIsAbove(double successes, double n, double share, double alpha) {
  if (successes <= 0 || n <= 0) return false;
  return IncompleteBeta(successes, n - successes + 1, share) <= alpha;
}

bool ShareIsAtMost(double successes, double n, double share, double alpha) {
  if (n <= 0 || successes >= n) return false;
  return IncompleteBeta(n - successes, successes + 1, 1 - share) <= alpha;
}

RankTest MannWhitney(std::span<const double> a, std::span<const double> b) {
  assert(!a.empty() && !b.empty() && a.size() + b.size() <= 60);
  const RankSums sums = CountRankSums(a, b);
  double all = 0, at_least = 0, at_most = 0;
  for (size_t s = 0; s < sums.count.size(); ++s) {
    all += sums.count[s];
    if (s >= sums.seen) at_least += sums.count[s];
    if (s <= sums.seen) at_most += sums.count[s];
  }
  return {at_least / all, std::min(1.0, 2 * std::min(at_least, at_most) / all)};
}

double SmallestPOneSided(size_t a, size_t b) {
  const double n = static_cast<double>(a + b);
  return std::exp(std::lgamma(static_cast<double>(a) + 1) +
                  std::lgamma(static_cast<double>(b) + 1) - std::lgamma(n + 1));
}

Shift HodgesLehmann(std::span<const double> a, std::span<const double> b, double alpha) {
  std::vector<double> differences;
  for (const double before : a) {
    for (const double after : b) differences.push_back(after - before);
  }
  std::sort(differences.begin(), differences.end());
  const size_t n = differences.size();
  Shift out;
  out.estimate = (differences[(n - 1) / 2] + differences[n / 2]) / 2;
  // The distribution of the number of pairs in which `b` is greater, without ties.
  std::vector<double> low_ranks(a.size()), high_ranks(b.size());
  std::iota(low_ranks.begin(), low_ranks.end(), 0.0);
  std::iota(high_ranks.begin(), high_ranks.end(), static_cast<double>(a.size()));
  const std::vector<double> count = CountRankSums(low_ranks, high_ranks).count;
  const double all = std::accumulate(count.begin(), count.end(), 0.0);
  const size_t least = b.size() * (b.size() + 1);  // doubled rank sum with no pair greater
  double tail = 0;
  size_t cut = 0;  // so many of the smallest (and largest) differences are refuted
  for (size_t pairs = 0; pairs < n; ++pairs) {
    tail += count[least + 2 * pairs];
    if (tail / all > alpha / 2) break;
    cut = pairs + 1;
  }
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  out.low = cut == 0 ? -kInfinite : differences[cut - 1];
  out.high = cut == 0 ? kInfinite : differences[n - cut];
  return out;
}

std::vector<double> Corrected(std::span<const double> p, Correction correction) {
  const size_t n = p.size();
  std::vector<size_t> order(n);
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t x, size_t y) { return p[x] < p[y]; });
  std::vector<double> out(n);
  double bound = correction == Correction::kHolm ? 0 : 1;
  for (size_t step = 0; step < n; ++step) {
    if (correction == Correction::kHolm) {
      const size_t i = order[step];
      bound = std::max(bound, std::min(1.0, p[i] * static_cast<double>(n - step)));
      out[i] = bound;
    } else {
      const size_t i = order[n - 1 - step];
      bound = std::min(bound, p[i] * static_cast<double>(n) / static_cast<double>(n - step));
      out[i] = bound;
    }
  }
  return out;
}

}  // namespace wqprof
