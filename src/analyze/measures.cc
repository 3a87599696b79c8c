// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <utility>

#include "wqprof/anomaly.h"
#include "wqprof/report.h"

namespace wqprof {
namespace {

// Unrolled by hand, so that each measure is known where its duration is taken.
template <size_t... kIndex>
void AddDurations(const WorkItem& item, MeasureSet wanted,
                  std::array<Histogram, kMeasures.size()>& durations,
                  std::index_sequence<kIndex...>) {
  const auto add = [](std::optional<Nanos> duration, Histogram& histogram) {
    if (duration) histogram.Add(*duration);
  };
  ((wanted.Has(kMeasures[kIndex].id) ? add(kMeasures[kIndex].Of(item), durations[kIndex]) : void()),
   ...);
}

}  // namespace

void Measures::Count(const WorkItem& item) {
  if (item.queued != kUnseen) ++queued;
  if (item.state == ItemState::kSuperseded) ++superseded;
  if (item.executed()) ++executed;
}

void Measures::Add(const WorkItem& item, const ItemSplit* its_split, MeasureSet wanted) {
  Count(item);
  // Where starts were not recorded, some measures are left.
  const bool told = item.state == ItemState::kQueued || item.state == ItemState::kDone;
  if (!item.executed() && !told) return;
  AddDurations(item, wanted, durations, std::make_index_sequence<kMeasures.size()>());
  if (!item.executed()) return;
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
  for (size_t i = 0; i < durations.size(); ++i) durations[i].Merge(other.durations[i]);
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
    case FindingKind::kFlushWait:
      return "flush_wait";
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
  return std::all_of(kAnomalies.begin(), kAnomalies.end(), [this](const Anomaly& anomaly) {
    return anomaly.severity != AnomalySeverity::kDoubt || anomaly.count(*this) == uint64_t{0};
  });
}

}  // namespace wqprof
