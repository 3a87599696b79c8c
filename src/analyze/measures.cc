// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "wqprof/report.h"

namespace wqprof {
namespace {

// A negative duration is a clock's fault; it is counted in the quality, not here.  What is
// unseen is before everything.
void AddSpan(Histogram& histogram, Timestamp from, Timestamp to) {
  if (from != kUnseen && to >= from) histogram.Add(to - from);
}

bool IsExecuted(const WorkItem& item) {
  return item.state == ItemState::kDone || item.state == ItemState::kRunning;
}

}  // namespace

void Measures::Count(const WorkItem& item) {
  if (item.queued != kUnseen) ++queued;
  if (item.state == ItemState::kSuperseded) ++superseded;
  if (IsExecuted(item)) ++executed;
}

void Measures::Add(const WorkItem& item, const ItemSplit* its_split) {
  Count(item);
  if (!IsExecuted(item)) return;
  if (!item.wait_tainted) {
    AddSpan(latency, item.queued, item.started);
    AddSpan(activation_wait, item.queued, item.activated);
    AddSpan(dispatch_wait, item.activated, item.started);
  }
  // A jiffy begins before it is counted: what comes that much early is on time.
  if (item.due != kUnseen) timer_slack.Add(std::max(Nanos(0), item.queued - item.due));
  if (!item.run_tainted) AddSpan(execution, item.started, item.ended);
  if (!item.tainted()) AddSpan(total, item.queued, item.ended);
  if (its_split == nullptr) return;
  if (its_split->wait && !item.wait_tainted) {
    ++split.waits;
    split.wait += *its_split->wait;
  }
  if (its_split->run && !item.run_tainted) {
    ++split.runs;
    split.run += *its_split->run;
  }
}

void Measures::Merge(const Measures& other) {
  queued += other.queued;
  executed += other.executed;
  superseded += other.superseded;
  latency.Merge(other.latency);
  activation_wait.Merge(other.activation_wait);
  dispatch_wait.Merge(other.dispatch_wait);
  execution.Merge(other.execution);
  total.Merge(other.total);
  timer_slack.Merge(other.timer_slack);
  split.waits += other.split.waits;
  split.runs += other.split.runs;
  split.wait += other.split.wait;
  split.run += other.split.run;
}

std::string_view ToString(StallCause cause) {
  switch (cause) {
    case StallCause::kUnknown:
      return "unknown";
    case StallCause::kCpuHog:
      return "cpu_hog";
    case StallCause::kAllBlocked:
      return "all_blocked";
    case StallCause::kNoIdleWorker:
      return "no_idle_worker";
    case StallCause::kStarved:
      return "starved";
    case StallCause::kBehindItem:
      return "behind_item";
    case StallCause::kSoftirqDelay:
      return "softirq_delay";
    case StallCause::kIdleCpu:
      return "idle_cpu";
  }
  return "unknown";
}

std::string_view ToString(FindingKind kind) {
  switch (kind) {
    case FindingKind::kStall:
      return "stall";
    case FindingKind::kActivationWait:
      return "activation_wait";
    case FindingKind::kDispatchWait:
      return "dispatch_wait";
    case FindingKind::kLongExecution:
      return "long_execution";
    case FindingKind::kIdleCpu:
      return "idle_cpu";
    case FindingKind::kLoop:
      return "loop";
    case FindingKind::kPendingAtEnd:
      return "pending_at_end";
    case FindingKind::kLostEvents:
      return "lost_events";
    case FindingKind::kUnmatched:
      return "unmatched";
  }
  return "unknown";
}

std::string_view ToString(Severity severity) {
  switch (severity) {
    case Severity::kLow:
      return "low";
    case Severity::kMedium:
      return "medium";
    case Severity::kHigh:
      return "high";
  }
  return "low";
}

std::string_view PolicyOf(const Task& task) {
  // MAX_DL_PRIO, MAX_RT_PRIO and MAX_PRIO of include/linux/sched/prio.h.
  constexpr int kDeadlineEnd = 0, kRealTimeEnd = 100, kFairEnd = 140;
  if (!task.prio || *task.prio < -1 || *task.prio >= kFairEnd) return "";
  if (*task.prio < kDeadlineEnd) return "deadline";
  return *task.prio < kRealTimeEnd ? "rt" : "fair";
}

bool Quality::complete() const {
  return lost_events == 0 && lost_gaps == 0 && corrupt_pages == 0 && !truncated && !unfinished &&
         match.unmatched_starts == 0 && match.unmatched_ends == 0 && match.tainted == 0 &&
         match.ambiguous == 0 && match.negative_latencies == 0;
}

}  // namespace wqprof
