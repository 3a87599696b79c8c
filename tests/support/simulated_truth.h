// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TESTS_SUPPORT_SIMULATED_TRUTH_H_
#define WQPROF_TESTS_SUPPORT_SIMULATED_TRUTH_H_

#include <map>
#include <set>
#include <string>
#include <utility>

#include "support/outcome.h"
#include "support/pool_simulator.h"

namespace wqprof::testing {

// The truth of one simulation, to be looked up: its stamps are unique.
class Truth {
 public:
  explicit Truth(const Simulation& simulation);
  // The life that an item's queue, start or end event belongs to; null: there was none.
  const TrueItem* QueuedAs(const WorkItem& item) const;
  const TrueItem* StartedAs(const WorkItem& item) const;
  const TrueItem* EndedAs(const WorkItem& item) const;
  // The item's queue event truly fell into the window of its start, and was cancelled again:
  // nothing in a trace tells this from a work that was stolen before it was taken.
  bool CancelledInWindow(const WorkItem& item) const;
  // The work, or another one at its address, was queued once more.
  bool QueuedAgain(const TrueItem& item) const;

 private:
  using Index = std::map<std::pair<WorkAddr, Timestamp>, const TrueItem*>;
  static const TrueItem* Find(const Index& index, WorkAddr work, Timestamp at);
  Index by_queue_, by_start_, by_end_;
  std::map<WorkAddr, Timestamp> last_queue_;
};

// The starts of one outcome whose match may be wrong: it is told to be ambiguous, or the work
// was queued in the window and cancelled again, or the start that its queue event truly had is
// such a one.
class Doubts {
 public:
  Doubts(const Truth& truth, const Outcome& outcome);
  bool About(const WorkItem& item) const { return starts_.contains({item.work, item.started}); }
  bool About(const TrueItem& item) const { return starts_.contains({item.work, item.started}); }

 private:
  std::set<std::pair<WorkAddr, Timestamp>> starts_;
};

std::string Show(Timestamp t);
std::string Show(const TrueItem& item);
std::string Show(const WorkItem& item);

// Each fails the test where the two differ: in what the start and end events tell, in what the
// queue and activate events do, and in who queued (which needs the events of the queuer, too).
void ExpectSameExecution(const TraceBuilder& trace, const Outcome& outcome, const TrueItem& truth,
                         const WorkItem& item);
void ExpectSameWait(const TraceBuilder& trace, const TrueItem& truth, const WorkItem& item);
void ExpectSameOrigin(const TrueItem& truth, const WorkItem& item);

}  // namespace wqprof::testing

#endif  // WQPROF_TESTS_SUPPORT_SIMULATED_TRUTH_H_
