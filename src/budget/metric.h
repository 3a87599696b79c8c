// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_BUDGET_METRIC_H_
#define WQPROF_BUDGET_METRIC_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wqprof/budget.h"

namespace wqprof {

// A quantity by its name in a budget: "latency", "dispatch_wait.wakeup", "stall".
std::optional<Quantity> QuantityOf(std::string_view name);
std::string_view NameOf(Quantity quantity);
// All names that begin a metric.
std::vector<std::string> QuantityNames();
// Whether `name` has parts: "dispatch_wait", "execution".
bool HasParts(std::string_view name);

// Puts a statistic ("p99", "max"; "" for what needs none) to a quantity.
absl::StatusOr<Metric> MakeMetric(Quantity quantity, std::string_view statistic);

}  // namespace wqprof

#endif  // WQPROF_BUDGET_METRIC_H_
