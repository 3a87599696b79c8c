// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TESTS_SUPPORT_SIMULATED_LOSS_H_
#define WQPROF_TESTS_SUPPORT_SIMULATED_LOSS_H_

#include <cstdint>
#include <span>
#include <vector>

#include "wqprof/event.h"

namespace wqprof::testing {

// How a ring buffer loses events: runs of one CPU's events, overwritten or dropped.
struct LossOptions {
  uint64_t seed = 1;
  int runs = 4;
  size_t longest = 30;  // events in a run
  bool marked = true;   // the gaps are told, as the kernel does
};

// The events that are left.  A marked gap lasts from the last event that its CPU kept before
// it to the first one after it, as a reader of its pages knows it.
std::vector<Event> LoseEvents(std::span<const Event> events, const LossOptions& options);

}  // namespace wqprof::testing

#endif  // WQPROF_TESTS_SUPPORT_SIMULATED_LOSS_H_
