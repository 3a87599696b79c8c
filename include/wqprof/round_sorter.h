// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_ROUND_SORTER_H_
#define WQPROF_ROUND_SORTER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "wqprof/event.h"

namespace wqprof {

// Brings the events of a recording into the order of time, where each CPU's come in order and one
// CPU's after another's, as a recorder that goes round the CPUs writes them.
//
// A round that ends has brought all events that are older than the newest one of the round before:
// those are certain, and may be taken.  Where rounds are long, or nobody says where they end, what
// has to wait goes through a temporary file.  Memory: some hundred thousand events.
class RoundSorter {
 public:
  // `what` is sorted: the subject of messages.
  explicit RoundSorter(std::string what);
  ~RoundSorter();

  // Each before the next call of Take(), and not while is_ready().
  void Add(const Event& event);
  // Events of `cpu` are missing before its next one; `count` of them, where that is known.
  void Lose(Cpu cpu, std::optional<uint64_t> count);
  void EndRound();
  // There are no more.  `early`: the data end before the trace does, all that follows the last
  // event of a CPU is missing.
  absl::Status EndAll(bool early);
  // So much waits that room must be made, with MakeRoom().
  bool is_full() const;
  absl::Status MakeRoom();

  // Something is certain: it is to be taken until nothing is left.
  bool is_ready() const;
  // The next run of certain events; empty when there are none (yet).  Valid until the next call.
  absl::StatusOr<std::span<const Event>> Take();

  // Events that came too late for their place, and went to the next one.
  uint64_t late() const;
  // Gaps in which events were lost.
  uint64_t gaps() const;
  // First and last event added; kUnseen: none was.
  Timestamp first() const;
  Timestamp last() const;
  // The first event of the CPU that began last, of those that have begun so far.
  Timestamp latest_first() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wqprof

#endif  // WQPROF_ROUND_SORTER_H_
