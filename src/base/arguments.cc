// SPDX-License-Identifier: Apache-2.0
#include "wqprof/arguments.h"

#include <array>
#include <charconv>
#include <cmath>
#include <string>

#include "fmt/format.h"

namespace wqprof {
namespace {

// A number and the word behind it: "1.5" and "ms" of "1.5ms".
struct Measured {
  double number;
  std::string_view unit;
};

// Nothing when `text` does not begin with a decimal number.
std::optional<Measured> SplitUnit(std::string_view text) {
  double number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (error != std::errc() || !std::isfinite(number)) return std::nullopt;
  return Measured{number, std::string_view(rest, static_cast<size_t>(end - rest))};
}

// A unit's name and how many of the base unit it is.
struct Unit {
  std::string_view name;
  double factor;
};

constexpr std::array<Unit, 6> kDurationUnits = {
    {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}}};
constexpr std::array<Unit, 9> kSizeUnits = {{{"B", 1},
                                             {"k", 0x1p10},
                                             {"K", 0x1p10},
                                             {"m", 0x1p20},
                                             {"M", 0x1p20},
                                             {"g", 0x1p30},
                                             {"G", 0x1p30},
                                             {"t", 0x1p40},
                                             {"T", 0x1p40}}};

// The value in base units; nothing for a text that is no number, a negative one, or a unit
// that `units` lacks.
template <size_t N>
std::optional<double> ParseWith(std::string_view text, const std::array<Unit, N>& units) {
  const std::optional<Measured> quantity = SplitUnit(text);
  if (!quantity || std::signbit(quantity->number)) return std::nullopt;
  for (const Unit& unit : units) {
    if (unit.name == quantity->unit) return quantity->number * unit.factor;
  }
  return std::nullopt;
}

// Whether `text` is a number that is not negative, and nothing else.
bool IsBareNumber(std::string_view text) {
  const std::optional<Measured> quantity = SplitUnit(text);
  return quantity && quantity->unit.empty() && !std::signbit(quantity->number);
}

absl::Status Invalid(std::string text) { return absl::InvalidArgumentError(std::move(text)); }

// One CPU number, up to the largest that a trace can name.
std::optional<int> ParseCpu(std::string_view text) {
  int cpu = -1;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), cpu);
  if (error != std::errc() || rest != text.data() + text.size()) return std::nullopt;
  if (cpu < 0 || cpu > kMaxCpus) return std::nullopt;
  return cpu;
}

}  // namespace

absl::StatusOr<Nanos> ParseDuration(std::string_view text) {
  const std::optional<double> ns = ParseWith(text, kDurationUnits);
  if (!ns && IsBareNumber(text)) {
    return Invalid(
        fmt::format("'{}' has no unit: write {}ms, {}us or {}s", text, text, text, text));
  }
  if (!ns) {
    return Invalid(fmt::format(
        "'{}' is not a duration: write a number and one of ns, us, ms, s, m, h, as in 250us or 2s",
        text));
  }
  if (*ns >= 0x1p63) return Invalid(fmt::format("the duration '{}' is too long", text));
  return Nanos(std::llround(*ns));
}

absl::StatusOr<Nanos> ParseSeconds(std::string_view text) {
  return ParseDuration(IsBareNumber(text) ? fmt::format("{}s", text) : std::string(text));
}

absl::StatusOr<uint64_t> ParseSize(std::string_view text) {
  const std::optional<double> bytes = ParseWith(text, kSizeUnits);
  if (!bytes && IsBareNumber(text)) {
    return Invalid(fmt::format("'{}' has no unit: write {}M, {}k or {}B", text, text, text, text));
  }
  if (!bytes) {
    return Invalid(fmt::format(
        "'{}' is not a size: write a number and one of B, k, M, G, T, as in 64k or 2G", text));
  }
  if (*bytes >= 0x1p63) return Invalid(fmt::format("the size '{}' is too large", text));
  return static_cast<uint64_t>(*bytes);
}

