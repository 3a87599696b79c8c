// SPDX-License-Identifier: Apache-2.0
#include "wqprof/wall_clock.h"

#include <fmt/format.h>

#include <charconv>
#include <ctime>

namespace wqprof {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int kSecondsOfDay = 86'400;

// A number of `digits` digits at `at`; absent when there is none.
std::optional<int> Digits(std::string_view text, size_t at, size_t digits) {
  int value = 0;
  if (text.size() < at + digits) return std::nullopt;
  const char* const begin = text.data() + at;
  const auto [end, error] = std::from_chars(begin, begin + digits, value);
  if (error != std::errc() || end != begin + digits || value < 0) return std::nullopt;
  return value;
}

// ".131Z" as ns; absent when the text does not end so.
std::optional<int64_t> Fraction(std::string_view rest) {
  int64_t ns = 0;
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    int64_t unit = kSecond / 10;
    if (rest.empty() || rest[0] < '0' || rest[0] > '9') return std::nullopt;
    for (; !rest.empty() && rest[0] >= '0' && rest[0] <= '9'; rest.remove_prefix(1), unit /= 10) {
      ns += (rest[0] - '0') * unit;
    }
  }
  if (rest != "Z" && rest != "z" && rest != "+00:00") return std::nullopt;
  return ns;
}

std::optional<int64_t> ParseUtc(std::string_view text) {
  constexpr int kLastYear = 2261;  // int64 ns end in 2262
  const auto year = Digits(text, 0, 4), month = Digits(text, 5, 2), day = Digits(text, 8, 2);
  const auto hour = Digits(text, 11, 2), minute = Digits(text, 14, 2), second = Digits(text, 17, 2);
  if (!year || !month || !day || !hour || !minute || !second || text.size() < 20) {
    return std::nullopt;
  }
  const bool marks = text[4] == '-' && text[7] == '-' && (text[10] == 'T' || text[10] == 't') &&
                     text[13] == ':' && text[16] == ':';
  const bool in_range = *year >= 1970 && *year <= kLastYear && *month >= 1 && *month <= 12 &&
                        *day >= 1 && *day <= 31 && *hour < 24 && *minute < 60 && *second <= 60;
  const auto fraction = Fraction(text.substr(19));
  if (!marks || !in_range || !fraction) return std::nullopt;
  std::tm tm{};
  tm.tm_year = *year - 1900;
  tm.tm_mon = *month - 1;
  tm.tm_mday = *day;
  tm.tm_hour = *hour;
  tm.tm_min = *minute;
  tm.tm_sec = *second;
  return static_cast<int64_t>(timegm(&tm)) * kSecond + *fraction;
}

std::tm Broken(int64_t ns, bool utc) {
  // Times before 1970 are rounded down, too.
  const time_t seconds = static_cast<time_t>(ns / kSecond - (ns % kSecond < 0 ? 1 : 0));
  std::tm tm{};
  utc ? gmtime_r(&seconds, &tm) : localtime_r(&seconds, &tm);
  return tm;
}

}  // namespace

std::optional<WallClock> WallClock::Of(std::string_view begin_utc, Timestamp begin, bool utc) {
  if (begin == kUnseen) return std::nullopt;
  const std::optional<int64_t> ns = ParseUtc(begin_utc);
  if (!ns) return std::nullopt;
  return WallClock(begin, *ns, utc);
}

std::optional<int64_t> WallClock::NanosAt(Timestamp at) const {
  int64_t since, ns;
  if (at == kUnseen ||
      __builtin_sub_overflow(at.time_since_epoch().count(), begin_.time_since_epoch().count(),
                             &since) ||
      __builtin_add_overflow(begin_ns_, since, &ns)) {
    return std::nullopt;
  }
  return ns;
}

std::optional<Nanos> WallClock::SinceEpoch(Timestamp at) const {
  const std::optional<int64_t> ns = NanosAt(at);
  return ns && *ns >= 0 ? std::optional(Nanos(*ns)) : std::nullopt;
}

std::string WallClock::TimeOfDay(Timestamp at) const {
  const std::optional<int64_t> found = NanosAt(at);
  if (!found) return "";
  const int64_t ns = *found;
  const std::tm tm = Broken(ns, utc_);
  const int64_t ms = (ns % kSecond + kSecond) % kSecond / 1'000'000;
  return fmt::format("{:02}:{:02}:{:02}.{:03}", tm.tm_hour, tm.tm_min, tm.tm_sec, ms);
}

std::string WallClock::Date() const {
  const std::tm tm = Broken(begin_ns_, utc_);
  return fmt::format("{:04}-{:02}-{:02}", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
}

std::string WallClock::Zone() const {
  if (utc_) return "UTC";
  const std::tm tm = Broken(begin_ns_, false);
  return tm.tm_zone != nullptr ? tm.tm_zone : "";
}

Timestamp WallClock::At(Nanos since_midnight) const {
  const std::tm tm = Broken(begin_ns_, utc_);
  const int64_t of_day = (tm.tm_hour * 60 + tm.tm_min) * 60 + tm.tm_sec;
  const int64_t begin_of_day = of_day * kSecond + begin_ns_ % kSecond;
  int64_t after = since_midnight.count() - begin_of_day;
  // A time shortly before the begin is meant to be that.
  if (after < -int64_t{kSecondsOfDay / 2} * kSecond) after += int64_t{kSecondsOfDay} * kSecond;
  int64_t stamp;
  if (__builtin_add_overflow(begin_.time_since_epoch().count(), after, &stamp)) return begin_;
  return Timestamp(Nanos(stamp));
}

}  // namespace wqprof
