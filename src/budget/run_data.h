// SPDX-License-Identifier: Apache-2.0
// What a RunSet keeps.
#ifndef WQPROF_BUDGET_RUN_DATA_H_
#define WQPROF_BUDGET_RUN_DATA_H_

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "budget/block_series.h"
#include "wqprof/budget.h"

namespace wqprof {

// The durations of one quantity.
struct Series {
  BlockSeries done;
  // Of items that the end of the trace cut: each lasted at least so long.
  Histogram cut;
  uint64_t cut_count() const { return cut.count(); }
};

// The items of one instance of a rule in one run.
struct InstanceData {
  explicit InstanceData(size_t quantities) : series(quantities) {}
  uint64_t items = 0;  // of any state
  uint64_t executed = 0;
  std::vector<Series> series;  // by Wanted::quantities
};

// One run, summed up.
struct RunData {
  Report report;  // its functions have names and counts only
  Fingerprint fingerprint;
  // By Wanted, by the name of the instance; "" without for_each.
  std::vector<std::map<std::string, std::unique_ptr<InstanceData>>> instances;
};

struct RunSet::State {
  std::vector<Wanted> wanted;
  Nanos shortest_stall;
  std::vector<RunData> runs;
  std::vector<std::string> repeated;
};

// Whether both are the same recording.
bool SameRecording(const Report& a, const Report& b);
// Why two groups of runs are not apart: the first recording that is in both; "" when none is.
std::string WhyNotApart(const RunSet::State& base, const RunSet::State& now);

// Null when the run has no such instance.
inline const InstanceData* Find(const RunData& run, size_t wanted, const std::string& name) {
  const auto it = run.instances[wanted].find(name);
  return it == run.instances[wanted].end() ? nullptr : it->second.get();
}

}  // namespace wqprof

#endif  // WQPROF_BUDGET_RUN_DATA_H_
