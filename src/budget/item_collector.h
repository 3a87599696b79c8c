// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_BUDGET_ITEM_COLLECTOR_H_
#define WQPROF_BUDGET_ITEM_COLLECTOR_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "budget/run_data.h"
#include "wqprof/analyze.h"
#include "wqprof/model.h"

namespace wqprof {

// The duration; absent where a loss may have touched it, or it is not known.  `split`: null without
// scheduler events.
std::optional<Nanos> ValueOf(const WorkItem& item, const ItemSplit* split, Quantity quantity);

// "cpu3-hi" -> 3; kNone for pools of no CPU.
Cpu CpuOfPool(std::string_view pool);

// Puts the items of one run that one Wanted selects into instances.
class ItemCollector {
 public:
  // All must outlive this object.
  ItemCollector(const Wanted& wanted, const EventSource& source, const Reconstructor& model,
                std::map<std::string, std::unique_ptr<InstanceData>>& out)
      : wanted_(wanted),
        source_(source),
        model_(model),
        matcher_(wanted.selector, source, model),
        out_(out) {}

  // `split`: null without scheduler events.
  void Add(const WorkItem& item, const ItemSplit* split, Timestamp begin);
  // An item that was neither started nor ended when the trace was.
  void AddCut(const WorkItem& item, Timestamp end);

 private:
  // Null: not selected.
  InstanceData* InstanceOf(const WorkItem& item);
  uint64_t KeyOf(const WorkItem& item) const;
  std::string NameOf(const WorkItem& item) const;

  const Wanted& wanted_;
  const EventSource& source_;
  const Reconstructor& model_;
  ItemMatcher matcher_;
  std::map<std::string, std::unique_ptr<InstanceData>>& out_;
  absl::flat_hash_map<uint64_t, InstanceData*> by_key_;
};

// Tells works that still wait when a trace ends from those that were cancelled meanwhile, of
// which no event shows: a list is first in, first out, so that a work which later ones of its
// list have overtaken is no longer there.
class OvertakenWorks {
 public:
  void Add(const WorkItem& item);
  bool Contains(const WorkItem& item) const;

 private:
  // The latest on one list.
  struct Latest {
    Timestamp queued_of_active = kUnseen, activated_of_started = kUnseen;
    Timestamp queued_of_started = kUnseen;
  };
  static uint64_t ListOf(const WorkItem& item);
  absl::flat_hash_map<uint64_t, Latest> lists_;
};

}  // namespace wqprof

#endif  // WQPROF_BUDGET_ITEM_COLLECTOR_H_
