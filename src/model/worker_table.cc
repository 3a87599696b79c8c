// SPDX-License-Identifier: Apache-2.0
#include "model/worker_table.h"

#include <algorithm>

namespace wqprof {

ExecutionContext& WorkerTable::Append() {
  if (!free_.empty()) {
    const size_t index = free_.back();
    free_.pop_back();
    return contexts_[index];
  }
  ExecutionContext& context = contexts_.emplace_back();
  context.index = contexts_.size() - 1;
  return context;
}

size_t WorkerTable::Make(Pid pid) {
  ExecutionContext& made = Append();
  made.pid = pid;
  const size_t i = made.index;
  pids_.Set(pid, i);
  return i;
}

void WorkerTable::Identify(ExecutionContext& worker) {
  const NameId comm = names_.Of(worker.pid);
  if (comm == NameId::kUnknown || (comm == worker.comm && worker.seen)) return;
  worker.comm = comm;
  const WorkerComm parsed = names_.Parse(comm);
  switch (parsed.kind) {
    case PoolKind::kPerCpu:
    case PoolKind::kHighpri:
      worker.pool =
          pools_.PerCpu(static_cast<Cpu>(parsed.number), parsed.kind == PoolKind::kHighpri);
      break;
    case PoolKind::kUnbound:
      worker.pool = pools_.Unbound(parsed.number);
      break;
    case PoolKind::kRescuer:
      worker.pool = pools_.Rescuer(comm, names_.Text(comm));
      break;
    default:
      return;
  }
  const size_t pool = static_cast<size_t>(worker.pool);
  if (pool >= by_pool_.size()) by_pool_.resize(pool + 1);
  by_pool_[pool].push_back(static_cast<uint32_t>(worker.index));
}

const ExecutionContext* WorkerTable::FindSoftirq(Cpu cpu) const {
  const size_t* index = softirqs_.Find(cpu);
  return index != nullptr && *index != PidTable::kNone ? &contexts_[*index] : nullptr;
}

ExecutionContext& WorkerTable::Softirq(Cpu cpu) {
  size_t& index = softirqs_[cpu];
  if (index == PidTable::kNone) {
    index = Append().index;
  }
  return contexts_[index];
}

// A worker that turns out to serve another pool than before is a new task under an old pid: the old
// one is kept for the account.
void WorkerTable::NoteComm(Pid pid, NameId comm) {
  if (!names_.Note(pid, comm)) return;
  const size_t index = pids_.Find(pid);
  if (index == PidTable::kNone) return;
  ExecutionContext& worker = contexts_[index];
  worker.noted = comm;
  if (worker.pool == PoolId::kUnknown) {
    Identify(worker);
    return;
  }
  const WorkerComm now = names_.Parse(comm);
  const WorkerComm before = names_.Parse(worker.comm);
  if (now.kind == PoolKind::kUnknown || (now.kind == before.kind && now.number == before.number)) {
    return;
  }
  if (now.kind != PoolKind::kRescuer) Renew(pid);
}

ExecutionContext& WorkerTable::WorkerNamed(Pid pid, NameId comm, size_t known) {
  if (known != PidTable::kNone) {
    ExecutionContext& worker = contexts_[known];
    if (worker.noted == comm && worker.pool != PoolId::kUnknown) return worker;
  }
  NoteComm(pid, comm);
  ExecutionContext& worker = Worker(pid, Cpu{0});
  worker.noted = comm;
  return worker;
}

std::vector<size_t> WorkerTable::Forget(Timestamp before) {
  std::vector<size_t> forgotten;
  for (ExecutionContext& context : contexts_) {
    const bool rests = context.pid != Pid::kNone && context.stack.empty() &&
                       context.provisional == SlabIndex::kNone && context.last_event != kUnseen;
    if (!rests || context.last_event >= before) continue;
    // A pid that was given to another task since is that one's.
    if (pids_.Find(context.pid) == context.index) {
      pids_.Erase(context.pid);
      names_.Forget(context.pid);
    }
    const size_t index = context.index;
    context = ExecutionContext();
    context.index = index;
    forgotten.push_back(index);
  }
  const auto is_gone = [this](uint32_t index) { return contexts_[index].pid == Pid::kNone; };
  for (std::vector<uint32_t>& pool : by_pool_) std::erase_if(pool, is_gone);
  free_.insert(free_.end(), forgotten.begin(), forgotten.end());
  forget_at_ = std::max(kMinForget, 2 * size());
  return forgotten;
}

std::vector<WorkerOccupancy> WorkerTable::Occupancy(Timestamp now) const {
  std::vector<WorkerOccupancy> out;
  for (const ExecutionContext& context : contexts_) {
    if (context.pid == Pid::kNone || !context.seen) continue;
    Nanos busy = context.busy;
    if (!context.stack.empty()) busy += now - context.stack.front().item.started;
    out.push_back({context.pid, context.comm, context.pool, context.executions, busy});
  }
  return out;
}

}  // namespace wqprof
