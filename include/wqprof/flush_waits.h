// SPDX-License-Identifier: Apache-2.0
// Who waited for works to end, as a recording keeps it: no event says so.
#ifndef WQPROF_FLUSH_WAITS_H_
#define WQPROF_FLUSH_WAITS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wqprof/types.h"

namespace wqprof {

// What a task waits for: the end of a work, or of all works that a workqueue has.  kFlushOrCancel
// is one of the first two; events do not show which.
enum class FlushKind : uint8_t {
  kFlushWork,
  kCancelWork,
  kFlushWorkqueue,
  kDrainWorkqueue,
  kFlushOrCancel
};
inline constexpr size_t kFlushKinds = 4;  // that the kernel has
inline constexpr FlushKind kLastFlushKind = FlushKind::kFlushOrCancel;
// "flush_work", "cancel_work_sync", "flush_workqueue", "drain_workqueue", "flush_or_cancel".
std::string_view ToString(FlushKind kind);
// Of a workqueue, not of one work.
inline bool IsOfWorkqueue(FlushKind kind) {
  return kind == FlushKind::kFlushWorkqueue || kind == FlushKind::kDrainWorkqueue;
}

// One wait, by CLOCK_MONOTONIC.
struct FlushWait {
  FlushKind kind = FlushKind::kFlushWork;
  Timestamp begin = kUnseen, end = kUnseen;
  Pid task = Pid::kNone;  // that waited
  std::string comm;
  uint64_t object = 0;    // address of the work, or of the workqueue
  std::string function;   // of the work, "f" or "f [module]", or its address; "" of a workqueue
  std::string workqueue;  // its name; "" of a work
  Nanos Lasted() const { return Elapsed(begin, end); }

  friend bool operator==(const FlushWait&, const FlushWait&) = default;
};

// How one kind of waits was watched.
struct FlushHook {
  FlushKind kind = FlushKind::kFlushWork;
  std::vector<std::string> functions;  // of the kernel, that were watched; none: not seen at all
  std::string absent_by;               // why none, or not all
  // Calls, and those of the floor or longer; absent: nobody counted them.
  std::optional<uint64_t> calls, waited;

  friend bool operator==(const FlushHook&, const FlushHook&) = default;
};

// The recording has no waits, but the events that show some of them: which barrier woke whom, and
// since when that task had slept.  A wait lasted at least that long.
inline constexpr char kFlushesByEvents[] = "events";

// All that a recording knows of it.
struct FlushLog {
  std::string source;                        // "bpf", kFlushesByEvents; "" nothing was watched
  std::string limited_by;                    // why not by BPF
  Nanos floor{0};                            // shorter waits are only counted
  Timestamp begin = kUnseen, end = kUnseen;  // watched in between
  std::vector<FlushHook> hooks;              // one a kind, in their order
  uint64_t lost = 0;                         // waits of the floor or longer that came too fast
  uint64_t unfollowed = 0;                   // calls whose length is not known
  uint64_t left_out = 0;         // waits that had no room: none is longer than those that are here
  std::vector<FlushWait> waits;  // by end

  // Its waits are lower bounds, which whoever reads the events makes.
  bool by_events() const { return source == kFlushesByEvents; }

  friend bool operator==(const FlushLog&, const FlushLog&) = default;
};

// What a recording notes whose events show waits, as BPF cannot be had for the reason given.
FlushLog FlushesByEvents(Nanos floor, std::string why_no_bpf);

// Keeps the longest waits of any number.
class LongestFlushes {
 public:
  explicit LongestFlushes(size_t most) : most_(most) {}
  void Add(FlushWait wait);
  uint64_t left_out() const { return left_out_; }
  // By end.
  std::vector<FlushWait> Take();

 private:
  size_t most_;
  uint64_t left_out_ = 0;
  std::vector<FlushWait> heap_;  // the shortest first
};
inline constexpr size_t kMostFlushWaits = 10'000;  // in a file

// As a recording keeps it (doc/trace-dat.md).
std::string FlushesToJson(const FlushLog& log);
// Null when the text is none.  Takes of hostile text what has the right form, within limits.
std::shared_ptr<const FlushLog> ParseFlushes(std::string_view json);

}  // namespace wqprof

#endif  // WQPROF_FLUSH_WAITS_H_
