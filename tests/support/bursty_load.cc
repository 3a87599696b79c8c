// SPDX-License-Identifier: Apache-2.0
#include "support/bursty_load.h"

#include <algorithm>
#include <cmath>

#include "wqprof/histogram.h"

namespace wqprof::testing {
namespace {

// The distributions of the standard library differ between implementations; results here
// shall not.
double Uniform(std::mt19937_64& random) {
  return (static_cast<double>(random() >> 11) + 0.5) / 0x1p53;
}
double Exponential(std::mt19937_64& random, double mean) {
  return -mean * std::log(Uniform(random));
}
double Normal(std::mt19937_64& random) {
  const double radius = std::sqrt(-2 * std::log(Uniform(random)));
  return radius * std::cos(2 * 3.141592653589793 * Uniform(random));
}

void Play(const BurstyLoad& load, std::mt19937_64& random, const TakeWork& take) {
  const double busy_s = load.state_s * load.busy_share / (1 - load.busy_share);
  bool busy = Uniform(random) < load.busy_share;
  double change = Exponential(random, busy ? busy_s : load.state_s);
  for (double t = 0;;) {
    t += Exponential(random, 1 / load.per_second);
    if (t >= load.seconds) return;
    while (t > change) {
      busy = !busy;
      change += Exponential(random, busy ? busy_s : load.state_s);
    }
    const double latency =
        load.median_ns * (busy ? load.slow : 1) * std::exp(load.spread * Normal(random));
    take(Nanos(static_cast<int64_t>(t * 1e9)), Nanos(static_cast<int64_t>(latency)));
  }
}

Nanos TrueP99(BurstyLoad load) {
  load.seconds = std::max(2e6 / load.per_second, 2000 * load.state_s);
  std::mt19937_64 random(1);
  Histogram all;
  Play(load, random, [&](Nanos, Nanos latency) { all.Add(latency); });
  return *all.Quantile(0.99);
}

}  // namespace

Load Simulated(const BurstyLoad& load) {
  return {Nanos(static_cast<int64_t>(load.seconds * 1e9)), 0.99, TrueP99(load),
          [load](std::mt19937_64& random, const TakeWork& take) { Play(load, random, take); }};
}

}  // namespace wqprof::testing
