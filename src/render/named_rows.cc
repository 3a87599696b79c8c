// SPDX-License-Identifier: Apache-2.0
#include "render/named_rows.h"

#include "render/config_tables.h"
#include "wqprof/columns.h"
#include "wqprof/stack_text.h"

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
  const WorkqueueConfig& config = report.source.config;
  const auto setup = [&config](const WorkqueueRow& row) {
    const WorkqueueSetup* const found = config.Find(row.workqueue);
    return found != nullptr ? *found : WorkqueueSetup();
  };
  // People see what is known.
  const bool known = !config.empty();
  const auto shown = [known](std::string heading) { return known ? std::move(heading) : ""; };
  const Audience audience = known ? kAll : kMachine;
  return Named<WorkqueueRow>(
      "workqueues", "Workqueues",
      {{{"workqueue", "WORKQUEUE", kAll, 16},
        [](const WorkqueueRow& row) { return Word{row.workqueue}; }},
       {{.key = "kind",
         .heading = shown("KIND"),
         .audience = audience,
         .drop = 1,
         .about = "As it was set up; so are the next two. null: not known.",
         .words = {"per-cpu", "unbound", "ordered", "bh"}},
        [setup](const WorkqueueRow& row) { return Word{KindOf(setup(row))}; }},
       {{"max_active", shown("LIMIT"), audience},
        [setup](const WorkqueueRow& row) {
          const auto limit = setup(row).max_active;
          return limit && *limit >= 0 ? std::optional(Id{*limit}) : std::nullopt;
        }},
       {{"flags", "", kJson}, [setup](const WorkqueueRow& row) { return setup(row).flags; }},
       {{"flag_words", shown("FLAGS"), known ? kText : kSortOnly, 8},
        [setup](const WorkqueueRow& row) { return Word{FlagWords(setup(row))}; }}},
      report.workqueues);
}

NamedRows NamedOrigins(const Report& report) {
  return Named<OriginRow>(
      "origins", "Origins (who queued)",
      {{{"kind", "KIND"}, [](const OriginRow& row) { return Word{row.kind}; }},
       {{"name", "NAME", kAll, 16}, [](const OriginRow& row) { return Word{row.name}; }}},
      report.origins);
}

NamedRows NamedStacks(const Report& report) {
  return Named<StackRow>(
      "stacks", "Stacks (in which works were queued)",
      {{{.key = "stack",
         .audience = kMachine,
         .about = "Its functions from the innermost outwards, ';' between them; without those of "
                  "the tracing and of the workqueue's own code on top."},
        [](const StackRow& row) { return Word{row.stack}; }},
       {{"path", "QUEUED BY < CALLED BY", kText, 26},
        [](const StackRow& row) { return Word{CallPath(row.stack)}; }}},
      report.stacks);
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
