// SPDX-License-Identifier: Apache-2.0
#include "live/recording_note.h"

#include <fmt/format.h>

#include <cstdint>
#include <string_view>

#include "live/tracefs.h"

namespace wqprof {

Settings NoteSettings(const std::vector<PlannedEvent>& events, const RecorderOptions& options,
                      const BufferSetup& buffer) {
  Settings out;
  std::string names;
  for (const PlannedEvent& event : events) {
    names += fmt::format("{}{}:{}", names.empty() ? "" : ",", event.system, event.name);
  }
  out.Add("events", names);
  for (const PlannedEvent& event : events) {
    if (event.filter.empty()) continue;
    out.Add("filter", fmt::format("{}:{} {}", event.system, event.name, event.filter));
  }
  if (options.timers) out.Add("left_out", "timer:timer_cancel (the kernel cannot filter it)");
  out.Add("clock", options.clock);
  out.Add("buffer_bytes", buffer.bytes);
  out.Add("subbuf_bytes", uint64_t{buffer.subbuf_bytes});
  // Absent without CONFIG_WQ_WATCHDOG.
  const std::string watchdog = ReadText("/sys/module/workqueue/parameters/watchdog_thresh").text;
  if (!watchdog.empty()) out.Add("watchdog_thresh", Trimmed(watchdog));
  return out;
}

std::vector<std::string> FindDisturbances(const TraceInstance& instance,
                                          const std::vector<PlannedEvent>& events,
                                          const std::string& trace_clock) {
  std::vector<std::string> out;
  // A file that cannot be read says nothing.
  const auto differs = [&instance](const std::string& file, std::string_view expected) {
    const FileText text = ReadText(instance.File(file));
    return text.error == 0 && Trimmed(text.text) != expected;
  };
  if (differs("tracing_on", "1")) out.emplace_back("tracing was switched off");
  for (const PlannedEvent& event : events) {
    const std::string directory = fmt::format("events/{}/{}", event.system, event.name);
    // "1*" has a trigger as well.
    const FileText enabled = ReadText(instance.File(directory + "/enable"));
    if (enabled.error == 0 && !enabled.text.starts_with('1')) {
      out.push_back(fmt::format("the event {} was disabled", event.name));
    }
    // A refused filter leaves the reason in its place.
    if (!event.filter_refused &&
        differs(directory + "/filter", event.filter.empty() ? "none" : event.filter)) {
      out.push_back(fmt::format("the filter of the event {} was changed", event.name));
    }
  }
  if (differs("trace_clock", trace_clock)) out.emplace_back("the clock was changed");
  return out;
}

}  // namespace wqprof
