// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <span>

#include "render/fitted.h"
#include "render/holder_text.h"
#include "render/pictures.h"
#include "render/state_words.h"
#include "render/text.h"
#include "wqprof/columns.h"
#include "wqprof/render_state.h"

namespace wqprof {
namespace {

constexpr std::string_view kSchema = "wqprof.state/1";

// A worker and its pool.
struct WorkerLine {
  std::string pool;
  WorkerState worker;
};
// Works and their pool.
struct WaitingLine {
  std::string pool;
  WaitingWorks works;
};

std::optional<uint64_t> Counted(std::optional<int> value) {
  return value && *value >= 0 ? std::optional(static_cast<uint64_t>(*value)) : std::nullopt;
}

std::optional<Id> Number(std::optional<int> value) {
  return value && *value >= 0 ? std::optional(Id{*value}) : std::nullopt;
}

Word Address(uint64_t address) {
  return Word{address == 0 ? std::string() : fmt::format("{:#x}", address)};
}

std::string KindOf(const PoolState& pool) {
  const bool high = pool.setup.nice.value_or(0) < 0;
  if (pool.setup.bh) return high ? "bh-highpri" : "bh";
  if (pool.setup.cpu) return high ? "highpri" : "per-cpu";
  return pool.setup.id < 0 ? "rescuer" : "unbound";
}

Table SourceTable(const WorkqueueState& state) {
  using Row = WorkqueueState;
  const Columns<Row> columns = {
      {{.key = "from",
        .audience = kJson,
        .about = "bpf: all of it; proc: workers that execute, as /proc shows them.",
        .words = {"bpf", "proc"}},
       [](const Row& row) { return Word{row.source}; }},
      {{"limited_by", "", kJson, 0, 0, "Why it is not all of it."},
       [](const Row& row) { return Word{row.limited_by}; }},
      {{"without_names_by", "", kJson, 0, 0, "Why functions have no names."},
       [](const Row& row) { return Word{row.without_names_by}; }},
      {{"machine", "", kJson}, [](const Row& row) { return Word{row.machine}; }},
      {{"kernel", "", kJson}, [](const Row& row) { return Word{row.kernel}; }},
      {{"cpus", "", kJson}, [](const Row& row) { return Number(row.cpus); }},
      {{"wall_time", "", kJson}, [](const Row& row) { return Word{row.wall_time}; }},
      {{"took_ns", "", kJson, 0, 0, "From the first list to the last one."},
       [](const Row& row) { return row.took; }},
      {{"cut", "", kJson, 0, 0, "There was more than there is room for."},
       [](const Row& row) { return row.cut; }},
  };
  return MakeRecord("source", columns, state);
}

Table TaskTable(const CpuTask& task) {
  const Columns<CpuTask> columns = {
      {{"comm", "", kJson}, [](const CpuTask& row) { return Word{row.comm}; }},
      {{"pid", "", kJson}, [](const CpuTask& row) { return row.pid; }},
      {{"policy", "", kJson},
       [](const CpuTask& row) {
         return Word{std::string(PolicyOf(Task{row.comm, row.pid, row.prio}))};
       }},
      {{"prio", "", kJson, 0, 0, "The kernel's: 0 to 99 is real-time."},
       [](const CpuTask& row) { return SignedId{row.prio}; }},
  };
  return MakeRecord("on_cpu", columns, task);
}

Columns<PoolState> CountColumns() {
  using Row = PoolState;
  return {
      {{"workers", ""}, [](const Row& row) { return Counted(row.setup.workers); }},
      {{"idle", ""}, [](const Row& row) { return Counted(row.setup.idle); }},
      {{.key = "running",
        .about = "Workers that count as having the CPU: while there is one, no other is woken."},
       [](const Row& row) { return Counted(row.running); }},
      {{"executing", ""}, [](const Row& row) { return Executing(row); }},
      {{.key = "active", .about = "Works that execute or wait for a worker."},
       [](const Row& row) { return Counted(row.active); }},
      {{.key = "pending", .about = "Works that wait for a worker."},
       [](const Row& row) { return row.pending; }},
      {{.key = "pending_at_least", .about = "There are more: the list was not read to its end."},
       [](const Row& row) { return row.more_pending; }},
      {{.key = "inactive", .about = "Works that wait for a slot of their workqueue."},
       [](const Row& row) { return row.inactive; }},
      {{.key = "inactive_at_least", .about = "There are more."},
       [](const Row& row) { return row.more_inactive; }},
      {{.key = "taken_at_least", .about = "There are more that workers have taken."},
       [](const Row& row) { return row.more_taken; }},
      {{.key = "workers_at_least", .about = "There are more workers than are listed."},
       [](const Row& row) { return row.more_workers; }},
      {{.key = "stuck_ns", .about = "Since a worker took one of the works that wait."},
       [](const Row& row) { return row.stuck; }},
      {{.key = "manager_pid", .about = "The worker that makes a new one."},
       [](const Row& row) { return row.manager; }},
      {{.key = "read_from_cpu", .about = "Whoever read this was on the pool's CPU."},
       [](const Row& row) { return row.read_from_cpu; }},
  };
}

Table PoolTable(const std::vector<const PoolState*>& pools) {
  using Row = PoolState;
  std::vector<PoolState> rows;
  for (const PoolState* pool : pools) rows.push_back(*pool);
  Columns<Row> columns = {
      {{"pool", ""}, [](const Row& row) { return NameOf(row); }},
      {{.key = "kind", .words = {"per-cpu", "highpri", "unbound", "rescuer", "bh", "bh-highpri"}},
       KindOf},
      {{"pool_id", ""}, [](const Row& row) { return Number(row.setup.id); }},
      {{"cpu", ""}, [](const Row& row) { return Number(row.setup.cpu); }},
      {{"cpus", ""}, [](const Row& row) { return Word{row.setup.cpus}; }},
      {{"node", ""}, [](const Row& row) { return Number(row.setup.node); }},
      {{"nice", ""},
       [](const Row& row) {
         return row.setup.nice ? std::optional(SignedId{*row.setup.nice}) : std::nullopt;
       }},
  };
  for (ColumnOf<Row>& column : CountColumns()) columns.push_back(std::move(column));
  columns.push_back({{.key = "on_cpu",
                      .audience = kJson,
                      .about = "The task that has the pool's CPU; null: not known, or none.",
                      .shape = std::make_shared<Table>(TaskTable(CpuTask()))},
                     [](const Row& row) {
                       return row.on_cpu ? std::optional(TaskTable(*row.on_cpu)) : std::nullopt;
                     }});
  return MakeTable({.key = "pools", .title = ""}, columns, rows);
}

Table WorkerTable(const std::vector<WorkerLine>& rows) {
  using Row = WorkerLine;
  const Columns<Row> columns = {
      {{"pool", ""}, [](const Row& row) { return row.pool; }},
      {{"comm", ""}, [](const Row& row) { return Word{row.worker.comm}; }},
      {{.key = "pid", .about = "null: softirqs."}, [](const Row& row) { return row.worker.pid; }},
      {{.key = "state", .words = AllWords(kLastTaskDoes)},
       [](const Row& row) { return std::string(ToString(row.worker.state)); }},
      {{.key = "cpu", .about = "On which it was last."},
       [](const Row& row) { return row.worker.cpu; }},
      {{"rescuer", ""}, [](const Row& row) { return row.worker.rescuer; }},
      {{.key = "executes", .about = "false: it has been woken to do so."},
       [](const Row& row) { return row.worker.executes; }},
      {{"work", ""}, [](const Row& row) { return Address(row.worker.work); }},
      {{"workqueue", ""}, [](const Row& row) { return Word{row.worker.workqueue}; }},
      {{"function", ""}, [](const Row& row) { return Word{row.worker.function}; }},
      {{"function_address", ""},
       [](const Row& row) { return Address(row.worker.function_address); }},
      {{.key = "description", .about = "What it executes, as the kernel names it in /proc."},
       [](const Row& row) { return Word{row.worker.description}; }},
      {{.key = "running_ns", .about = "Since the work began; kernels before 7.1 do not keep it."},
       [](const Row& row) { return row.worker.running; }},
      {{.key = "cpu_time_ns",
        .about = "On a CPU since the work began or the worker woke up last, by ticks."},
       [](const Row& row) { return row.worker.cpu_time; }},
      {{.key = "stack",
        .audience = kJson,
        .about = "Where it sleeps, the innermost function first; empty: not known."},
       [](const Row& row) { return row.worker.stack; }},
  };
  return MakeTable({.key = "workers", .title = ""}, columns, rows);
}

Table WaitingTable(const std::vector<WaitingLine>& rows) {
  using Row = WaitingLine;
  const Columns<Row> columns = {
      {{"pool", ""}, [](const Row& row) { return row.pool; }},
      {{.key = "state",
        .about = "pending: for a worker; inactive: for a slot of the workqueue; taken: for the "
                 "worker that has taken them.",
        .words = {"pending", "inactive", "taken"}},
       [](const Row& row) { return std::string(ToString(row.works.place)); }},
      {{"count", ""}, [](const Row& row) { return row.works.count; }},
      {{"workqueue", ""}, [](const Row& row) { return Word{row.works.workqueue}; }},
      {{"function", ""}, [](const Row& row) { return Word{row.works.function}; }},
      {{"function_address", ""},
       [](const Row& row) { return Address(row.works.function_address); }},
      {{.key = "work", .about = "The address of the first one."},
       [](const Row& row) { return Address(row.works.work); }},
      {{.key = "max_active", .about = "Of the workqueue."},
       [](const Row& row) { return Counted(row.works.max_active); }},
      {{.key = "worker_pid", .about = "That has taken them."},
       [](const Row& row) { return row.works.worker; }},
  };
  return MakeTable({.key = "waiting", .title = ""}, columns, rows);
}

// The text of a look.
class StateText {
 public:
  StateText(const WorkqueueState& state, const StateView& view, const TextStyle& style)
      : state_(state), view_(view), style_(style) {}

