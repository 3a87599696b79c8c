// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_MODEL_ACTIVATION_TRACKER_H_
#define WQPROF_MODEL_ACTIVATION_TRACKER_H_

#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "model/work_table.h"
#include "wqprof/interval_union.h"
#include "wqprof/model.h"

namespace wqprof {

// Who had the max_active slots of a workqueue while items of it were inactive.
//
// Slots belong to a workqueue on one CPU, or to an unbound workqueue: its "owner".  An item
// has a slot from its activation to its end.  Only items that were activated after a wait
// count as having been inactive: one that is cancelled leaves no event.  Who was active is kept
// as integrals over time, so that the blame for a wait is a difference.
//
// Most workqueues never reach their limit, and cost a look at a byte an event: an owner is
// tracked from its first activation that ends a wait.
class ActivationTracker {
 public:
  // What let an inactive item go, if that is known.
  struct Releaser {
    bool by_end = false;             // an item of the same workqueue had just ended there
    PoolId pool = PoolId::kUnknown;  // where it ended
    NameId comm = NameId::kUnknown;  // else the task that did it
  };

  // Whether the items of the owner of `record` are to be reported.  A work that was never queued
  // has the record of nobody.
  bool Tracks(const QueueRecord& record) const {
    const size_t pwq = static_cast<size_t>(record.pwq);
    return pwq < tracks_.size() && tracks_[pwq] == kTracked;
  }
  // The same for an item that is being queued, maybe the first one of its owner.
  bool TracksNew(const QueueRecord& record) {
    const size_t pwq = static_cast<size_t>(record.pwq);
    if (pwq < tracks_.size() && tracks_[pwq] != kUnasked) return tracks_[pwq] == kTracked;
    return owners_[OwnerOf(record)].tracked;
  }

  // What an owner holds when its first wait ends: found by the caller, once.
  struct Holding {
    // An item that waits, is activated, or executes.
    struct Item {
      SlabIndex work = SlabIndex::kNone;
      NameId function = NameId::kUnknown;
      Timestamp waits_since = kUnseen;  // kUnseen: it is active
      bool executes = false;
    };
    std::vector<Item> items;
    // The item that ended now; without one, who was active before is not known.
    NameId ended = NameId::kUnknown;
  };
  // Whether an owner may still be taken up; a trace may have any number of them.
  bool MayTrack() const { return tracked_ < kMaxTracked; }
  void Track(const QueueRecord& record, const Holding& holding, Timestamp now);

  // REQUIRES of these: the owner is tracked.
  [[gnu::noinline]] void Queued(SlabIndex work, const QueueRecord& record);
  void Activated(SlabIndex work, Timestamp at, bool at_once, const Releaser& releaser);
  // Returns how many items of its owner were active when the item that starts was queued,
  // if it was inactive then; else -1.
  [[gnu::noinline]] int32_t Started(SlabIndex work, Timestamp at, PoolId pool);
  [[gnu::noinline]] void Ended(SlabIndex work, Timestamp at);
  // Events are missing: who is active or waits is unknown from here on.
  void Lost() { ++epoch_; }

  // By order of the first queue event.
  std::vector<ActivationAccount> Accounts() const;

 private:
  // Functions that are distinguished per owner; further ones share the last slot.
  static constexpr size_t kFunctions = 8;
  static constexpr size_t kMaxActivators = 8;
  static constexpr size_t kMaxTracked = 512;
  // For how long how many items were active, by function, and for how long none was: modulo
  // 2^64, of which only differences matter.
  struct Integrals {
    std::array<uint64_t, kFunctions> active{};
    uint64_t none = 0;
  };
  // One set of max_active slots.
  struct Owner {
    ActivationAccount account;
    bool tracked = false;
    IntervalUnion at_limit;
    uint32_t epoch = 0;
    uint32_t generation = 0;  // items that wait since an older one are gone
    uint64_t waiting = 0;     // queued, not activated
    uint64_t active = 0;
    size_t functions = 0;
    std::array<NameId, kFunctions> function{};
    std::array<uint32_t, kFunctions> active_of{};
    std::array<Nanos, kFunctions> held{};
    Integrals integrals;
    Timestamp since = kUnseen;  // the integrals are up to here
    PoolId pool = PoolId::kUnknown;
    bool several_pools = false;
  };
  // The place of an item among the active ones.
  struct Place {
    uint32_t owner = 0, function = 0;
    bool operator==(const Place&) const = default;
  };
  // kLetGo: activated by another task than one that ended an item.  Up to 6.8 a canceller
  // activates what it takes off the list, so that only a start proves an activation.
  enum class Stage : uint8_t { kNone, kWaiting, kLetGo, kActive };
  // What is known of one work.
  struct Entry {
    Stage stage = Stage::kNone;  // of its newest queueing
    bool owes_start = false;     // the one before may be about to start
    bool started_early = false;  // its start came before its activation (clock skew)
    uint32_t epoch = 0, generation = 0;
    uint32_t running = 0;
    Place queued, ran;
    int32_t behind = -1;
    int32_t active_then = -1;  // -1: not known
    uint64_t depth = 0;        // items that waited when it was activated
    Releaser releaser;
    Timestamp since = kUnseen, until = kUnseen;
    Integrals meanwhile;  // at `since`; once activated, what passed until then
  };

  static constexpr uint8_t kUnasked = 0, kIgnored = 1, kTracked = 2;
  bool EndsWait(const Entry& entry, bool at_once) const;
  Entry& At(SlabIndex work);
  Owner& OwnerAt(uint32_t index);
  uint32_t OwnerOf(const QueueRecord& record);
  static uint32_t FunctionOf(Owner& owner, NameId function);
  static void Advance(Owner& owner, Timestamp at);
  static void ChangeActive(Owner& owner, uint32_t function, int by, Timestamp at);
  static void StopWaiting(Owner& owner, const Entry& entry);
  static void EndWait(const Owner& owner, Entry& entry, Timestamp at, const Releaser& releaser);
  static void Credit(Owner& owner, const Entry& entry);

  uint32_t epoch_ = 1;
  std::vector<Entry> entries_;  // by SlabIndex of the work
  std::vector<Owner> owners_;
  size_t tracked_ = 0;
  std::vector<uint8_t> tracks_;         // by PwqId
  std::vector<uint32_t> owner_of_pwq_;  // where tracks_ is not kUnasked
  absl::flat_hash_map<std::pair<uint32_t, int>, uint32_t> owner_ids_;
};

}  // namespace wqprof

#endif  // WQPROF_MODEL_ACTIVATION_TRACKER_H_
