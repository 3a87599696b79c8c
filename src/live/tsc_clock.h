// SPDX-License-Identifier: Apache-2.0
// The clock x86-tsc: when to use it, and what its cycles mean.
#ifndef WQPROF_LIVE_TSC_CLOCK_H_
#define WQPROF_LIVE_TSC_CLOCK_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "live/tracefs.h"
#include "wqprof/clock_calibration.h"

namespace wqprof {

// The name of the clock that `auto` stands for: x86-tsc, which is read in the least time, where the
// kernel itself measures time by it; else mono.
std::string BestClock(const Tracefs& tracefs);

// Reads the TSC beside CLOCK_MONOTONIC while something is recorded.  In long recordings it does so
// less often, so that the number of readings has a bound.
class TscClock {
 public:
  using Clock = std::chrono::steady_clock;

  // Absent where there is no TSC.
  static std::optional<TscClock> Create();

  // Takes a reading; some are taken, and the least disturbed one kept.
  void Read();
  // When the next one should be taken.
  Clock::time_point due() const { return due_; }
  const ClockReading& last() const { return readings_.back(); }
  // By the readings so far.
  ClockCalibration Calibration() const;

 private:
  std::vector<ClockReading> readings_;
  uint64_t widest_ = 0;  // cycles that a reading took which was kept
  Clock::duration period_ = std::chrono::milliseconds(250);
  Clock::time_point due_;
};

}  // namespace wqprof

#endif  // WQPROF_LIVE_TSC_CLOCK_H_
