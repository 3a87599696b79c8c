// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TESTS_SUPPORT_BURSTY_LOAD_H_
#define WQPROF_TESTS_SUPPORT_BURSTY_LOAD_H_

#include "support/load.h"

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
};

// Runs of it.  Their true p99 is that of a very long run.
Load Simulated(const BurstyLoad& load);

}  // namespace wqprof::testing

#endif  // WQPROF_TESTS_SUPPORT_BURSTY_LOAD_H_
