// SPDX-License-Identifier: Apache-2.0
#include "analyze/long_waits.h"

#include <algorithm>
#include <string>

#include "analyze/stall_collector.h"
#include "wqprof/name_table.h"

namespace wqprof {
namespace {

constexpr size_t kMostFunctions = 64, kMostTasks = 64, kWorstItems = 5;

void AddDelayed(WaitGroup& group, const WorkItem& item, Nanos wait) {
  for (WaitGroup::Delayed& row : group.delayed) {
    if (row.function != item.function || row.workqueue != item.workqueue) continue;
    ++row.count;
    row.worst = std::max(row.worst, wait);
    return;
  }
  if (group.delayed.size() == kMostFunctions) return;
  group.delayed.push_back({item.function, item.workqueue, 1, wait});
}

void AddTask(WaitGroup& group, const TaskSeen& task, Nanos wait) {
  for (WaitGroup::HadCpu& row : group.had_cpu) {
    if (row.task.pid != task.pid || row.task.comm != task.comm) continue;
    row.time = AddSaturated(row.time, wait);
    return;
  }
  if (group.had_cpu.size() == kMostTasks) return;
  group.had_cpu.push_back({task, wait});
}

void AddTo(WaitGroup& group, const WorkItem& item, Timestamp from, Timestamp to) {
  const Nanos wait = to - from;
  ++group.items;
  group.waited = AddSaturated(group.waited, wait);
  group.covered.Add(from, to);
  if (wait > group.worst) {
    group.worst = wait;
    group.worst_items.insert(group.worst_items.begin(), item.id);
    if (group.worst_items.size() > kWorstItems) group.worst_items.pop_back();
  }
  AddDelayed(group, item, wait);
}

}  // namespace

void LongWaitCollector::AddDispatch(const WorkItem& item, const ItemSplit* split) {
  WaitGroup& group = dispatch_[item.waited_in != PoolId::kUnknown ? item.waited_in : item.pool];
  group.cpu = group.items == 0 || group.cpu == item.target_cpu ? item.target_cpu : Cpu::kNone;
  AddTo(group, item, item.activated, item.started);
  if (model_.pool(item.pool).kind == PoolKind::kRescuer) ++group.rescued;
  if (split == nullptr || !split->wait) return;
  group.split += *split->wait;
  if (split->had_cpu.seen()) AddTask(group, split->had_cpu, split->wait->runqueue);
}

void LongWaitCollector::AddLong(const WorkItem& item, const ItemSplit* split, bool stalled) {
  if (item.wait_tainted) return;
  const Nanos none(0);
  const Nanos activation = item.ActivationWait().value_or(none);
  const Nanos dispatch = item.DispatchWait().value_or(none);
  if (std::max(activation, dispatch) < kLongWait) return;
  ++summary_.items;
  const Nanos worst = std::max(activation, dispatch);
  if (worst > summary_.worst) {
    summary_.worst = worst;
    worst_function_ = item.function;
    worst_workqueue_ = item.workqueue;
  }
  if (activation >= kLongWait) {
    AddTo(activation_[{item.workqueue, item.target_cpu}], item, item.queued, item.activated);
  }
  if (dispatch >= kLongWait && !stalled) AddDispatch(item, split);
}

LongWaits LongWaitCollector::Summary() const {
  LongWaits summary = summary_;
  summary.function = SplitFunction(source_.names().Get(worst_function_)).name;
  summary.workqueue = source_.names().Get(worst_workqueue_);
  return summary;
}

}  // namespace wqprof
