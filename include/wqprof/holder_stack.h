// SPDX-License-Identifier: Apache-2.0
// Where the tasks stood that held a pool, as it was seen while that went on.
#ifndef WQPROF_HOLDER_STACK_H_
#define WQPROF_HOLDER_STACK_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wqprof/types.h"
#include "wqprof/workqueue_state.h"

namespace wqprof {

// The kernel stack of one task that held a pool: of a worker that executed, or of the task that had
// the CPU instead.  Looks that found the same, one after the other, are one.
struct HolderStack {
  std::string pool;
  std::string comm;
  Pid pid = Pid::kNone;
  std::string workqueue, function;  // of what it executed; "": nothing, or not known
  Timestamp begin = kUnseen;        // of that execution
  Timestamp stall = kUnseen;  // begin of the stall of the pool that went on; kUnseen: none did
  Timestamp at = kUnseen;     // the first look, on the trace's clock; kUnseen: not known
  Timestamp last = kUnseen;   // the last one
  uint64_t looks = 1;
  TaskDoes state = TaskDoes::kUnknown;
  bool in_user_space = false;      // on a CPU, outside of the kernel
  std::vector<std::string> stack;  // the innermost function first; empty: see why_not
  // Of one on a CPU: so many of the samples of the first look had this stack.
  uint32_t samples_alike = 0, samples = 0;
  std::string why_not;  // in a clause

  friend bool operator==(const HolderStack&, const HolderStack&) = default;
};

// Those of a recording, by time.  Bounded: of more than kMost the oldest go.
class HolderStacks {
 public:
  static constexpr size_t kMost = 256;

  void Add(HolderStack stack);
  const std::vector<HolderStack>& all() const { return all_; }
  bool empty() const { return all_.empty(); }

 private:
  std::vector<HolderStack> all_;
};

// As a recording keeps them (doc/trace-dat.md); "" for none.
std::string HolderStacksToJson(const HolderStacks& stacks);
// Takes of hostile text what has the right form, within limits.
HolderStacks ParseHolderStacks(std::string_view json);

}  // namespace wqprof

#endif  // WQPROF_HOLDER_STACK_H_
