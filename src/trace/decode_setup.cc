// SPDX-License-Identifier: Apache-2.0
#include "trace/decode_setup.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <vector>

namespace wqprof {
namespace {

// Saturates: a hostile file counts whatever it likes.
uint64_t AddCounts(uint64_t a, uint64_t b) { return a > ~uint64_t{0} - b ? ~uint64_t{0} : a + b; }

}  // namespace

absl::StatusOr<DecodeContext> MakeDecodeContext(const TraceMetadata& metadata,
                                                const std::string& path) {
  const auto damaged = [&](std::string_view what) {
    return absl::DataLossError(fmt::format("cannot read {}: {}", path, what));
  };
  const auto page = ParseHeaderPage(metadata.header_page);
  if (!page) return damaged("its description of a ring-buffer page makes no sense");
  std::vector<EventFormat> formats;
  for (const auto& [system, text] : metadata.event_formats) {
    if (auto format = ParseEventFormat(system, text)) formats.push_back(std::move(*format));
  }
  if (auto format = ParseEventFormat("ftrace", metadata.stack_format)) {
    formats.push_back(std::move(*format));
  }
  auto layout = MakeLayout(formats, static_cast<int>(page->commit_size));
  if (!layout) {
    return damaged(
        "it has no workqueue events, or its formats contradict each other\n"
        "record some: wqprof record, or trace-cmd record -e workqueue");
  }
  DecodeContext context;
  context.page = *page;
  context.layout = *std::move(layout);
  return context;
}

void NoteEvents(const EventLayout& layout, TraceInfo& info) {
  info.has_queue = info.has_activate = false;
  bool has_switch = false, has_waking = false;
  for (const EventLayout::Slot& slot : layout.slots) {
    // Who records without stacks saves the format of them, too.
    const bool stack = slot.kind == static_cast<uint8_t>(EventKind::kQueueStack);
    if (slot.name != "unknown" && !stack) info.events.push_back(slot.name);
    if (slot.kind == EventLayout::kOther) continue;
    switch (static_cast<EventKind>(slot.kind)) {
      case EventKind::kQueueWork:
        info.has_queue = true;
        break;
      case EventKind::kActivateWork:
        info.has_activate = true;
        break;
      case EventKind::kSwitch:
        has_switch = true;
        break;
      case EventKind::kWaking:
        has_waking = true;
        break;
      case EventKind::kTimerStart:
        info.has_timers = true;
        break;
      default:
        break;
    }
  }
  // A recorder that saves whole systems has formats of events that it did not record.
  info.has_sched = has_switch && has_waking;
  std::sort(info.events.begin(), info.events.end());
}

bool ClockIsNs(const std::string& clock, const TimeScale& time) {
  // Without a clock in the file it is the kernel's default, "local".
  const bool cycles = clock == "x86-tsc" || clock == "tsc2nsec";
  return clock != "counter" && clock != "uptime" && (!cycles || time.scales());
}

void CommTable::Read(std::string_view cmdlines, NameTable& names) {
  while (!cmdlines.empty()) {
    const size_t eol = cmdlines.find('\n');
    const std::string_view line = cmdlines.substr(0, eol);
    cmdlines.remove_prefix(eol == std::string_view::npos ? cmdlines.size() : eol + 1);
    int32_t pid = 0;
    const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), pid);
    const size_t used = static_cast<size_t>(end - line.data());
    if (error != std::errc() || used + 1 >= line.size()) continue;
    const std::string_view comm = line.substr(used + 1, line.find('\0') - used - 1);
    if (comm != "<...>") comms_[pid] = names.Intern(comm);
  }
  comms_[0] = names.Intern("<idle>");
}

NameId CommTable::Of(Pid pid) const {
  const auto it = comms_.find(ToInt(pid));
  return it == comms_.end() ? NameId::kUnknown : it->second;
}

void AddPageStats(const PageStats& pages, Cpu cpu, ReadStats& stats, PageTotals& totals) {
  const size_t i = static_cast<size_t>(ToInt(cpu));
  if (i >= stats.events_by_cpu.size()) stats.events_by_cpu.resize(i + 1);
  if (i >= stats.end_by_cpu.size()) stats.end_by_cpu.resize(i + 1, kUnseen);
  stats.end_by_cpu[i] = pages.last;
  for (size_t slot = 0; slot < pages.records.size(); ++slot) {
    if (pages.records[slot] == 0) continue;
    totals.by_slot[static_cast<uint16_t>(slot)] += pages.records[slot];
    stats.events += pages.records[slot];
    stats.events_by_cpu[i] += pages.records[slot];
  }
  stats.pages += pages.pages;
  stats.corrupt_pages += pages.corrupt_pages;
  stats.lost_gaps += pages.lost_gaps;
  totals.lost += pages.lost_events;
  totals.uncounted += pages.gaps_without_count + pages.corrupt_pages;
  stats.time_reversals += pages.time_reversals;
  stats.queue_stacks += pages.queue_stacks;
  if (pages.first == kUnseen) return;
  stats.begin = stats.begin == kUnseen ? pages.first : std::min(stats.begin, pages.first);
  stats.end = std::max(stats.end, pages.last);
}

void AddCounters(const PageStats& pages, const CpuStats& counters, ReadStats& stats,
                 PageTotals& totals) {
  const uint64_t refused =
      AddCounts(counters.commit_overrun.value_or(0), counters.dropped_events.value_or(0));
  stats.refused_events = AddCounts(stats.refused_events, refused);
  totals.lost = AddCounts(totals.lost, refused);
  // Nobody read the buffer while it was filled: what was overwritten came before all that is left.
  const bool extracted = counters.read_events == uint64_t{0} && counters.entries.value_or(0) > 0;
  const uint64_t overrun = counters.overrun.value_or(0);
  if (extracted && overrun > 0) {
    stats.overwritten_events = AddCounts(stats.overwritten_events, overrun);
    if (pages.begins_with_gap) {
      --stats.lost_gaps;
      totals.lost -= pages.first_gap.value_or(0);
      totals.uncounted -= pages.first_gap ? 0 : 1;
    }
  } else if (pages.gaps_without_count == 0 && overrun > pages.lost_events) {
    stats.missing_events.emplace_back(counters.cpu, overrun - pages.lost_events);
    totals.lost = AddCounts(totals.lost, overrun - pages.lost_events);
  }
  if (!counters.entries && !counters.read_events) return;
  const uint64_t counted =
      AddCounts(counters.entries.value_or(0), counters.read_events.value_or(0));
  uint64_t read = 0;
  for (const uint64_t records : pages.records) read += records;
  if (counted <= read) return;
  stats.missing_events.emplace_back(counters.cpu, counted - read);
  totals.lost = AddCounts(totals.lost, counted - read);
}

void FinishPageStats(const EventLayout& layout, const PageTotals& totals, ReadStats& stats) {
  std::map<std::string, uint64_t> by_name;
  for (const auto& [slot, records] : totals.by_slot) {
    by_name[layout.slots[slot].name] += records;
    const uint8_t kind = layout.slots[slot].kind;
    if (kind <= static_cast<uint8_t>(EventKind::kExecuteEnd)) {
      stats.seen_events.Add(static_cast<EventKind>(kind));
    }
  }
  stats.events_by_name.assign(by_name.begin(), by_name.end());
  stats.lost_events = totals.uncounted > 0 ? std::nullopt : std::optional(totals.lost);
}

}  // namespace wqprof
