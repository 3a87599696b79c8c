// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_MODEL_WORK_TABLE_H_
#define WQPROF_MODEL_WORK_TABLE_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "model/pwq_table.h"
#include "wqprof/model.h"

namespace wqprof {

// The part of an item that is known from its queue event, and its activation.
struct QueueRecord {
  QueueRecord() {}  // else all of it is cleared first, and slowly
  uint64_t id = 0;
  WorkAddr work{};
  Timestamp queued = kUnseen, activated = kUnseen;
  Timestamp armed = kUnseen, due = kUnseen;
  uint32_t rearmed = 0;
  NameId function = NameId::kUnknown, workqueue = NameId::kUnknown;
  Origin origin;
  NameId stack = NameId::kUnknown;
  Cpu queue_cpu = Cpu::kNone, target_cpu = Cpu::kNone;
  Pid queue_pid = Pid::kNone;
  PwqId pwq{};
  Cpu activate_cpu = Cpu::kNone;
  Pid activate_pid = Pid::kNone;
  uint64_t parent = 0;  // id of the item that queued it
  bool requeued_by_self = false;
  bool collided = false;
  bool doubtful = false;           // it displaced a record that had itself displaced one
  bool counted = false;            // among the waiting items of its pwq
  bool activated_at_once = false;  // within the critical section of the queue event
  bool for_orphan = false;         // may belong to the start that came before (clock skew)
};

// An item takes over what its record says.
inline void CopyQueuePart(const QueueRecord& q, WorkItem& item) {
  item.id = q.id;
  item.work = q.work;
  item.queued = q.queued;
  item.activated = q.activated;
  item.armed = q.armed;
  item.due = q.due;
  item.rearmed = q.rearmed;
  item.workqueue = q.workqueue;
  item.origin = q.origin;
  item.stack = q.stack;
  item.parent = q.parent;
  item.queue_cpu = q.queue_cpu;
  item.target_cpu = q.target_cpu;
  item.requeued_by_self = q.requeued_by_self;
  item.collided = q.collided;
  if (item.function == NameId::kUnknown) item.function = q.function;
}

// Index into a Slab; 0 is none.
enum class SlabIndex : uint32_t { kNone = 0 };

// Objects that come and go, at stable indices, their memory used again.
template <typename T>
class Slab {
 public:
  SlabIndex Add(T value) {
    const SlabIndex index = Add();
    (*this)[index] = std::move(value);
    return index;
  }
  // One that is as new.
  SlabIndex Add() {
    if (free_.empty()) {
      items_.emplace_back();
      return static_cast<SlabIndex>(items_.size());
    }
    const SlabIndex index = free_.back();
    free_.pop_back();
    T* const again = &(*this)[index];
    std::destroy_at(again);
    std::construct_at(again);
    return index;
  }
  void Remove(SlabIndex index) { free_.push_back(index); }
  T& operator[](SlabIndex index) { return items_[static_cast<size_t>(index) - 1]; }
  const T& operator[](SlabIndex index) const { return items_[static_cast<size_t>(index) - 1]; }
  size_t size() const { return items_.size() - free_.size(); }

 private:
  std::vector<T> items_;
  std::vector<SlabIndex> free_;
};

// What is open of one work.
struct WorkState {
  WorkState() {}
  WorkAddr work{};
  bool queued = false;     // `queue` holds the newest queue event without a start
  uint32_t executing = 0;  // open executions of it
  size_t started_in = 0;   // index of the context of its last start
  Timestamp last_start = kUnseen;
  SlabIndex displaced = SlabIndex::kNone;    // QueueRecord: the one before `queue`
  SlabIndex provisional = SlabIndex::kNone;  // see Reconstructor: the PENDING window
  SlabIndex orphan = SlabIndex::kNone;       // a start without a queue event, held back
  Timestamp early_activation = kUnseen;      // an activate event without a queue event
  NameId early_function = NameId::kUnknown;  // that it names
  bool unsure_end = false;                   // without start events: whose end comes next
  QueueRecord queue;

  bool idle() const {
    return !queued && executing == 0 && displaced == SlabIndex::kNone &&
           provisional == SlabIndex::kNone && orphan == SlabIndex::kNone &&
           early_activation == kUnseen;
  }
};

// The works that are pending or executing, by address.  Idle ones stay, since a work that
// was queued once is mostly queued again, until so many have gathered that a sweep pays.
class WorkTable {
 public:
  // The state of `work`, made if need be.  Stable until the work is idle and Get is called for
  // another one.
  SlabIndex Get(WorkAddr work) {
    Recent& recent = recent_[(ToInt(work) * 0x9e3779b97f4a7c15) >> (64 - kRecentBits)];
    if (recent.work != work || recent.index == SlabIndex::kNone) [[unlikely]] {
      recent = {work, Find(work)};
    }
    return recent.index;
  }
  WorkState& operator[](SlabIndex index) { return states_[index]; }

  // All that are known, in no order.
  template <typename F>
  void ForEach(F&& f) const {
    for (const auto& [work, index] : index_) f(states_[index]);
  }

  // The works that are not idle, by address: hash tables have no order of their own.
  std::vector<SlabIndex> Active() {
    std::vector<std::pair<uint64_t, SlabIndex>> active;
    for (const auto& [work, index] : index_) {
      if (!states_[index].idle()) active.emplace_back(work, index);
    }
    std::sort(active.begin(), active.end());
    std::vector<SlabIndex> out;
    for (const auto& [work, index] : active) out.push_back(index);
    return out;
  }

 private:
  // A work asked for lately: its start mostly follows its queueing soon.
  struct Recent {
    WorkAddr work{};
    SlabIndex index = SlabIndex::kNone;
  };

  [[gnu::noinline]] SlabIndex Find(WorkAddr work) {
    const auto it = index_.find(ToInt(work));
    if (it != index_.end()) return it->second;
    if (index_.size() >= sweep_at_) Sweep();
    const SlabIndex index = states_.Add();
    states_[index].work = work;
    index_.emplace(ToInt(work), index);
    return index;
  }

  void Sweep() {
    recent_ = {};
    for (auto it = index_.begin(); it != index_.end();) {
      const auto at = it++;
      if (!states_[at->second].idle()) continue;
      states_.Remove(at->second);
      index_.erase(at);
    }
    sweep_at_ = std::max(kMinSweep, 2 * index_.size());
  }

  // So few that they stay in the cache when each work is a new one.
  static constexpr size_t kMinSweep = 1 << 11;
  static constexpr int kRecentBits = 11;
  std::array<Recent, 1 << kRecentBits> recent_;
  absl::flat_hash_map<uint64_t, SlabIndex> index_;
  Slab<WorkState> states_;
  size_t sweep_at_ = kMinSweep;
};

}  // namespace wqprof

#endif  // WQPROF_MODEL_WORK_TABLE_H_
