// SPDX-License-Identifier: Apache-2.0
#include "wqprof/number_text.h"

#include <fmt/format.h>

#include <cmath>

namespace wqprof {
namespace {

// `value` with three significant digits; at least 100 is written without a fraction.
std::string ThreeDigits(double value) {
  if (value < 9.995) return fmt::format("{:.2f}", value);
  if (value < 99.95) return fmt::format("{:.1f}", value);
  return fmt::format("{:.0f}", value);
}

}  // namespace

std::string DurationText(Nanos duration) {
  const int64_t ns = duration.count();
  if (ns < 0) {
    return fmt::format("-{}", DurationText(Nanos(ns == INT64_MIN ? INT64_MAX : -ns)));
  }
  if (ns == 0) return "0";
  if (ns < 1000) return fmt::format("{}ns", ns);
  // A unit ends where three digits would round up to 1000 of it.
  const double value = static_cast<double>(ns);
  if (value < 999.5e3) return ThreeDigits(value / 1e3) + "us";
  if (value < 999.5e6) return ThreeDigits(value / 1e6) + "ms";
  return ThreeDigits(value / 1e9) + "s";
}

std::string CountText(uint64_t count) {
  std::string digits = fmt::format("{}", count);
  for (size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, 1, ',');
  return digits;
}

std::string CountOf(uint64_t count, std::string_view singular, std::string_view plural) {
  if (count == 1) return fmt::format("1 {}", singular);
  return plural.empty() ? fmt::format("{} {}s", CountText(count), singular)
                        : fmt::format("{} {}", CountText(count), plural);
}

std::string PercentText(double fraction) {
  if (std::isnan(fraction)) return "-";
  const double percent = fraction * 100;
  if (percent == 0) return "0%";
  if (percent < 0.005) return "<0.01%";
  if (percent < 0.1) return fmt::format("{:.2f}%", percent);
  // What is not all of it must not look like all of it.
  if (fraction < 1 && percent >= 99.95) return ">99.9%";
  return percent < 99.95 ? fmt::format("{:.1f}%", percent) : fmt::format("{:.0f}%", percent);
}

std::string MeanText(double value) {
  if (std::isnan(value)) return "-";
  if (value == 0) return "0";
  if (std::abs(value) < 0.01) return "<0.01";
  return value >= 99.95 ? CountText(static_cast<uint64_t>(std::llround(value)))
                        : ThreeDigits(value);
}

}  // namespace wqprof
