// SPDX-License-Identifier: Apache-2.0
#include "render/worker_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "wqprof/number_text.h"

namespace wqprof {
namespace {

// As a share of one CPU; NaN where that is not known.
double CpuShare(const Report& report, const WorkerRow& row) {
  Nanos on_cpu{0};
  bool known = false;
  for (const WorkerFunctionRow& function : row.functions) {
    known |= function.on_cpu.has_value();
    on_cpu = AddSaturated(on_cpu, function.on_cpu.value_or(Nanos(0)));
  }
  if (!known || report.duration <= Nanos(0)) return std::nan("");
  return static_cast<double>(on_cpu.count()) / static_cast<double>(report.duration.count());
}

// A function of all workqueues.
struct Executed {
  std::string_view function;
  Nanos busy{0};
  const OriginCount* origin = nullptr;  // that queued most of it in the workqueue with most of it
};

// "hog_fn 98.2% (by sh), flush_to_ldisc 1.1%": the functions with most of the worker's time, and
// who queued most of the first one's items.
Word TopFunctions(const WorkerRow& row) {
  constexpr size_t kShown = 3;
  std::vector<Executed> all;
  Nanos sum{0};
  for (const WorkerFunctionRow& of : row.functions) {
    sum = AddSaturated(sum, of.busy);
    const auto it = std::find_if(all.begin(), all.end(), [&](const Executed& executed) {
      return executed.function == of.function;
    });
    if (it != all.end()) {
      it->busy = AddSaturated(it->busy, of.busy);
    } else {
      all.push_back({of.function, of.busy, of.origins.empty() ? nullptr : &of.origins.front()});
    }
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Executed& a, const Executed& b) { return a.busy > b.busy; });
  std::string out;
  for (size_t i = 0; i < std::min(kShown, all.size()); ++i) {
    // Less than a part in a thousand is not worth a name.
    if (i > 0 && all[i].busy < sum / 1000) break;
    out += fmt::format("{}{}", i > 0 ? ", " : "", all[i].function.empty() ? "?" : all[i].function);
    if (sum > Nanos(0)) {
      out += " " + PercentText(static_cast<double>(all[i].busy.count()) /
                               static_cast<double>(sum.count()));
    }
    if (i > 0 || all[i].origin == nullptr) continue;
    const OriginCount& origin = *all[i].origin;
    out += fmt::format(" (by {})", origin.name.empty() ? origin.kind : origin.name);
  }
  return {std::move(out)};
}

Table FunctionTable(const WorkerRow& worker) {
  const Columns<WorkerFunctionRow> columns = {
      {{"function"}, [](const WorkerFunctionRow& row) { return Word{row.function}; }},
      {{"workqueue"}, [](const WorkerFunctionRow& row) { return Word{row.workqueue}; }},
      {{"executions"}, [](const WorkerFunctionRow& row) { return row.executions; }},
      {{.key = "busy_ns", .about = "Of the executions that ended."},
       [](const WorkerFunctionRow& row) { return row.busy; }},
      {{.key = "on_cpu_ns", .about = "Of that; null without scheduler events."},
       [](const WorkerFunctionRow& row) { return row.on_cpu; }},
      {{.key = "origins", .about = "Who queued them, most first."},
       [](const WorkerFunctionRow& row) { return OriginTable(row.origins); }},
  };
  return MakeTable({.key = "functions", .title = ""}, columns, worker.functions);
}

}  // namespace

Table OriginTable(const std::vector<OriginCount>& origins) {
  const Columns<OriginCount> columns = {
      {{"kind"}, [](const OriginCount& origin) { return origin.kind; }},
      {{"name"}, [](const OriginCount& origin) { return Word{origin.name}; }},
      {{"count"}, [](const OriginCount& origin) { return origin.count; }},
  };
  return MakeTable({.key = "origins", .title = ""}, columns, origins);
}

Table WorkerTable(const Report& report) {
  const TraceInfo& info = report.source;
  const bool cpu = info.has_sched;
  const Columns<WorkerRow> columns = {
      {{"pid", "PID"}, [](const WorkerRow& row) { return row.occupancy.pid; }},
      {{"comm", "COMM", kAll, 15}, [](const WorkerRow& row) { return Word{row.comm}; }},
      {{"pool", "POOL", kAll, 10, 2}, [](const WorkerRow& row) { return Word{row.pool}; }},
      {{"executions", "COUNT"}, [](const WorkerRow& row) { return row.occupancy.executions; }},
      {{"busy_ns", "BUSY"},
       [info](const WorkerRow& row) {
         return row.busy_known ? Timed(info, row.occupancy.busy) : std::nullopt;
       }},
      {{"busy_fraction", "OCCUPANCY", kAll, 9, 3},
       [](const WorkerRow& row) { return KnownShare(row.busy_fraction); }},
      {{"cpu_fraction", cpu ? "CPU" : "", cpu ? kAll : kMachine, 0, 0,
        "Share of one CPU that its executions took; null without scheduler events."},
       [&report](const WorkerRow& row) {
         const double share = CpuShare(report, row);
         return std::isnan(share) ? std::nullopt : std::optional(Share{share});
       }},
      {{"exec_max", "LONGEST", kText, 0, 4},
       [](const WorkerRow& row) { return row.measures[Measure::kExecution].max(); }},
      {{"top_functions", "TOP FUNCTIONS", kText, 30}, TopFunctions},
      TakenColumn<WorkerRow>(SpecOf(Measure::kExecution)),
      {{.key = "functions",
        .audience = kJson,
        .about = "What it executed, the longest first; empty where the filters or the format did "
                 "not ask for it."},
       FunctionTable},
  };
  Table table = MakeTable({.key = "workers", .title = "Workers"}, columns, report.workers);
  if (info.has_sched) AddSplits(table, MeasuresOf(report.workers));
  return table;
}

}  // namespace wqprof
