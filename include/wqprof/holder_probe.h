// SPDX-License-Identifier: Apache-2.0
// Takes the kernel stacks of what holds pools of this machine.
#ifndef WQPROF_HOLDER_PROBE_H_
#define WQPROF_HOLDER_PROBE_H_

#include <memory>
#include <optional>
#include <vector>

#include "wqprof/event_source.h"
#include "wqprof/holder_stack.h"

namespace wqprof {

// Takes them beside a recording, on a thread of its own that is there from the first question on: a
// task that runs is sampled for some 12 ms.
class HolderProbe {
 public:
  static constexpr Nanos kPeriod = std::chrono::seconds(1);
  static constexpr size_t kMostOfPool = 4, kMostOfLook = 16;

  // `info`: of the recording, for its clock.
  explicit HolderProbe(const TraceInfo& info);
  ~HolderProbe();
  HolderProbe(const HolderProbe&) = delete;
  HolderProbe& operator=(const HolderProbe&) = delete;

  // Asks for the stacks of `holders`, which have all but that, and returns at once.  Those of one
  // pool are taken once in kPeriod at most, kMostOfPool of them; none while others are being taken.
  // Returns those that will be answered.
  std::vector<HolderStack> Ask(const std::vector<HolderStack>& holders);
  // The answers; absent while none are due.  A task that is gone, or executes nothing any more, has
  // none.
  std::optional<std::vector<HolderStack>> Take();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wqprof

#endif  // WQPROF_HOLDER_PROBE_H_
