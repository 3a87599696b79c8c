// SPDX-License-Identifier: Apache-2.0
// Who holds the pools of a recording that goes on.
#ifndef WQPROF_HOLDER_FINDER_H_
#define WQPROF_HOLDER_FINDER_H_

#include <string>
#include <utility>
#include <vector>

#include "wqprof/event_source.h"
#include "wqprof/holder_stack.h"
#include "wqprof/model.h"
#include "wqprof/pipeline.h"

namespace wqprof {

// From when on who holds a pool is of interest.
struct HolderLimits {
  Nanos stall = Nanos::max();      // the pool started nothing for so long while items waited
  Nanos execution = Nanos::max();  // one execution went on for so long
};

// Finds them, and decides whether a stack that was taken of one is of that time: what is known of a
// recording that goes on is older than the stack.
class HolderFinder : public ItemConsumer {
 public:
  // `source` and `model` must outlive this object.
  HolderFinder(const EventSource& source, const Reconstructor& model, const HolderLimits& limits)
      : source_(source), model_(model), limits_(limits) {}
  Reconstructor::Options wants() const override;
  void Add(const Completed& completed) override;

  // Those that hold a pool by the last event, without their stacks: pools that stall first, of each
  // the oldest execution first, and then the task that has its CPU, if that is another one.
  std::vector<HolderStack> Find() const;
  // Stacks of these will come.
  void Expect(const std::vector<HolderStack>& holders);
  // They came, as far as they could be taken; of the others none will.
  void Answer(std::vector<HolderStack> stacks);
  // Those of them that were taken while it went on, as far as that is known at `now`; later ones
  // wait.
  std::vector<HolderStack> Confirmed(Timestamp now);

 private:
  // One that was asked for, and when what it was about ended; kUnseen: it goes on.
  struct Asked {
    HolderStack holder;
    Timestamp ended = kUnseen, stall_ended = kUnseen;
    bool answered = false;
    bool doubtful = false;  // events were lost since: it may have ended unseen
  };
  HolderStack Described(const OpenState::Execution& run, Timestamp stall) const;
  void AddStall(const OpenState& open, const OpenState::InPool& pool,
                std::vector<HolderStack>& out) const;

  const EventSource& source_;
  const Reconstructor& model_;
  const HolderLimits limits_;
  std::vector<Asked> asked_;
};

}  // namespace wqprof

#endif  // WQPROF_HOLDER_FINDER_H_
