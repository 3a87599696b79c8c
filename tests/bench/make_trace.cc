// SPDX-License-Identifier: Apache-2.0
// Writes a made-up recording of a given size, always the same for the same arguments: what
// measures of memory and speed can be repeated with, where no machine can be recorded.
//   make_trace FILE MEGABYTES [CPUS] [OPTION...]; see README.md beside this file
// A short stretch of traffic is made once; its pages are then written again and again, each
// time with their stamps moved on.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "bench/stretch.h"
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

absl::Status Make(const Arguments& arguments) {
  Stretch stretch(arguments.traffic, arguments.page_kb << 10);
  auto writer = TraceWriter::Create(arguments.path, stretch.Metadata(),
                                    {.version = 7, .compress = arguments.compress});
  if (!writer.ok()) return writer.status();
  for (uint64_t written = 0; written < arguments.megabytes << 20; stretch.MoveOn()) {
    for (const DatBuffer::CpuData& cpu : stretch.cpus()) {
      const absl::Status status =
          (*writer)->Append(static_cast<Cpu>(cpu.cpu), std::as_bytes(std::span(cpu.pages)));
      if (!status.ok()) return status;
      written += cpu.pages.size();
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
