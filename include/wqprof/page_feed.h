// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_PAGE_FEED_H_
#define WQPROF_PAGE_FEED_H_

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "absl/status/statusor.h"
#include "wqprof/event_source.h"
#include "wqprof/trace_writer.h"
#include "wqprof/types.h"

namespace wqprof {

// The events of a recording that is still going on: takes the pages that a recorder drains, and
// gives their events as far as no earlier one can come any more.
//
// Pages arrive in rounds.  A round has read every CPU's buffer up to what was in it when the
// round began, so that it brings all events that are older than the newest one of the round
// before: those are certain.  A CPU that has more than one round takes is known as far as it was
// read.  Memory: the events of two rounds.
class PageFeed : public EventSource {
 public:
  // Tells the name of a task that no event has named; "" when nobody knows it.
  using NameOfTask = std::function<std::string(Pid)>;
  // kDataLoss: the metadata are no description of ring-buffer pages with workqueue events.
  static absl::StatusOr<std::unique_ptr<PageFeed>> Create(const TraceMetadata& metadata,
                                                          NameOfTask name_of_task);
  ~PageFeed() override;

  // `pages` holds whole sub-buffers of one CPU, in order; they are decoded before the call
  // returns.
  void Add(Cpu cpu, std::span<const std::byte> pages);
  // The round is over: what is certain now may be taken with Next(), and must be before the
  // next call of Add().  There is more of the CPUs in `behind`.
  void EndRound(std::span<const Cpu> behind = {});
  // The same for the last round: all is certain.
  void EndAll();
  // What the recorder knows at the end: the kernel's counters, and who meddled.
  void NoteEnding(const TraceEnding& ending);
  // Stacks that were taken of what holds pools: info() has them.
  void NoteStacks(const std::vector<HolderStack>& stacks);
  // Losses, counts and times so far.
  void UpdateStats();

  // The next run of certain events; empty when there are none (yet).
  absl::StatusOr<std::span<const Event>> Next() override;
  const TraceInfo& info() const override;
  const ReadStats& stats() const override;
  const NameTable& names() const override;
  NameId CommOf(Pid pid) const override;

 private:
  struct State;
  explicit PageFeed(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace wqprof

#endif  // WQPROF_PAGE_FEED_H_
