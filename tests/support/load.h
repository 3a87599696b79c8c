// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TESTS_SUPPORT_LOAD_H_
#define WQPROF_TESTS_SUPPORT_LOAD_H_

#include <functional>
#include <random>

#include "wqprof/types.h"

namespace wqprof::testing {

// Takes one work of a run: when it started, since the run began, and how long it had waited.
using TakeWork = std::function<void(Nanos at, Nanos latency)>;

// What runs are drawn from, with the truth that verdicts on such runs are held against.
struct Load {
  Nanos duration{0};  // of a run
  double quantile = 0.99;
  Nanos truth{0};  // the quantile of all that could be drawn
  std::function<void(std::mt19937_64& random, const TakeWork& take)> play;  // one run
};

}  // namespace wqprof::testing

#endif  // WQPROF_TESTS_SUPPORT_LOAD_H_
