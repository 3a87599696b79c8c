// SPDX-License-Identifier: Apache-2.0
// Waits that are no stalls: for a slot of max_active, for a worker, for a CPU that idles.
#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "analyze/findings.h"
#include "analyze/stall_collector.h"
#include "wqprof/name_table.h"

namespace wqprof {
namespace {

// One item that waited for a few milliseconds is no news.
bool IsWorthIt(const Finding& finding) {
  constexpr uint64_t kSome = 3;
  constexpr double kSomeShare = 0.001;
  constexpr Nanos kLong = std::chrono::milliseconds(10);
  return finding.worst >= kLong || (finding.count >= kSome && finding.share >= kSomeShare);
}

void TakeGroup(Finding& finding, const WaitGroup& group, const NameTable& names) {
  finding.count = group.items;
  finding.worst = group.worst;
  finding.waited = group.waited;
  finding.total = group.covered.Sum();
  finding.item_ids = group.worst_items;
  for (const WaitGroup::Delayed& row : group.delayed) {
    finding.delayed.push_back({std::string(SplitFunction(names.Get(row.function)).name),
                               std::string(names.Get(row.workqueue)), row.count, row.worst});
  }
  finding.wait = group.split;
}

// Who had the slots of a workqueue meanwhile.
void AddHolders(Finding& finding, const Report& report) {
  Nanos waited{0}, unheld{0};
  for (const ActivationRow& row : report.activation) {
    if (row.workqueue != finding.workqueue || row.cpu != finding.cpu) continue;
    waited = AddSaturated(waited, row.waited);
    unheld = AddSaturated(unheld, row.unheld);
    if (row.active_max) {
      finding.active_max = std::max(finding.active_max.value_or(0), *row.active_max);
    }
    for (const auto& holder : row.holders) {
      if (holder.function.empty()) continue;
      AddCulprit(finding.culprits, {holder.function, row.workqueue, {}, holder.held});
    }
  }
  finding.unheld = unheld > waited / 2;
  if (finding.unheld) finding.culprits.clear();
}

// Workqueues of one CPU that have the same limit were held up by the same burst.
void MergeInto(Finding& first, const Finding& other, Nanos duration) {
  first.others.push_back(other.workqueue);
  first.others.insert(first.others.end(), other.others.begin(), other.others.end());
  first.count += other.count;
  first.waited = AddSaturated(first.waited, other.waited);
  first.worst = std::max(first.worst, other.worst);
  // Their times may overlap: together they last at least as long as the longer one.
  first.total = std::max(first.total, other.total);
  first.delayed.insert(first.delayed.end(), other.delayed.begin(), other.delayed.end());
  for (const auto& culprit : other.culprits) AddCulprit(first.culprits, culprit);
  Order(first);
  Weigh(first, duration);
}

const Pool* PoolNamed(const Report& report, const std::string& name) {
  for (const PoolRow& row : report.pools) {
    if (row.occupancy.pool.name == name) return &row.occupancy.pool;
  }
  return nullptr;
}

// Time in which items of the pool waited although a CPU of it idled.
Nanos IdledIn(const Report& report, const std::string& pool) {
  for (const PoolRow& row : report.pools) {
    if (row.occupancy.pool.name == pool && row.idle_waits) return row.idle_waits->waited;
  }
  return Nanos(0);
}

// Items that the waits above do not explain already.
std::vector<Finding> IdleFindings(const Report& report, const std::vector<Finding>& waits) {
  std::vector<Finding> out;
  for (const PoolRow& row : report.pools) {
    if (!row.idle_waits || row.idle_waits->items == 0) continue;
    Finding finding;
    finding.kind = FindingKind::kIdleCpu;
    finding.pool = row.occupancy.pool.name;
    finding.cpu = row.occupancy.pool.cpu;
    finding.count = row.idle_waits->items;
    finding.worst = row.idle_waits->worst;
    finding.total = row.idle_waits->waited;
    Weigh(finding, report.duration);
    const bool told = std::any_of(waits.begin(), waits.end(), [&](const Finding& wait) {
      return wait.pool == finding.pool &&
             (wait.kind == FindingKind::kIdleCpu || wait.total >= finding.total);
    });
    const bool in_stalls = row.stalled.value_or(Nanos(0)) * 2 >= finding.total;
    if (!told && !in_stalls && IsWorthIt(finding)) out.push_back(std::move(finding));
  }
  return out;
}

}  // namespace

std::vector<Finding> ActivationFindings(const Report& report, const FindingFacts& facts) {
  std::vector<Finding> all;
  for (const auto& [slots, group] : facts.waits.activation()) {
    Finding finding;
    finding.kind = FindingKind::kActivationWait;
    finding.workqueue = facts.names.Get(slots.first);
    finding.cpu = slots.second;
    TakeGroup(finding, group, facts.names);
    AddHolders(finding, report);
    Order(finding);
    Weigh(finding, report.duration);
    if (IsWorthIt(finding)) all.push_back(std::move(finding));
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const Finding& a, const Finding& b) { return a.total > b.total; });
  std::vector<Finding> out;
  for (Finding& finding : all) {
    const auto same = std::find_if(out.begin(), out.end(), [&](const Finding& known) {
      return finding.cpu != Cpu::kNone && known.cpu == finding.cpu && finding.active_max &&
             known.active_max == finding.active_max && known.unheld == finding.unheld;
    });
    if (same == out.end()) {
      out.push_back(std::move(finding));
    } else {
      MergeInto(*same, finding, report.duration);
    }
  }
  return out;
}

std::vector<Finding> DispatchFindings(const Report& report, const FindingFacts& facts) {
  std::vector<Finding> out;
  for (const auto& [id, group] : facts.waits.dispatch()) {
    Finding finding;
    finding.kind = FindingKind::kDispatchWait;
    finding.pool = facts.model.pool(id).name;
    if (const Pool* pool = PoolNamed(report, finding.pool)) finding.cpu = pool->cpu;
    TakeGroup(finding, group, facts.names);
    finding.rescued = group.rescued * 2 > group.items;
    if (finding.rescued && finding.cpu == Cpu::kNone) finding.cpu = group.cpu;
    const WaitSplit& parts = finding.wait;
    const bool behind = parts.head_of_line > parts.runqueue + parts.wakeup;
    for (const WaitGroup::HadCpu& row : group.had_cpu) {
      finding.culprits.push_back({{}, {}, ToTask(row.task, facts.names), row.time});
    }
    if (const auto work = facts.pool_work.find(id); behind && work != facts.pool_work.end()) {
      finding.culprits = work->second;
    }
    Order(finding);
    if (!finding.delayed.empty()) {
      // The one that waited most, not the one that waited longest once.
      const auto most =
          std::max_element(finding.delayed.begin(), finding.delayed.end(),
                           [](const auto& a, const auto& b) { return a.count < b.count; });
      finding.function = most->function;
      finding.workqueue = most->workqueue;
    }
    if (!finding.rescued && group.had_cpu.empty() &&
        IdledIn(report, finding.pool) * 2 >= finding.total) {
      finding.kind = FindingKind::kIdleCpu;
      finding.culprits.clear();
    }
    Weigh(finding, report.duration);
    if (IsWorthIt(finding)) out.push_back(std::move(finding));
  }
  std::vector<Finding> idle = IdleFindings(report, out);
  std::move(idle.begin(), idle.end(), std::back_inserter(out));
  return out;
}

}  // namespace wqprof
