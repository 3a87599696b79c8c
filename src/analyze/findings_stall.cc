// SPDX-License-Identifier: Apache-2.0
// Stalls that have one cause are one finding.
#include <algorithm>
#include <map>
#include <string>
#include <tuple>

#include "analyze/findings.h"

namespace wqprof {
namespace {

Finding::Culprit OfHolder(const StallHolder& holder) {
  return {holder.function, holder.workqueue, {}, holder.overlap};
}

// The execution that had most of `part` in the stall; null if none had any.
const StallHolder* MostOf(const Stall& stall, std::optional<Nanos> StallHolder::*part) {
  const StallHolder* most = nullptr;
  for (const StallHolder& holder : stall.holders) {
    const Nanos time = (holder.*part).value_or(Nanos(0));
    if (time > Nanos(0) && (most == nullptr || time > *(most->*part))) most = &holder;
  }
  return most;
}

std::vector<Finding::Culprit> StarvedBy(const Stall& stall) {
  if (stall.starter && stall.starter->preempted_by) {
    return {{{}, {}, stall.starter->preempted_by, stall.starter->wait.runqueue}};
  }
  const StallHolder* const holder = MostOf(stall, &StallHolder::preempted);
  if (holder == nullptr || !holder->preempted_by) return {};
  return {{{}, {}, holder->preempted_by, *holder->preempted}};
}

// Who made the items of `stall` wait, as far as its cause names anybody.
std::vector<Finding::Culprit> CulpritsOf(const Stall& stall) {
  std::vector<Finding::Culprit> out;
  switch (stall.cause) {
    case StallCause::kStarved:
      return StarvedBy(stall);
    case StallCause::kCpuHog:
      if (const StallHolder* hog = MostOf(stall, &StallHolder::on_cpu)) return {OfHolder(*hog)};
      return {};
    case StallCause::kAllBlocked:
    case StallCause::kNoIdleWorker:
    case StallCause::kBehindItem:
    case StallCause::kUnknown:
      for (const StallHolder& holder : stall.holders) {
        // An unknown cause names only whoever was there for most of it.
        const bool there = holder.overlap * 2 >= stall.duration;
        if (there || stall.cause != StallCause::kUnknown) out.push_back(OfHolder(holder));
      }
      return out;
    case StallCause::kSoftirqDelay:
    case StallCause::kIdleCpu:
      break;
  }
  return out;
}

// Stalls of one pool with the same first culprit, or the same cause where none is a work.
struct Group {
  std::vector<const Stall*> stalls;
  std::map<StallCause, Nanos> by_cause;
};
using GroupKey = std::tuple<std::string, std::string, std::string, StallCause>;

GroupKey KeyOf(const Stall& stall, const std::vector<Finding::Culprit>& culprits) {
  if (culprits.empty() || culprits.front().task) return {stall.pool, "", "", stall.cause};
  return {stall.pool, culprits.front().workqueue, culprits.front().function, StallCause::kUnknown};
}

void AddDelayed(Finding& finding, const Stall& stall) {
  for (const DelayedRow& row : stall.delayed) {
    auto known = std::find_if(finding.delayed.begin(), finding.delayed.end(), [&](const auto& d) {
      return d.function == row.function && d.workqueue == row.workqueue;
    });
    if (known == finding.delayed.end()) {
      known = finding.delayed.insert(known, {row.function, row.workqueue, 0, Nanos(0)});
    }
    known->count += row.first;
    known->worst = std::max(known->worst, row.worst_wait);
  }
}

// A stall goes on the one before it when hardly any time lies between them.
bool GoesOn(const Stall& before, const Stall& next) {
  return next.begin - (before.begin + before.duration) <= std::min(before.duration, next.duration);
}

void AddStretches(Finding& finding, const std::vector<const Stall*>& stalls) {
  Nanos stretch{0};
  for (size_t i = 0; i < stalls.size(); ++i) {
    if (i == 0 || !GoesOn(*stalls[i - 1], *stalls[i])) {
      stretch = Nanos(0);
      ++finding.stretches;
    }
    stretch = AddSaturated(stretch, stalls[i]->duration);
    finding.stretch = std::max(finding.stretch, stretch);
  }
}

Finding ToFinding(Group& group, const Report& report) {
  Finding finding;
  finding.kind = FindingKind::kStall;
  finding.pool = group.stalls.front()->pool;
  finding.cause = std::max_element(group.by_cause.begin(), group.by_cause.end(),
                                   [](const auto& a, const auto& b) { return a.second < b.second; })
                      ->first;
  AddStretches(finding, group.stalls);
  for (const Stall* stall : group.stalls) {
    for (const Finding::Culprit& culprit : CulpritsOf(*stall)) {
      AddCulprit(finding.culprits, culprit);
    }
    AddDelayed(finding, *stall);
    finding.total = AddSaturated(finding.total, stall->duration);
    finding.worst = std::max(finding.worst, stall->worst_latency);
    finding.at_end |= stall->at_end;
  }
  // Those of another finding may have made them wait before.
  for (Finding::Delayed& row : finding.delayed) row.count = std::max<uint64_t>(row.count, 1);
  finding.count = group.stalls.size();
  std::stable_sort(group.stalls.begin(), group.stalls.end(),
                   [](const Stall* a, const Stall* b) { return a->duration > b->duration; });
  for (const Stall* stall : group.stalls) finding.stall_ids.push_back(stall->id);
  Order(finding);
  if (!finding.culprits.empty()) {
    finding.function = finding.culprits.front().function;
    finding.workqueue = finding.culprits.front().workqueue;
  }
  for (const PoolRow& row : report.pools) {
    if (row.occupancy.pool.name == finding.pool) finding.cpu = row.occupancy.pool.cpu;
  }
  Weigh(finding, report.duration);
  return finding;
}

}  // namespace

std::vector<Finding> StallFindings(const Report& report) {
  std::map<GroupKey, Group> groups;
  for (const Stall& stall : report.stalls) {
    Group& group = groups[KeyOf(stall, CulpritsOf(stall))];
    group.stalls.push_back(&stall);
    Nanos& time = group.by_cause[stall.cause];
    time = AddSaturated(time, stall.duration);
  }
  std::vector<Finding> out;
  for (auto& [key, group] : groups) out.push_back(ToFinding(group, report));
  return out;
}

}  // namespace wqprof
