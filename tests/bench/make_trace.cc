// SPDX-License-Identifier: Apache-2.0
// Writes a made-up recording of a given size, always the same for the same arguments: what
// measures of memory and speed can be repeated with, where no machine can be recorded.
//   make_trace FILE MEGABYTES [CPUS] [OPTION...]; see README.md beside this file
// A short stretch of traffic is made once; its pages are then written again and again, each
// time with their stamps moved on.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstring>
#include <string>

#include "bench/made_up_traffic.h"
#include "support/dat_encoder.h"
#include "support/trace_builder.h"
#include "wqprof/trace_writer.h"

namespace wqprof::testing {
namespace {

constexpr int kMaxCpusOfTrace = 1024;
constexpr int64_t kMaxLiveWorks = 10'000'000;

struct Arguments {
  std::string path;
  uint64_t megabytes = 0;
  TrafficStyle traffic;
  uint32_t page_kb = 4;
  bool compress = false;
};

TraceMetadata MetadataOf(const DatFile& dat, const Arguments& arguments) {
  TraceMetadata out;
  out.header_page = dat.header_page;
  out.header_event = dat.header_event;
  for (const auto& [system, formats] : dat.formats) {
    const bool of_scheduler = system == "sched" || system == "task";
    if (of_scheduler && arguments.traffic.switches == 0) continue;
    for (const std::string& format : formats) out.event_formats.emplace_back(system, format);
  }
  out.kallsyms = dat.kallsyms;
  out.saved_cmdlines = dat.cmdlines;
  out.trace_clock = "local global [mono]";
  out.uname = "Linux made-up 6.12.0 #1 x86_64";
  out.page_size = dat.page_size;
  out.cpus = out.possible_cpus = arguments.traffic.cpus;
  return out;
}

// Moves the stamp that each page begins with.
void MoveOn(std::string& pages, size_t page_size, Nanos by) {
  for (size_t at = 0; at < pages.size(); at += page_size) {
    uint64_t stamp;
    std::memcpy(&stamp, pages.data() + at, sizeof stamp);
    stamp += static_cast<uint64_t>(by.count());
    std::memcpy(pages.data() + at, &stamp, sizeof stamp);
  }
}

DatFile OneStretch(const Arguments& arguments, Nanos& length) {
  const MadeUpTraffic traffic(arguments.traffic);
  length = traffic.length();
  TraceBuilder trace;
  trace.mutable_info().cpus = arguments.traffic.cpus;
  traffic.Play(trace);
  DatStyle style;
  style.page_size = arguments.page_kb << 10;
  return EncodeDat(trace, style);
}

absl::Status Make(const Arguments& arguments) {
  Nanos length{};
  DatFile dat = OneStretch(arguments, length);
  auto writer = TraceWriter::Create(arguments.path, MetadataOf(dat, arguments),
                                    {.version = 7, .compress = arguments.compress});
  if (!writer.ok()) return writer.status();
  for (uint64_t written = 0; written < arguments.megabytes << 20;) {
    for (DatBuffer::CpuData& cpu : dat.buffers.front().cpus) {
      const absl::Status status =
          (*writer)->Append(static_cast<Cpu>(cpu.cpu), std::as_bytes(std::span(cpu.pages)));
      if (!status.ok()) return status;
      written += cpu.pages.size();
      MoveOn(cpu.pages, dat.page_size, length);
    }
  }
  return (*writer)->Finish({});
}

}  // namespace
}  // namespace wqprof::testing

int main(int argc, char** argv) {
  namespace testing = wqprof::testing;
  testing::Arguments arguments;
  CLI::App app("Writes a made-up recording");
  app.add_option("FILE", arguments.path, "File to write; must not exist")->required();
  app.add_option("MEGABYTES", arguments.megabytes, "Size of its events, before compression")
      ->required()
      ->check(CLI::Range(1, 1 << 20));
  app.add_option("CPUS", arguments.traffic.cpus, "CPUs of the machine (2)")
      ->check(CLI::Range(1, testing::kMaxCpusOfTrace));
  app.add_option("--live", arguments.traffic.live_works,
                 "Works that are pending at once, each with its own address (a few)")
      ->check(CLI::Range(int64_t{1}, testing::kMaxLiveWorks));
  app.add_option("--switches", arguments.traffic.switches,
                 "Context switches among other tasks after each burst of works (no scheduler)")
      ->check(CLI::Range(1, 1 << 20));
  int64_t pause_ms = 0;
  app.add_option("--pause", pause_ms, "Milliseconds of silence after every 1,500 events (0)")
      ->check(CLI::Range(0, 1000));
  app.add_option("--page-kb", arguments.page_kb, "Size of a sub-buffer (4)")
      ->check(CLI::IsMember({4, 8, 16, 32, 64}));
  app.add_flag("--compress", arguments.compress, "As record --compress does");
  CLI11_PARSE(app, argc, argv);
  arguments.traffic.pause = std::chrono::milliseconds(pause_ms);
  const absl::Status status = testing::Make(arguments);
  if (!status.ok()) std::fprintf(stderr, "make_trace: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
