// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_MODEL_LOSS_TRACKER_H_
#define WQPROF_MODEL_LOSS_TRACKER_H_

#include <algorithm>
#include <utility>
#include <vector>

#include "model/by_cpu.h"
#include "wqprof/model.h"
#include "wqprof/types.h"

namespace wqprof {

// Remembers where events are missing, and answers whether a span that reaches up to now may
// have been touched by a gap.
class LossTracker {
 public:
  void Begin(Cpu cpu, Timestamp at) {
    Gap& gap = gaps_[cpu];
    if (!gap.open) {
      ++open_;
      gap.begun = at;
      gap.cpu = cpu;
    }
    gap.open = true;
    any_ = true;
  }
  void End(Cpu cpu, Timestamp at) {
    Gap& gap = gaps_[cpu];
    if (gap.open) {
      --open_;
      spans_.push_back({gap.begun, at, cpu});
    }
    gap.open = false;
    gap.ended = std::max(gap.ended, at);
    ended_ = std::max(ended_, at);
  }
  // Nothing comes behind `at`.
  void Finish(Timestamp at) {
    for (const Gap& gap : gaps_) {
      if (gap.open) spans_.push_back({gap.begun, at, gap.cpu});
    }
  }
  // The gaps that ended since the last call.
  std::vector<LossSpan> TakeSpans() { return std::exchange(spans_, {}); }

  // Whether events of any CPU are missing between `from` and now.
  bool Touches(Timestamp from) const { return any_ && (open_ > 0 || ended_ > from); }
  // Whether events of `cpu` are.
  bool TouchesCpu(Cpu cpu, Timestamp from) const {
    if (!any_) return false;
    const Gap* gap = gaps_.Find(cpu);
    return gap != nullptr && (gap->open || gap->ended > from);
  }
  // Since when all events of `cpu` are there, of kNone those of all CPUs; kUnseen: nothing is
  // missing; Timestamp::max(): some are missing now.
  Timestamp WholeSince(Cpu cpu) const {
    if (!any_) return kUnseen;
    if (cpu == Cpu::kNone) return open_ > 0 ? Timestamp::max() : ended_;
    const Gap* gap = gaps_.Find(cpu);
    if (gap == nullptr) return kUnseen;
    return gap->open ? Timestamp::max() : gap->ended;
  }
  bool any() const { return any_; }
  // Whether events of any CPU are missing now.
  bool open() const { return open_ > 0; }

 private:
  // The last gap of one CPU.
  struct Gap {
    Cpu cpu = Cpu::kNone;
    bool open = false;
    Timestamp begun = kUnseen;
    Timestamp ended = kUnseen;
  };

  ByCpu<Gap> gaps_;
  std::vector<LossSpan> spans_;
  int open_ = 0;
  Timestamp ended_ = kUnseen;
  bool any_ = false;
};

}  // namespace wqprof

#endif  // WQPROF_MODEL_LOSS_TRACKER_H_
