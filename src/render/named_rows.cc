// SPDX-License-Identifier: Apache-2.0
#include "render/named_rows.h"

#include "wqprof/columns.h"

namespace wqprof {
namespace {

template <class Row>
NamedRows Named(std::string key, std::string title, const Columns<Row>& columns,
                const std::vector<Row>& rows) {
  NamedRows named{MakeTable({std::move(key), std::move(title)}, columns, rows), {}};
  for (const Row& row : rows) named.measures.push_back(&row.measures);
  return named;
}

std::string FunctionAndModule(const FunctionRow& row) {
  return row.module.empty() ? row.function : fmt::format("{} [{}]", row.function, row.module);
}

}  // namespace

NamedRows NamedFunctions(const Report& report) {
  return Named<FunctionRow>(
      "functions", "Functions",
      {{{"workqueue", "WORKQUEUE", kAll, 10},
        [](const FunctionRow& row) { return Word{row.workqueue}; }},
       {{"function", "", kMachine}, [](const FunctionRow& row) { return Word{row.function}; }},
       {{"module", "", kMachine, 0, 0, "null: the kernel itself, or not known."},
        [](const FunctionRow& row) { return Word{row.module}; }},
       {{"name", "FUNCTION", kText, 20},
        [](const FunctionRow& row) { return Word{FunctionAndModule(row)}; }}},
      report.functions);
}

NamedRows NamedWorkqueues(const Report& report) {
  return Named<WorkqueueRow>("workqueues", "Workqueues",
                             {{{"workqueue", "WORKQUEUE", kAll, 16},
                               [](const WorkqueueRow& row) { return Word{row.workqueue}; }}},
                             report.workqueues);
}

NamedRows NamedOrigins(const Report& report) {
  return Named<OriginRow>(
      "origins", "Origins (who queued)",
      {{{"kind", "KIND"}, [](const OriginRow& row) { return Word{row.kind}; }},
       {{"name", "NAME", kAll, 16}, [](const OriginRow& row) { return Word{row.name}; }}},
      report.origins);
}

NamedRows NamedCpus(const Report& report) {
  return Named<CpuRow>("cpus", "CPUs (where items ran)",
                       {{{"cpu", "CPU"}, [](const CpuRow& row) { return row.cpu; }}}, report.cpus);
}

NamedRows NamedPools(const Report& report) {
  return Named<PoolRow>("pools", "Pools (where items ran)",
                        {{{"pool", "POOL", kAll, 10},
                          [](const PoolRow& row) { return Word{row.occupancy.pool.name}; }}},
                        report.pools);
}

NamedRows NamedWorkers(const Report& report) {
  return Named<WorkerRow>(
      "workers", "Workers",
      {{{"pid", "PID"}, [](const WorkerRow& row) { return row.occupancy.pid; }},
       {{"comm", "COMM", kAll, 15}, [](const WorkerRow& row) { return Word{row.comm}; }}},
      report.workers);
}

}  // namespace wqprof
