// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_MODEL_LOSS_TRACKER_H_
#define WQPROF_MODEL_LOSS_TRACKER_H_

#include <algorithm>

#include "model/by_cpu.h"
#include "wqprof/types.h"

namespace wqprof {

// Remembers where events are missing, and answers whether a span that reaches up to now may
// have been touched by a gap.
class LossTracker {
 public:
  void Begin(Cpu cpu) {
    Gap& gap = gaps_[cpu];
    if (!gap.open) ++open_;
    gap.open = true;
    any_ = true;
  }
  void End(Cpu cpu, Timestamp at) {
    Gap& gap = gaps_[cpu];
    if (gap.open) --open_;
    gap.open = false;
    gap.ended = std::max(gap.ended, at);
    ended_ = std::max(ended_, at);
  }

  // Whether events of any CPU are missing between `from` and now.
  bool Touches(Timestamp from) const { return any_ && (open_ > 0 || ended_ > from); }
  // Whether events of `cpu` are.
  bool TouchesCpu(Cpu cpu, Timestamp from) const {
    if (!any_) return false;
    const Gap* gap = gaps_.Find(cpu);
    return gap != nullptr && (gap->open || gap->ended > from);
  }
  bool any() const { return any_; }
  // Whether events of any CPU are missing now.
  bool open() const { return open_ > 0; }

 private:
  // The last gap of one CPU.
  struct Gap {
    bool open = false;
    Timestamp ended = kUnseen;
  };

  ByCpu<Gap> gaps_;
  int open_ = 0;
  Timestamp ended_ = kUnseen;
  bool any_ = false;
};

}  // namespace wqprof

#endif  // WQPROF_MODEL_LOSS_TRACKER_H_
