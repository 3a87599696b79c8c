// SPDX-License-Identifier: Apache-2.0
#include "live/tsc_clock.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <ctime>
#include <string_view>

#include "wqprof/types.h"

#if defined(__x86_64__) || defined(__i386__)
#include <x86intrin.h>
#endif

namespace wqprof {
namespace {

constexpr size_t kMostReadings = 2048;
constexpr int kTries = 16;

#if defined(__x86_64__) || defined(__i386__)
constexpr bool kHasTsc = true;
// As the kernel reads it: not before what stands before it.
uint64_t Tsc() {
  _mm_lfence();
  const uint64_t out = __rdtsc();
  _mm_lfence();
  return out;
}
#else
constexpr bool kHasTsc = false;
uint64_t Tsc() { return 0; }
#endif

uint64_t MonotonicNow() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

bool HasWord(std::string_view text, std::string_view word) {
  while (!text.empty()) {
    const std::string_view first = text.substr(0, text.find_first_of(" \n"));
    text.remove_prefix(std::min(first.size() + 1, text.size()));
    if (first == word || (first.starts_with('[') && first.substr(1, first.size() - 2) == word)) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::string BestClock(const Tracefs& tracefs) {
  const FileText source =
      ReadText("/sys/devices/system/clocksource/clocksource0/current_clocksource");
  const bool by_tsc = kHasTsc && Trimmed(source.text) == "tsc";
  return by_tsc && HasWord(ReadText(tracefs.File("trace_clock")).text, "x86-tsc") ? "x86-tsc"
                                                                                  : "mono";
}

std::optional<TscClock> TscClock::Create() {
  if (!kHasTsc) return std::nullopt;
  TscClock out;
  out.Read();
  return out;
}

void TscClock::Read() {
  ClockReading best;
  uint64_t narrowest = UINT64_MAX;
  for (int i = 0; i < kTries; ++i) {
    const uint64_t before = Tsc(), ns = MonotonicNow(), after = Tsc();
    if (after - before >= narrowest) continue;
    narrowest = after - before;
    best = {before + narrowest / 2, ns};
  }
  due_ = Clock::now() + period_;
  // After a suspension it may begin anew.
  if (!readings_.empty() && (best.cycles <= last().cycles || best.ns <= last().ns)) return;
  widest_ = std::max(widest_, narrowest);
  readings_.push_back(best);
  if (readings_.size() < kMostReadings) return;
  for (size_t i = 1; 2 * i < readings_.size(); ++i) readings_[i] = readings_[2 * i];
  readings_.resize((readings_.size() + 1) / 2);
  period_ *= 2;
}

ClockCalibration TscClock::Calibration() const {
  if (readings_.size() < 2) return {};
  const ClockReading &a = readings_.front(), &b = readings_.back();
  const double rate = static_cast<double>(b.ns - a.ns) / static_cast<double>(b.cycles - a.cycles);
  const double uncertainty = static_cast<double>(widest_) / 2 * rate;
  return Calibrate(readings_, Nanos(static_cast<int64_t>(std::ceil(uncertainty))));
}

}  // namespace wqprof
