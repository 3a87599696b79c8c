// SPDX-License-Identifier: Apache-2.0
#include "render/config_tables.h"

#include <fmt/format.h>

#include <algorithm>

#include "wqprof/columns.h"

namespace wqprof {
namespace {

using Counter = WorkqueueCounter;

// What the kernel calls it, without its prefix.
std::string_view BareFlag(std::string_view flag) {
  for (const std::string_view prefix : {"__WQ_", "WQ_"}) {
    if (flag.starts_with(prefix)) return flag.substr(prefix.size());
  }
  return flag;
}

std::optional<SignedId> Number(std::optional<int> value) {
  return value ? std::optional(SignedId{*value}) : std::nullopt;
}

std::optional<Id> Counted(std::optional<int> value) {
  return value && *value >= 0 ? std::optional(Id{*value}) : std::nullopt;
}

Table CounterTable(std::string key, const WorkqueueCounters& counters) {
  Columns<WorkqueueCounters> columns;
  for (size_t i = 0; i < kWorkqueueCounters; ++i) {
    columns.push_back({{std::string(CounterKey(static_cast<Counter>(i)))},
                       [i](const WorkqueueCounters& row) { return row[i]; }});
  }
  return MakeRecord(std::move(key), columns, counters);
}

IdList PoolIds(const WorkqueueSetup& workqueue) {
  IdList out;
  for (const int id : workqueue.pools) {
    if (id >= 0) out.ids.push_back(static_cast<uint64_t>(id));
  }
  return out;
}

// Between the two readings; without a first one since the workqueue was made.
std::optional<uint64_t> Shown(const WorkqueueSetup& workqueue, Counter counter) {
  const auto counted = workqueue.Counted(counter);
  return counted ? counted : workqueue.end[static_cast<size_t>(counter)];
}

}  // namespace

std::string KindOf(const WorkqueueSetup& workqueue) {
  if (workqueue.Has("WQ_BH")) return "bh";
  if (workqueue.ordered == true) return "ordered";
  if (!workqueue.unbound) return "";
  return *workqueue.unbound ? "unbound" : "per-cpu";
}

std::string FlagWords(const WorkqueueSetup& workqueue) {
  std::string out;
  if (!workqueue.flags) return out;
  for (const std::string& flag : *workqueue.flags) {
    const std::string_view bare = BareFlag(flag);
    const bool said = bare == "UNBOUND" || bare == "PERCPU" || bare == "BH" || bare == "ORDERED" ||
                      bare == "LEGACY" || bare == "ORDERED_EXPLICIT";
    if (!said) out += fmt::format("{}{}", out.empty() ? "" : " ", bare);
  }
  return out;
}

std::string LimitWords(const WorkqueueSetup& workqueue) {
  if (workqueue.ordered == true) return "ordered";
  if (!workqueue.max_active || !workqueue.unbound) return "";
  return fmt::format("max_active {}, {}", *workqueue.max_active,
                     *workqueue.unbound ? "unbound" : "per-CPU");
}

std::string SlotWords(const WorkqueueSetup* workqueue) {
  const std::string limit = workqueue != nullptr ? LimitWords(*workqueue) : "";
  return limit.empty() ? "a slot of max_active" : fmt::format("a slot ({})", limit);
}

std::string PoolNameOf(const PoolSetup& pool) {
  if (!pool.cpu) return fmt::format("u{}", pool.id);
  return fmt::format("{}{}{}", pool.bh ? "bh" : "cpu", *pool.cpu,
                     pool.nice.value_or(0) < 0 ? "-hi" : "");
}

const PoolSetup* FindPool(const WorkqueueConfig& config, std::string_view name) {
  const auto found =
      std::find_if(config.pools.begin(), config.pools.end(),
                   [name](const PoolSetup& pool) { return PoolNameOf(pool) == name; });
  return found == config.pools.end() ? nullptr : &*found;
}

Table WorkqueueConfigTable(const WorkqueueConfig& config) {
  using Row = WorkqueueSetup;
  const bool two = config.Started().has_value();
  const Columns<Row> columns = {
      {{"workqueue", "WORKQUEUE", kAll, 16}, [](const Row& row) { return Word{row.name}; }},
      {{.key = "kind", .heading = "KIND", .words = {"per-cpu", "unbound", "ordered", "bh"}},
       [](const Row& row) { return Word{KindOf(row)}; }},
      {{"max_active", "MAX", kAll, 0, 0, "null: not known; or a bh workqueue, which has no limit."},
       [](const Row& row) { return Counted(row.max_active); }},
      {{"min_active", "", kMachine}, [](const Row& row) { return Counted(row.min_active); }},
      {{"flags", "", kJson, 0, 0, "As the kernel names them; null: not known."},
       [](const Row& row) { return row.flags; }},
      {{"flag_words", "FLAGS", kText, 10, 2}, [](const Row& row) { return Word{FlagWords(row)}; }},
      {{"rescuer_pid", "RESCUER", kAll, 0, 3}, [](const Row& row) { return Counted(row.rescuer); }},
      {{"nice", "", kMachine}, [](const Row& row) { return Number(row.nice); }},
      {{"cpus", "", kMachine}, [](const Row& row) { return Word{row.cpus}; }},
      {{"affinity_scope", "AFFINITY", kAll, 0, 4},
       [](const Row& row) { return Word{row.affinity_scope}; }},
      {{"affinity_strict", "", kMachine}, [](const Row& row) { return row.affinity_strict; }},
      {{"pool_ids", "", kJson, 0, 0, "Of an unbound one."}, PoolIds},
      {{"started_shown", two ? "STARTED" : "STARTED EVER", kText, 0, 1},
       [](const Row& row) { return Shown(row, Counter::kStarted); }},
      {{"rescued_shown", "RESCUED", kText, 0, 1},
       [](const Row& row) { return Shown(row, Counter::kRescued); }},
      {{.key = "begin",
        .audience = kJson,
        .about = "The kernel's counters since the workqueue was made, when recording began."},
       [](const Row& row) { return CounterTable("begin", row.begin); }},
      {{.key = "end", .audience = kJson, .about = "The same when it ended."},
       [](const Row& row) { return CounterTable("end", row.end); }},
  };
  Table table = MakeTable({.key = "workqueues", .title = "Workqueues"}, columns, config.workqueues);
  if (!config.limited_by.empty()) {
    table.note = fmt::format("flags and most workqueues are missing: {}", config.limited_by);
  }
  return table;
}

Table PoolConfigTable(const WorkqueueConfig& config) {
  using Row = PoolSetup;
  const Columns<Row> columns = {
      {{"pool", "POOL"}, [](const Row& row) { return PoolNameOf(row); }},
      {{"pool_id", "ID"}, [](const Row& row) { return Id{row.id}; }},
      {{"cpu", "", kMachine, 0, 0, "null: unbound."},
       [](const Row& row) { return Counted(row.cpu); }},
      {{"cpus", "CPUS", kAll, 8}, [](const Row& row) { return Word{row.cpus}; }},
      {{"node", "NODE"}, [](const Row& row) { return Counted(row.node); }},
      {{"nice", "NICE"}, [](const Row& row) { return Number(row.nice); }},
      {{"workers", "WORKERS"}, [](const Row& row) { return Counted(row.workers); }},
      {{"idle", "IDLE"}, [](const Row& row) { return Counted(row.idle); }},
  };
  return MakeTable({.key = "worker_pools", .title = "Worker pools"}, columns, config.pools);
}

}  // namespace wqprof
