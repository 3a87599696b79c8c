// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_MODEL_RECORDED_SO_FAR_H_
#define WQPROF_MODEL_RECORDED_SO_FAR_H_

#include <optional>

#include "wqprof/event.h"

namespace wqprof {

// Which of the four workqueue events a trace has, as far as is known by now.  The note of the
// recorder is believed.  Without one an event is known to be recorded once it was seen, and known
// to be missing once the trace is over, or so much came without it that it is not expected.
class RecordedSoFar {
 public:
  explicit RecordedSoFar(std::optional<WorkqueueEvents> noted)
      : has_(noted.value_or(WorkqueueEvents())), decided_(noted.has_value()) {}

  void See(EventKind kind) { has_.Add(kind); }
  // What was not seen by now is missing.
  void Decide() { decided_ = true; }

  bool Has(EventKind kind) const { return has_.Has(kind); }
  bool Lacks(EventKind kind) const { return decided_ && !has_.Has(kind); }
  // Whether it has all from the queueing of an item to its end.
  bool HasLives() const {
    return has_.HasAll({EventKind::kQueueWork, EventKind::kExecuteStart, EventKind::kExecuteEnd});
  }
  // Whether it is known of the events that decide what an item is called.
  bool settled() const { return decided_ || HasLives(); }

 private:
  WorkqueueEvents has_;
  bool decided_;
};

}  // namespace wqprof

#endif  // WQPROF_MODEL_RECORDED_SO_FAR_H_
