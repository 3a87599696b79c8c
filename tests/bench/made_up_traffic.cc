// SPDX-License-Identifier: Apache-2.0
#include "bench/made_up_traffic.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace wqprof::testing {
namespace {

constexpr int kBursts = 8000;  // of all CPUs
constexpr int kBurstMax = 8;   // works queued at once, unless the style says more
constexpr int kLeastAddresses = 512;
constexpr uint32_t kFunctions = 40, kWorkqueues = 12;
constexpr int kOtherTasks = 20;
constexpr uint32_t kFirstPid = 20;
constexpr uint64_t kFirstWork = 0xffff888100000000, kWorkBytes = 64, kBytesOfCpu = 1 << 30;
constexpr Nanos kBegin = std::chrono::seconds(1000);

bool Unbound(uint32_t job) { return job % kWorkqueues % 4 == 3; }

}  // namespace

MadeUpTraffic::MadeUpTraffic(const TrafficStyle& style) : style_(style) {
  for (uint32_t i = 0; i < kFunctions; ++i) {
    functions_.push_back(fmt::format("made_up_work_fn_{}", i));
  }
  for (uint32_t i = 0; i < kWorkqueues; ++i) workqueues_.push_back(fmt::format("made_up_wq_{}", i));
  std::vector<Tasks> tasks;
  for (int cpu = 0; cpu < style.cpus; ++cpu) tasks.push_back(AddTasks(cpu));
  for (int cpu = 0; cpu < style.cpus; ++cpu) {
    const int other = style.switches != 0 ? cpu : (cpu + 1) % style.cpus;
    AddCpu(cpu, tasks[static_cast<size_t>(cpu)], tasks[static_cast<size_t>(other)].unbound_worker);
  }
  std::stable_sort(steps_.begin(), steps_.end(),
                   [](const Step& a, const Step& b) { return a.at < b.at; });
  for (size_t i = 0; i < steps_.size(); ++i) {
    steps_[i].at += style.pause * static_cast<int64_t>(i / TrafficStyle::kBurst);
  }
}

Nanos MadeUpTraffic::length() const {
  return steps_.back().at + std::chrono::microseconds(5) - kBegin;
}

void MadeUpTraffic::Play(TraceBuilder& trace) const {
  for (const Step& step : steps_) PlayStep(step, trace);
}

void MadeUpTraffic::PlayStep(const Step& step, TraceBuilder& trace) const {
  const auto emitter = [&](uint32_t task) {
    const auto& [comm, cpu] = tasks_[task];
    return Emitter{static_cast<int>(kFirstPid + task), comm, cpu, 0};
  };
  const Emitter by = emitter(step.by);
  const Job job{functions_[step.job], workqueues_[step.job % kWorkqueues],
                Unbound(step.job) ? -1 : by.cpu, -1};
  switch (step.kind) {
    case EventKind::kQueueWork:
      trace.Put(step.at, by, step.work, job);
      break;
    case EventKind::kExecuteStart:
      trace.Start(step.at, by, step.work, job);
      break;
    case EventKind::kExecuteEnd:
      trace.End(step.at, by, step.work, job);
      break;
    case EventKind::kSwitch:
      trace.Switch(step.at, by.cpu, by, emitter(step.other), step.state, step.state == 'R');
      break;
    case EventKind::kWaking:
      trace.Waking(step.at, by, emitter(step.other));
      break;
    default:
      trace.Wakeup(step.at, by, emitter(step.other));
  }
}

uint32_t MadeUpTraffic::AddTask(std::string comm, int cpu) {
  tasks_.emplace_back(std::move(comm), cpu);
  return static_cast<uint32_t>(tasks_.size() - 1);
}

