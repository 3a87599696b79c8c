// SPDX-License-Identifier: Apache-2.0
#include "model/activation_tracker.h"

#include <algorithm>

namespace wqprof {

ActivationTracker::Entry& ActivationTracker::At(SlabIndex work) {
  const size_t i = static_cast<size_t>(work);
  if (i >= entries_.size()) entries_.resize(std::max(i + 1, 2 * entries_.size()));
  Entry& entry = entries_[i];
  if (entry.epoch != epoch_) {
    entry.stage = Stage::kNone;
    entry.owes_start = entry.started_early = false;
    entry.running = 0;
    entry.behind = -1;
    entry.epoch = epoch_;
  }
  return entry;
}

ActivationTracker::Owner& ActivationTracker::OwnerAt(uint32_t index) {
  Owner& owner = owners_[index];
  if (owner.epoch != epoch_) {
    owner.waiting = owner.active = 0;
    owner.active_of = {};
    owner.epoch = epoch_;
  }
  return owner;
}

uint32_t ActivationTracker::OwnerOf(const QueueRecord& record) {
  const size_t pwq = static_cast<size_t>(record.pwq);
  if (pwq >= tracks_.size()) {
    tracks_.resize(std::max(pwq + 1, 2 * pwq), kUnasked);
    owner_of_pwq_.resize(tracks_.size());
  }
  if (tracks_[pwq] != kUnasked) return owner_of_pwq_[pwq];
  const auto key = std::pair(ToInt(record.workqueue), ToInt(record.target_cpu));
  const auto [it, added] = owner_ids_.emplace(key, static_cast<uint32_t>(owners_.size()));
  if (added) {
    Owner& owner = owners_.emplace_back();
    owner.account.workqueue = record.workqueue;
    owner.account.cpu = record.target_cpu;
  }
  owner_of_pwq_[pwq] = it->second;
  tracks_[pwq] = owners_[it->second].tracked ? kTracked : kIgnored;
  return it->second;
}

void ActivationTracker::Track(const QueueRecord& record, const Holding& holding, Timestamp now) {
  const uint32_t index = OwnerOf(record);
  for (size_t pwq = 0; pwq < tracks_.size(); ++pwq) {
    if (tracks_[pwq] == kIgnored && owner_of_pwq_[pwq] == index) tracks_[pwq] = kTracked;
  }
  ++tracked_;
  Owner& owner = OwnerAt(index);
  owner.tracked = true;
  owner.since = now;
  // As long as the first ones wait, nothing is activated, and so nothing ends but what let the
  // first of them go: those that are active now, and that one, were active all the time.
  const bool known = holding.ended != NameId::kUnknown;
  std::array<uint64_t, kFunctions> were_active{};
  uint64_t all = 0;
  if (known) {
    ++were_active[FunctionOf(owner, holding.ended)];
    ++all;
  }
  for (const Holding::Item& item : holding.items) {
    if (item.waits_since != kUnseen) continue;
    Entry& entry = At(item.work);
    const Place place{index, FunctionOf(owner, item.function)};
    entry.queued = entry.ran = place;
    if (item.executes) {
      ++entry.running;
    } else {
      entry.stage = Stage::kActive;
    }
    ++owner.active_of[place.function];
    ++owner.active;
    ++were_active[place.function];
    ++all;
  }
  for (const Holding::Item& item : holding.items) {
    if (item.waits_since == kUnseen) continue;
    Entry& entry = At(item.work);
    entry.stage = Stage::kWaiting;
    entry.queued = {index, FunctionOf(owner, item.function)};
    entry.generation = owner.generation;
    entry.since = item.waits_since;
    entry.meanwhile = owner.integrals;
    ++owner.waiting;
    if (!known || now < item.waits_since) continue;
    const auto waited = static_cast<uint64_t>((now - item.waits_since).count());
    for (size_t i = 0; i < kFunctions; ++i) entry.meanwhile.active[i] -= waited * were_active[i];
    entry.active_then = static_cast<int32_t>(std::min<uint64_t>(all, INT32_MAX));
  }
}

uint32_t ActivationTracker::FunctionOf(Owner& owner, NameId function) {
  for (size_t i = 0; i < owner.functions; ++i) {
    if (owner.function[i] == function) return static_cast<uint32_t>(i);
  }
  if (owner.functions + 1 == kFunctions) return kFunctions - 1;
  owner.function[owner.functions] = function;
  return static_cast<uint32_t>(owner.functions++);
}

void ActivationTracker::Advance(Owner& owner, Timestamp at) {
  if (owner.waiting == 0 || at <= owner.since) return;
  const auto passed = static_cast<uint64_t>((at - owner.since).count());
  for (size_t i = 0; i < kFunctions; ++i) {
    owner.integrals.active[i] += passed * owner.active_of[i];
  }
  if (owner.active == 0) owner.integrals.none += passed;
  owner.since = at;
}

void ActivationTracker::ChangeActive(Owner& owner, uint32_t function, int by, Timestamp at) {
  Advance(owner, at);
  uint32_t& active = owner.active_of[function];
  if (by < 0 && active == 0) return;
  active += static_cast<uint32_t>(by);
  owner.active += static_cast<uint64_t>(static_cast<int64_t>(by));
}

void ActivationTracker::StopWaiting(Owner& owner, const Entry& entry) {
  if (entry.generation == owner.generation && owner.waiting > 0) --owner.waiting;
}

void ActivationTracker::Queued(SlabIndex work, const QueueRecord& record) {
  Entry& entry = At(work);
  if (entry.stage == Stage::kActive) {
    // Stolen, or on its way into a worker, which its start shows.
    ChangeActive(OwnerAt(entry.queued.owner), entry.queued.function, -1, record.queued);
    entry.owes_start = true;
  } else if (entry.stage == Stage::kWaiting) {
    Owner& before = OwnerAt(entry.queued.owner);
    Advance(before, record.queued);
    StopWaiting(before, entry);
  }
  const uint32_t index = OwnerOf(record);
  Owner& owner = OwnerAt(index);
  if (owner.waiting == 0) owner.since = record.queued;
  Advance(owner, record.queued);
  entry.stage = Stage::kWaiting;
  entry.started_early = false;
  entry.generation = owner.generation;
  entry.queued = {index, FunctionOf(owner, record.function)};
  entry.behind = -1;
  entry.releaser = {};
  entry.since = record.queued;
  entry.active_then = static_cast<int32_t>(std::min<uint64_t>(owner.active, INT32_MAX));
  entry.meanwhile = owner.integrals;
  ++owner.waiting;
}

bool ActivationTracker::EndsWait(const Entry& entry, bool at_once) const {
  return !at_once && entry.stage == Stage::kWaiting && !entry.started_early;
}

void ActivationTracker::Activated(SlabIndex work, Timestamp at, bool at_once,
                                  const Releaser& releaser) {
  Entry& entry = At(work);
  if (entry.stage != Stage::kWaiting) return;
  const bool ends_wait = EndsWait(entry, at_once) && at >= entry.since;
  Owner& owner = OwnerAt(entry.queued.owner);
  Advance(owner, at);
  if (ends_wait) EndWait(owner, entry, at, releaser);
  StopWaiting(owner, entry);
  // A list is first in, first out: nobody is left that waits since before.
  if (at_once && owner.waiting > 0 && !owner.several_pools) {
    ++owner.generation;
    owner.waiting = 0;
  }
  if (entry.started_early) {
    entry.stage = Stage::kNone;
  } else if (ends_wait && !releaser.by_end) {
    entry.stage = Stage::kLetGo;
  } else {
    entry.stage = Stage::kActive;
    ChangeActive(owner, entry.queued.function, 1, at);
    if (ends_wait) Credit(owner, entry);
  }
}

void ActivationTracker::EndWait(const Owner& owner, Entry& entry, Timestamp at,
                                const Releaser& releaser) {
  for (size_t i = 0; i < kFunctions; ++i) {
    entry.meanwhile.active[i] = owner.integrals.active[i] - entry.meanwhile.active[i];
  }
  entry.meanwhile.none = owner.integrals.none - entry.meanwhile.none;
  entry.behind = entry.active_then;
  entry.depth = owner.waiting;
  entry.releaser = releaser;
  entry.until = at;
}

void ActivationTracker::Credit(Owner& owner, const Entry& entry) {
  ActivationAccount& account = owner.account;
  const Nanos waited = entry.until - entry.since;
  if (entry.active_then >= 0) {
    const auto active = static_cast<uint32_t>(entry.active_then);
    account.active_min = std::min(account.active_min.value_or(active), active);
    account.active_max = std::max(account.active_max.value_or(active), active);
  }
  ++account.items;
  account.waited = AddSaturated(account.waited, waited);
  account.worst = std::max(account.worst, waited);
  account.inactive_max = std::max(account.inactive_max, entry.depth);
  owner.at_limit.Add(entry.since, entry.until);
  const auto add = [](Nanos& sum, uint64_t more) {
    sum = AddSaturated(sum, Nanos(static_cast<int64_t>(std::min<uint64_t>(more, INT64_MAX))));
  };
  for (size_t i = 0; i < kFunctions; ++i) add(owner.held[i], entry.meanwhile.active[i]);
  add(account.unheld, entry.meanwhile.none);
  if (entry.releaser.by_end) {
    ++account.released_by_end;
    return;
  }
  auto& others = account.activators;
  const auto known = std::find_if(others.begin(), others.end(), [&](const auto& other) {
    return other.comm == entry.releaser.comm;
  });
  if (known != others.end()) {
    ++known->count;
  } else if (others.size() < kMaxActivators) {
    others.push_back({entry.releaser.comm, 1});
  }
}

int32_t ActivationTracker::Started(SlabIndex work, Timestamp at, PoolId pool) {
  Entry& entry = At(work);
  if (entry.stage == Stage::kNone) return -1;
  const Place place = entry.queued;
  Owner& owner = OwnerAt(place.owner);
  if (entry.running > 0 && entry.ran != place) {
    ChangeActive(OwnerAt(entry.ran.owner), entry.ran.function, -static_cast<int>(entry.running),
                 at);
    entry.running = 0;
  }
  entry.ran = place;
  ++entry.running;
  if (entry.stage == Stage::kWaiting) {
    // It is the one queued before, or its own activation comes next.
    entry.started_early = !entry.owes_start;
    entry.owes_start = false;
    ChangeActive(owner, place.function, 1, at);
    return -1;
  }
  if (entry.stage == Stage::kLetGo) {
    ChangeActive(owner, place.function, 1, at);
    Credit(owner, entry);
  }
  entry.stage = Stage::kNone;
  entry.owes_start = false;
  if (owner.pool == PoolId::kUnknown) owner.pool = pool;
  owner.several_pools |= owner.pool != pool;
  const PoolId released_in = std::exchange(entry.releaser.pool, PoolId::kUnknown);
  if (released_in != PoolId::kUnknown && released_in != pool) {
    owner.account.shared_by_pools = true;
  }
  return std::exchange(entry.behind, -1);
}

void ActivationTracker::Ended(SlabIndex work, Timestamp at) {
  Entry& entry = At(work);
  if (entry.running == 0) return;
  --entry.running;
  ChangeActive(OwnerAt(entry.ran.owner), entry.ran.function, -1, at);
}

std::vector<ActivationAccount> ActivationTracker::Accounts() const {
  std::vector<ActivationAccount> accounts;
  for (const Owner& owner : owners_) {
    if (owner.account.items == 0) continue;
    ActivationAccount account = owner.account;
    account.at_limit = owner.at_limit.Sum();
    for (size_t i = 0; i < kFunctions; ++i) {
      if (owner.held[i] > Nanos(0)) account.holders.push_back({owner.function[i], owner.held[i]});
    }
    accounts.push_back(std::move(account));
  }
  return accounts;
}

}  // namespace wqprof
