// SPDX-License-Identifier: Apache-2.0
#include "wqprof/clock_calibration.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>

namespace wqprof {
namespace {

// A bow of a stretch that is smaller is as well noise of its ends.
constexpr double kSmallBowNs = 200;
// A change of the rate so near to a reading happened there.
constexpr double kEdge = 0.02;
// What readers of the format can shift by.
constexpr uint32_t kLargestShift = 32;

double CyclesBetween(const ClockReading& a, const ClockReading& b) {
  return static_cast<double>(b.cycles - a.cycles);
}

double NsBetween(const ClockReading& a, const ClockReading& b) {
  return static_cast<double>(static_cast<int64_t>(b.ns - a.ns));
}

double Rate(const ClockReading& a, const ClockReading& b) {
  return NsBetween(a, b) / CyclesBetween(a, b);
}

// The rates in a stretch and in those beside it; at either end its own.
struct Rates {
  double before, here, behind;

  Rates(std::span<const ClockReading> readings, size_t i)
      : before(0), here(Rate(readings[i], readings[i + 1])), behind(0) {
    const bool first = i == 0, last = i + 2 == readings.size();
    before = first ? here : Rate(readings[i - 1], readings[i]);
    behind = last ? here : Rate(readings[i + 1], readings[i + 2]);
    if (first) before = behind;
    if (last) behind = before;
  }

  // If the rate changed once in the stretch, its straight line is at most so far off.
  double BowNs(const ClockReading& begin, const ClockReading& end) const {
    return std::min(std::abs(before - here), std::abs(here - behind)) * CyclesBetween(begin, end);
  }

  // At which share of the stretch the rate changed, where it did once.
  std::optional<double> Bend() const {
    const double share = (here - behind) / (before - behind);
    return share > kEdge && share < 1 - kEdge ? std::optional(share) : std::nullopt;
  }
};

// A short stretch at the end has no rate that is worth anything.
void DropShortEnd(std::vector<ClockReading>& readings) {
  if (readings.size() < 3) return;
  const ClockReading* const last = &readings.back();
  if (CyclesBetween(last[-1], last[0]) < CyclesBetween(last[-2], last[-1]) / 4) {
    readings.erase(readings.end() - 2);
  }
}

// Adds the bends; returns the largest bow that stays.
double AddBends(std::vector<ClockReading>& readings) {
  std::vector<ClockReading> out;
  out.reserve(readings.size());
  double largest = 0;
  for (size_t i = 0; i + 1 < readings.size(); ++i) {
    const ClockReading &begin = readings[i], &end = readings[i + 1];
    out.push_back(begin);
    const Rates rates(readings, i);
    const double bow = rates.BowNs(begin, end);
    const auto bend = bow > kSmallBowNs ? rates.Bend() : std::nullopt;
    if (!bend) {
      largest = std::max(largest, bow);
      continue;
    }
    const double cycles = *bend * CyclesBetween(begin, end);
    out.push_back({begin.cycles + static_cast<uint64_t>(cycles),
                   begin.ns + static_cast<uint64_t>(std::max(rates.before * cycles, 0.0))});
  }
  out.push_back(readings.back());
  readings = std::move(out);
  return largest;
}

// By least squares.
double BestRate(std::span<const ClockReading> readings) {
  const ClockReading& first = readings.front();
  const auto n = static_cast<double>(readings.size());
  double mean_cycles = 0, mean_ns = 0, products = 0, squares = 0;
  for (const ClockReading& r : readings) {
    mean_cycles += CyclesBetween(first, r) / n;
    mean_ns += NsBetween(first, r) / n;
  }
  for (const ClockReading& r : readings) {
    const double cycles = CyclesBetween(first, r) - mean_cycles;
    products += cycles * (NsBetween(first, r) - mean_ns);
    squares += cycles * cycles;
  }
  return products / squares;
}

ClockLine BestLine(std::span<const ClockReading> readings) {
  ClockLine out;
  const double rate = BestRate(readings);
  out.shift = kLargestShift;
  while (out.shift > 0 && std::ldexp(rate, static_cast<int>(out.shift)) >= UINT32_MAX) --out.shift;
  const double mult = std::round(std::ldexp(rate, static_cast<int>(out.shift)));
  if (!(mult >= 1 && mult <= UINT32_MAX)) return {};
  out.mult = static_cast<uint32_t>(mult);
  int64_t least = INT64_MAX, most = INT64_MIN;
  for (const ClockReading& r : readings) {
    const auto scaled =
        static_cast<uint64_t>(static_cast<unsigned __int128>(r.cycles) * out.mult >> out.shift);
    const auto off = static_cast<int64_t>(r.ns - scaled);
    least = std::min(least, off);
    most = std::max(most, off);
  }
  out.offset = least + (most - least) / 2;
  out.error = Nanos((most - least + 1) / 2);
  return out;
}

}  // namespace

ClockCalibration Calibrate(std::vector<ClockReading> readings, Nanos uncertainty) {
  ClockCalibration out;
  if (readings.size() < 2) return out;
  DropShortEnd(readings);
  const double bow = AddBends(readings);
  out.line = BestLine(readings);
  out.line.error += uncertainty;
  out.error = uncertainty + Nanos(static_cast<int64_t>(std::ceil(bow)));
  out.readings = std::move(readings);
  return out;
}

}  // namespace wqprof
