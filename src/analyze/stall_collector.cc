// SPDX-License-Identifier: Apache-2.0
#include "analyze/stall_collector.h"

#include <algorithm>
#include <iterator>

#include "analyze/few_counts.h"
#include "analyze/stall_cause.h"
#include "wqprof/name_table.h"

namespace wqprof {
namespace {

uint32_t KeyOf(PoolId pool) { return static_cast<uint32_t>(pool); }

StallHolder ToStallHolder(const GapHolder& holder, const NameTable& names) {
  StallHolder out;
  out.function = SplitFunction(names.Get(holder.function)).name;
  out.workqueue = names.Get(holder.workqueue);
  out.worker = names.Get(holder.comm);
  out.worker_pid = holder.worker;
  out.stack = names.Get(holder.stack);
  out.begin = holder.begin;
  out.overlap = holder.overlap;
  if (holder.split) {
    out.on_cpu = holder.split->on_cpu;
    out.preempted = holder.split->preempted;
    out.blocked = holder.split->blocked;
    out.blocked_in_d = holder.split->blocked_in_d;
    if (holder.preempted_by.seen()) out.preempted_by = ToTask(holder.preempted_by, names);
    if (holder.asleep_in != 0) out.asleep_in = holder.asleep_in;
    out.asleep_since = holder.asleep_since;
  }
  return out;
}

std::optional<StallStarter> StarterOf(const PoolGap& gap, const NameTable& names) {
  if (!gap.starter) return std::nullopt;
  StallStarter out{std::string(names.Get(gap.starter_comm)),
                   gap.starter_pid,
                   *gap.starter,
                   {},
                   gap.starter_idled};
  if (gap.starter_preempted_by.seen()) {
    out.preempted_by = ToTask(gap.starter_preempted_by, names);
  }
  return out;
}

}  // namespace

Task ToTask(const TaskSeen& task, const NameTable& names) {
  Task out{std::string(names.Get(task.comm)), task.pid, {}};
  if (task.prio != TaskSeen::kNoPrio) out.prio = task.prio;
  return out;
}

ItemFilter StallCollector::NamesOf(const ItemFilter& filter) {
  ItemFilter names;
  names.workqueues = filter.workqueues;
  names.functions = filter.functions;
  names.cpus = filter.cpus;
  return names;
}

bool StallCollector::IsInTime(const PoolGap& gap) const {
  return (filter_.from == kUnseen || gap.end >= filter_.from) &&
         (filter_.to == kUnseen || gap.begin <= filter_.to);
}

// What kept the pool's workers counts as well: who asks for a work wants to see whom it delayed.
bool StallCollector::MatchesWithoutItems(const PoolGap& gap) {
  WorkItem held;
  held.run_cpu = model_.pool(gap.pool).cpu;
  for (const GapHolder& holder : gap.holders) {
    held.function = holder.function;
    held.workqueue = holder.workqueue;
    if (matcher_.Matches(held)) return true;
  }
  return NamesOf(filter_).empty();
}

void StallCollector::AddGap(const PoolGap& gap) {
  if (gap.end - gap.begin < threshold_) return;
  auto record = std::make_shared<Record>();
  record->id = ++ids_;
  record->gap = gap;
  record->matches = MatchesWithoutItems(gap);
  PoolState& pool = pools_[KeyOf(gap.pool)];
  pool.stalled += gap.end - gap.begin;
  pool.recent.push_back(record);
  newest_end_ = std::max(newest_end_, gap.end);
  if (!IsInTime(gap)) return;
  kept_.push_back(std::move(record));
  if (kept_.size() >= 2 * most_ + kRecent) dropped_ += CutToLongest(kept_);
}

uint64_t StallCollector::CutToLongest(std::vector<std::shared_ptr<Record>>& records) const {
  if (records.size() <= most_) return 0;
  // One that does not match may do so yet while items come that waited through it.
  std::nth_element(records.begin(), records.begin() + static_cast<ptrdiff_t>(most_), records.end(),
                   [](const auto& a, const auto& b) {
                     if (a->matches != b->matches) return a->matches;
                     const Nanos left = a->gap.end - a->gap.begin;
                     const Nanos right = b->gap.end - b->gap.begin;
                     return left != right ? left > right : a->id < b->id;
                   });
  uint64_t dropped = 0;
  for (size_t i = most_; i < records.size(); ++i) dropped += records[i]->matches ? 1 : 0;
  records.resize(most_);
  return dropped;
}

void StallCollector::AddWaited(Record& record, const WorkItem& item, bool first) {
  // A pending item has waited until now at least.
  const Timestamp until = item.started != kUnseen ? item.started : record.gap.end;
  const Nanos wait = until - item.activated;
  ++record.delayed;
  record.matches = record.matches || matcher_.Matches(item);
  record.worst_latency = std::max(record.worst_latency, Between(item.queued, until).value_or(wait));
  for (Waited& w : record.waited) {
    if (w.function != item.function || w.workqueue != item.workqueue) continue;
    ++w.count;
    w.first += first ? 1 : 0;
    w.worst = std::max(w.worst, wait);
    AddOrigin(w, item);
    return;
  }
  if (record.waited.size() < kMaxWaited) {
    record.waited.push_back({item.function, item.workqueue, 1, first ? 1u : 0u, wait, {}, {}});
    AddOrigin(record.waited.back(), item);
  }
}

void StallCollector::AddOrigin(Waited& waited, const WorkItem& item) const {
  CountFew(waited.origins, OriginKey(item.origin.kind, item.origin.NameIn(source_)), kMaxOrigins);
  if (item.stack != NameId::kUnknown) CountFew(waited.stacks, item.stack, kMaxStacks);
}

DelayedRow StallCollector::ToRow(const Waited& waited) const {
  const NameTable& names = source_.names();
  DelayedRow row{std::string(SplitFunction(names.Get(waited.function)).name),
                 std::string(names.Get(waited.workqueue)),
                 waited.count,
                 waited.first,
                 waited.worst,
                 {},
                 {}};
  for (const auto& [key, count] : waited.origins) {
    row.origins.push_back({std::string(ToString(key.first)),
                           std::string(SplitFunction(names.Get(key.second)).name), count});
  }
  std::stable_sort(row.origins.begin(), row.origins.end(),
                   [](const auto& a, const auto& b) { return a.count > b.count; });
  for (const auto& [stack, count] : waited.stacks) {
    row.stacks.push_back({std::string(names.Get(stack)), count});
  }
  std::stable_sort(row.stacks.begin(), row.stacks.end(),
                   [](const auto& a, const auto& b) { return a.count > b.count; });
  return row;
}

bool StallCollector::AddItem(const WorkItem& item) {
  const bool pending = item.state == ItemState::kPending;
  if (item.activated >= newest_end_) [[likely]]
    return false;
  if (item.activated == kUnseen || (item.started == kUnseen && !pending)) return false;
  const auto pool = pools_.find(KeyOf(item.waited_in));
  if (pool == pools_.end()) return false;
  auto& recent = pool->second.recent;
  // However many gaps come before the items of their time.
  const Timestamp now = std::max(item.started, item.ended);
  while (recent.size() > kRecent && recent[kRecent]->gap.end <= now) recent.pop_front();
  // A pool's gaps come one after the other; those that end after the start were not its own.
  const auto past =
      pending
          ? recent.end()
          : std::upper_bound(recent.begin(), recent.end(), item.started,
                             [](Timestamp at, const auto& record) { return at < record->gap.end; });
  Record* earliest = nullptr;
  for (auto r = std::make_reverse_iterator(past);
       r != recent.rend() && (*r)->gap.end > item.activated; ++r) {
    if (pending && !(*r)->gap.at_end) break;
    if (earliest != nullptr) AddWaited(*earliest, item, false);
    earliest = r->get();
  }
  if (earliest == nullptr) return false;
  AddWaited(*earliest, item, true);
  return true;
}

Nanos StallCollector::StalledIn(PoolId pool) const {
  const auto it = pools_.find(KeyOf(pool));
  return it == pools_.end() ? Nanos(0) : it->second.stalled;
}

Stall StallCollector::ToStall(const Record& record) const {
  const NameTable& names = source_.names();
  const Pool& pool = model_.pool(record.gap.pool);
  Stall stall;
  stall.id = record.id;
  stall.pool = pool.name;
  stall.begin = record.gap.begin;
  stall.duration = record.gap.end - record.gap.begin;
  stall.at_end = record.gap.at_end;
  stall.delayed_items = std::max(record.delayed, record.gap.at_end ? record.gap.waiting : 0);
  stall.worst_latency = std::max(record.worst_latency, stall.duration);
  stall.cause = CauseOf(record.gap, pool.kind);
  for (const GapHolder& holder : record.gap.holders) {
    stall.holders.push_back(ToStallHolder(holder, names));
  }
  stall.starter = StarterOf(record.gap, names);
  stall.cpu_idle = record.gap.cpu_idle;
  for (const Waited& w : record.waited) stall.delayed.push_back(ToRow(w));
  std::sort(stall.delayed.begin(), stall.delayed.end(), [](const auto& a, const auto& b) {
    return a.worst_wait != b.worst_wait ? a.worst_wait > b.worst_wait : a.function < b.function;
  });
  return stall;
}

Stall StallCollector::StallOf(const PoolGap& gap) const {
  Record record;
  record.gap = gap;
  return ToStall(record);
}

std::vector<Stall> StallCollector::Latest(size_t most) const {
  std::vector<const Record*> records;
  for (const auto& [pool, state] : pools_) {
    for (const auto& record : state.recent) {
      if (record->matches) records.push_back(record.get());
    }
  }
  std::sort(records.begin(), records.end(),
            [](const Record* a, const Record* b) { return a->id > b->id; });
  if (records.size() > most) records.resize(most);
  std::vector<Stall> out;
  for (const Record* record : records) out.push_back(ToStall(*record));
  return out;
}

uint64_t StallCollector::total() const {
  uint64_t total = dropped_;
  for (const auto& record : kept_) total += record->matches ? 1 : 0;
  return total;
}

std::vector<Stall> StallCollector::Longest() const {
  std::vector<std::shared_ptr<Record>> longest;
  std::copy_if(kept_.begin(), kept_.end(), std::back_inserter(longest),
               [](const auto& record) { return record->matches; });
  CutToLongest(longest);
  std::sort(longest.begin(), longest.end(),
            [](const auto& a, const auto& b) { return a->id < b->id; });
  std::vector<Stall> out;
  for (const auto& record : longest) out.push_back(ToStall(*record));
  return out;
}

}  // namespace wqprof
