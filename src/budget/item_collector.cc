// SPDX-License-Identifier: Apache-2.0
#include "budget/item_collector.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace wqprof {
namespace {

uint64_t Pair(uint32_t high, uint32_t low) { return static_cast<uint64_t>(high) << 32 | low; }

// How long the quantity of a cut item lasted at least.
std::optional<Nanos> LeastOf(const WorkItem& item, Timestamp end, Quantity quantity) {
  const MeasureSpec* const measure = MeasureOf(quantity);
  return measure != nullptr ? measure->AtLeast(item, end) : std::nullopt;
}

}  // namespace

std::optional<Nanos> ValueOf(const WorkItem& item, const ItemSplit* split, Quantity quantity) {
  if (const MeasureSpec* const measure = MeasureOf(quantity)) return measure->Of(item);
  if (split == nullptr) return std::nullopt;
  const size_t part = static_cast<size_t>(quantity) - kMeasures.size();
  if (part < kWaitParts.size()) {
    if (!split->wait || item.wait_tainted) return std::nullopt;
    return (*split->wait).*kWaitParts[part].value;
  }
  if (!split->run || item.run_tainted) return std::nullopt;
  return (*split->run).*kRunParts[part - kWaitParts.size()].value;
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

uint64_t ItemCollector::KeyOf(const WorkItem& item) const {
  switch (wanted_.for_each) {
    case ForEach::kNone:
      return 0;
    case ForEach::kFunction:
      return Pair(ToInt(item.workqueue), ToInt(item.function));
    case ForEach::kWorkqueue:
      return ToInt(item.workqueue);
    case ForEach::kPool:
      return static_cast<uint32_t>(item.its_pool());
    case ForEach::kCpu:
      return static_cast<uint64_t>(ToInt(item.cpu())) & 0xffff;
    case ForEach::kOrigin:
      return Pair(static_cast<uint32_t>(item.origin.kind), ToInt(item.origin.NameIn(source_)));
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
      return model_.pool(item.its_pool()).name;
    case ForEach::kCpu:
      return fmt::format("cpu{}", ToInt(item.cpu()));
    case ForEach::kOrigin:
      return OriginName(source_, item.origin);
  }
  return "";
}

InstanceData* ItemCollector::InstanceOf(const WorkItem& item) {
  // What was not seen queued has no workqueue, and barriers are nobody's to limit.
  if (item.state == ItemState::kBarrier) return nullptr;
  const bool odd = item.state == ItemState::kBeforeTrace || item.state == ItemState::kUnmatched;
  if (wanted_.for_each != ForEach::kNone && item.queued == kUnseen && odd) return nullptr;
  if (!matcher_.Matches(item)) return nullptr;
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
  // Of traces without start events some measures are left.
  const bool told = item.state == ItemState::kDone || item.state == ItemState::kQueued;
  if (!item.executed() && !told) return;
  if (item.executed()) ++instance->executed;
  const Timestamp last = std::max({item.queued, item.activated, item.started, item.ended});
  const Nanos since = std::max(Nanos(0), last - begin);
  for (size_t i = 0; i < wanted_.quantities.size(); ++i) {
    const auto value = ValueOf(item, split, wanted_.quantities[i]);
    if (value) instance->series[i].done.Add(since, *value);
  }
}

void ItemCollector::AddCut(const WorkItem& item, Timestamp end) {
  InstanceData* const instance = InstanceOf(item);
  if (instance == nullptr) return;
  for (size_t i = 0; i < wanted_.quantities.size(); ++i) {
    const auto least = LeastOf(item, end, wanted_.quantities[i]);
    if (least) instance->series[i].cut.Add(*least);
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
