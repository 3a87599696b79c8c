// SPDX-License-Identifier: Apache-2.0
#include "bench/stretch.h"

#include <cstring>
#include <string>

#include "support/dat_encoder.h"
#include "support/trace_builder.h"

namespace wqprof::testing {

Stretch::Stretch(const TrafficStyle& style, uint32_t page_size) : style_(style) {
  const MadeUpTraffic traffic(style);
  length_ = traffic.length();
  TraceBuilder trace;
  trace.mutable_info().cpus = style.cpus;
  traffic.Play(trace);
  DatStyle as;
  as.page_size = page_size;
  dat_ = EncodeDat(trace, as);
}

TraceMetadata Stretch::Metadata() const {
  TraceMetadata out;
  out.header_page = dat_.header_page;
  out.header_event = dat_.header_event;
  for (const auto& [system, formats] : dat_.formats) {
    const bool of_scheduler = system == "sched" || system == "task";
    if (of_scheduler && style_.switches == 0) continue;
    for (const std::string& format : formats) out.event_formats.emplace_back(system, format);
  }
  out.kallsyms = dat_.kallsyms;
  out.saved_cmdlines = dat_.cmdlines;
  out.trace_clock = "local global [mono]";
  out.uname = "Linux made-up 6.12.0 #1 x86_64";
  out.page_size = dat_.page_size;
  out.cpus = out.possible_cpus = style_.cpus;
  return out;
}

void Stretch::MoveOn() {
  for (DatBuffer::CpuData& cpu : dat_.buffers.front().cpus) {
    for (size_t at = 0; at < cpu.pages.size(); at += page_size()) {
      uint64_t stamp;
      std::memcpy(&stamp, cpu.pages.data() + at, sizeof stamp);
      stamp += static_cast<uint64_t>(length_.count());
      std::memcpy(cpu.pages.data() + at, &stamp, sizeof stamp);
    }
  }
}

}  // namespace wqprof::testing
