// SPDX-License-Identifier: Apache-2.0
#include "analyze/worker_functions.h"

#include <algorithm>
#include <string>
#include <tuple>

#include "analyze/few_counts.h"
#include "wqprof/name_table.h"

namespace wqprof {

void WorkerFunctions::Add(uint64_t worker, const WorkItem& item, const ItemSplit* split) {
  if (item.started == kUnseen) return;
  const uint64_t key =
      static_cast<uint64_t>(ToInt(item.workqueue)) << 32 | uint64_t{ToInt(item.function)};
  Sums& sums = workers_[worker][key];
  ++sums.executions;
  if (const std::optional<Nanos> execution = item.Execution();
      execution && *execution > Nanos(0) && !item.run_tainted) {
    sums.busy = AddSaturated(sums.busy, *execution);
  }
  if (split != nullptr && split->run && !item.run_tainted) {
    sums.split = true;
    sums.on_cpu = AddSaturated(sums.on_cpu, split->run->on_cpu);
  }
  CountFew(sums.origins, OriginKey(item.origin.kind, item.origin.NameIn(source_)), kMaxOrigins);
}

WorkerFunctionRow WorkerFunctions::ToRow(uint64_t function, const Sums& sums) const {
  const NameTable& names = source_.names();
  WorkerFunctionRow row;
  const auto name = static_cast<NameId>(static_cast<uint32_t>(function));
  row.function = SplitFunction(names.Get(name)).name;
  row.workqueue = names.Get(static_cast<NameId>(static_cast<uint32_t>(function >> 32)));
  row.executions = sums.executions;
  row.busy = sums.busy;
  if (sums.split) row.on_cpu = sums.on_cpu;
  for (const auto& [origin, count] : sums.origins) {
    if (origin.first == Origin::Kind::kUnknown) continue;
    row.origins.push_back({std::string(ToString(origin.first)),
                           std::string(SplitFunction(names.Get(origin.second)).name), count});
  }
  std::sort(row.origins.begin(), row.origins.end(), [](const auto& a, const auto& b) {
    return a.count != b.count ? a.count > b.count
                              : std::tie(a.kind, a.name) < std::tie(b.kind, b.name);
  });
  return row;
}

std::vector<WorkerFunctionRow> WorkerFunctions::RowsOf(uint64_t worker) const {
  std::vector<WorkerFunctionRow> rows;
  const auto it = workers_.find(worker);
  if (it == workers_.end()) return rows;
  for (const auto& [function, sums] : it->second) rows.push_back(ToRow(function, sums));
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
    return a.busy != b.busy ? a.busy > b.busy
                            : std::tie(a.function, a.workqueue) < std::tie(b.function, b.workqueue);
  });
  return rows;
}

}  // namespace wqprof
