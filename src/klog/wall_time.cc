// SPDX-License-Identifier: Apache-2.0
#include "klog/wall_time.h"

#include <array>
#include <chrono>

#include "fmt/format.h"
#include "klog/scan.h"

namespace wqprof::klog {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> kWeekdays = {"Sun", "Mon", "Tue", "Wed",
                                                       "Thu", "Fri", "Sat"};
constexpr int kAnyYear = 2000;  // a leap year
constexpr int64_t kDay = 86400;

// Seconds since 1970, or nothing for a day that is in no calendar.
std::optional<int64_t> SecondsOf(int year, unsigned month, unsigned day, int64_t of_day) {
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(month),
                                         std::chrono::day(day)};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days(date).time_since_epoch().count() * kDay + of_day;
}

// "18:04:17"; a leap second is one.
bool TakeClock(Scan& scan, int64_t& of_day) {
  unsigned hour, minute, second;
  if (!scan.TakeNumber(hour) || !scan.Take(":") || !scan.TakeNumber(minute) || !scan.Take(":") ||
      !scan.TakeNumber(second) || hour > 23 || minute > 59 || second > 60) {
    return false;
  }
  of_day = (int64_t{hour} * 60 + minute) * 60 + second;
  return true;
}

bool TakeMonth(Scan& scan, unsigned& month) {
  for (unsigned i = 0; i < kMonths.size(); ++i) {
    if (scan.Take(kMonths[i])) {
      month = i + 1;
      return true;
    }
  }
  return false;
}

std::optional<WallTime> ParseIso(std::string_view text) {
  Scan scan(text);
  WallTime out;
  int year;
  unsigned month, day;
  int64_t of_day;
  if (!scan.TakeNumber(year) || !scan.Take("-") || !scan.TakeNumber(month) || !scan.Take("-") ||
      !scan.TakeNumber(day) || year < 1970 || year > 9999 || scan.empty()) {
    return std::nullopt;
  }
  out.separator = scan.rest().front();
  if ((!scan.Take("T") && !scan.Take(" ")) || !TakeClock(scan, of_day)) return std::nullopt;
  if (scan.Take(".") || scan.Take(",")) scan.TakeWhile(IsDigit);
  const auto seconds = SecondsOf(year, month, day, of_day);
  if (!seconds) return std::nullopt;
  out.seconds = *seconds;
  out.zone = Trimmed(scan.rest()).substr(0, 6);
  return out;
}

std::optional<WallTime> ParseNamed(std::string_view text) {
  Scan scan(text);
  WallTime out;
  out.style = WallTime::Style::kSyslog;
  for (const std::string_view day : kWeekdays) {
    if (scan.Take(day)) out.style = WallTime::Style::kCtime;
  }
  unsigned month, day;
  int64_t of_day;
  int year = kAnyYear;
  scan.TakeBlanks();
  if (!TakeMonth(scan, month) || !scan.TakeBlanks() || !scan.TakeNumber(day) ||
      !scan.TakeBlanks() || !TakeClock(scan, of_day)) {
    return std::nullopt;
  }
  if (out.style == WallTime::Style::kCtime &&
      (!scan.TakeBlanks() || !scan.TakeNumber(year) || year < 1970 || year > 9999)) {
    return std::nullopt;
  }
  const auto seconds = SecondsOf(year, month, day, of_day);
  if (!seconds) return std::nullopt;
  out.seconds = *seconds;
  return out;
}

}  // namespace

std::optional<WallTime> ParseWallTime(std::string_view text) {
  if (text.empty()) return std::nullopt;
  return IsDigit(text.front()) ? ParseIso(text) : ParseNamed(text);
}

std::string WallText(const WallTime& time, int64_t seconds) {
  int64_t at;
  if (__builtin_add_overflow(time.seconds, seconds, &at)) return "";
  int64_t days = at / kDay, of_day = at % kDay;
  if (of_day < 0) {
    of_day += kDay;
    --days;
  }
  constexpr int64_t kMostDays = 10'000'000;
  if (days < -kMostDays || days > kMostDays) return "";
  const std::chrono::sys_days day{std::chrono::days(days)};
  const std::chrono::year_month_day date(day);
  const auto month = static_cast<unsigned>(date.month());
  const auto of_month = static_cast<unsigned>(date.day());
  const std::string clock =
      fmt::format("{:02}:{:02}:{:02}", of_day / 3600, of_day / 60 % 60, of_day % 60);
  switch (time.style) {
    case WallTime::Style::kIso:
      return fmt::format("{:04}-{:02}-{:02}{}{}{}", static_cast<int>(date.year()), month, of_month,
                         time.separator, clock, time.zone);
    case WallTime::Style::kSyslog:
      return fmt::format("{} {:>2} {}", kMonths[month - 1], of_month, clock);
    case WallTime::Style::kCtime:
      break;
  }
  return fmt::format("{} {} {:>2} {} {}", kWeekdays[std::chrono::weekday(day).c_encoding()],
                     kMonths[month - 1], of_month, clock, static_cast<int>(date.year()));
}

int64_t SecondsBetween(const WallTime& a, const WallTime& b) {
  int64_t between = b.seconds - a.seconds;
  if (a.style == WallTime::Style::kSyslog && b.style == WallTime::Style::kSyslog) {
    if (between > 183 * kDay) between -= 366 * kDay;
    if (between < -183 * kDay) between += 366 * kDay;
  }
  return between;
}

}  // namespace wqprof::klog
