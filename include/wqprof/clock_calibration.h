// SPDX-License-Identifier: Apache-2.0
// A trace clock that counts cycles, held against CLOCK_MONOTONIC.
#ifndef WQPROF_CLOCK_CALIBRATION_H_
#define WQPROF_CLOCK_CALIBRATION_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "wqprof/types.h"

namespace wqprof {

// Both clocks at one moment.
struct ClockReading {
  uint64_t cycles = 0, ns = 0;
  bool operator==(const ClockReading&) const = default;
};

// The straight line nearest to readings: (cycles * mult >> shift) + offset.  mult 0: none is known.
struct ClockLine {
  uint32_t mult = 0, shift = 0;
  int64_t offset = 0;
  Nanos error{0};  // the largest at a reading
};

// How cycles become nanoseconds.
struct ClockCalibration {
  std::vector<ClockReading> readings;  // rising; what lies between two is on a straight line
  // The largest that is known of; absent: nothing is known, as the recording goes on.
  std::optional<Nanos> error;
  ClockLine line;  // for readers that know but one
};

// Of readings that rise, each at most `uncertainty` off.  Where the rate of CLOCK_MONOTONIC changed
// between two of them, as when the time of day is corrected, a reading is put in where the lines
// before and behind meet.  Without two readings it is empty.
ClockCalibration Calibrate(std::vector<ClockReading> readings, Nanos uncertainty);

}  // namespace wqprof

#endif  // WQPROF_CLOCK_CALIBRATION_H_
