// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_MODEL_TIMER_TRACKER_H_
#define WQPROF_MODEL_TIMER_TRACKER_H_

#include <cstdint>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "model/by_cpu.h"
#include "wqprof/event.h"

namespace wqprof {

// How long a jiffy is, learnt from events that hold the jiffies: HZ is not in a trace.
class JiffyClock {
 public:
  void Observe(uint32_t jiffies, Timestamp at);
  // The span of `jiffies`; absent until the values of HZ that kernels are built with
  // (kernel/Kconfig.hz) are down to one.
  std::optional<Nanos> Span(uint32_t jiffies) const;

 private:
  struct Reading {
    uint32_t jiffies;
    Timestamp at;
  };
  std::optional<Reading> first_;
  int64_t hz_ = 0;  // 0: not known
};

// Follows the timers of delayed works from timer_start to the queue event that their expiry
// leads to.  delayed_work_timer_fn() queues the work that holds the timer, on the CPU where the
// timer expired, at once.
class TimerTracker {
 public:
  // When a timer was started, and when it was to expire.
  struct Armed {
    Timestamp at = kUnseen, due = kUnseen;
    uint32_t rearmed = 0;  // how often it was started anew before it expired
  };

  [[gnu::noinline]] void OnStart(const Event& e);
  [[gnu::noinline]] void OnExpire(const Event& e);
  // Events are missing: what was started may have been started anew.
  void OnLoss();
  // Whether any timer of a delayed work was seen.
  bool seen() const { return seen_; }
  // The timer whose expiry on this CPU queued `work` at `at`.  Its start may be unknown.
  std::optional<Armed> Take(Cpu cpu, WorkAddr work, Timestamp at);

 private:
  // A timer that has not expired.  One that was cancelled looks the same: timer_cancel shows
  // nothing, as starting a timer anew and letting it expire emit it as well.
  struct Pending {
    Timestamp at = kUnseen;
    uint32_t timeout = 0;  // in jiffies
    uint32_t rearmed = 0;
  };
  // The timer that expired last on a CPU, until it has queued its work.
  struct Expired {
    WorkAddr timer{};
    Timestamp at = kUnseen;
  };
  static constexpr size_t kMaxPending = 1 << 16;

  JiffyClock jiffies_;
  absl::flat_hash_map<uint64_t, Pending> pending_;  // by address of the timer
  ByCpu<Expired> expired_;
  bool seen_ = false;
};

}  // namespace wqprof

#endif  // WQPROF_MODEL_TIMER_TRACKER_H_
