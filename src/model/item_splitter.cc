// SPDX-License-Identifier: Apache-2.0
#include "model/item_splitter.h"

#include <algorithm>
#include <cassert>
#include <optional>

namespace wqprof {
namespace {

// Of shorter waits for a CPU nobody asks who had it.
constexpr Nanos kWorthAName = std::chrono::milliseconds(1);

// The part of an execution that a state is, but for the one on its CPU.
std::optional<RunPart::Kind> PartOf(TaskState state) {
  switch (state) {
    case TaskState::kPreempted:
      return RunPart::Kind::kPreempted;
    case TaskState::kSleeping:
    case TaskState::kSleepingIdle:
      return RunPart::Kind::kBlocked;
    case TaskState::kSleepingD:
      return RunPart::Kind::kBlockedInD;
    case TaskState::kWoken:
    case TaskState::kRunnable:
      return RunPart::Kind::kRunnable;
    case TaskState::kUnknown:
    case TaskState::kOnCpu:
      break;
  }
  return std::nullopt;
}

}  // namespace

void ItemSplitter::SplitWait(const ExecutionContext& context, WorkItem& item) {
  if (!wait_splits_ || item.activated == kUnseen || item.activated > item.started) return;
  ItemSplit& both = outlet_.SplitFor(item);
  WaitSplit& split = both.wait.emplace();
  if (item.softirq) {
    // What ran before in the same softirq is seen; why the softirq came late is not.
    const LastRun& before = context.last_run;
    if (before.ended != kUnseen) {
      split.head_of_line =
          std::max(Nanos(0), before.ended - std::max(before.started, item.activated));
    }
    split.unknown = item.started - item.activated - split.head_of_line;
  } else {
    tables_.sched.tracks().AddTo(split, context, item.activated, item.started);
    if (split.runqueue >= kWorthAName) both.had_cpu = tables_.sched.tracks().PreemptedBy(context);
  }
  assert(split.Sum() == item.started - item.activated);
}

void ItemSplitter::SplitRun(const ExecutionContext& context, WorkItem& item) {
  if (item.started == kUnseen || item.ended < item.started) return;
  if (!item.softirq && run_part_floor_ != Nanos::max()) ReportParts(context, item);
  if (!run_splits_) return;
  RunSplit& split = outlet_.SplitFor(item).run.emplace();
  if (item.softirq) {
    // A softirq has its CPU until it is done, except on PREEMPT_RT.
    const bool switched = tables_.sched.cpus().SwitchedSince(item.run_cpu, item.started);
    (switched ? split.unknown : split.on_cpu) = item.ended - item.started;
  } else {
    tables_.sched.tracks().AddTo(split, context, item.started, item.ended);
    interrupts_.Fill(context.index, item.started, split);
  }
  assert(split.Sum() == item.ended - item.started);
}

void ItemSplitter::ReportParts(const ExecutionContext& context, const WorkItem& item) {
  tables_.sched.tracks().ForEachState(
      context, item.started, item.ended, [&](Timestamp begin, Timestamp end, TaskState state) {
        const std::optional<RunPart::Kind> kind = PartOf(state);
        if (!kind || end - begin < run_part_floor_) return;
        run_parts_.push_back({item.started, begin, end, item.worker, item.pool, *kind});
      });
}

}  // namespace wqprof