  std::string Text() {
    AppendHeader();
    std::vector<std::string> idle;
    for (const PoolState* pool : ByUrgency(state_)) {
      if (IsIdle(*pool)) {
        idle.push_back(NameOf(*pool));
      } else {
        AppendPool(*pool);
      }
    }
    if (idle.size() == state_.pools.size()) {
      out_ += state_.source == "bpf" ? "\nNo worker executes anything, and nothing waits.\n"
                                     : "\nNo worker executes anything.\n";
    }
    if (!idle.empty()) {
      out_ += '\n';
      // Without the lists of works a pool may have some that no worker has taken.
      const std::string head =
          state_.source == "bpf"
              ? CountOf(idle.size(), "pool is idle: ", "pools are idle: ")
              : CountOf(idle.size(), "pool executes nothing: ", "pools execute nothing: ");
      Line(head, fmt::format("{}", fmt::join(idle, " ")));
    }
    return out_;
  }

 private:
  // `head` and then words, which go on below themselves.
  void Line(const std::string& head, const std::string& words) {
    out_ += head;
    AppendWrapped(out_, Escaped(words, !style_.utf8), head.size(), style_.columns);
  }

  void AppendHeader() {
    const bool ascii = !style_.utf8;
    const auto said = [](std::string_view before, const std::string& what) {
      return what.empty() ? std::string() : fmt::format("{}{}", before, what);
    };
    out_ += Fitted({{"wqprof state", 0},
                    {said("host ", Escaped(state_.machine, ascii)), 1},
                    {said("Linux ", Escaped(state_.kernel, ascii)), 2},
                    {state_.cpus > 0 ? CountOf(static_cast<uint64_t>(state_.cpus), "CPU") : "", 4},
                    {state_.wall_time, 3},
                    {state_.took ? "read in " + DurationText(*state_.took) : "", 5}},
                   style_.columns);
    out_ += '\n';
  }

