// SPDX-License-Identifier: Apache-2.0
#include "analyze/flush_collector.h"

#include <algorithm>
#include <string>
#include <utility>

#include "wqprof/glob.h"

namespace wqprof {

void FlushRows::Add(const FlushWait& wait, std::string_view workqueue,
                    const std::optional<FlushBehind>& behind) {
  const std::string_view of = IsOfWorkqueue(wait.kind) ? workqueue : std::string_view();
  auto& [row, long_time] = all_[{wait.kind, wait.function, std::string(of)}];
  const bool longest = row.wait.count() == 0 || wait.Lasted() > *row.wait.max();
  row.wait.Add(wait.Lasted());
  if (wait.Lasted() >= long_wait_) {
    ++row.long_waits;
    long_time.Add(wait.begin, wait.end);
  }
  if (row.workqueue.empty()) row.workqueue = workqueue;
  if (!longest) return;
  row.kind = wait.kind;
  row.at_least = at_least_;
  const FunctionName function = SplitFunction(wait.function);
  row.function = function.name;
  row.module = function.module;
  row.comm = wait.comm;
  row.task = wait.task;
  row.begin = wait.begin;
  row.behind = behind;
}

std::vector<FlushRow> FlushRows::Rows() const {
  std::vector<FlushRow> rows;
  for (const auto& [key, row] : all_) {
    rows.push_back(row.first);
    rows.back().long_time = row.second.Sum();
  }
  return rows;
}

FlushCollector::FlushCollector(const EventSource& source, const ItemFilter& filter, Nanos long_wait)
    : source_(source),
      filter_(filter),
      long_wait_(long_wait),
      // Of another clock nothing can be matched, and ticks are no times.
      log_(source.info().clock_is_ns ? source.info().flushes : nullptr),
      streamed_(long_wait, wants_waits()) {
  if (log_ == nullptr || wants_waits()) return;
  live_ = source.info().format == "live";
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

FlushCollector::Ended FlushCollector::EndedOf(const WorkItem& item) {
  Ended ended{item.id, item.function, item.workqueue, item.ended, std::nullopt, std::nullopt};
  if (!item.run_tainted) ended.executed = item.Execution();
  if (!item.wait_tainted) ended.waited = item.Latency();
  return ended;
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
  if (live_ && item.ended != kUnseen) Remember(item);
  if (log_ == nullptr || log_->waits.empty() || item.ended == kUnseen) return;
  const auto work = works_.find(ToInt(item.work));
  Queue* const workqueue = QueueOf(item.workqueue);
  if (work == works_.end() && workqueue == nullptr) return;
  const Ended ended = EndedOf(item);
  if (work != works_.end()) Reach(work->second, ended, behind_, log_->waits);
  if (workqueue != nullptr) Reach(*workqueue, ended, behind_, log_->waits);
}

void FlushCollector::AddLoss(const LossSpan& loss) {
  constexpr size_t kMost = 100'000;  // beyond that, what lies between two counts as missing, too
  if (log_ == nullptr || (log_->waits.empty() && !live_)) return;
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

FlushBehind FlushCollector::Named(const Ended& ended) const {
  return {ended.item, std::string(SplitFunction(source_.names().Get(ended.function)).name),
          std::string(source_.names().Get(ended.workqueue)), ended.executed, ended.waited};
}

// The work is that behind which the barrier was.
void FlushCollector::Add(const BarrierWait& seen) {
  if (!wants_waits()) return;
  if (seen.begin == kUnseen) {
    ++unfollowed_;
    return;
  }
  FlushWait wait;
  wait.kind = FlushKind::kFlushOrCancel;
  wait.begin = seen.begin;
  wait.end = seen.end;
  if (wait.Lasted() < log_->floor) return;
  wait.task = seen.task;
  wait.comm = source_.names().Get(seen.comm);
  std::optional<FlushBehind> behind;
  if (seen.behind.ended != kUnseen) {
    wait.function = source_.names().Get(seen.behind.function);
    behind = Named(EndedOf(seen.behind));
  }
  const std::string_view workqueue = behind ? behind->workqueue : std::string_view();
  if (Passes(wait, workqueue)) streamed_.Add(wait, workqueue, behind);
}

void FlushCollector::Remember(const WorkItem& item) {
  constexpr size_t kMost = 1 << 16;
  const Recent recent{ToInt(item.work), EndedOf(item)};
  if (recent_.size() < kMost) {
    recent_.push_back(recent);
  } else {
    recent_[next_recent_] = recent;
    next_recent_ = (next_recent_ + 1) % kMost;
  }
  if (waiting_.empty()) return;
  // Items come in the order of their ends, or nearly so.
  const auto reached = std::partition(waiting_.begin(), waiting_.end(), [&](const FlushWait& wait) {
    return wait.end >= recent.ended.end;
  });
  std::for_each(reached, waiting_.end(), [this](const FlushWait& wait) { AddNow(wait); });
  waiting_.erase(reached, waiting_.end());
}

void FlushCollector::Add(const FlushWait& wait) {
  if (live_) waiting_.push_back(wait);
}

void FlushCollector::AddNow(const FlushWait& wait) {
  const auto is_its = [&](const Recent& recent) {
    if (!IsOfWorkqueue(wait.kind)) return recent.work == wait.object;
    return recent.ended.workqueue != NameId::kUnknown &&
           source_.names().Get(recent.ended.workqueue) == wait.workqueue;
  };
  // From the newest on.
  const Ended* last = nullptr;
  for (size_t i = recent_.size(); i > 0 && last == nullptr; --i) {
    const Recent& recent = recent_[(next_recent_ + i - 1) % recent_.size()];
    if (recent.ended.end < wait.begin) break;
    if (recent.ended.end <= wait.end && is_its(recent)) last = &recent.ended;
  }
  if (last != nullptr && !IsWhole(last->end, wait.end)) last = nullptr;
  const std::string_view workqueue = IsOfWorkqueue(wait.kind) ? std::string_view(wait.workqueue)
                                     : last != nullptr        ? source_.names().Get(last->workqueue)
                                                              : std::string_view();
  if (!Passes(wait, workqueue)) return;
  streamed_.Add(wait, workqueue, last != nullptr ? std::optional(Named(*last)) : std::nullopt);
}

std::vector<FlushRow> FlushCollector::Rows() const {
  if (log_ == nullptr) return {};
  if (live_) {
    // No more may come.
    FlushCollector all = *this;
    for (const FlushWait& wait : std::exchange(all.waiting_, {})) all.AddNow(wait);
    return all.streamed_.Rows();
  }
  if (wants_waits()) return streamed_.Rows();
  // More may come later: what has not is settled in copies.
  std::vector<Ended> behind = behind_;
  const auto settle_all = [&](Queue queue) {
    while (queue.next < queue.waits.size()) Settle(queue, behind, log_->waits);
  };
  for (const auto& [work, queue] : works_) settle_all(queue);
  for (const Queue& queue : workqueues_) settle_all(queue);
  FlushRows rows(long_wait_, false);
  for (size_t i = 0; i < log_->waits.size(); ++i) {
    const FlushWait& wait = log_->waits[i];
    // What ended last may be missing.
    const bool seen = behind[i].end != kUnseen && IsWhole(behind[i].end, wait.end);
    const std::string_view workqueue = IsOfWorkqueue(wait.kind) ? std::string_view(wait.workqueue)
                                       : seen ? source_.names().Get(behind[i].workqueue)
                                              : std::string_view();
    if (!Passes(wait, workqueue)) continue;
    rows.Add(wait, workqueue, seen ? std::optional(Named(behind[i])) : std::nullopt);
  }
  return rows.Rows();
}

std::shared_ptr<const FlushLog> FlushCollector::Log() const {
  if (!wants_waits()) return source_.info().flushes;
  auto log = std::make_shared<FlushLog>(*log_);
  log->unfollowed = unfollowed_;
  return log;
}

}  // namespace wqprof
