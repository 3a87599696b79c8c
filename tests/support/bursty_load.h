// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TESTS_SUPPORT_BURSTY_LOAD_H_
#define WQPROF_TESTS_SUPPORT_BURSTY_LOAD_H_

#include <functional>
#include <random>

#include "wqprof/types.h"

namespace wqprof::testing {

// A machine that is idle and busy in turn: while it is busy, all works wait longer.  So do
// real ones, and that makes neighbours in time alike.
struct BurstyLoad {
  double state_s = 0.2;      // mean length of an idle time
  double slow = 8;           // latency when busy, over that when idle
  double busy_share = 0.5;   // of the time
  double per_second = 1000;  // works
  double seconds = 10;       // of a run
  double median_ns = 20e3;   // latency when idle
  double spread = 0.6;       // of its logarithm

  Nanos duration() const { return Nanos(static_cast<int64_t>(seconds * 1e9)); }
};

// Calls `add` with each work of one run: when it started, and how long it had waited.
void Play(const BurstyLoad& load, std::mt19937_64& random,
          const std::function<void(Nanos at, Nanos latency)>& add);

// The latency below which a share `q` of the load's works lies, found in a very long run.
Nanos TrueQuantile(const BurstyLoad& load, double q);

}  // namespace wqprof::testing

#endif  // WQPROF_TESTS_SUPPORT_BURSTY_LOAD_H_
