// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "budget/metric.h"
#include "wqprof/arguments.h"
#include "wqprof/did_you_mean.h"
#include "wqprof/watch.h"

namespace wqprof {
namespace {

constexpr std::string_view kKeys[] = {"workqueue", "function", "pool", "cpu", "origin"};

std::string_view Trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\n");
  if (first == std::string_view::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\n") - first + 1);
}

std::string TextOf(const absl::Status& status) {
  return std::string(status.message().data(), status.message().size());
}

// What is looked at one by one: items, stalls, and how many wait in a pool.
bool IsWatched(Quantity quantity) {
  return IsDurationOfItems(quantity) || quantity == Quantity::kStall ||
         quantity == Quantity::kBacklog;
}

absl::Status NotWatched(std::string_view name) {
  std::vector<std::string> known = QuantityNames();
  std::erase_if(known, [](const std::string& each) { return !IsWatched(*QuantityOf(each)); });
  return absl::InvalidArgumentError(fmt::format("'{}' is nothing that is watched{}: write {}", name,
                                                DidYouMean(name, known), fmt::join(known, ", ")));
}

absl::StatusOr<Quantity> ParseQuantity(std::string_view name) {
  std::optional<Quantity> quantity = QuantityOf(name);
  if (!quantity) {
    if (name.find('.') == std::string_view::npos) return NotWatched(name);
    const absl::StatusOr<Metric> metric = ParseMetric(name);
    if (!metric.ok()) return metric.status();
    if (metric->statistic != Metric::Statistic::kMax) {
      return absl::InvalidArgumentError(
          fmt::format("{} is a number of many items, and each is looked at alone: write {}", name,
                      NameOf(metric->quantity)));
    }
    quantity = metric->quantity;
  }
  if (IsWatched(*quantity)) return *quantity;
  if (quantity == Quantity::kStalls) {
    return absl::InvalidArgumentError(
        "stalls is their number: write stall, which is how long one "
        "lasts");
  }
  return absl::InvalidArgumentError(
      fmt::format("{} is known of a whole run only: write a duration of items, such as latency or "
                  "execution, stall, or backlog",
                  name));
}

absl::StatusOr<double> ParseLimit(const WatchCondition& condition, std::string_view text) {
  if (condition.is_time()) {
    const absl::StatusOr<Nanos> time = ParseDuration(text);
    if (!time.ok()) return time.status();
    return static_cast<double>(time->count());
  }
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size() && number >= 0 &&
      std::isfinite(number)) {
    return number;
  }
  return absl::InvalidArgumentError(
      fmt::format("'{}' is not a number of items, such as 1000", text));
}

absl::Status AddSelector(std::string_view word, ItemFilter& selector) {
  const size_t equals = word.find('=');
  const std::string_view key = Trim(word.substr(0, equals));
  const std::string_view value =
      equals == std::string_view::npos ? "" : Trim(word.substr(equals + 1));
  const std::vector<std::string> known(std::begin(kKeys), std::end(kKeys));
  if (std::find(known.begin(), known.end(), key) == known.end()) {
    return absl::InvalidArgumentError(fmt::format("unknown key '{}'{}: write {}", key,
                                                  DidYouMean(key, known), fmt::join(known, ", ")));
  }
  if (value.empty()) {
    return absl::InvalidArgumentError(fmt::format("'{}' selects nothing: write {}=GLOB", key, key));
  }
  if (key == "cpu") {
    const auto cpus = ParseCpuList(value);
    if (!cpus.ok()) return cpus.status();
    selector.cpus.insert(selector.cpus.end(), cpus->begin(), cpus->end());
    return absl::OkStatus();
  }
  auto& globs = key == "workqueue"  ? selector.workqueues
                : key == "function" ? selector.functions
                : key == "pool"     ? selector.pools
                                    : selector.origins;
  globs.emplace_back(value);
  return absl::OkStatus();
}

// What the selector asks that the quantity does not have; "" when it has all.
std::string WhyMeaningless(const WatchCondition& condition) {
  const ItemFilter& s = condition.selector;
  if (condition.quantity == Quantity::kBacklog &&
      (!s.workqueues.empty() || !s.functions.empty() || !s.origins.empty())) {
    return "backlog is a pool's: select by pool or cpu only";
  }
  if (condition.quantity == Quantity::kStall && !s.origins.empty()) {
    return "stall has no origin: select by pool, cpu, workqueue or function";
  }
  return "";
}

}  // namespace

bool WatchCondition::needs_timers() const {
  const MeasureSpec* const measure = MeasureOf(quantity);
  return measure != nullptr && measure->of_timers;
}

absl::StatusOr<WatchCondition> ParseWatchCondition(std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    return absl::InvalidArgumentError(
        fmt::format("'{}' is not a condition: {}\n"
                    "write it like 'stall > 100ms' or 'latency > 50ms, function=blk_mq_*'",
                    text, why));
  };
  WatchCondition out;
  out.text = Trim(text);
  std::string_view rest = text;
  const auto next = [&rest] {
    const std::string_view word = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
    return Trim(word);
  };
  const std::string_view limit = next();
  const size_t sign = limit.find('>');
  if (sign == std::string_view::npos) return refuse("it has no '>'");
  const auto quantity = ParseQuantity(Trim(limit.substr(0, sign)));
  if (!quantity.ok()) return refuse(TextOf(quantity.status()));
  out.quantity = *quantity;
  const auto value = ParseLimit(out, Trim(limit.substr(sign + 1)));
  if (!value.ok()) return refuse(TextOf(value.status()));
  out.limit = *value;
  while (!rest.empty()) {
    const absl::Status added = AddSelector(next(), out.selector);
    if (!added.ok()) return refuse(TextOf(added));
  }
  if (const std::string why = WhyMeaningless(out); !why.empty()) return refuse(why);
  return out;
}

}  // namespace wqprof
