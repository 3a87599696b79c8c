// SPDX-License-Identifier: Apache-2.0
#include "budget/item_collector.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <charconv>

namespace wqprof {
namespace {

uint64_t Pair(uint32_t high, uint32_t low) { return static_cast<uint64_t>(high) << 32 | low; }

std::optional<Nanos> WaitPart(const WaitSplit& w, Quantity quantity) {
  switch (quantity) {
    case Quantity::kHold:
      return w.hold;
    case Quantity::kWorkerCreation:
      return w.worker_creation;
    case Quantity::kWakeup:
      return w.wakeup;
    case Quantity::kRunqueue:
      return w.runqueue;
    case Quantity::kPreWork:
      return w.pre_work;
    case Quantity::kHeadOfLine:
      return w.head_of_line;
    case Quantity::kWaitUnknown:
      return w.unknown;
    default:
      return std::nullopt;
  }
}

std::optional<Nanos> RunPart(const RunSplit& r, Quantity quantity) {
  switch (quantity) {
    case Quantity::kOnCpu:
      return r.on_cpu;
    case Quantity::kPreempted:
      return r.preempted;
    case Quantity::kBlocked:
      return r.blocked;
    case Quantity::kRunnable:
      return r.runnable;
    case Quantity::kRunUnknown:
      return r.unknown;
    default:
      return std::nullopt;
  }
}

// The duration, or nothing when a loss may have touched it.
std::optional<Nanos> ValueOf(const WorkItem& item, const ItemSplit* split, Quantity quantity) {
  switch (quantity) {
    case Quantity::kLatency:
      return item.wait_tainted ? std::nullopt : item.Latency();
    case Quantity::kActivationWait:
      return item.wait_tainted ? std::nullopt : item.ActivationWait();
    case Quantity::kDispatchWait:
      return item.wait_tainted ? std::nullopt : item.DispatchWait();
    case Quantity::kExecution:
      return item.run_tainted ? std::nullopt : item.Execution();
    case Quantity::kTotal:
      return item.tainted() ? std::nullopt : item.Total();
    default:
      break;
  }
  if (split == nullptr) return std::nullopt;
  if (split->wait && !item.wait_tainted) {
    if (const auto part = WaitPart(*split->wait, quantity)) return part;
  }
  if (split->run && !item.run_tainted) return RunPart(*split->run, quantity);
  return std::nullopt;
}

// How long the quantity of a cut item lasted at least.
std::optional<Nanos> LeastOf(const WorkItem& item, Timestamp end, Quantity quantity) {
  const bool started = item.started != kUnseen, activated = item.activated != kUnseen;
  switch (quantity) {
    case Quantity::kLatency:
      return started ? std::nullopt : Between(item.queued, end);
    case Quantity::kActivationWait:
      return started || activated ? std::nullopt : Between(item.queued, end);
    case Quantity::kDispatchWait:
      return started ? std::nullopt : Between(item.activated, end);
    case Quantity::kExecution:
      return Between(item.started, end);
    case Quantity::kTotal:
      return Between(item.queued, end);
    default:
      return std::nullopt;
  }
}

}  // namespace

bool MatchesGlobs(const std::vector<std::string>& globs, const std::string& name) {
  return globs.empty() || std::any_of(globs.begin(), globs.end(), [&](const std::string& glob) {
           return fnmatch(glob.c_str(), name.c_str(), 0) == 0;
         });
}

Cpu CpuOfPool(std::string_view pool) {
  if (pool.starts_with("cpu")) {
    pool.remove_prefix(3);
  } else if (pool.starts_with("bh")) {
    pool.remove_prefix(2);
  } else {
    return Cpu::kNone;
  }
  int16_t cpu = -1;
  std::from_chars(pool.data(), pool.data() + pool.size(), cpu);
  return static_cast<Cpu>(cpu);
}

bool ItemCollector::NameMatches(const std::vector<std::string>& globs, std::vector<int8_t>& known,
                                NameId name, bool function) {
  if (globs.empty()) return true;
  const size_t i = ToInt(name);
  if (i >= known.size()) known.resize(std::max(i + 1, source_.names().size()), -1);
  if (known[i] < 0) {
    const std::string_view text = source_.names().Get(name);
    // A glob is meant for the function, but may name its module as well.
    known[i] = MatchesGlobs(globs, std::string(text)) ||
               (function && MatchesGlobs(globs, std::string(SplitFunction(text).name)));
  }
  return known[i] == 1;
}

std::string ItemCollector::OriginName(const Origin& origin) const {
  const NameId name =
      origin.kind == Origin::Kind::kTask ? source_.CommOf(origin.pid) : origin.function;
  const std::string_view text = SplitFunction(source_.names().Get(name)).name;
  return text.empty() ? std::string(ToString(origin.kind))
                      : fmt::format("{} {}", ToString(origin.kind), text);
}

bool ItemCollector::Selects(const WorkItem& item) {
  const ItemSelector& s = wanted_.selector;
  if (!NameMatches(s.workqueues, workqueues_, item.workqueue, false)) return false;
  if (!NameMatches(s.functions, functions_, item.function, true)) return false;
  if (!s.cpus.empty()) {
    const Cpu cpu = item.run_cpu != Cpu::kNone ? item.run_cpu : item.queue_cpu;
    if (std::find(s.cpus.begin(), s.cpus.end(), cpu) == s.cpus.end()) return false;
  }
  if (!s.pools.empty()) {
    const PoolId pool = item.started != kUnseen ? item.pool : item.waited_in;
    if (!MatchesGlobs(s.pools, model_.pool(pool).name)) return false;
  }
  if (s.origins.empty()) return true;
  return MatchesGlobs(s.origins, std::string(ToString(item.origin.kind))) ||
         MatchesGlobs(s.origins, OriginName(item.origin));
}

uint64_t ItemCollector::KeyOf(const WorkItem& item) const {
  switch (wanted_.for_each) {
    case ForEach::kNone:
      return 0;
    case ForEach::kFunction:
      return Pair(ToInt(item.workqueue), ToInt(item.function));
    case ForEach::kWorkqueue:
      return ToInt(item.workqueue);
    case ForEach::kPool:
      return static_cast<uint32_t>(item.started != kUnseen ? item.pool : item.waited_in);
    case ForEach::kCpu:
      return static_cast<uint64_t>(
                 ToInt(item.run_cpu != Cpu::kNone ? item.run_cpu : item.queue_cpu)) &
             0xffff;
    case ForEach::kOrigin: {
      const NameId name = item.origin.kind == Origin::Kind::kTask ? source_.CommOf(item.origin.pid)
                                                                  : item.origin.function;
      return Pair(static_cast<uint32_t>(item.origin.kind), ToInt(name));
    }
  }
  return 0;
}

std::string ItemCollector::NameOf(const WorkItem& item) const {
  const NameTable& names = source_.names();
  switch (wanted_.for_each) {
    case ForEach::kNone:
      return "";
    case ForEach::kFunction:
      return fmt::format("{}/{}", names.Get(item.workqueue),
                         SplitFunction(names.Get(item.function)).name);
    case ForEach::kWorkqueue:
      return std::string(names.Get(item.workqueue));
    case ForEach::kPool:
      return model_.pool(item.started != kUnseen ? item.pool : item.waited_in).name;
    case ForEach::kCpu:
      return fmt::format("cpu{}",
                         ToInt(item.run_cpu != Cpu::kNone ? item.run_cpu : item.queue_cpu));
    case ForEach::kOrigin:
      return OriginName(item.origin);
  }
  return "";
}

InstanceData* ItemCollector::InstanceOf(const WorkItem& item) {
  // What was not seen queued has no workqueue, and barriers are nobody's to limit.
  if (item.state == ItemState::kBarrier) return nullptr;
  if (wanted_.for_each != ForEach::kNone && item.queued == kUnseen) return nullptr;
  if (!Selects(item)) return nullptr;
  InstanceData*& known = by_key_[KeyOf(item)];
  if (known == nullptr) {
    auto& slot = out_[NameOf(item)];
    if (!slot) slot = std::make_unique<InstanceData>(wanted_.quantities.size());
    known = slot.get();
  }
  return known;
}

void ItemCollector::Add(const WorkItem& item, const ItemSplit* split, Timestamp begin) {
  InstanceData* const instance = InstanceOf(item);
  if (instance == nullptr) return;
  ++instance->items;
  if (item.state != ItemState::kDone && item.state != ItemState::kRunning) return;
  ++instance->executed;
  const Timestamp last = std::max(item.started, item.ended);
  const Nanos since = std::max(Nanos(0), last - begin);
  for (size_t i = 0; i < wanted_.quantities.size(); ++i) {
    const auto value = ValueOf(item, split, wanted_.quantities[i]);
    // A negative duration is a clock's fault, which the quality counts.
    if (value && *value >= Nanos(0)) instance->series[i].done.Add(since, *value);
  }
}

void ItemCollector::AddCut(const WorkItem& item, Timestamp end) {
  InstanceData* const instance = InstanceOf(item);
  if (instance == nullptr) return;
  for (size_t i = 0; i < wanted_.quantities.size(); ++i) {
    const auto least = LeastOf(item, end, wanted_.quantities[i]);
    if (least && *least >= Nanos(0)) instance->series[i].cut.Add(*least);
  }
}

uint64_t OvertakenWorks::ListOf(const WorkItem& item) {
  return Pair(ToInt(item.workqueue), static_cast<uint32_t>(ToInt(item.target_cpu)));
}

void OvertakenWorks::Add(const WorkItem& item) {
  if (item.queued == kUnseen || item.tainted()) return;
  if (item.activated == kUnseen && item.started == kUnseen) return;
  Latest& list = lists_[ListOf(item)];
  if (item.activated != kUnseen) {
    list.queued_of_active = std::max(list.queued_of_active, item.queued);
  }
  // A rescuer takes items from the middle of a list.
  if (item.started == kUnseen || item.pool != item.waited_in) return;
  list.queued_of_started = std::max(list.queued_of_started, item.queued);
  list.activated_of_started = std::max(list.activated_of_started, item.activated);
}

bool OvertakenWorks::Contains(const WorkItem& item) const {
  const auto it = lists_.find(ListOf(item));
  if (it == lists_.end()) return false;
  const Latest& list = it->second;
  if (item.activated != kUnseen) return list.activated_of_started > item.activated;
  return list.queued_of_active > item.queued || list.queued_of_started > item.queued;
}

}  // namespace wqprof
