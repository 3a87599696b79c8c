// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TRACE_TIME_SCALE_H_
#define WQPROF_TRACE_TIME_SCALE_H_

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "wqprof/clock_calibration.h"
#include "wqprof/types.h"

namespace wqprof {

// From the trace's raw stamps to nanoseconds: along one line, raw * mult >> shift + offset, or
// along a curve of straight stretches.
struct TimeScale {
  // The stamps from `begin` on, so many of them.
  struct Stretch {
    uint64_t begin = 0, length = 0;
    uint64_t ns = 0, mult = 1;
    uint32_t shift = 0;

    bool Holds(uint64_t raw) const { return raw - begin < length; }
    // Wraps like the kernel's own u64 stamps; a hostile one must not be an overflow of ours.
    Timestamp At(uint64_t raw) const {
      const auto behind =
          static_cast<uint64_t>(static_cast<unsigned __int128>(raw - begin) * mult >> shift);
      return Timestamp(Nanos(static_cast<int64_t>(ns + behind)));
    }
  };

  uint32_t mult = 1;
  uint32_t shift = 0;
  int64_t offset = 0;
  std::vector<Stretch> curve;  // one behind the other, of all stamps; empty: the line it is

  bool scales() const { return mult != 1 || shift != 0 || !curve.empty(); }
  // Where `raw` is.
  Stretch StretchOf(uint64_t raw) const;
  Timestamp At(uint64_t raw) const { return StretchOf(raw).At(raw); }
};

// The curve through readings; before the first and behind the last it goes on straight.  Empty
// where they are fewer than two, do not rise, or rise at a rate that no clock has.
std::vector<TimeScale::Stretch> CurveThrough(std::span<const ClockReading> readings);

}  // namespace wqprof

#endif  // WQPROF_TRACE_TIME_SCALE_H_
