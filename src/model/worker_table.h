// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_MODEL_WORKER_TABLE_H_
#define WQPROF_MODEL_WORKER_TABLE_H_

#include <cstdint>
#include <span>
#include <vector>

#include "model/by_cpu.h"
#include "model/pid_table.h"
#include "model/pool_table.h"
#include "model/work_table.h"
#include "model/worker_names.h"
#include "wqprof/event_source.h"
#include "wqprof/model.h"

namespace wqprof {

// An execution without its end yet.
struct OpenExecution {
  OpenExecution() {}  // else all of it is cleared first, and slowly
  WorkItem item;
  SlabIndex work = SlabIndex::kNone;  // none for barriers
  SlabIndex provisional = SlabIndex::kNone;
  bool has_slot = false;  // the ActivationTracker waits for its end
};

// The execution that a worker ended last.
struct LastRun {
  NameId function = NameId::kUnknown, workqueue = NameId::kUnknown;
  NameId stack = NameId::kUnknown;
  Timestamp started = kUnseen, ended = kUnseen;
  TaskSeen preempted_by;  // the task that had its CPU longest
};

// Where executions nest: one worker, or the softirqs of one CPU (BH works, which borrow
// whatever task they interrupt).
struct ExecutionContext {
  size_t index = 0;      // in the WorkerTable
  Pid pid = Pid::kNone;  // kNone: softirqs
  NameId comm = NameId::kUnknown;
  NameId noted = NameId::kUnknown;  // the name that a scheduler event gave last
  PoolId pool = PoolId::kUnknown;
  uint64_t executions = 0;
  Nanos busy{0};
  bool seen = false;               // any start or end was
  Timestamp last_event = kUnseen;  // its last sign of life
  SlabIndex provisional = SlabIndex::kNone;
  LastRun last_run;
  std::vector<OpenExecution> stack;
};

// Who queued a work: `worker` is the context of the event's task, `softirq` that of its CPU's
// softirqs; null where nothing ran.  Inlined, as what it returns is then written where it is kept.
[[gnu::always_inline]] inline Origin OriginOf(const Event& e, const ExecutionContext* worker,
                                              const ExecutionContext* softirq) {
  if (e.flags & kFlagNmi) return {Origin::Kind::kNmi, Pid::kNone, NameId::kUnknown};
  if (e.flags & kFlagHardirq) return {Origin::Kind::kHardirq, Pid::kNone, NameId::kUnknown};
  const ExecutionContext* context = e.flags & kFlagSoftirq ? softirq : worker;
  if (context != nullptr && !context->stack.empty()) {
    return {Origin::Kind::kWork, e.pid, context->stack.back().item.function};
  }
  if (e.flags & kFlagSoftirq) return {Origin::Kind::kSoftirq, Pid::kNone, NameId::kUnknown};
  // A text without flags does not show whether the idle task was interrupted.
  if (e.pid == Pid::kNone) return {};
  return {Origin::Kind::kTask, e.pid, NameId::kUnknown};
}

// Finds the context of an event, and for a worker its name and pool.
class WorkerTable {
 public:
  WorkerTable(const EventSource& source, PoolTable& pools) : names_(source), pools_(pools) {}

  // The worker with this pid; made if need be.
  ExecutionContext& Worker(Pid pid, Cpu cpu) {
    size_t i = pids_.Find(pid, cpu);
    if (i == PidTable::kNone) [[unlikely]]
      i = Make(pid);
    ExecutionContext& worker = contexts_[i];
    if (worker.pool == PoolId::kUnknown) [[unlikely]]
      Identify(worker);
    return worker;
  }
  // The same if it is known, else null.
  [[gnu::always_inline]] ExecutionContext* Find(Pid pid, Cpu cpu) {
    return AtOrNull(pids_.Find(pid, cpu));
  }
  // Whether nothing is left of the worker's name but what all workers share.
  bool NameIsCut(const ExecutionContext& worker) const { return names_.IsCut(worker.comm); }
  // The softirqs of one CPU.
  ExecutionContext& Softirq(Cpu cpu);
  // Null if nothing ever ran there.
  const ExecutionContext* FindSoftirq(Cpu cpu) const;

  // A context keeps its index as long as the table lives.
  ExecutionContext& operator[](size_t index) { return contexts_[index]; }
  const ExecutionContext& operator[](size_t index) const { return contexts_[index]; }

  // The worker with this pid, also if it has executed nothing yet, provided that it is known
  // or that its name is a worker's; else null.
  ExecutionContext* FindTask(Pid pid, NameId comm) { return FindTask(pid, comm, pids_.Find(pid)); }
  // The same, of a task that a CPU switches from or to.
  ExecutionContext* FindTaskOn(Cpu cpu, Pid pid, NameId comm) {
    return FindTask(pid, comm, pids_.Find(pid, cpu));
  }
  // The pid was given to a new task.
  void Renew(Pid pid) { pids_.Erase(pid); }

  template <typename F>
  void ForEach(F&& f) {
    for (size_t i = 0; i < contexts_.size(); ++i) f(contexts_[i]);
  }
  template <typename F>
  void ForEach(F&& f) const {
    for (const ExecutionContext& context : contexts_) f(context);
  }
  // Whether so many are known that Forget() pays.
  bool wants_forget() const { return size() >= forget_at_; }
  // Forgets the workers that execute nothing and showed no sign of life since `before`; returns
  // their indices, which later ones will bear.
  std::vector<size_t> Forget(Timestamp before);
  size_t size() const { return contexts_.size() - free_.size(); }
  // The workers of a pool, in the order in which they came to be known; no softirqs.
  std::span<const uint32_t> WorkersOf(PoolId pool) const {
    const size_t i = static_cast<size_t>(pool);
    return i < by_pool_.size() ? by_pool_[i] : std::span<const uint32_t>();
  }
  std::vector<WorkerOccupancy> Occupancy(Timestamp now) const;

 private:
  static constexpr size_t kMinForget = 4096;

  ExecutionContext* AtOrNull(size_t i) { return i == PidTable::kNone ? nullptr : &contexts_[i]; }
  ExecutionContext* FindTask(Pid pid, NameId comm, size_t known) {
    // A rescuer of old kernels bears any name.
    return names_.IsWorker(comm) ? &WorkerNamed(pid, comm, known) : AtOrNull(known);
  }
  ExecutionContext& WorkerNamed(Pid pid, NameId comm, size_t known);
  void NoteComm(Pid pid, NameId comm);
  size_t Make(Pid pid);
  ExecutionContext& Append();
  void Identify(ExecutionContext& worker);

  WorkerNames names_;
  PoolTable& pools_;
  std::vector<ExecutionContext> contexts_;
  std::vector<size_t> free_;  // of these, to be used again
  size_t forget_at_ = kMinForget;
  PidTable pids_;
  std::vector<std::vector<uint32_t>> by_pool_;  // indices into contexts_
  ByCpu<size_t> softirqs_{PidTable::kNone};
};

}  // namespace wqprof

#endif  // WQPROF_MODEL_WORKER_TABLE_H_
