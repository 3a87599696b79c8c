// SPDX-License-Identifier: Apache-2.0
// What the lines say about the trace.
#include <algorithm>

#include "text/text_parser.h"

namespace wqprof {

void TextParser::Finish(EventSorter& out) {
  if (stacks_.open()) EndStack(out);
  DropHeld();
  stats_.end = std::max(stats_.end, stats_.begin);
}

void TextParser::Describe(TraceInfo& info) const {
  info.path = options_.path;
  info.format = perf_ && !ftrace_ ? "perf script" : "ftrace text";
  info.kernel = header_.kernel;
  info.cpus = std::max(header_.cpus, most_cpu_ + 1);
  info.long_size = payloads_.pointers().digits == 8 ? 4 : 8;
  info.has_sched = seen_switch_ && seen_waking_;
  info.has_timers = seen_timers_;
  info.has_queue = stats_.seen_events.Has(EventKind::kQueueWork);
  info.has_activate = stats_.seen_events.Has(EventKind::kActivateWork);
  info.hashed_addresses = payloads_.pointers().hashed;
  info.clock_is_ns = true;
  switch (form_) {
    case StampForm::kMicros:
      info.resolution = Nanos(1000);
      break;
    case StampForm::kNanos:
      info.resolution = Nanos(1);
      break;
    case StampForm::kBare:
      info.resolution = options_.stamp_unit;
      info.clock_is_ns = options_.stamp_unit.has_value();
      break;
    case StampForm::kNone:
      info.resolution.reset();
      info.clock_is_ns = false;
      break;
  }
}

ReadStats TextParser::Stats() const {
  ReadStats stats = stats_;
  stats.events_by_name = events_.Counts();
  stats.events_by_cpu.assign(static_cast<size_t>(most_cpu_ + 1), 0);
  for (size_t i = 1; i < cpus_.size() && i <= stats.events_by_cpu.size(); ++i) {
    stats.events_by_cpu[i - 1] = cpus_[i].events;
  }
  return stats;
}

TextFindings TextParser::findings() const {
  TextFindings findings = findings_;
  findings.events = stats_.events;
  findings.unread_lines = stats_.unread_lines;
  findings.empty_trace = header_.seen && stats_.events == 0;
  return findings;
}

}  // namespace wqprof
