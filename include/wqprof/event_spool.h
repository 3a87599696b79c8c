// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_EVENT_SPOOL_H_
#define WQPROF_EVENT_SPOOL_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "wqprof/event.h"
#include "wqprof/event_batch.h"
#include "wqprof/temporary_file.h"

namespace wqprof {

// Sorted runs of events in a temporary file, merged when all are there.  Memory: 16 MiB at most.
class EventSpool {
 public:
  // `what` is kept in it: the subject of messages.  kResourceExhausted: there is no room.
  static absl::StatusOr<std::unique_ptr<EventSpool>> Create(std::string what);

  // Adds a sorted run; it belongs to the one before if it is of the same CPU and comes later.
  absl::Status Add(std::span<const Event> run);
  // Adds to the run before.  REQUIRES: there is one, and it ends before these begin.
  absl::Status Append(std::span<const Event> events);
  // All runs are there.
  void BeginMerge();
  // The next events in order of time; at one time in the order of EventKind, then of the runs.
  absl::Status Merge(EventBatch& out, size_t most);

 private:
  struct Run {
    uint64_t offset = 0, left = 0;  // in the file, in events
    EventBatch events;              // read, from `at` on
    size_t at = 0;
  };
  EventSpool(std::unique_ptr<TemporaryFile> file, std::string what)
      : file_(std::move(file)), what_(std::move(what)) {}
  absl::Status Refill(Run& run);
  // Whether run `a` gives its event after run `b`.
  bool After(size_t a, size_t b) const;

  std::unique_ptr<TemporaryFile> file_;
  std::string what_;
  std::vector<Run> runs_;
  std::vector<size_t> heap_;
  size_t buffer_events_ = 0;
  uint64_t written_ = 0;
  Cpu last_cpu_ = Cpu::kNone;
  Timestamp last_at_ = kUnseen;
};

}  // namespace wqprof

#endif  // WQPROF_EVENT_SPOOL_H_
