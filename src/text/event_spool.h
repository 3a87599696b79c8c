// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TEXT_EVENT_SPOOL_H_
#define WQPROF_TEXT_EVENT_SPOOL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "absl/status/statusor.h"
#include "text/event_run.h"
#include "wqprof/event.h"
#include "wqprof/temporary_file.h"

namespace wqprof {

// Sorted runs of events in a temporary file, merged when all are there.  Memory: 16 MiB at most.
class EventSpool {
 public:
  // kResourceExhausted: there is no room.
  static absl::StatusOr<std::unique_ptr<EventSpool>> Create();

  // Adds a sorted run; it belongs to the one before if it is of the same CPU and comes later.
  absl::Status Add(std::span<const Event> run);
  // All runs are there.
  void BeginMerge();
  // The next events in order of time; at one time in the order of EventKind, then of the runs.
  absl::Status Merge(EventRun& out, size_t most);

 private:
  struct Run {
    uint64_t offset = 0, left = 0;  // in the file, in events
    EventRun events;                // read, from `at` on
    size_t at = 0;
  };
  explicit EventSpool(std::unique_ptr<TemporaryFile> file) : file_(std::move(file)) {}
  absl::Status Refill(Run& run);
  // Whether run `a` gives its event after run `b`.
  bool After(size_t a, size_t b) const;

  std::unique_ptr<TemporaryFile> file_;
  std::vector<Run> runs_;
  std::vector<size_t> heap_;
  size_t buffer_events_ = 0;
  uint64_t written_ = 0;
  Cpu last_cpu_ = Cpu::kNone;
  Timestamp last_at_ = kUnseen;
};

}  // namespace wqprof

#endif  // WQPROF_TEXT_EVENT_SPOOL_H_
