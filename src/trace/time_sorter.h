// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TRACE_TIME_SORTER_H_
#define WQPROF_TRACE_TIME_SORTER_H_

#include <array>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "wqprof/event_batch.h"

namespace wqprof {

// Sorts a few thousand events of many CPUs, those of each CPU in order and one CPU after another,
// by time.  A merge asks log2(CPUs) times at every event, and cannot foretell the answers; here an
// event goes to where its time says that it belongs, and its neighbours are put right.  Where many
// belong to one place, as when a burst is followed by a pause, that place is merged: the work is
// never more than a merge of all would be.
class TimeSorter {
 public:
  // The same order as CpuMerger's: equal times go by kind, then by CPU, and those of a CPU stay as
  // they are.
  // REQUIRES: out.size() >= in.size(), all times in [from, last].
  void Sort(std::span<const Event> in, Timestamp from, Timestamp last, std::span<Event> out);

  // How often an event was moved so far, but for its first move to its place.
  uint64_t moves() const { return moves_; }

 private:
  static constexpr int kBucketBits = 11;
  // So many events of one bucket are put in order by moving each past its neighbours.
  static constexpr uint32_t kFew = 32;
  using Segment = std::pair<const Event*, const Event*>;

  // Merges what is in order in `events` until all of it is; equal times stay as they are.
  void MergeBucket(std::span<Event> events);
  void OrderTie(std::span<Event> tie);

  std::array<uint32_t, (size_t{1} << kBucketBits) + 1> begins_{};
  EventBatch spare_;              // of MergeBucket()
  std::vector<size_t> run_ends_;  // likewise
  uint64_t moves_ = 0;
  std::vector<Event> tie_;
  std::vector<Segment> segments_;
};

}  // namespace wqprof

#endif  // WQPROF_TRACE_TIME_SORTER_H_
