// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_EVENT_SOURCE_H_
#define WQPROF_EVENT_SOURCE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "wqprof/crew.h"
#include "wqprof/event.h"
#include "wqprof/flush_waits.h"
#include "wqprof/holder_stack.h"
#include "wqprof/name_table.h"
#include "wqprof/settings.h"
#include "wqprof/tracefs_text.h"
#include "wqprof/workqueue_config.h"

namespace wqprof {

// What a trace says of itself, apart from its events.
struct TraceInfo {
  std::string path;         // as the user gave it; "-" for standard input
  std::string format;       // "trace.dat v7"
  std::string kernel;       // release, e.g. "6.1.0-32-amd64"; "" unknown
  std::string machine;      // nodename
  std::string arch;         // "x86_64"
  std::string uname;        // whole
  std::string clock;        // "mono"; "" unknown
  bool clock_is_ns = true;  // counter, uptime, x86-tsc without scale: no
  // How far stamps that were made of cycles are at most from CLOCK_MONOTONIC, as far as the
  // recorder could know: as they are read here, and by the one line that others know.
  std::optional<Nanos> clock_error, clock_line_error;
  std::string compression;  // "none", "zstd"
  int version = 0;          // of trace.dat: 6, 7
  bool big_endian = false;
  int long_size = 8;       // of the traced kernel, bytes
  uint32_t page_size = 0;  // sub-buffer, bytes
  int cpus = 0;
  std::string instance;                // the one read; "" the top-level buffer
  std::vector<std::string> instances;  // all in the file
  std::vector<CpuStats> cpu_stats;
  std::vector<std::string> events;  // "workqueue:workqueue_queue_work", ... formats in the file
  Settings settings;                // wqprof's own note; what is known of it is below, typed
  WorkqueueConfig config;           // of its workqueues and pools; empty: not recorded
  std::shared_ptr<const FlushLog> flushes;  // who waited in them; null: not recorded
  HolderStacks holder_stacks;               // of what held its pools, taken while it was recorded
  bool has_sched = false;                   // sched_switch and sched_waking were recorded
  bool has_timers = false;
  // Which of the four events were enabled, by the note of the recorder or of the live buffer;
  // absent where nobody noted it: then the records decide, see RecordedEvents().
  std::optional<WorkqueueEvents> noted_events;
  // Stamps are multiples of it: 1 ns, or 1 us of a text.  Absent where stamps are no time.
  std::optional<Nanos> resolution = Nanos(1);
  // Wall clock (UTC, since 1970) minus stamp, as both were read together when the recording began.
  std::optional<Nanos> wall_offset;
  std::string wall_begin;  // of the first event, RFC 3339 in UTC; "" unknown, or no event so far
  std::string boot_id;     // of the traced machine's boot; "" unknown
  std::vector<std::string> workqueue_filter;  // globs of `record -w`: what reports shall show
  // wq_watchdog_thresh of the traced kernel; 0: its watchdog is off.
  std::optional<Nanos> watchdog_threshold;
  // Why the recorder stopped: "duration", "command", "signal", "max-size", "error"; "" unknown.
  std::string ended_by;
  // By its own note something that was recorded is not in the file: each CPU's events end at a
  // time of its own, and what comes after that was not seen.
  bool incomplete = false;
  // What somebody else did to the recorder's buffer while it recorded, one sentence each ("tracing
  // was switched off"): nobody knows from when on events are missing.
  std::vector<std::string> disturbances;
  bool has_activate = true;  // workqueue_activate_work was recorded
  bool has_queue = true;
  bool hashed_addresses = false;  // text with %p: opaque ids
  // Why functions have no names, and what to do: no symbols of that kernel were at hand.  "" they
  // have.
  std::string unnamed_functions;
  bool unfinished = false;  // the recorder did not end this file
  uint64_t data_bytes = 0;  // ring-buffer pages, as stored
};

inline constexpr char kAddressesAreNoNames[] =
    "functions are addresses; with the traced kernel's /proc/kallsyms: --kallsyms FILE";

// What reading found, so far.  Complete once Next() has returned the end.
struct ReadStats {
  uint64_t events = 0;  // every record of every kind, unknown ones too
  std::vector<std::pair<std::string, uint64_t>> events_by_name;  // "system:name", by name
  std::vector<uint64_t> events_by_cpu;
  std::vector<Timestamp> end_by_cpu;  // each CPU's last event; kUnseen: it has none
  uint64_t pages = 0;
  uint64_t corrupt_pages = 0;  // pages with a fault; their valid prefix was used
  bool truncated = false;      // the file ends before its data do
  uint64_t lost_gaps = 0;      // page marks of missed events
  // Sum of the marks, and of what the kernel or the recorder counted without one (below); absent:
  // a mark had no number.
  std::optional<uint64_t> lost_events = 0;
  // Of these: refused by the kernel (dropped, commit overrun), nobody knows when.
  uint64_t refused_events = 0;
  // Of these: counted in a CPU's buffer, but not in the input: its pages were lost on the way, or
  // somebody else read them.  Each CPU's events may end early, or have gaps at any time.
  std::vector<std::pair<Cpu, uint64_t>> missing_events;
  // Not of these: overwritten in a buffer that nobody read while it was filled, before the CPU's
  // first event.  That is a late begin (covered_from), and no loss.
  uint64_t overwritten_events = 0;
  WorkqueueEvents seen_events;               // of which at least one record was read
  uint64_t unread_lines = 0;                 // of a text: they name an event and cannot be read
  std::string first_unread_line;             // as it stands in the input; "" none
  uint64_t unread_records = 0;               // of a perf.data or Perfetto trace: likewise
  uint64_t time_reversals = 0;               // stamps that went backwards on one CPU
  uint64_t queue_stacks = 0;                 // kernel stacks of queue events
  Timestamp begin = kUnseen, end = kUnseen;  // first and last event
  // When the first event of the last CPU to have one was kept: before it, a missing
  // queue event proves nothing (doc/kernel.md §7).
  Timestamp covered_from = kUnseen;
};

// The first event is known: notes in `info` when that was by the wall clock, where it can be known.
void NoteBegin(Timestamp begin, TraceInfo& info);

// Which of the four events were recorded: by the note where there is one, else by the records.
// Without a note it is known once the whole input was read.
inline WorkqueueEvents RecordedEvents(const TraceInfo& info, const ReadStats& stats) {
  return info.noted_events.value_or(stats.seen_events);
}

// What can be known at all when just these events were recorded.
inline bool TellsLatency(WorkqueueEvents recorded) {
  return recorded.HasAll({EventKind::kQueueWork, EventKind::kExecuteStart});
}
inline bool TellsStalls(WorkqueueEvents recorded) {
  return recorded.HasAll({EventKind::kActivateWork, EventKind::kExecuteStart});
}
// How many executions are open in a pool, and for how long.
inline bool TellsOccupancy(WorkqueueEvents recorded) {
  return recorded.HasAll({EventKind::kExecuteStart, EventKind::kExecuteEnd});
}
// How many activated items wait in a pool: only queue events show in time in which pool.
inline bool TellsBacklog(WorkqueueEvents recorded) {
  return recorded.HasAll(
      {EventKind::kQueueWork, EventKind::kActivateWork, EventKind::kExecuteStart});
}

// Events of all CPUs in time order; equal times of one CPU keep their order in the buffer.
// Events that the ring buffer lost show up in their place as kLossBegin .. kLossEnd.
class EventSource {
 public:
  virtual ~EventSource() = default;
  // The next run of events; empty at the end of the trace.  Valid until the next call.
  // Fails only when the input itself can no longer be read.
  virtual absl::StatusOr<std::span<const Event>> Next() = 0;
  virtual const TraceInfo& info() const = 0;
  virtual const ReadStats& stats() const = 0;
  virtual const NameTable& names() const = 0;
  // The last name known of a task; kUnknown when the trace has none.  Before Next() has
  // reached the end, later names may be missing.
  virtual NameId CommOf(Pid pid) const = 0;
  // The hands that help to read it, if any; they have time for what is done with the events, too.
  virtual Crew* crew() { return nullptr; }
};

struct OpenOptions {
  std::string instance;       // read this instance's buffer; "" picks the one with data
  int threads = 0;            // the caller's and its helpers; 0: one a CPU here, at most 8
  bool whole_stacks = false;  // with the functions that StackText() leaves out
};

// Recognises the input by its content.  "-" is standard input.
// Errors: kNotFound, kPermissionDenied, kDataLoss (nothing could be read: exit code 5),
// kInvalidArgument (no such instance).
absl::StatusOr<std::unique_ptr<EventSource>> OpenTrace(const std::string& path,
                                                       const OpenOptions& options = {});

}  // namespace wqprof

#endif  // WQPROF_EVENT_SOURCE_H_
