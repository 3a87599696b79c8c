// SPDX-License-Identifier: Apache-2.0
// The kernel's own counters of workqueues as a live view, as lines of text.
#ifndef WQPROF_RENDER_COUNTERS_H_
#define WQPROF_RENDER_COUNTERS_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "wqprof/render.h"
#include "wqprof/workqueue_config.h"

namespace wqprof {

// What is shown beside the counters, and how.
struct CountersView {
  Nanos length{0};  // between the two readings
  std::string machine, kernel, time;
  double own_cpu = 0;        // share of one CPU that this process took of late
  std::string filters = {};  // what was left out on request, in words
  size_t sort = 0;           // place in CounterSortKeys()
  bool interactive = false;  // there are keys to press
  bool paused = false;
};

// The columns by which the rows can be sorted; the first one is what it starts with.
std::vector<std::string_view> CounterSortKeys();
// All of the screen: `lines` of them, or as many as there are if that is 0.  `counted` has two
// readings; workqueues that did nothing between them are a number.
std::vector<std::string> CounterLines(const WorkqueueConfig& counted, const CountersView& view,
                                      size_t lines, const TextStyle& style);

}  // namespace wqprof

#endif  // WQPROF_RENDER_COUNTERS_H_
