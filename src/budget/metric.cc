// SPDX-License-Identifier: Apache-2.0
#include "budget/metric.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "wqprof/did_you_mean.h"

namespace wqprof {
namespace {

// Those that are no durations of items, in the order of Quantity from kStalls on.
constexpr std::array<std::string_view, 6> kFacts = {"stalls",  "stall",       "busy_fraction",
                                                    "backlog", "lost_events", "unmatched"};
static_assert(kDurations + kFacts.size() == static_cast<size_t>(Quantity::kUnmatched) + 1);

// In the order of Quantity.
const std::vector<std::string>& Names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> out;
    for (const MeasureSpec& measure : kMeasures) out.emplace_back(measure.name);
    const auto add_parts = [&out](Measure whole, const auto& parts) {
      for (const auto& part : parts) {
        out.push_back(fmt::format("{}.{}", SpecOf(whole).name, part.key));
      }
    };
    add_parts(Measure::kDispatchWait, kWaitParts);
    add_parts(Measure::kExecution, kRunParts);
    out.insert(out.end(), kFacts.begin(), kFacts.end());
    return out;
  }();
  return names;
}

// "99", "99.9", "999" (99.9 without the point, as in p999).
std::optional<double> ParsePercent(std::string_view digits) {
  double percent = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), percent);
  if (error != std::errc() || end != digits.data() + digits.size() || digits.size() < 2) {
    return std::nullopt;
  }
  if (digits.find('.') == std::string_view::npos) {
    for (size_t i = 2; i < digits.size(); ++i) percent /= 10;
  }
  if (!(percent > 0 && percent < 100)) return std::nullopt;
  return percent / 100;
}

absl::Status NoStatistic(Quantity quantity, std::string_view statistic,
                         std::vector<std::string> words) {
  const std::string_view name = NameOf(quantity);
  for (const std::string_view part : Names()) {
    if (part.starts_with(fmt::format("{}.", name)))
      words.emplace_back(part.substr(name.size() + 1));
  }
  return absl::InvalidArgumentError(fmt::format("'{}' is nothing that {} has{}: write {}",
                                                statistic, name, DidYouMean(statistic, words),
                                                fmt::join(words, ", ")));
}

absl::StatusOr<Metric::Statistic> StatisticOf(Quantity quantity, std::string_view word,
                                              double& quantile) {
  using S = Metric::Statistic;
  switch (quantity) {
    case Quantity::kStalls:
    case Quantity::kLostEvents:
    case Quantity::kUnmatched:
      if (word.empty() || word == "count") return S::kCount;
      return NoStatistic(quantity, word, {"count"});
    case Quantity::kStall:
      if (word == "max") return S::kMax;
      return NoStatistic(quantity, word, {"max"});
    case Quantity::kBusyFraction:
    case Quantity::kBacklog:
      if (word == "max" || word.empty()) return S::kMax;
      if (word == "mean") return S::kMean;
      return NoStatistic(quantity, word, {"max", "mean"});
    default:
      break;
  }
  if (word == "max") return S::kMax;
  if (word == "mean") return S::kMean;
  if (word == "count") return S::kCount;
  if (word == "rate") return S::kRate;
  if (word.starts_with('p')) {
    if (const auto q = ParsePercent(word.substr(1))) {
      quantile = *q;
      return S::kQuantile;
    }
  }
  return NoStatistic(quantity, word,
                     {"p50", "p90", "p95", "p99", "p99.9", "mean", "max", "count", "rate"});
}

}  // namespace

std::optional<Quantity> QuantityOf(std::string_view name) {
  const std::vector<std::string>& names = Names();
  const auto it = std::find(names.begin(), names.end(), name);
  if (it == names.end()) return std::nullopt;
  return static_cast<Quantity>(it - names.begin());
}

std::string_view NameOf(Quantity quantity) { return Names()[static_cast<size_t>(quantity)]; }

std::vector<std::string> QuantityNames() {
  std::vector<std::string> out;
  for (const std::string& name : Names()) {
    if (name.find('.') == std::string::npos) out.push_back(name);
  }
  return out;
}

bool HasParts(std::string_view name) {
  return name == SpecOf(Measure::kDispatchWait).name || name == SpecOf(Measure::kExecution).name;
}

bool Metric::is_time() const {
  return (IsDurationOfItems(quantity) && statistic != Statistic::kCount &&
          statistic != Statistic::kRate) ||
         quantity == Quantity::kStall;
}

absl::StatusOr<Metric> MakeMetric(Quantity quantity, std::string_view statistic) {
  Metric out;
  out.quantity = quantity;
  const auto found = StatisticOf(quantity, statistic, out.quantile);
  if (!found.ok()) return found.status();
  out.statistic = *found;
  out.name = statistic.empty() ? std::string(NameOf(quantity))
                               : fmt::format("{}.{}", NameOf(quantity), statistic);
  return out;
}

absl::StatusOr<Metric> ParseMetric(std::string_view text) {
  // The longest name that fits: "execution.blocked.p99" is a part's.
  std::optional<Quantity> quantity = QuantityOf(text);
  if (quantity) return MakeMetric(*quantity, "");
  size_t dot = text.size();
  while (!quantity && dot > 0 && (dot = text.rfind('.', dot - 1)) != std::string_view::npos) {
    quantity = QuantityOf(text.substr(0, dot));
  }
  if (quantity) return MakeMetric(*quantity, text.substr(dot + 1));
  const std::string_view head = text.substr(0, text.find('.'));
  const std::vector<std::string> names = QuantityNames();
  if (MakeMetric(Quantity::kLatency, head).ok()) {
    return absl::InvalidArgumentError(
        fmt::format("'{}' of what? (did you mean 'latency.{}'?): write {} before it", head, head,
                    fmt::join(names, ", ")));
  }
  return absl::InvalidArgumentError(fmt::format("'{}' is nothing that is measured{}: write {}",
                                                head, DidYouMean(head, names),
                                                fmt::join(names, ", ")));
}

absl::StatusOr<FailCondition> ParseFailCondition(std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    return absl::InvalidArgumentError(
        fmt::format("'{}' is not a condition: {}; write it like 'latency.p99 > +15%'", text, why));
  };
  const size_t sign = text.find('>');
  if (sign == std::string_view::npos) return refuse("it has no '>'");
  const auto trim = [](std::string_view part) {
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    return part;
  };
  auto metric = ParseMetric(trim(text.substr(0, sign)));
  if (!metric.ok()) return metric.status();
  if (!IsDurationOfItems(metric->quantity) || !metric->is_time()) {
    return refuse("only durations are compared");
  }
  std::string_view number = trim(text.substr(sign + 1));
  if (!number.starts_with('+') || !number.ends_with('%')) return refuse("a change is '+15%'");
  number.remove_prefix(1);
  number.remove_suffix(1);
  double percent = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), percent);
  if (error != std::errc() || end != number.data() + number.size() || percent < 0) {
    return refuse("a change is '+15%'");
  }
  return FailCondition{*std::move(metric), 1 + percent / 100};
}

}  // namespace wqprof
