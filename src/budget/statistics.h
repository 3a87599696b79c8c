// SPDX-License-Identifier: Apache-2.0
// The few functions of statistics that verdicts need.
#ifndef WQPROF_BUDGET_STATISTICS_H_
#define WQPROF_BUDGET_STATISTICS_H_

#include <cstdint>
#include <span>
#include <vector>

namespace wqprof {

// The share of the beta distribution (a, b) below `x`: 0 at x = 0, 1 at x = 1.
// REQUIRES: a > 0, b > 0.
double IncompleteBeta(double a, double b, double x);

// The value below which Student's t with `df` degrees of freedom lies with probability `p`
// in [0.5, 1).
double StudentQuantile(double p, double df);

// Whether so many successes out of `n` prove, at error `alpha`, that their true share is
// above (below or at) `share`: Clopper and Pearson's bounds, for fractional counts too.
bool ShareIsAbove(double successes, double n, double share, double alpha);
bool ShareIsAtMost(double successes, double n, double share, double alpha);

// How two groups of runs differ, by ranks alone.  Exact for any ties.
struct RankTest {
  double greater = 1;  // p: `b` is no greater than `a`
  double two_sided = 1;
};
// REQUIRES: neither is empty; both together at most 60 values.
RankTest MannWhitney(std::span<const double> a, std::span<const double> b);
// The smallest p that so many runs can reach at all.
double SmallestPOneSided(size_t a, size_t b);

// By how much `b` exceeds `a`: the median of all differences, and the interval that the rank
// test does not refute at error `alpha`.  Bounds are infinite when the runs are too few.
struct Shift {
  double estimate = 0;
  double low = 0, high = 0;
};
Shift HodgesLehmann(std::span<const double> a, std::span<const double> b, double alpha);

// How many hypotheses at once are paid for.
enum class Correction : uint8_t { kHolm, kBenjaminiHochberg };
// The p values as they stand after the correction, in the same order.
std::vector<double> Corrected(std::span<const double> p, Correction correction);

}  // namespace wqprof

#endif  // WQPROF_BUDGET_STATISTICS_H_
