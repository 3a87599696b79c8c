// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_MODEL_ACTIVATION_REPORTER_H_
#define WQPROF_MODEL_ACTIVATION_REPORTER_H_

#include "model/activation_tracker.h"
#include "model/tables.h"

namespace wqprof {

// Reports activations to an ActivationTracker: who let an inactive item go, and what its owner
// holds when that is first asked.
class ActivationReporter {
 public:
  ActivationReporter(Tables& tables, ActivationTracker& tracker)
      : tables_(tables), tracker_(tracker) {}

  // `work` is activated by `e`, which its record does not say yet.  It `follows` the queue event
  // when no other event of a work came between them on that CPU.
  void OnActivate(const WorkState& work, SlabIndex index, const Event& e, bool follows);

 private:
  ActivationTracker::Releaser ReleaserOf(const Event& e, const QueueRecord& q,
                                         const ExecutionContext*& context);
  ActivationTracker::Holding HoldingOf(const QueueRecord& q, const ExecutionContext* ended);

  Tables& tables_;
  ActivationTracker& tracker_;
};

}  // namespace wqprof

#endif  // WQPROF_MODEL_ACTIVATION_REPORTER_H_