absl::StatusOr<std::vector<Cpu>> ParseCpuList(std::string_view text) {
  std::vector<Cpu> cpus;
  for (std::string_view rest = text; true;) {
    const size_t comma = rest.find(',');
    const std::string_view part = rest.substr(0, comma);
    const size_t dash = part.find('-');
    const std::optional<int> first = ParseCpu(part.substr(0, dash));
    const std::optional<int> last =
        dash == std::string_view::npos ? first : ParseCpu(part.substr(dash + 1));
    if (!first || !last || *last < *first) {
      return Invalid(
          fmt::format("'{}' is not a list of CPUs: write numbers and ranges, as in 0-3,5", text));
    }
    for (int cpu = *first; cpu <= *last; ++cpu) cpus.push_back(static_cast<Cpu>(cpu));
    if (comma == std::string_view::npos) return cpus;
    rest.remove_prefix(comma + 1);
  }
}

namespace {

// Since midnight; absent if it is no time of day.
std::optional<Nanos> ParseTimeOfDay(std::string_view text) {
  const size_t hours_end = text.find(':');
  if (hours_end == std::string_view::npos) return std::nullopt;
  const auto number = [](std::string_view digits) -> std::optional<int> {
    int value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    const bool whole = error == std::errc() && end == digits.data() + digits.size();
    return whole && digits.size() <= 2 && value >= 0 ? std::optional(value) : std::nullopt;
  };
  std::string_view rest = text.substr(hours_end + 1);
  const size_t minutes_end = std::min(rest.find(':'), rest.size());
  const auto hours = number(text.substr(0, hours_end)),
             minutes = number(rest.substr(0, minutes_end));
  if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  Nanos seconds{0};
  if (minutes_end < rest.size()) {
    const std::string_view written = rest.substr(minutes_end + 1);
    if (written.empty() || written[0] < '0' || written[0] > '9') return std::nullopt;
    const absl::StatusOr<Nanos> parsed = ParseDuration(std::string(written) + "s");
    if (!parsed.ok() || *parsed > std::chrono::seconds(60)) return std::nullopt;
    seconds = *parsed;
  }
  return std::chrono::hours(*hours) + std::chrono::minutes(*minutes) + seconds;
}

}  // namespace

absl::StatusOr<TimeBound> ParseTimeBound(std::string_view text) {
  TimeBound bound;
  if (const std::optional<Nanos> of_day = ParseTimeOfDay(text)) {
    bound.at = *of_day;
    bound.time_of_day = true;
    return bound;
  }
  bound.since_begin = text.starts_with('+');
  const std::string_view number = bound.since_begin ? text.substr(1) : text;
  // Bare seconds, as trace-cmd prints stamps; with a unit, any duration.
  const std::optional<Measured> quantity = SplitUnit(number);
  const std::string with_unit =
      std::string(number) + (quantity && quantity->unit.empty() ? "s" : "");
  const absl::StatusOr<Nanos> at = ParseDuration(with_unit);
  if (!at.ok()) {
    return Invalid(
        fmt::format("'{}' is not a time: write seconds as trace-cmd prints them (1234.567890), "
                    "with a + the time "
                    "since the trace began (+1.5, +250ms), or a time of day (14:02:10)",
                    text));
  }
  bound.at = *at;
  return bound;
}

absl::StatusOr<TimeRange> ParseTimeRange(std::string_view text) {
  const size_t comma = text.find(',');
  if (comma == std::string_view::npos || text == ",") {
    return Invalid(fmt::format(
        "'{}' is not a time range: write BEGIN,END, where one of the two may be left out", text));
  }
  TimeRange range;
  const std::string_view ends[] = {text.substr(0, comma), text.substr(comma + 1)};
  for (int i = 0; i < 2; ++i) {
    if (ends[i].empty()) continue;
    const absl::StatusOr<TimeBound> bound = ParseTimeBound(ends[i]);
    if (!bound.ok()) return bound.status();
    (i == 0 ? range.from : range.to) = *bound;
    const std::optional<Measured> number = SplitUnit(ends[i].substr(1));
    if (i == 1 && range.from && bound->since_begin && number && !number->unit.empty()) {
      range.to->is_length = true;
    }
  }
  return range;
}

}  // namespace wqprof