MadeUpTraffic::Tasks MadeUpTraffic::AddTasks(int cpu) {
  Tasks out;
  out.queuer = AddTask("task", cpu);
  out.worker = AddTask(fmt::format("kworker/{}:1", cpu), cpu);
  out.unbound_worker = AddTask(fmt::format("kworker/u8:{}", cpu), cpu);
  for (int i = 0; style_.switches != 0 && i < kOtherTasks; ++i) {
    out.others.push_back(AddTask(fmt::format("busy{}", i), cpu));
  }
  return out;
}

void MadeUpTraffic::AddCpu(int cpu, const Tasks& tasks, uint32_t unbound_worker) {
  const int live = static_cast<int>(style_.live_works / style_.cpus);
  const int bursts = std::max(1, kBursts / style_.cpus / std::max(1, live * 2 / kBurstMax));
  const auto addresses = static_cast<uint64_t>(std::max(live, kLeastAddresses));
  Nanos now = kBegin;
  uint64_t next = 0;
  for (int burst = 0; burst < bursts; ++burst) {
    Queued bound, unbound;
    for (int n = live != 0 ? live : Random(1, kBurstMax); n > 0; --n) {
      const WorkAddr work{kFirstWork + static_cast<uint64_t>(cpu) * kBytesOfCpu +
                          next++ % addresses * kWorkBytes};
      const auto job = static_cast<uint32_t>(Random(0, kFunctions - 1));
      (Unbound(job) ? unbound : bound).emplace_back(work, job);
    }
    Queue(now, tasks, bound);
    Queue(now, tasks, unbound);
    uint32_t on_cpu = tasks.queuer;
    for (const auto& [worker, works] :
         {std::pair(tasks.worker, &bound), {unbound_worker, &unbound}}) {
      if (works->empty()) continue;
      Wake(now, on_cpu, worker);
      Switch(now, on_cpu, worker, on_cpu == tasks.queuer ? 'R' : 'I');
      Execute(now, worker, *works);
      on_cpu = worker;
    }
    Switch(now, on_cpu, tasks.queuer, 'I');
    now += Nanos(Random(500, 20000));
    for (int i = 0; i < style_.switches; ++i) {
      const bool last = i == style_.switches - 1;
      const uint32_t from =
          i == 0 ? tasks.queuer : tasks.others[static_cast<size_t>(i) % kOtherTasks];
      Switch(now, from,
             last ? tasks.queuer : tasks.others[static_cast<size_t>(i + 1) % kOtherTasks],
             i % 2 == 0 ? 'S' : 'R');
    }
  }
}

void MadeUpTraffic::Queue(Nanos& now, const Tasks& tasks, const Queued& works) {
  for (const auto& [work, job] : works) {
    now += Nanos(Random(150, 600));
    steps_.push_back({now, work, job, tasks.queuer, 0, EventKind::kQueueWork, 0});
  }
}

void MadeUpTraffic::Execute(Nanos& now, uint32_t worker, const Queued& works) {
  now += Nanos(Random(800, 4000));
  for (const auto& [work, job] : works) {
    steps_.push_back({now, work, job, worker, 0, EventKind::kExecuteStart, 0});
    now += Nanos(Random(200, 3000));
    steps_.push_back({now, work, job, worker, 0, EventKind::kExecuteEnd, 0});
    now += Nanos(Random(100, 400));
  }
}

void MadeUpTraffic::Switch(Nanos& now, uint32_t from, uint32_t to, char state) {
  if (style_.switches == 0 || from == to) return;
  now += Nanos(Random(300, 2000));
  steps_.push_back({now, {}, 0, from, to, EventKind::kSwitch, state});
}

void MadeUpTraffic::Wake(Nanos& now, uint32_t by, uint32_t worker) {
  if (style_.switches == 0) return;
  now += Nanos(Random(100, 300));
  steps_.push_back({now, {}, 0, by, worker, EventKind::kWaking, 0});
  now += Nanos(Random(100, 300));
  steps_.push_back({now, {}, 0, by, worker, EventKind::kWakeup, 0});
}

}  // namespace wqprof::testing
