// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_CLI_SLOWEST_H_
#define WQPROF_CLI_SLOWEST_H_

#include <cstddef>
#include <vector>

#include "wqprof/model.h"

namespace wqprof {

// Keeps the `limit` items with the longest latency out of many.  An item that never started
// waits until the trace ends: a lower bound of its latency.
class SlowestItems {
 public:
  explicit SlowestItems(size_t limit) : limit_(limit) {}
  size_t limit() const { return limit_; }

  void Add(const WorkItem& item);
  // The longest first; equal ones by id.
  std::vector<WorkItem> Take(Timestamp trace_end);

 private:
  // The shortest is on top, to be replaced first.
  std::vector<WorkItem> started_;
  // Of those that never started, the first queued wait longest, whenever the trace ends.
  std::vector<WorkItem> pending_;
  size_t limit_;
};

}  // namespace wqprof

#endif  // WQPROF_CLI_SLOWEST_H_
