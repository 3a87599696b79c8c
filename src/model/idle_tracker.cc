// SPDX-License-Identifier: Apache-2.0
#include "model/idle_tracker.h"

#include <algorithm>
#include <utility>

namespace wqprof {

void Stretches::End(Timestamp at) {
  Timestamp from = std::exchange(since_, kUnseen);
  if (from == kUnseen) return;
  // Stamps of a CPU may run backwards.
  if (!ended_.empty()) from = std::max(from, ended_.back().to);
  if (from >= at) return;
  const Nanos before =
      ended_.empty() ? Nanos(0) : ended_.back().before + (ended_.back().to - ended_.back().from);
  ended_.push_back({from, at, before});
}

Nanos Stretches::Until(Timestamp time) const {
  // The first that begins after it, and the one before.
  auto it = std::upper_bound(ended_.begin(), ended_.end(), time,
                             [](Timestamp t, const Stretch& s) { return t < s.from; });
  if (it == ended_.begin()) return ended_.empty() ? Nanos(0) : ended_.front().before;
  --it;
  return it->before + (std::min(time, it->to) - it->from);
}

Nanos Stretches::Between(Timestamp from, Timestamp to) const {
  if (from >= to) return Nanos(0);
  Nanos sum = Until(to) - Until(from);
  if (since_ != kUnseen && since_ < to) sum += to - std::max(from, since_);
  return sum;
}

void Stretches::Trim(Timestamp time) {
  ended_.erase(ended_.begin(),
               std::partition_point(ended_.begin(), ended_.end(),
                                    [time](const Stretch& s) { return s.to <= time; }));
}

void IdleTracker::Begin(CpuState& cpu, Timestamp at) {
  cpu.idles = true;
  cpu.idle.Begin(at);
  for (const size_t i : cpu.sets) {
    if (sets_[i].idle++ == 0) sets_[i].any.Begin(at);
  }
}

void IdleTracker::End(CpuState& cpu, Timestamp at, bool known) {
  const auto end = [&](Stretches& stretches) {
    known ? stretches.End(at) : stretches.Drop();
    wants_trim_ |= stretches.size() > trim_at_;
  };
  cpu.idles = false;
  end(cpu.idle);
  for (const size_t i : cpu.sets) {
    if (--sets_[i].idle == 0) end(sets_[i].any);
  }
}

void IdleTracker::OnSwitch(const Event& e) {
  CpuState& cpu = cpus_[e.cpu];
  // Whoever leaves the CPU had it: when that is not the idle task, it came unseen.
  if (cpu.idles) End(cpu, e.at, e.pid == kIdleTask);
  if (e.sched_switch.next == kIdleTask) Begin(cpu, e.at);
}

void IdleTracker::OnTask(Cpu cpu, Timestamp at) {
  CpuState& state = cpus_[cpu];
  if (state.idles) End(state, at, false);
}

void IdleTracker::OnLoss() {
  for (CpuState& cpu : cpus_) {
    cpu.idle.Drop();
    cpu.idles = false;
  }
  for (Set& set : sets_) {
    set.any.Drop();
    set.idle = 0;
  }
}

Nanos IdleTracker::Between(Cpu cpu, Timestamp from, Timestamp to) const {
  const CpuState* state = cpus_.Find(cpu);
  return state == nullptr ? Nanos(0) : state->idle.Between(from, to);
}

void IdleTracker::AddTo(PoolId set, Cpu cpu) {
  const size_t i = static_cast<size_t>(set);
  if (i >= sets_.size()) sets_.resize(i + 1);
  CpuState& state = cpus_[cpu];
  // It executes there, and does not idle.
  if (state.idles || std::find(state.sets.begin(), state.sets.end(), i) != state.sets.end()) return;
  state.sets.push_back(i);
}

Nanos IdleTracker::AnyBetween(PoolId set, Timestamp from, Timestamp to) const {
  const size_t i = static_cast<size_t>(set);
  return i < sets_.size() ? sets_[i].any.Between(from, to) : Nanos(0);
}

void IdleTracker::Trim(Timestamp oldest) {
  if (!wants_trim_) return;
  wants_trim_ = false;
  size_t most = 0;
  const auto trim = [&](Stretches& stretches) {
    stretches.Trim(oldest);
    most = std::max(most, stretches.size());
  };
  for (CpuState& cpu : cpus_) trim(cpu.idle);
  for (Set& set : sets_) trim(set.any);
  trim_at_ = std::max(kMinTrim, 2 * most);
}

void IdleWaits::Started(const Pool& pool, Cpu cpu, Timestamp activated, Timestamp at,
                        IdleTracker& idle) {
  const bool bound = pool.kind == PoolKind::kPerCpu || pool.kind == PoolKind::kHighpri;
  if (!bound && pool.kind != PoolKind::kUnbound) return;
  if (!bound) idle.AddTo(pool.id, cpu);
  if (activated == kUnseen || at - activated < kLongIdle) return;
  const auto idled = [&](Timestamp from) {
    return bound ? idle.Between(pool.cpu, from, at) : idle.AnyBetween(pool.id, from, at);
  };
  const Nanos wait = idled(activated);
  if (wait < kLongIdle) return;
  const size_t i = static_cast<size_t>(pool.id);
  if (i >= accounts_.size()) accounts_.resize(i + 1);
  Account& account = accounts_[i];
  account.told.pool = pool.id;
  ++account.told.items;
  account.told.worst = std::max(account.told.worst, wait);
  account.told.waited =
      AddSaturated(account.told.waited, idled(std::max(activated, account.covered)));
  account.covered = std::max(account.covered, at);
}

std::vector<IdleWaitAccount> IdleWaits::Accounts() const {
  std::vector<IdleWaitAccount> out;
  for (const Account& account : accounts_) {
    if (account.told.items > 0) out.push_back(account.told);
  }
  return out;
}

}  // namespace wqprof
