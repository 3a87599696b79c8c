// SPDX-License-Identifier: Apache-2.0
// make_corpus DIR: writes the files that fuzzing begins with, small ones of each kind.
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "support/dat_encoder.h"
#include "support/perf_encoder.h"
#include "support/perfetto_encoder.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

TraceBuilder SmallTrace() {
  TraceBuilder t;
  for (int n = 0; n < 4; ++n) {
    const Nanos at = n * 1ms;
    t.Put(at, kTask.On(n % 2), kWorkA, {"f", "wq", n % 2});
    t.Run(at + 5us, at + 9us, n % 2 ? kWorkerOn1 : kWorker, kWorkA, {"f"});
  }
  t.LossBegin(4ms, 0, 3).LossEnd(5ms, 0, 3).Put(5ms, kTask, kWorkA, {"f", "wq", 0});
  t.Queue(5100us, kTask, kWorkB).Stack(5101us, kTask, "queue_work_on;f;g [m]");
  t.Switch(6ms, 1, kWorker, kTask, 'D').Rename(7ms, kTask, 20, "kworker/1:9");
  t.Tick(1s, 0);
  return t;
}

void Write(const std::filesystem::path& directory, std::string_view name, std::string_view bytes) {
  std::filesystem::create_directories(directory);
  std::ofstream(directory / name, std::ios::binary) << bytes;
}

void WriteFiles(const std::filesystem::path& root) {
  const TraceBuilder trace = SmallTrace();
  for (const int choice : {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}) {
    DatStyle style;
    style.page_size = 1024;
    style.version = choice % 2 ? 6 : 7;
    style.big_endian = choice == 2 || choice == 3;
    style.long_size = choice == 3 || choice == 4 ? 4 : 8;
    style.zstd = choice == 6;
    style.workqueue_is_name = choice != 5;
    style.odd_common_fields = choice == 7;
    style.absolute_times = style.length_words = choice == 8;
    style.instance = choice == 9 ? "wqprof" : "";
    Write(root / "open_fuzz", fmt::format("style{}", choice), EncodeDat(trace, style).Assemble());
  }
  constexpr uint16_t kWorkqueues = 0x5752;
  DatFile configured = EncodeDat(trace, {.page_size = 1024});
  configured.options.push_back(
      {kWorkqueues, R"({"schema":"wqprof.workqueues/1","source":"bpf","parameters":{"a":"1"},)"
                    R"("workqueues":[{"workqueue":"wq","address":"0xff","flags":["WQ_BH"],)"
                    R"("unbound":true,"ordered":false,"max_active":1,"rescuer_pid":4,"nice":-20,)"
                    R"("affinity_scope":"cpu","pool_ids":[8],"begin":{"started":1},)"
                    R"("end":{"started":7,"rescued":2}}],"pools":[{"pool_id":8,"cpu":0,)"
                    R"("node":0,"nice":0,"cpus":"0-1","workers":2,"idle":1,"bh":true}]})"});
  Write(root / "open_fuzz", "configured", configured.Assemble());
  constexpr uint16_t kFlushes = 0x5754;
  DatFile flushed = EncodeDat(trace, {.page_size = 1024});
  flushed.options.push_back(
      {kFlushes, R"({"schema":"wqprof.flushes/1","source":"bpf","floor_ns":100000,"begin_ns":1,)"
                 R"("end_ns":9000000,"lost":1,"unfollowed":0,"left_out":2,"kinds":[{"kind":)"
                 R"("flush_work","functions":["__flush_work"],"calls":7,"waited":1},{"kind":)"
                 R"("drain_workqueue","functions":[],"absent_by":"x"}],"waits":[{"kind":)"
                 R"("flush_work","begin_ns":2,"end_ns":900000,"pid":5,"comm":"a","address":)"
                 R"("0xff","function":"f [m]"},{"kind":"flush_workqueue","begin_ns":3,)"
                 R"("end_ns":900001,"pid":6,"comm":"b","address":"0xfe","workqueue":"wq"}]})"});
  Write(root / "open_fuzz", "flushed", flushed.Assemble());
  DatFile bounds = EncodeDat(trace, {.page_size = 1024});
  bounds.options.push_back(
      {kFlushes, R"({"schema":"wqprof.flushes/1","source":"events","limited_by":"x","floor_ns":1,)"
                 R"("kinds":[{"kind":"flush_work","functions":["wq_barrier_func"]}]})"});
  Write(root / "open_fuzz", "bounds", bounds.Assemble());
  constexpr uint16_t kHolderStacks = 0x5755;
  DatFile held = EncodeDat(trace, {.page_size = 1024});
  held.options.push_back({kHolderStacks,
                          R"({"schema":"wqprof.holder_stacks/1","holder_stacks":[{"pool":"cpu0",)"
                          R"("comm":"kworker/0:1","pid":10,"workqueue":"wq","function":"work_fn",)"
                          R"("begin_ns":1000,"stall_begin_ns":2000,"at_ns":3000,"last_ns":4000,)"
                          R"("looks":2,"state":"on_cpu","in_user_space":false,"samples":10,)"
                          R"("samples_alike":7,"stack":["msleep","work_fn"],"why_not":"x"}]})"});
  Write(root / "open_fuzz", "held", held.Assemble());
}