  void AppendPool(const PoolState& pool) {
    out_ += '\n';
    std::string answer;
    AppendWrapped(answer, Escaped(AnswerOf(pool), !style_.utf8), 0, style_.columns);
    answer.pop_back();
    const bool waits = pool.pending.value_or(0) > 0;
    out_ += (waits ? Alarmed(answer, style_) : Emphasized(answer, style_)) + "\n";
    AppendWorkers(pool);
    AppendWaiting(pool);
  }

  bool IsShown(size_t index) const { return view_.top == 0 || index < view_.top; }

  void AppendWorkers(const PoolState& pool) {
    for (size_t i = 0; i < pool.workers.size(); ++i) {
      const WorkerState& worker = pool.workers[i];
      if (!IsShown(i)) continue;
      Line(i == 0 ? "  worker    " : "            ", TextOf(worker));
      AppendStack(worker);
      for (const WaitingWorks& works : pool.waiting) {
        if (works.place == WaitingWorks::Place::kTaken && works.worker == worker.pid) {
          Line("              then ", TextOf(works));
        }
      }
    }
    AppendLeftOut(pool.workers.size(), "worker");
  }

  void AppendStack(const WorkerState& worker) {
    if (worker.stack.empty()) return;
    Line("              at ", FramesText(worker.stack));
  }

