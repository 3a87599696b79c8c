// SPDX-License-Identifier: Apache-2.0
// What runs show of one metric of one instance, before any limit is put to it.
#ifndef WQPROF_BUDGET_EVIDENCE_H_
#define WQPROF_BUDGET_EVIDENCE_H_

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "budget/bounds.h"
#include "budget/run_data.h"

namespace wqprof {

// How many samples the metric needs before it has a value.
uint64_t NeededSamples(const RuleSettings& settings, const Metric& metric);

// Why the quantity is unknown in `run`: the events that it rests on were not recorded, or its
// clock counts no time; "" when it can.
std::string WhyUntold(const Report& run, Quantity quantity);
// The first run of the set that lacks what the rule asks for, by its path.
std::string WhyUntold(const RunSet::State& runs, const Rule& rule, const Metric& metric);

// Why a pass on this run is none: events lost, data damaged, starts unexplained; "" when it
// is whole.
std::string WhyNotWhole(const RuleSettings& settings, const Report& report);
// The first run of the set that is not whole, by its path.
std::string WhyNotWhole(const RuleSettings& settings, const RunSet::State& runs);

// The series of `quantity` in each run that has the instance and knows it.
struct RunOf {
  const RunData* run;
  const Series* series;
};
std::vector<RunOf> SeriesOf(const RunSet::State& runs, size_t wanted, const std::string& instance,
                            Quantity quantity);

// The metric of one run alone.
std::optional<double> ValueOf(const RunOf& run, const Metric& metric);

// The metric over all runs, and its bounds.  What the end of a run cut counts with the time
// that it had lasted by then when that is longer than `limit`.
struct Estimated {
  uint64_t samples = 0;
  std::optional<double> value, low, high;
};
Estimated Estimate(const std::vector<RunOf>& runs, const Metric& metric, double limit,
                   double confidence);

// Names of all instances in any of the runs.
std::set<std::string> InstancesOf(const RunSet::State& runs, size_t wanted);

}  // namespace wqprof

#endif  // WQPROF_BUDGET_EVIDENCE_H_
