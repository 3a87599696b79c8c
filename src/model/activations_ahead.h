// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_MODEL_ACTIVATIONS_AHEAD_H_
#define WQPROF_MODEL_ACTIVATIONS_AHEAD_H_

#include <algorithm>
#include <tuple>
#include <vector>

#include "wqprof/event.h"

namespace wqprof {

// The activation that came within the event `queue`, as an event of its own.  Made part by part: a
// copy would wait until what was changed in it is written.  REQUIRES: it has one.
inline Event ActivationWithin(const Event& queue) {
  Event e;
  e.at = queue.at + Nanos(queue.work.activation - 1);
  e.pid = queue.pid;
  e.cpu = queue.cpu;
  e.kind = EventKind::kActivateWork;
  e.flags = queue.flags;
  e.work = {queue.work.work, queue.work.function, NameId::kUnknown, Cpu::kNone, Cpu::kNone, 0};
  return e;
}

// Activations that came within their queue events, until it is their turn: events of other CPUs may
// lie between.
class ActivationsAhead {
 public:
  void Add(const Event& activation) {
    waiting_.push_back(activation);
    for (size_t i = waiting_.size() - 1; i > 0 && Turn(waiting_[i - 1]) < Turn(waiting_[i]); --i) {
      std::swap(waiting_[i - 1], waiting_[i]);
    }
  }
  bool empty() const { return waiting_.empty(); }
  // Whether `activation` comes before `e`: in the order of the CpuMerger, and before all that its
  // own CPU emitted later.
  static bool IsBefore(const Event& activation, const Event& e) {
    return activation.at < e.at || activation.cpu == e.cpu || Turn(activation) < Turn(e);
  }
  // The first of them, if it comes before `e`.
  bool FirstIsBefore(const Event& e) const { return !empty() && IsBefore(waiting_.back(), e); }
  Event TakeFirst() {
    const Event first = waiting_.back();
    waiting_.pop_back();
    return first;
  }

 private:
  static std::tuple<Timestamp, EventKind, Cpu> Turn(const Event& e) {
    return {e.at, e.kind, e.cpu};
  }

  std::vector<Event> waiting_;  // the first one at the end
};

}  // namespace wqprof

#endif  // WQPROF_MODEL_ACTIVATIONS_AHEAD_H_
