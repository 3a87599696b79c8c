// SPDX-License-Identifier: Apache-2.0
// What a kernel log says, as the tables of wqprof.log/1.
#include <chrono>
#include <utility>

#include "render/cells.h"
#include "wqprof/render_log.h"

namespace wqprof {
namespace {

using Row = std::vector<Cell>;

Cell SecondsCell(const std::optional<Nanos>& at) {
  if (!at) return {};
  return std::chrono::duration<double>(*at).count();
}
template <typename T>
Cell IdCell(const std::optional<T>& id) {
  return id ? Cell(Id{static_cast<int64_t>(*id)}) : Cell();
}
Cell BootCell(uint32_t boot) { return Id{boot}; }

// "name [module]" as the two columns that it has everywhere.
void AddFunction(Row& row, std::string_view function) {
  const FunctionName parts = SplitFunction(function);
  row.push_back(WordCell(parts.name));
  row.push_back(WordCell(parts.module));
}
const std::vector<Column> kFunction = {{"function", "FUNCTION"}, {"module", "MODULE"}};

std::vector<Column> Columns(std::initializer_list<std::vector<Column>> parts) {
  std::vector<Column> out;
  for (const std::vector<Column>& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}
std::vector<Column> Keys(std::initializer_list<const char*> keys) {
  std::vector<Column> out;
  for (const char* key : keys) out.push_back({key, key});
  return out;
}

const std::vector<Column> kPool = Keys({"pool", "pool_id", "cpus", "node", "nice"});
void AddPool(Row& row, const LoggedPool& pool) {
  row.insert(row.end(), {pool.name, IdCell(pool.id), WordCell(pool.cpus), IdCell(pool.node),
                         IdCell(pool.nice)});
}

Cell WaitingCell(const std::vector<LoggedWaiting>& waiting) {
  Table table{.key = "waiting", .title = ""};
  table.columns = Columns({kFunction, Keys({"workqueue", "count", "state", "barrier_of_pid"})});
  for (const LoggedWaiting& work : waiting) {
    Row row;
    AddFunction(row, work.function);
    row.insert(row.end(),
               {WordCell(work.workqueue), work.count,
                std::string(work.inactive ? "inactive" : "pending"), IdCell(work.barrier_of_pid)});
    table.rows.push_back(std::move(row));
  }
  return std::vector<Table>{std::move(table)};
}

Cell InFlightCell(const std::vector<LoggedExecution>& in_flight) {
  Table table{.key = "in_flight", .title = ""};
  table.columns = Columns({kFunction, Keys({"workqueue", "count", "worker_pid", "rescuer", "linked",
                                            "seconds", "barrier_of_pid", "state", "at"})});
  for (const LoggedExecution& work : in_flight) {
    Row row;
    AddFunction(row, work.function);
    row.insert(row.end(),
               {WordCell(work.workqueue), work.count, IdCell(work.worker_pid), work.rescuer,
                work.linked, OptionalCell(work.seconds), IdCell(work.barrier_of_pid),
                work.state == '\0' ? Cell() : Cell(std::string(1, work.state)), WordCell(work.at)});
    table.rows.push_back(std::move(row));
  }
  return std::vector<Table>{std::move(table)};
}

Table SourceTable(const KernelLog& log, std::string_view path) {
  Table boots{.key = "boots", .title = ""};
  boots.columns = Keys({"boot", "first_s", "last_s", "begin", "kernel"});
  std::string kernel;
  for (size_t i = 0; i < log.boots.size(); ++i) {
    const LoggedBoot& boot = log.boots[i];
    boots.rows.push_back({Id{static_cast<int64_t>(i)}, SecondsCell(boot.first),
                          SecondsCell(boot.last), WordCell(boot.begin), WordCell(boot.kernel)});
    if (!boot.kernel.empty()) kernel = boot.kernel;
  }
  // Stamps of several boots have no common begin.
  const LoggedBoot* const only = log.boots.size() == 1 ? &log.boots.front() : nullptr;
  Table table{.key = "source", .title = "", .record = true};
  table.columns =
      Keys({"path", "format", "kernel", "lines", "messages", "first_s", "last_s", "boots"});
  table.rows.push_back({std::string(path), std::string("kernel log"), WordCell(kernel), log.lines,
                        log.messages, only ? SecondsCell(only->first) : Cell(),
                        only ? SecondsCell(only->last) : Cell(),
                        std::vector<Table>{std::move(boots)}});
  return table;
}

Table LockupTable(const KernelLog& log) {
  Table table{.key = "lockups", .title = "Lockups"};
  table.columns = Columns({Keys({"id", "boot"}), kPool,
                           Keys({"begin_s", "begin", "stuck_s", "reports", "workers", "idle",
                                 "manager_pid", "waiting", "in_flight", "cause", "text"})});
  for (const Lockup& lockup : log.lockups) {
    Row row = {lockup.id, BootCell(lockup.boot)};
    AddPool(row, lockup.pool);
    row.insert(row.end(),
               {SecondsCell(lockup.begin_since_boot), WordCell(lockup.begin), lockup.stuck_s,
                lockup.reports, OptionalCell(lockup.workers), OptionalCell(lockup.idle),
                IdCell(lockup.manager_pid), WaitingCell(lockup.waiting),
                InFlightCell(lockup.in_flight), std::string(ToString(lockup.cause)), lockup.text});
    table.rows.push_back(std::move(row));
  }
  return table;
}

Table PoolTable(const KernelLog& log) {
  Table table{.key = "pools", .title = "Pools"};
  table.columns =
      Columns({Keys({"boot", "at_s"}), kPool, Keys({"hung_s", "workers", "idle", "manager_pid"})});
  for (const LoggedPoolState& pool : log.pools) {
    Row row = {BootCell(pool.boot), SecondsCell(pool.at)};
    AddPool(row, pool.pool);
    row.insert(row.end(), {OptionalCell(pool.hung_s), OptionalCell(pool.workers),
                           OptionalCell(pool.idle), IdCell(pool.manager_pid)});
    table.rows.push_back(std::move(row));
  }
  return table;
}

Table WorkqueueTable(const KernelLog& log) {
  Table table{.key = "workqueues", .title = "Workqueues"};
  table.columns = Keys({"boot", "workqueue", "flags", "pwqs"});
  for (const LoggedWorkqueue& workqueue : log.workqueues) {
    Table pwqs{.key = "pwqs", .title = ""};
    pwqs.columns = Columns(
        {Keys({"at_s"}), kPool, Keys({"active", "max_active", "mayday", "waiting", "in_flight"})});
    for (const LoggedPwq& pwq : workqueue.pwqs) {
      Row row = {SecondsCell(pwq.at)};
      AddPool(row, pwq.pool);
      row.insert(row.end(), {Id{pwq.active}, IdCell(pwq.max_active), pwq.mayday,
                             WaitingCell(pwq.waiting), InFlightCell(pwq.in_flight)});
      pwqs.rows.push_back(std::move(row));
    }
    table.rows.push_back({BootCell(workqueue.boot), WordCell(workqueue.workqueue),
                          workqueue.flags ? Cell(WorkqueueFlagNames(*workqueue.flags)) : Cell(),
                          std::vector<Table>{std::move(pwqs)}});
  }
  return table;
}

Table HogTable(const KernelLog& log) {
  Table table{.key = "hogs", .title = "Functions that hogged a CPU"};
  table.columns =
      Columns({Keys({"boot"}), kFunction,
               Keys({"threshold_us", "times", "reports", "first_s", "last_s", "first", "last"})});
  for (const LoggedHog& hog : log.hogs) {
    Row row = {BootCell(hog.boot)};
    AddFunction(row, hog.function);
    row.insert(row.end(),
               {hog.threshold_us, hog.times, hog.reports, SecondsCell(hog.first.stamp),
                SecondsCell(hog.last.stamp), WordCell(hog.first.wall), WordCell(hog.last.wall)});
    table.rows.push_back(std::move(row));
  }
  return table;
}

Table FlushTable(const KernelLog& log) {
  Table table{.key = "flush_dependencies", .title = "Flush dependencies"};
  table.columns = Keys({"boot", "at_s", "at", "from_workqueue", "from_function", "from_module",
                        "from_task", "to_workqueue", "to_function", "to_module"});
  for (const LoggedFlush& flush : log.flush_dependencies) {
    Row row = {BootCell(flush.boot), SecondsCell(flush.at.stamp), WordCell(flush.at.wall),
               WordCell(flush.from_workqueue)};
    AddFunction(row, flush.from_function);
    if (flush.from_pid) {
      Table task{.key = "from_task", .title = "", .record = true};
      task.columns = Keys({"comm", "pid"});
      task.rows.push_back({WordCell(flush.from_comm), IdCell(flush.from_pid)});
      row.emplace_back(std::vector<Table>{std::move(task)});
    } else {
      row.emplace_back();
    }
    row.push_back(WordCell(flush.to_workqueue));
    AddFunction(row, flush.to_function);
    table.rows.push_back(std::move(row));
  }
  return table;
}

Table BlockedTable(const KernelLog& log) {
  Table table{.key = "blocked", .title = "Workers that hang"};
  table.columns = Columns({Keys({"boot", "at_s", "begin", "worker", "pid", "workqueue"}), kFunction,
                           Keys({"seconds", "reports", "at", "owner", "owner_pid", "lock"})});
  for (const LoggedBlocked& one : log.blocked) {
    Row row = {BootCell(one.boot),    SecondsCell(one.at.stamp),
               WordCell(one.at.wall), WordCell(one.worker),
               Id{one.pid},           WordCell(one.workqueue)};
    AddFunction(row, one.function);
    row.insert(row.end(), {one.seconds, one.reports, WordCell(one.frame), WordCell(one.owner),
                           IdCell(one.owner_pid), WordCell(one.lock)});
    table.rows.push_back(std::move(row));
  }
  return table;
}

Table SoftLockupTable(const KernelLog& log) {
  Table table{.key = "soft_lockups", .title = "Workers in a soft lockup"};
  table.columns = Columns({Keys({"boot", "at_s", "begin", "cpu", "worker", "pid", "workqueue"}),
                           kFunction, Keys({"seconds", "reports", "at"})});
  for (const LoggedSoftLockup& one : log.soft_lockups) {
    Row row = {BootCell(one.boot),     SecondsCell(one.at.stamp),
               WordCell(one.at.wall),  Id{one.cpu},
               WordCell(one.worker),   Id{one.pid},
               WordCell(one.workqueue)};
    AddFunction(row, one.function);
    row.insert(row.end(), {one.seconds, one.reports, WordCell(one.frame)});
    table.rows.push_back(std::move(row));
  }
  return table;
}

Table LeakTable(const KernelLog& log) {
  Table table{.key = "leaks", .title = "Works that left something over"};
  table.columns = Columns({Keys({"boot", "at_s", "worker", "pid"}), kFunction, Keys({"what"})});
  for (const LoggedLeak& leak : log.leaks) {
    Row row = {BootCell(leak.boot), SecondsCell(leak.at.stamp), WordCell(leak.worker),
               Id{leak.pid}};
    AddFunction(row, leak.function);
    row.push_back(WordCell(leak.what));
    table.rows.push_back(std::move(row));
  }
  return table;
}

Table FreezeTable(const KernelLog& log) {
  Table table{.key = "freezes", .title = "Suspends that failed"};
  table.columns = Keys({"boot", "at_s", "begin", "seconds", "wq_busy", "tasks", "in_flight"});
  for (const LoggedFreeze& freeze : log.freezes) {
    table.rows.push_back({BootCell(freeze.boot), SecondsCell(freeze.at.stamp),
                          WordCell(freeze.at.wall), freeze.seconds, freeze.wq_busy, freeze.tasks,
                          InFlightCell(freeze.in_flight)});
  }
  return table;
}

Table DrainTable(const KernelLog& log) {
  Table table{.key = "drains", .title = "Workqueues that do not become empty"};
  table.columns = Keys({"boot", "at_s", "workqueue", "by", "tries"});
  for (const LoggedDrain& drain : log.drains) {
    table.rows.push_back({BootCell(drain.boot), SecondsCell(drain.at.stamp),
                          WordCell(drain.workqueue), WordCell(drain.by), drain.tries});
  }
  return table;
}

Table FindingTable(const KernelLog& log) {
  Table table{.key = "findings", .title = "Findings"};
  table.columns = Columns(
      {Keys({"id", "boot", "kind", "severity", "text", "because", "try", "pool", "workqueue"}),
       kFunction, Keys({"count"})});
  for (const LogFinding& one : log.findings) {
    Row row = {one.id,       BootCell(one.boot), one.kind,
               one.severity, one.text,           WordCell(one.because),
               one.tries,    WordCell(one.pool), WordCell(one.workqueue)};
    AddFunction(row, one.function);
    row.push_back(one.count);
    table.rows.push_back(std::move(row));
  }
  return table;
}

Table QualityTable(const KernelLog& log) {
  Table table{.key = "quality", .title = "", .record = true};
  table.columns = Keys({"unread_lines", "first_unread", "rows_left_out", "truncated"});
  table.rows.push_back(
      {log.unread_lines, WordCell(log.first_unread), log.rows_left_out, log.truncated});
  return table;
}

}  // namespace

std::vector<Table> LogTables(const KernelLog& log, std::string_view path) {
  return {SourceTable(log, path), LockupTable(log), PoolTable(log),    WorkqueueTable(log),
          HogTable(log),          FlushTable(log),  BlockedTable(log), SoftLockupTable(log),
          LeakTable(log),         FreezeTable(log), DrainTable(log),   FindingTable(log),
          QualityTable(log)};
}

std::string WithLogMember(std::string report, const KernelLog& log, std::string_view path) {
  Table member{.key = "log", .title = "", .record = true};
  member.columns = {{"schema", ""}};
  member.rows.push_back({std::string("wqprof.log/1")});
  for (Table& table : LogTables(log, path)) {
    member.columns.push_back({table.key, ""});
    member.rows.front().emplace_back(std::vector<Table>{std::move(table)});
  }
  const std::string document = ToJson("", {&member, 1});
  const size_t begin = document.find(",\n  \"log\": ");
  const size_t end = report.rfind('}');
  if (begin == std::string::npos || end == std::string::npos) return report;
  // Both documents end alike.
  report.replace(report.find_last_not_of('\n', end - 1) + 1, std::string::npos, document, begin,
                 std::string::npos);
  return report;
}

}  // namespace wqprof
