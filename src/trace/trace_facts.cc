// SPDX-License-Identifier: Apache-2.0
#include "trace/trace_facts.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <limits>

#include "trace/decode_setup.h"
#include "wqprof/tracefs_text.h"

namespace wqprof {
namespace {

constexpr uint64_t kLongestWatchdog = 1'000'000;  // seconds
constexpr size_t kBootIdSize = 36;                // of a UUID

// The four of "workqueue:workqueue_queue_work,sched:sched_switch,...".
WorkqueueEvents EventsOf(std::string_view list) {
  constexpr std::pair<std::string_view, EventKind> kEvents[] = {
      {"workqueue:workqueue_queue_work", EventKind::kQueueWork},
      {"workqueue:workqueue_activate_work", EventKind::kActivateWork},
      {"workqueue:workqueue_execute_start", EventKind::kExecuteStart},
      {"workqueue:workqueue_execute_end", EventKind::kExecuteEnd}};
  WorkqueueEvents out;
  while (!list.empty()) {
    const std::string_view name = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), name.size() + 1));
    for (const auto& [event, kind] : kEvents) {
      if (name == event) out.Add(kind);
    }
  }
  return out;
}

// Wall clock minus trace clock, as read together when the recording began.
std::optional<Nanos> WallOffset(const Settings& settings, const TimeScale& time) {
  const auto stamp = settings.Number("trace_stamp");
  const auto wall = settings.Number("wall_ns");
  if (!stamp || !wall) return std::nullopt;
  const auto raw = static_cast<uint64_t>(time.At(*stamp).time_since_epoch().count());
  return Nanos(static_cast<int64_t>(*wall - raw));
}

bool LooksLikeBootId(std::string_view text) {
  return text.size() == kBootIdSize &&
         text.find_first_not_of("0123456789abcdef-") == std::string_view::npos;
}

void AddSettings(const Settings& settings, const TimeScale& time, TraceInfo& info) {
  info.settings = settings;
  if (const auto events = settings.Find("events")) info.noted_events = EventsOf(*events);
  info.workqueue_filter = settings.All("workqueue_filter");
  if (const auto seconds = settings.Number("watchdog_thresh");
      seconds && *seconds <= kLongestWatchdog) {
    info.watchdog_threshold = std::chrono::seconds(*seconds);
  }
  if (const auto ended = settings.Find("ended_by")) info.ended_by = *ended;
  info.incomplete = settings.Number("complete") == uint64_t{0};
  info.disturbances = settings.All("disturbed");
  if (info.clock_is_ns && !info.wall_offset) info.wall_offset = WallOffset(settings, time);
  if (const auto boot = settings.Find("boot_id"); boot && LooksLikeBootId(*boot)) {
    info.boot_id = *boot;
  }
}

}  // namespace

void AddFacts(const TraceMetadata& metadata, const DecodeContext& context, TraceInfo& info) {
  UnameParts uname = ParseUname(metadata.uname);
  info.uname = std::move(uname.whole);
  info.machine = std::move(uname.node);
  info.kernel = std::move(uname.release);
  info.arch = std::move(uname.machine);
  info.clock = ClockInUse(metadata.trace_clock);
  info.clock_is_ns = ClockIsNs(info.clock, context.time);
  if (!info.clock_is_ns) info.resolution.reset();
  info.big_endian = context.big_endian;
  info.long_size = static_cast<int>(context.page.commit_size);
  info.page_size = context.page_size;
  NoteEvents(context.layout, info);
  AddSettings(metadata.settings, context.time, info);
  AddConfig(metadata.workqueues, info);
  info.flushes = ParseFlushes(metadata.flushes);
  info.holder_stacks = ParseHolderStacks(metadata.holder_stacks);
}

void AddConfig(std::string_view workqueues, TraceInfo& info) {
  if (auto config = ParseConfig(workqueues)) info.config = *std::move(config);
}

void NoteBegin(Timestamp begin, TraceInfo& info) {
  if (info.wall_offset && info.clock_is_ns) info.wall_begin = WallText(begin, *info.wall_offset);
}

std::string WallText(Timestamp at, Nanos wall_offset) {
  // Unsigned: hostile stamps wrap, and are out of range then.
  const uint64_t wall = static_cast<uint64_t>(at.time_since_epoch().count()) +
                        static_cast<uint64_t>(wall_offset.count());
  if (wall > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return "";
  const std::chrono::sys_time<Nanos> time{Nanos(static_cast<int64_t>(wall))};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:09}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

}  // namespace wqprof
