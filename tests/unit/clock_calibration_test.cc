// SPDX-License-Identifier: Apache-2.0
// Cycles of a clock, held against one that is corrected while they are counted.
#include "wqprof/clock_calibration.h"

#include <gtest/gtest.h>

#include <cmath>
#include <utility>
#include <vector>

#include "trace/time_scale.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

// A machine that has counted for a year, 3 cycles a nanosecond.
constexpr double kCyclesPerNs = 3;
constexpr uint64_t kFirstCycles = 95'000'000'000'000'000, kFirstNs = 31'000'000'000'000'000;
constexpr double kSecond = 1e9;

// CLOCK_MONOTONIC whose rate is corrected: from so many ns after the first reading on, it runs by
// so many millionths faster than the cycles.
class CorrectedClock {
 public:
  explicit CorrectedClock(std::vector<std::pair<double, double>> changes)
      : changes_(std::move(changes)) {}

  ClockReading At(double since_first) const {
    double ns = since_first;
    for (size_t i = 0; i < changes_.size(); ++i) {
      const auto [from, millionths] = changes_[i];
      const double to = i + 1 < changes_.size() ? changes_[i + 1].first : since_first;
      ns += std::max(std::min(to, since_first) - from, 0.0) * millionths / 1e6;
    }
    return {kFirstCycles + static_cast<uint64_t>(std::llround(since_first * kCyclesPerNs)),
            kFirstNs + static_cast<uint64_t>(std::llround(ns))};
  }
  std::vector<ClockReading> Every(double period, double until) const {
    std::vector<ClockReading> out;
    for (int i = 0; i * period <= until; ++i) out.push_back(At(i * period));
    return out;
  }

 private:
  std::vector<std::pair<double, double>> changes_;
};

// How far the times of a calibration, and those of its line, are at most from the clock's.
struct Distance {
  double curve = 0, line = 0;
};
Distance DistanceOf(const ClockCalibration& calibration, const CorrectedClock& clock,
                    double until) {
  TimeScale curve, line{calibration.line.mult, calibration.line.shift, calibration.line.offset, {}};
  curve.curve = CurveThrough(calibration.readings);
  EXPECT_FALSE(curve.curve.empty());
  Distance out;
  for (double at = 0; at <= until; at += 1e6) {
    const ClockReading truth = clock.At(at);
    const auto off = [&truth](const TimeScale& scale) {
      const auto ns = static_cast<uint64_t>(scale.At(truth.cycles).time_since_epoch().count());
      return std::abs(static_cast<double>(static_cast<int64_t>(ns - truth.ns)));
    };
    out.curve = std::max(out.curve, off(curve));
    out.line = std::max(out.line, off(line));
  }
  return out;
}

TEST(ClockCalibrationTest, ASteadyClockIsALine) {
  const CorrectedClock clock({{0, 20}});
  const ClockCalibration calibration = Calibrate(clock.Every(kSecond / 4, 60 * kSecond), 40ns);
  const Distance distance = DistanceOf(calibration, clock, 61 * kSecond);
  EXPECT_LE(distance.curve, 2);
  EXPECT_LE(distance.line, 100);  // a factor of 32 bits
  EXPECT_EQ(calibration.readings.size(), 241u);
  ASSERT_TRUE(calibration.error);
  EXPECT_GE(*calibration.error, 40ns);
  EXPECT_LE(*calibration.error, 50ns);
  EXPECT_LE(calibration.line.shift, 32u);
}

TEST(ClockCalibrationTest, AChangeOfTheRateIsFoundBetweenReadings) {
  for (const double share : {0.1, 0.3, 0.5, 0.9}) {
    const CorrectedClock clock({{0, 0}, {(20 + share) * kSecond / 4, 500}, {8 * kSecond, -300}});
    const ClockCalibration calibration = Calibrate(clock.Every(kSecond / 4, 10 * kSecond), 40ns);
    const Distance distance = DistanceOf(calibration, clock, 10 * kSecond);
    EXPECT_LE(distance.curve, 20) << share;
    EXPECT_EQ(calibration.readings.size(), 42u);
    ASSERT_TRUE(calibration.error);
    EXPECT_LE(*calibration.error, 100ns);
    EXPECT_GT(distance.line, 10'000);
    EXPECT_LE(distance.line, static_cast<double>(calibration.line.error.count()));
  }
}

TEST(ClockCalibrationTest, WhatCannotBeFoundIsInTheError) {
  // Changes in three stretches one behind the other, and in the last one.
  const CorrectedClock clock({{0, 0},
                              {1.1 * kSecond, 100},
                              {1.35 * kSecond, -100},
                              {1.6 * kSecond, 200},
                              {4.9 * kSecond, 0}});
  const ClockCalibration calibration = Calibrate(clock.Every(kSecond / 4, 5 * kSecond), 0ns);
  const Distance distance = DistanceOf(calibration, clock, 5 * kSecond);
  ASSERT_TRUE(calibration.error);
  EXPECT_GT(distance.curve, 1000);
  EXPECT_LE(distance.curve, static_cast<double>(calibration.error->count()));
}

TEST(ClockCalibrationTest, AShortStretchAtTheEndIsJoinedToTheOneBefore) {
  const CorrectedClock clock({{0, 0}});
  std::vector<ClockReading> readings = clock.Every(kSecond / 4, kSecond);
  ClockReading late = clock.At(1.001 * kSecond);
  late.ns += 60;  // by a millisecond alone the clock would run 60 millionths too fast
  readings.push_back(late);
  const ClockCalibration calibration = Calibrate(readings, 60ns);
  EXPECT_EQ(calibration.readings.size(), 5u);
  EXPECT_EQ(calibration.readings.back(), late);
}

TEST(ClockCalibrationTest, OneReadingIsNone) {
  EXPECT_TRUE(Calibrate({}, 1ns).readings.empty());
  const ClockCalibration one = Calibrate({{1, 2}}, 1ns);
  EXPECT_TRUE(one.readings.empty());
  EXPECT_EQ(one.error, std::nullopt);
  EXPECT_EQ(one.line.mult, 0u);
}

TEST(ClockCalibrationTest, TwoReadingsAreALine) {
  const ClockCalibration two = Calibrate({{1000, 2000}, {2000, 3000}}, 5ns);
  EXPECT_EQ(two.readings.size(), 2u);
  EXPECT_EQ(two.error, 5ns);
  EXPECT_LE(two.line.error, 7ns);
}

TEST(ClockCalibrationTest, ACurveGoesOnBeforeAndBehindItsReadings) {
  const std::vector<ClockReading> readings = {{1000, 5000}, {2000, 7000}, {3000, 8000}};
  TimeScale scale;
  scale.curve = CurveThrough(readings);
  EXPECT_EQ(scale.At(0), Timestamp(3000ns));
  EXPECT_EQ(scale.At(1000), Timestamp(5000ns));
  EXPECT_EQ(scale.At(1999), Timestamp(6998ns));
  EXPECT_EQ(scale.At(2000), Timestamp(7000ns));
  EXPECT_EQ(scale.At(2500), Timestamp(7500ns));
  EXPECT_EQ(scale.At(4000), Timestamp(9000ns));
}

}  // namespace
}  // namespace wqprof::testing
