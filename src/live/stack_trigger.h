// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_LIVE_STACK_TRIGGER_H_
#define WQPROF_LIVE_STACK_TRIGGER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "live/trace_instance.h"

namespace wqprof {

// The condition for workqueues that pass these globs, as a trigger of the kernel takes it; "" when
// all pass, or the kernel's language has no word for them.
std::string TriggerFilter(const std::vector<std::string>& workqueues);

// Lets the kernel add its stack to each event that queues a work, in one instance; until the end of
// the object's life.  The instance must outlive it.
class StackTrigger {
 public:
  // `workqueues` are globs of those whose stacks are wanted; none: all.  What the kernel cannot
  // filter is named in `notes`.  kFailedPrecondition: it takes no stacks.
  static absl::StatusOr<std::unique_ptr<StackTrigger>> Set(
      const TraceInstance& instance, const std::vector<std::string>& workqueues,
      std::vector<std::string>& notes);
  ~StackTrigger();
  StackTrigger(const StackTrigger&) = delete;
  StackTrigger& operator=(const StackTrigger&) = delete;

  // The condition in use; "": none.
  const std::string& filter() const { return filter_; }
  // Nobody else took it away.
  bool IsThere() const;

 private:
  StackTrigger(std::string file, std::string filter)
      : file_(std::move(file)), filter_(std::move(filter)) {}
  std::string file_, filter_;
};

}  // namespace wqprof

#endif  // WQPROF_LIVE_STACK_TRIGGER_H_
