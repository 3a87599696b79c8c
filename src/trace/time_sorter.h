// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TRACE_TIME_SORTER_H_
#define WQPROF_TRACE_TIME_SORTER_H_

#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "trace/event_batch.h"

namespace wqprof {

// Sorts a few thousand events of many CPUs, those of each CPU in order and one CPU after another,
// by time.  A merge asks log2(CPUs) times at every event, and cannot foretell the answers; here an
// event goes to where its time says that it belongs, and its neighbours are put right.
class TimeSorter {
 public:
  // The same order as CpuMerger's: equal times go by kind, then by CPU, and those of a CPU stay as
  // they are.
  // REQUIRES: out.size() >= in.size(), all times in [from, to), from < to.
  void Sort(std::span<const Event> in, Timestamp from, Timestamp to, std::span<Event> out);

 private:
  static constexpr int kBucketBits = 11;
  using Segment = std::pair<const Event*, const Event*>;

  void OrderTie(std::span<Event> tie);

  std::array<uint32_t, (size_t{1} << kBucketBits) + 1> begins_{};
  std::vector<Event> tie_;
  std::vector<Segment> segments_;
};

}  // namespace wqprof

#endif  // WQPROF_TRACE_TIME_SORTER_H_
