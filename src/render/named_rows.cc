// SPDX-License-Identifier: Apache-2.0
#include "render/named_rows.h"

#include "render/cells.h"

namespace wqprof {
namespace {

template <class Row, class NamesOf>
NamedRows Named(std::string key, std::string title, std::vector<Column> columns,
                const std::vector<Row>& rows, NamesOf names_of) {
  NamedRows named{std::move(key), std::move(title), std::move(columns), {}, {}};
  for (const Row& row : rows) {
    named.names.push_back(names_of(row));
    named.measures.push_back(&row.measures);
  }
  return named;
}

}  // namespace

NamedRows NamedFunctions(const Report& report) {
  return Named("functions", "Functions",
               {{"workqueue", "WORKQUEUE", kAll, 10},
                {"function", "", kMachine},
                {"module", "", kMachine},
                {"name", "FUNCTION", kText, 20}},
               report.functions, [](const FunctionRow& row) {
                 const std::string name = row.module.empty()
                                              ? row.function
                                              : fmt::format("{} [{}]", row.function, row.module);
                 return std::vector<Cell>{WordCell(row.workqueue), WordCell(row.function),
                                          WordCell(row.module), WordCell(name)};
               });
}

NamedRows NamedWorkqueues(const Report& report) {
  return Named("workqueues", "Workqueues", {{"workqueue", "WORKQUEUE", kAll, 16}},
               report.workqueues,
               [](const WorkqueueRow& row) { return std::vector<Cell>{WordCell(row.workqueue)}; });
}

NamedRows NamedOrigins(const Report& report) {
  return Named("origins", "Origins (who queued)", {{"kind", "KIND"}, {"name", "NAME", kAll, 16}},
               report.origins, [](const OriginRow& row) {
                 return std::vector<Cell>{WordCell(row.kind), WordCell(row.name)};
               });
}

NamedRows NamedCpus(const Report& report) {
  return Named("cpus", "CPUs (where items ran)", {{"cpu", "CPU"}}, report.cpus,
               [](const CpuRow& row) { return std::vector<Cell>{CpuCell(row.cpu)}; });
}

NamedRows NamedPools(const Report& report) {
  return Named(
      "pools", "Pools (where items ran)", {{"pool", "POOL", kAll, 10}}, report.pools,
      [](const PoolRow& row) { return std::vector<Cell>{WordCell(row.occupancy.pool.name)}; });
}

NamedRows NamedWorkers(const Report& report) {
  return Named("workers", "Workers", {{"pid", "PID"}, {"comm", "COMM", kAll, 15}}, report.workers,
               [](const WorkerRow& row) {
                 return std::vector<Cell>{PidCell(row.occupancy.pid), WordCell(row.comm)};
               });
}

}  // namespace wqprof
