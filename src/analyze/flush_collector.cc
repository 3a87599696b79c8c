// SPDX-License-Identifier: Apache-2.0
#include "analyze/flush_collector.h"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "wqprof/glob.h"
#include "wqprof/interval_union.h"

namespace wqprof {

FlushCollector::FlushCollector(const EventSource& source, const ItemFilter& filter)
    : source_(source),
      filter_(filter),
      // Of another clock nothing can be matched, and ticks are no times.
      log_(source.info().clock_is_ns ? source.info().flushes : nullptr) {
  if (log_ == nullptr) return;
  behind_.resize(log_->waits.size());
  for (size_t i = 0; i < log_->waits.size(); ++i) {
    const FlushWait& wait = log_->waits[i];
    if (!IsOfWorkqueue(wait.kind)) {
      works_[wait.object].waits.push_back(i);
      continue;
    }
    const auto [at, added] = by_name_.try_emplace(wait.workqueue, workqueues_.size());
    if (added) workqueues_.emplace_back();
    workqueues_[at->second].waits.push_back(i);
  }
}

FlushCollector::Queue* FlushCollector::QueueOf(NameId workqueue) {
  if (workqueue == NameId::kUnknown || workqueues_.empty()) return nullptr;
  const size_t id = ToInt(workqueue);
  if (id >= by_id_.size()) by_id_.resize(id + 1);
  if (by_id_[id] == 0) {
    const auto at = by_name_.find(source_.names().Get(workqueue));
    by_id_[id] = at == by_name_.end() ? 1 : static_cast<uint32_t>(at->second) + 2;
  }
  return by_id_[id] == 1 ? nullptr : &workqueues_[by_id_[id] - 2];
}

// The wait that comes next is over, as far as executions have come.
void FlushCollector::Settle(Queue& queue, std::vector<Ended>& behind,
                            const std::vector<FlushWait>& waits) {
  const size_t wait = queue.waits[queue.next++];
  if (queue.last.end != kUnseen && queue.last.end >= waits[wait].begin &&
      queue.last.end <= waits[wait].end) {
    behind[wait] = queue.last;
  }
}

void FlushCollector::Reach(Queue& queue, const Ended& ended, std::vector<Ended>& behind,
                           const std::vector<FlushWait>& waits) {
  while (queue.next < queue.waits.size() && waits[queue.waits[queue.next]].end < ended.end) {
    Settle(queue, behind, waits);
  }
  if (ended.end >= queue.last.end) queue.last = ended;
}

void FlushCollector::Add(const WorkItem& item) {
  if (log_ == nullptr || log_->waits.empty() || item.ended == kUnseen) return;
  const auto work = works_.find(ToInt(item.work));
  Queue* const workqueue = QueueOf(item.workqueue);
  if (work == works_.end() && workqueue == nullptr) return;
  Ended ended{item.id, item.function, item.workqueue, item.ended, std::nullopt, std::nullopt};
  if (!item.run_tainted) ended.executed = item.Execution();
  if (!item.wait_tainted) ended.waited = item.Latency();
  if (work != works_.end()) Reach(work->second, ended, behind_, log_->waits);
  if (workqueue != nullptr) Reach(*workqueue, ended, behind_, log_->waits);
}

void FlushCollector::AddLoss(const LossSpan& loss) {
  constexpr size_t kMost = 100'000;  // beyond that, what lies between two counts as missing, too
  if (log_ == nullptr || log_->waits.empty()) return;
  LossSpan all = loss;
  while (!losses_.empty() && (losses_.back().end >= all.begin || losses_.size() == kMost)) {
    all.begin = std::min(all.begin, losses_.back().begin);
    losses_.pop_back();
  }
  losses_.push_back(all);
}

bool FlushCollector::IsWhole(Timestamp from, Timestamp to) const {
  const auto loss =
      std::lower_bound(losses_.begin(), losses_.end(), from,
                       [](const LossSpan& span, Timestamp time) { return span.end < time; });
  return loss == losses_.end() || loss->begin > to;
}

bool FlushCollector::Passes(const FlushWait& wait, std::string_view workqueue) const {
  if (filter_.from != kUnseen && wait.end < filter_.from) return false;
  if (filter_.to != kUnseen && wait.end > filter_.to) return false;
  if (!filter_.workqueues.empty() && !PassesGlobs(filter_.workqueues, {workqueue})) return false;
  return filter_.functions.empty() ||
         PassesGlobs(filter_.functions, {wait.function, SplitFunction(wait.function).name});
}

std::vector<FlushRow> FlushCollector::Rows(Nanos long_wait) const {
  std::vector<FlushRow> rows;
  if (log_ == nullptr) return rows;
  // More may come later: what has not is settled in copies.
  std::vector<Ended> behind = behind_;
  const auto settle_all = [&](Queue queue) {
    while (queue.next < queue.waits.size()) Settle(queue, behind, log_->waits);
  };
  for (const auto& [work, queue] : works_) settle_all(queue);
  for (const Queue& queue : workqueues_) settle_all(queue);
  std::map<std::tuple<FlushKind, std::string, std::string>, std::pair<FlushRow, IntervalUnion>> all;
  for (size_t i = 0; i < log_->waits.size(); ++i) {
    const FlushWait& wait = log_->waits[i];
    // What ended last may be missing.
    const bool seen = behind[i].end != kUnseen && IsWhole(behind[i].end, wait.end);
    const std::string workqueue(IsOfWorkqueue(wait.kind) ? std::string_view(wait.workqueue)
                                : seen                   ? source_.names().Get(behind[i].workqueue)
                                                         : std::string_view());
    if (!Passes(wait, workqueue)) continue;
    auto& [row, long_time] =
        all[{wait.kind, wait.function, IsOfWorkqueue(wait.kind) ? workqueue : ""}];
    const bool longest = row.wait.count() == 0 || wait.Lasted() > *row.wait.max();
    row.wait.Add(wait.Lasted());
    if (wait.Lasted() >= long_wait) {
      ++row.long_waits;
      long_time.Add(wait.begin, wait.end);
    }
    if (row.workqueue.empty()) row.workqueue = workqueue;
    if (!longest) continue;
    row.kind = wait.kind;
    const FunctionName function = SplitFunction(wait.function);
    row.function = function.name;
    row.module = function.module;
    row.comm = wait.comm;
    row.task = wait.task;
    row.begin = wait.begin;
    row.behind.reset();
    if (!seen) continue;
    row.behind = FlushBehind{
        behind[i].item, std::string(SplitFunction(source_.names().Get(behind[i].function)).name),
        std::string(source_.names().Get(behind[i].workqueue)), behind[i].executed,
        behind[i].waited};
  }
  for (auto& [key, row] : all) {
    row.first.long_time = row.second.Sum();
    rows.push_back(std::move(row.first));
  }
  return rows;
}

}  // namespace wqprof
