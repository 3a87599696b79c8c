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
  by_pid_[ToInt(pid)] = i;
  maybe_.set(BitOf(pid));
  // Another CPU may remember that this pid is no worker.
  for (Recent& recent : recent_) {
    if (recent.pid == pid) recent.index = i;
  }
  return i;
}

void WorkerTable::Identify(ExecutionContext& worker) {
  const auto told = comms_.find(ToInt(worker.pid));
  const NameId comm = told != comms_.end() ? told->second : source_.CommOf(worker.pid);
  if (comm == NameId::kUnknown || (comm == worker.comm && worker.seen)) return;
  worker.comm = comm;
  const std::string_view text = source_.names().Get(comm);
  const WorkerComm parsed = ParseWorkerComm(text);
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
      worker.pool = pools_.Rescuer(comm, text);
      break;
    default:
      return;
  }
  const size_t pool = static_cast<size_t>(worker.pool);
  if (pool >= by_pool_.size()) by_pool_.resize(pool + 1);
  by_pool_[pool].push_back(static_cast<uint32_t>(worker.index));
}

ExecutionContext* WorkerTable::FindSoftirq(Cpu cpu) {
  const size_t* index = softirqs_.Find(cpu);
  return index != nullptr && *index != kNone ? &contexts_[*index] : nullptr;
}

const ExecutionContext* WorkerTable::FindSoftirq(Cpu cpu) const {
  const size_t* index = softirqs_.Find(cpu);
  return index != nullptr && *index != kNone ? &contexts_[*index] : nullptr;
}

ExecutionContext& WorkerTable::Softirq(Cpu cpu) {
  size_t& index = softirqs_[cpu];
  if (index == kNone) {
    index = Append().index;
  }
  return contexts_[index];
}

bool WorkerTable::IsWorkerName(NameId comm) {
  const size_t i = ToInt(comm);
  if (i >= worker_names_.size()) worker_names_.resize(std::max(i + 1, source_.names().size()), -1);
  if (worker_names_[i] < 0) {
    worker_names_[i] = source_.names().Get(comm).starts_with("kworker/") ? 1 : 0;
  }
  return worker_names_[i] == 1;
}

void WorkerTable::NoteComm(Pid pid, NameId comm) {
  if (!IsWorkerName(comm)) return;
  NameId& known = comms_[ToInt(pid)];
  if (known == comm) return;
  known = comm;
  const auto it = by_pid_.find(ToInt(pid));
  if (it == by_pid_.end()) return;
  ExecutionContext& worker = contexts_[it->second];
  worker.noted = comm;
  if (worker.pool == PoolId::kUnknown) {
    Identify(worker);
    return;
  }
  const WorkerComm now = ParseWorkerComm(source_.names().Get(comm));
  const WorkerComm before = ParseWorkerComm(source_.names().Get(worker.comm));
  if (now.kind == PoolKind::kUnknown || (now.kind == before.kind && now.number == before.number)) {
    return;
  }
  if (now.kind != PoolKind::kRescuer) Renew(pid);
}

ExecutionContext* WorkerTable::FindTask(Pid pid, NameId comm, size_t known) {
  if (IsWorkerName(comm)) {
    if (known != kNone) {
      ExecutionContext& worker = contexts_[known];
      if (worker.noted == comm && worker.pool != PoolId::kUnknown) return &worker;
    }
    NoteComm(pid, comm);
    ExecutionContext& worker = Worker(pid, Cpu{0});
    worker.noted = comm;
    return &worker;
  }
  // A rescuer of old kernels bears any name.
  return known == kNone ? nullptr : &contexts_[known];
}

void WorkerTable::Renew(Pid pid) {
  if (by_pid_.erase(ToInt(pid)) == 0) return;
  for (Recent& recent : recent_) {
    if (recent.pid == pid) recent = {};
  }
}

std::vector<size_t> WorkerTable::Forget(Timestamp before) {
  std::vector<size_t> forgotten;
  for (ExecutionContext& context : contexts_) {
    const bool rests = context.pid != Pid::kNone && context.stack.empty() &&
                       context.provisional == SlabIndex::kNone && context.last_event != kUnseen;
    if (!rests || context.last_event >= before) continue;
    // A pid that was given to another task since is that one's.
    const auto it = by_pid_.find(ToInt(context.pid));
    if (it != by_pid_.end() && it->second == context.index) {
      by_pid_.erase(it);
      comms_.erase(ToInt(context.pid));
    }
    const size_t index = context.index;
    context = ExecutionContext();
    context.index = index;
    forgotten.push_back(index);
  }
  for (Recent& recent : recent_) recent = {};
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
