// SPDX-License-Identifier: Apache-2.0
#include "wqprof/holder_finder.h"

#include <algorithm>
#include <optional>

#include "wqprof/name_table.h"

namespace wqprof {
namespace {

// `what` had ended when the stack was taken.
bool IsOver(Timestamp ended, Timestamp at) { return ended != kUnseen && ended < at; }

bool IsSame(const HolderStack& a, const HolderStack& b) {
  return a.pid == b.pid && a.begin == b.begin && a.stall == b.stall && a.pool == b.pool;
}

bool WorkerHolds(const OpenState::Execution& run) {
  return !run.softirq && run.worker != Pid::kNone && run.begin != kUnseen;
}

}  // namespace

Reconstructor::Options HolderFinder::wants() const {
  Reconstructor::Options out = Reconstructor::Nothing();
  out.gap_floor = limits_.stall;
  return out;
}

void HolderFinder::Add(const Completed& completed) {
  if (asked_.empty()) return;
  for (const LossSpan& loss : completed.losses) {
    for (Asked& asked : asked_) {
      const HolderStack& holder = asked.holder;
      asked.doubtful |= loss.end >= (holder.begin != kUnseen ? holder.begin : holder.stall);
    }
  }
  for (const WorkItem& item : completed.items) {
    if (item.ended == kUnseen || item.worker == Pid::kNone) continue;
    for (Asked& asked : asked_) {
      const HolderStack& holder = asked.holder;
      if (holder.pid == item.worker && holder.begin == item.started) asked.ended = item.ended;
    }
  }
  for (const PoolGap& gap : completed.gaps) {
    if (gap.at_end) continue;
    for (Asked& asked : asked_) {
      const HolderStack& holder = asked.holder;
      const bool its = holder.stall == gap.begin && holder.pool == model_.pool(gap.pool).name;
      if (its) asked.stall_ended = gap.end;
    }
  }
}

HolderStack HolderFinder::Described(const OpenState::Execution& run, Timestamp stall) const {
  HolderStack out;
  out.pool = model_.pool(run.pool).name;
  out.comm = source_.names().Get(run.comm);
  out.pid = run.worker;
  out.workqueue = source_.names().Get(run.workqueue);
  out.function = SplitFunction(source_.names().Get(run.function)).name;
  out.begin = run.begin;
  out.stall = stall;
  return out;
}

void HolderFinder::AddStall(const OpenState& open, const OpenState::InPool& pool,
                            std::vector<HolderStack>& out) const {
  const size_t first = out.size();
  for (const OpenState::Execution& run : open.executions) {
    if (run.pool == pool.pool && WorkerHolds(run)) out.push_back(Described(run, pool.gap->begin));
  }
  const auto begin = out.begin() + static_cast<std::ptrdiff_t>(first);
  std::stable_sort(begin, out.end(),
                   [](const HolderStack& a, const HolderStack& b) { return a.begin < b.begin; });
  const TaskSeen& task = pool.on_cpu;
  const bool executes = std::any_of(out.begin() + static_cast<std::ptrdiff_t>(first), out.end(),
                                    [&](const HolderStack& h) { return h.pid == task.pid; });
  if (!task.seen() || ToInt(task.pid) <= 0 || executes) return;
  HolderStack holder;
  holder.pool = model_.pool(pool.pool).name;
  holder.comm = source_.names().Get(task.comm);
  holder.pid = task.pid;
  holder.stall = pool.gap->begin;
  out.push_back(std::move(holder));
}

std::vector<HolderStack> HolderFinder::Find() const {
  std::vector<HolderStack> out;
  const OpenState open = model_.Open(kUnseen);
  for (const OpenState::InPool& pool : open.pools) {
    if (!pool.gap || Elapsed(pool.gap->begin, open.at) < limits_.stall) continue;
    AddStall(open, pool, out);
  }
  std::vector<HolderStack> executions;
  for (const OpenState::Execution& run : open.executions) {
    const bool is_long = WorkerHolds(run) && Elapsed(run.begin, open.at) >= limits_.execution;
    if (!is_long || run.item.state == ItemState::kBarrier) continue;
    HolderStack holder = Described(run, kUnseen);
    const bool stalls = std::any_of(out.begin(), out.end(), [&](const HolderStack& h) {
      return h.pid == holder.pid && h.begin == holder.begin;
    });
    if (!stalls) executions.push_back(std::move(holder));
  }
  std::stable_sort(executions.begin(), executions.end(),
                   [](const HolderStack& a, const HolderStack& b) { return a.begin < b.begin; });
  out.insert(out.end(), executions.begin(), executions.end());
  return out;
}

void HolderFinder::Expect(const std::vector<HolderStack>& holders) {
  for (const HolderStack& holder : holders)
    asked_.push_back({holder, kUnseen, kUnseen, false, false});
}

void HolderFinder::Answer(std::vector<HolderStack> stacks) {
  for (HolderStack& stack : stacks) {
    const auto asked = std::find_if(asked_.begin(), asked_.end(), [&](const Asked& a) {
      return !a.answered && IsSame(a.holder, stack);
    });
    if (asked == asked_.end()) continue;
    asked->holder = std::move(stack);
    asked->answered = true;
  }
  std::erase_if(asked_, [](const Asked& asked) { return !asked.answered; });
}

std::vector<HolderStack> HolderFinder::Confirmed(Timestamp now) {
  std::vector<HolderStack> out;
  std::erase_if(asked_, [&](Asked& asked) {
    HolderStack& holder = asked.holder;
    if (!asked.answered || holder.at > now) return false;
    if (asked.doubtful) return true;
    // What the stack is about: a stall, an execution or both.
    if (IsOver(asked.stall_ended, holder.at)) holder.stall = kUnseen;
    const bool executes = holder.begin != kUnseen && !IsOver(asked.ended, holder.at);
    const bool is_long = executes && Elapsed(holder.begin, holder.at) >= limits_.execution;
    if (is_long || (holder.stall != kUnseen && (executes || holder.begin == kUnseen))) {
      out.push_back(std::move(holder));
    }
    return true;
  });
  return out;
}

}  // namespace wqprof
