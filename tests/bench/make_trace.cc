// SPDX-License-Identifier: Apache-2.0
// Writes a made-up recording of a given size, always the same for the same arguments: what
// measures of memory and speed can be repeated with, where no machine can be recorded.
//   make_trace FILE MEGABYTES [CPUS] [--compress]
// A short stretch of traffic is made once; its pages are then written again and again, each
// time with their stamps moved on.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "support/dat_encoder.h"
#include "support/trace_builder.h"
#include "wqprof/trace_writer.h"

namespace wqprof::testing {
namespace {

constexpr int kBursts = 4000;  // per CPU
constexpr int kBurstMax = 8;   // works queued at once
constexpr int kFunctions = 40, kWorkqueues = 12;
constexpr uint64_t kFirstWork = 0xffff888100000000;
constexpr Nanos kBegin = std::chrono::seconds(1000);

struct Arguments {
  std::string path;
  uint64_t bytes = 0;
  int cpus = 2;
  bool compress = false;
};

// One event to come.
struct Step {
  Nanos at;
  EventKind kind;
  WorkAddr work;
  size_t job;
  int cpu;
  bool by_worker;
};

// The traffic of one stretch: bursts of works that are queued by a task and executed one by
// one by a worker of the same CPU, or, for an unbound workqueue, of the next one.
class Traffic {
 public:
  explicit Traffic(int cpus) : cpus_(cpus) {
    for (int i = 0; i < kFunctions; ++i) {
      names_.push_back(fmt::format("made_up_work_fn_{}", i));
    }
    for (int i = 0; i < kWorkqueues; ++i) workqueues_.push_back(fmt::format("made_up_wq_{}", i));
    for (int cpu = 0; cpu < cpus; ++cpu) workers_.push_back(fmt::format("kworker/{}:1", cpu));
    for (int cpu = 0; cpu < cpus; ++cpu) AddCpu(cpu);
    std::stable_sort(steps_.begin(), steps_.end(),
                     [](const Step& a, const Step& b) { return a.at < b.at; });
  }

  Nanos length() const { return steps_.back().at + std::chrono::microseconds(5) - kBegin; }

  void Play(TraceBuilder& trace) const {
    for (const Step& step : steps_) {
      const size_t workqueue = step.job % kWorkqueues;
      const bool unbound = workqueue % 4 == 3;
      const Job job{names_[step.job], workqueues_[workqueue], unbound ? -1 : step.cpu, -1};
      const Emitter task{500 + step.cpu, "task", step.cpu, 0};
      const int worker_cpu = unbound ? (step.cpu + 1) % cpus_ : step.cpu;
      const Emitter worker =
          unbound ? Emitter{900 + worker_cpu, "kworker/u8:1", worker_cpu, 0}
                  : Emitter{20 + step.cpu, workers_[static_cast<size_t>(step.cpu)], step.cpu, 0};
      switch (step.kind) {
        case EventKind::kQueueWork:
          trace.Put(step.at, task, step.work, job);
          break;
        case EventKind::kExecuteStart:
          trace.Start(step.at, worker, step.work, job);
          break;
        default:
          trace.End(step.at, worker, step.work, job);
      }
    }
  }

 private:
  int Random(int from, int to) { return std::uniform_int_distribution<int>(from, to)(random_); }

  void AddCpu(int cpu) {
    Nanos now = kBegin;
    uint64_t next = 0;
    for (int burst = 0; burst < kBursts; ++burst) {
      const int works = Random(1, kBurstMax);
      std::vector<std::pair<WorkAddr, size_t>> queued;
      for (int i = 0; i < works; ++i) {
        const WorkAddr work{kFirstWork + (static_cast<uint64_t>(cpu) << 20) + next++ % 512 * 64};
        queued.emplace_back(work, static_cast<size_t>(Random(0, kFunctions - 1)));
        now += Nanos(Random(150, 600));
        steps_.push_back({now, EventKind::kQueueWork, work, queued.back().second, cpu, false});
      }
      now += Nanos(Random(800, 4000));
      for (const auto& [work, job] : queued) {
        steps_.push_back({now, EventKind::kExecuteStart, work, job, cpu, true});
        now += Nanos(Random(200, 3000));
        steps_.push_back({now, EventKind::kExecuteEnd, work, job, cpu, true});
        now += Nanos(Random(100, 400));
      }
      now += Nanos(Random(500, 20000));
    }
  }

  int cpus_;
  std::mt19937 random_{20220623};
  std::vector<std::string> names_, workqueues_, workers_;
  std::vector<Step> steps_;
};

TraceMetadata MetadataOf(const DatFile& dat, int cpus) {
  TraceMetadata out;
  out.header_page = dat.header_page;
  out.header_event = dat.header_event;
  for (const auto& [system, formats] : dat.formats) {
    for (const std::string& format : formats) out.event_formats.emplace_back(system, format);
  }
  out.kallsyms = dat.kallsyms;
  out.saved_cmdlines = dat.cmdlines;
  out.trace_clock = "local global [mono]";
  out.uname = "Linux made-up 6.12.0 #1 x86_64";
  out.page_size = dat.page_size;
  out.cpus = out.possible_cpus = cpus;
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

absl::Status Make(const Arguments& arguments) {
  const Traffic traffic(arguments.cpus);
  TraceBuilder trace;
  traffic.Play(trace);
  DatFile dat = EncodeDat(trace);
  auto writer = TraceWriter::Create(arguments.path, MetadataOf(dat, arguments.cpus),
                                    {.version = 7, .compress = arguments.compress});
  if (!writer.ok()) return writer.status();
  for (uint64_t written = 0; written < arguments.bytes;) {
    for (DatBuffer::CpuData& cpu : dat.buffers.front().cpus) {
      const absl::Status status =
          (*writer)->Append(static_cast<Cpu>(cpu.cpu), std::as_bytes(std::span(cpu.pages)));
      if (!status.ok()) return status;
      written += cpu.pages.size();
      MoveOn(cpu.pages, dat.page_size, traffic.length());
    }
  }
  return (*writer)->Finish({});
}

}  // namespace
}  // namespace wqprof::testing

int main(int argc, char** argv) {
  std::vector<std::string> words(argv + 1, argv + argc);
  wqprof::testing::Arguments arguments;
  arguments.compress = std::erase(words, "--compress") > 0;
  const int megabytes = words.size() >= 2 ? std::atoi(words[1].c_str()) : 0;
  if (words.size() == 3) arguments.cpus = std::atoi(words[2].c_str());
  if (words.size() > 3 || megabytes < 1 || arguments.cpus < 1 || arguments.cpus > 256) {
    std::fputs("usage: make_trace FILE MEGABYTES [CPUS] [--compress]\n", stderr);
    return 2;
  }
  arguments.path = words[0];
  arguments.bytes = static_cast<uint64_t>(megabytes) << 20;
  const absl::Status status = wqprof::testing::Make(arguments);
  if (!status.ok()) std::fprintf(stderr, "make_trace: %s\n", status.ToString().c_str());
  return status.ok() ? 0 : 1;
}