void WritePages(const std::filesystem::path& root) {
  for (int choice = 0; choice < 16; ++choice) {
    DatStyle style;
    style.page_size = 1024;
    style.big_endian = choice & 1;
    style.long_size = choice & 2 ? 4 : 8;
    style.workqueue_is_name = (choice & 4) == 0;
    style.odd_common_fields = (choice & 8) != 0;
    const DatFile file = EncodeDat(SmallTrace(), style);
    std::string bytes(1, static_cast<char>(choice));
    for (const auto& cpu : file.buffers[0].cpus) bytes += cpu.pages;
    Write(root / "page_fuzz", fmt::format("machine{}", choice), bytes);
  }
}

void WriteTexts(const std::filesystem::path& root) {
  for (int kind = 0; kind < kEventKinds; ++kind) {
    const auto k = static_cast<EventKind>(kind);
    if (k == EventKind::kLossBegin || k == EventKind::kLossEnd) continue;
    Write(root / "format_fuzz", fmt::format("event{}", kind), FormatText(k, {}));
  }
  const DatFile file = EncodeDat(SmallTrace());
  Write(root / "format_fuzz", "header_page", file.header_page);
  Write(root / "format_fuzz", "kallsyms", file.kallsyms);
}

void WritePerfData(const std::filesystem::path& root) {
  const TraceBuilder trace = SmallTrace();
  PerfStyle styles[] = {{.name = "file"},
                        {.name = "pipe", .pipe = true, .others = true},
                        {.name = "zstd", .zstd = true, .callchain = true},
                        {.name = "group", .identifier = false, .read_group = true},
                        {.name = "narrow", .pipe = true, .clock_id = -1, .long_size = 4}};
  for (PerfStyle& style : styles) {
    style.round = 8;
    Write(root / "perf_fuzz", style.name, EncodePerf(trace, style));
  }
}

void WritePerfetto(const std::filesystem::path& root) {
  const TraceBuilder trace = SmallTrace();
  PerfettoStyle styles[] = {{.name = "usual"},
                            {.name = "numbers", .numbers = true, .flags = true},
                            {.name = "addresses", .symbols = false, .workqueue_is_name = false},
                            {.name = "compact", .compact = true, .clock = 3},
                            {.name = "generic", .generic = true, .ends = false},
                            {.name = "deflate", .compression = 'z'},
                            {.name = "zstd", .compression = 's'}};
  for (PerfettoStyle& style : styles) {
    style.round = 8;
    Write(root / "pftrace_fuzz", style.name, EncodePerfetto(trace, style));
  }
}

void WriteEvents(const std::filesystem::path& root) {
  std::mt19937 random(1);
  for (int n = 0; n < 8; ++n) {
    std::string bytes(2 + 8 * 60, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    // Mostly works' events, close to each other.
    for (size_t at = 2; at < bytes.size(); at += 8) {
      if (n % 4 != 3) bytes[at] = static_cast<char>(random() % 4);
      bytes[at + 7] = static_cast<char>(n % 2 ? 6 : 0);
    }
    Write(root / "reconstruct_fuzz", fmt::format("events{}", n), bytes);
  }
}

}  // namespace
}  // namespace wqprof::testing

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::filesystem::path root = argv[1];
  wqprof::testing::WriteFiles(root);
  wqprof::testing::WritePages(root);
  wqprof::testing::WriteTexts(root);
  wqprof::testing::WriteEvents(root);
  wqprof::testing::WritePerfData(root);
  wqprof::testing::WritePerfetto(root);
  return 0;
}
