// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_MODEL_IDLE_TRACKER_H_
#define WQPROF_MODEL_IDLE_TRACKER_H_

#include <cstddef>
#include <vector>

#include "model/by_cpu.h"
#include "wqprof/event.h"
#include "wqprof/model.h"

namespace wqprof {

// The task that a CPU runs when there is none to run: swapper.
inline constexpr Pid kIdleTask{0};

// Stretches of time, with running sums: how much of any span they cover costs two binary
// searches.  They come in order and do not overlap.
class Stretches {
 public:
  void Begin(Timestamp at) { since_ = at; }
  // Does nothing when none began.
  void End(Timestamp at);
  // What has begun is not known to have gone on.
  void Drop() { since_ = kUnseen; }
  // How much of [from, to) they cover, the one that goes on included; 0 unless from < to.
  Nanos Between(Timestamp from, Timestamp to) const;
  size_t size() const { return ended_.size(); }
  // Forgets those that were over by `time`.
  void Trim(Timestamp time);

 private:
  // One, and the sum of all before it.
  struct Stretch {
    Timestamp from, to;
    Nanos before;
  };
  Nanos Until(Timestamp time) const;
  std::vector<Stretch> ended_;
  Timestamp since_ = kUnseen;
};

// When CPUs idled, by what the scheduler switched to; and when any of a set of CPUs did.  What a
// loss hides counts as not idle.
class IdleTracker {
 public:
  void OnSwitch(const Event& e);
  // A task has the CPU: if the CPU idled by its last switch, since when is not known.
  void OnTask(Cpu cpu, Timestamp at);
  void OnLoss();
  Nanos Between(Cpu cpu, Timestamp from, Timestamp to) const;

  // The CPUs on which an unbound pool executes: `cpu` is one of them from now on.
  void AddTo(PoolId set, Cpu cpu);
  Nanos AnyBetween(PoolId set, Timestamp from, Timestamp to) const;

  bool wants_trim() const { return wants_trim_; }
  void Trim(Timestamp oldest);

 private:
  static constexpr size_t kMinTrim = 4096;
  // One CPU.
  struct CpuState {
    Stretches idle;
    bool idles = false;
    std::vector<size_t> sets;  // that it is in
  };
  // CPUs, and when any of them idled.
  struct Set {
    Stretches any;
    size_t idle = 0;  // CPUs of it
  };
  void Begin(CpuState& cpu, Timestamp at);
  // `known`: it idled until `at`.
  void End(CpuState& cpu, Timestamp at, bool known);

  ByCpu<CpuState> cpus_;
  std::vector<Set> sets_;  // by PoolId
  bool wants_trim_ = false;
  size_t trim_at_ = kMinTrim;
};

// What IdleWaitAccount knows, of all pools.
class IdleWaits {
 public:
  // An item that waited in `pool` begins on `cpu`.
  void Started(const Pool& pool, Cpu cpu, Timestamp activated, Timestamp at, IdleTracker& idle);
  std::vector<IdleWaitAccount> Accounts() const;

 private:
  // Of one pool.
  struct Account {
    IdleWaitAccount told;
    Timestamp covered = kUnseen;  // items before took account of the time until here
  };
  std::vector<Account> accounts_;  // by PoolId
};

}  // namespace wqprof

#endif  // WQPROF_MODEL_IDLE_TRACKER_H_
