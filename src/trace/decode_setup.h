// SPDX-License-Identifier: Apache-2.0
// What every source of ring-buffer pages needs before it can decode them.
#ifndef WQPROF_TRACE_DECODE_SETUP_H_
#define WQPROF_TRACE_DECODE_SETUP_H_

#include <string>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "trace/page_decoder.h"
#include "wqprof/event_source.h"
#include "wqprof/name_table.h"
#include "wqprof/trace_writer.h"

namespace wqprof {

// Finds page and event layouts in a recording's own descriptions; `path` is for messages.  What
// the texts do not hold (page size, byte order, CPUs, clock, symbols) is left to the caller.
// kDataLoss: they make no sense, or have no workqueue event.
absl::StatusOr<DecodeContext> MakeDecodeContext(const TraceMetadata& metadata,
                                                const std::string& path);

// Notes which events a recording has.
void NoteEvents(const EventLayout& layout, TraceInfo& info);
// Whether the stamps are nanoseconds, once scaled.
bool ClockIsNs(const std::string& clock, const TimeScale& time);

// The last name known of each task.
class CommTable {
 public:
  // Adds the "PID COMM" lines of saved_cmdlines.
  void Read(std::string_view cmdlines, NameTable& names);
  NameId Of(Pid pid) const;

 private:
  absl::flat_hash_map<int32_t, NameId> comms_;
};

// Adds what the pages of one CPU hold to `stats`: counts, losses, first and last time.  Names and
// exact numbers of what was lost are the caller's.
struct PageTotals {
  absl::flat_hash_map<uint16_t, uint64_t> by_slot;
  uint64_t lost = 0, uncounted = 0;
};
void AddPageStats(const PageStats& pages, Cpu cpu, ReadStats& stats, PageTotals& totals);
// Compares a CPU's pages with what the kernel counted in its buffer: what it refused, what was
// counted and is not there; and takes back a loss that is only a late begin.
void AddCounters(const PageStats& pages, const CpuStats& counters, ReadStats& stats,
                 PageTotals& totals);
// ... and the totals, after the last CPU.
void FinishPageStats(const EventLayout& layout, const PageTotals& totals, ReadStats& stats);

}  // namespace wqprof

#endif  // WQPROF_TRACE_DECODE_SETUP_H_