  void AppendWaiting(const PoolState& pool) {
    const std::vector<const WaitingWorks*> pending = Of(pool, WaitingWorks::Place::kPending);
    for (size_t i = 0; i < pending.size() && IsShown(i); ++i) {
      Line(i == 0 ? "  waiting   " : "            ", TextOf(*pending[i]));
    }
    AppendLeftOut(pending.size(), "further kind");
    const std::vector<const WaitingWorks*> inactive = Of(pool, WaitingWorks::Place::kInactive);
    for (size_t i = 0; i < inactive.size() && IsShown(i); ++i) {
      std::string text = TextOf(*inactive[i]);
      if (inactive[i]->max_active) text += fmt::format(", max_active {}", *inactive[i]->max_active);
      Line(i == 0 ? "  inactive  " : "            ", text);
    }
    AppendLeftOut(inactive.size(), "further kind");
  }

  static std::vector<const WaitingWorks*> Of(const PoolState& pool, WaitingWorks::Place place) {
    std::vector<const WaitingWorks*> out;
    for (const WaitingWorks& works : pool.waiting) {
      if (works.place == place) out.push_back(&works);
    }
    return out;
  }

  void AppendLeftOut(size_t count, std::string_view what) {
    if (view_.top == 0 || count <= view_.top) return;
    out_ +=
        fmt::format("            and {} (--top 0 shows all)\n", CountOf(count - view_.top, what));
  }

  const WorkqueueState& state_;
  const StateView& view_;
  const TextStyle& style_;
  std::string out_;
};

}  // namespace

std::vector<Table> StateTables(const WorkqueueState& state) {
  const std::vector<const PoolState*> pools = ByUrgency(state);
  std::vector<WorkerLine> workers;
  std::vector<WaitingLine> waiting;
  for (const PoolState* pool : pools) {
    const std::string name = NameOf(*pool);
    for (const WorkerState& worker : pool->workers) workers.push_back({name, worker});
    for (const WaitingWorks& works : pool->waiting) waiting.push_back({name, works});
  }
  return {SourceTable(state), PoolTable(pools), WorkerTable(workers), WaitingTable(waiting)};
}

std::string RenderState(const WorkqueueState& state, Format format, const StateView& view,
                        const TextStyle& style) {
  switch (format) {
    case Format::kTable:
      return StateText(state, view, style).Text();
    case Format::kJson:
      return ToJson(kSchema, StateTables(state));
    case Format::kNdjson:
      return ToNdjson(kSchema, StateTables(state));
    case Format::kCsv:
      return ToCsv(StateTables(state)[1]);
  }
  return "";
}

std::vector<std::string> StateNotes(const WorkqueueState& state) {
  std::vector<std::string> out;
  if (state.source != "bpf") {
    out.push_back(fmt::format(
        "only the workers that execute are shown, without their functions and without what waits: "
        "{}",
        state.limited_by));
  }
  if (!state.without_names_by.empty()) {
    out.push_back(fmt::format("functions are shown as addresses: {}", state.without_names_by));
  }
  if (state.cut) out.push_back("there are more workqueues, workers or works than could be read");
  return out;
}

}  // namespace wqprof
