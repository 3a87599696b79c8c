// SPDX-License-Identifier: Apache-2.0
#include "trace/time_scale.h"

#include <algorithm>
#include <cstddef>
#include <iterator>

namespace wqprof {
namespace {

constexpr uint32_t kShift = 48;                    // so fine that no rounding is seen in days
constexpr uint64_t kMostMult = uint64_t{1} << 60;  // a cycle of 4 us

}  // namespace

TimeScale::Stretch TimeScale::StretchOf(uint64_t raw) const {
  if (curve.empty()) return {0, UINT64_MAX, static_cast<uint64_t>(offset), mult, shift};
  const auto behind = std::upper_bound(curve.begin() + 1, curve.end(), raw,
                                       [](uint64_t at, const Stretch& s) { return at < s.begin; });
  return *std::prev(behind);
}

std::vector<TimeScale::Stretch> CurveThrough(std::span<const ClockReading> readings) {
  std::vector<TimeScale::Stretch> out;
  if (readings.size() < 2) return out;
  out.reserve(readings.size() - 1);
  for (size_t i = 0; i + 1 < readings.size(); ++i) {
    const ClockReading &a = readings[i], &b = readings[i + 1];
    if (a.cycles >= b.cycles || a.ns >= b.ns) return {};
    const uint64_t cycles = b.cycles - a.cycles;
    const unsigned __int128 mult = (static_cast<unsigned __int128>(b.ns - a.ns) << kShift) / cycles;
    if (mult == 0 || mult > kMostMult) return {};
    out.push_back({a.cycles, cycles, a.ns, static_cast<uint64_t>(mult), kShift});
  }
  TimeScale::Stretch& first = out.front();
  first.ns -=
      static_cast<uint64_t>(static_cast<unsigned __int128>(first.begin) * first.mult >> kShift);
  first.length += first.begin;
  first.begin = 0;
  out.back().length = UINT64_MAX - out.back().begin;
  return out;
}

}  // namespace wqprof
