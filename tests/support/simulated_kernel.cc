// SPDX-License-Identifier: Apache-2.0
#include "support/simulated_kernel.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

constexpr int kTasks = 4;
constexpr uint64_t kFirstAddress = 0xffff888000000000;
constexpr uint64_t kStackAddress = 0xffffc90000000000;  // barriers, by flusher

}  // namespace

SimulatedKernel::SimulatedKernel(const SimulationOptions& options, Simulation& out)
    : options_(options), out_(out), random_(options.seed) {
  in_softirq_.resize(static_cast<size_t>(options.cpus));
  MakePools();
  MakeWorkqueues();
  MakeWorks();
}

void SimulatedKernel::Run() {
  for (int i = 0; i < kTasks; ++i) {
    comms_.push_back(fmt::format("task{}", i));
    const Emitter task{next_pid_++, comms_.back(), i % options_.cpus, 0};
    At(Span(options_.pause), task.cpu, [this, task] { TaskActs(task); });
  }
  while (!agenda_.empty() && now_ < options_.duration) {
    auto node = agenda_.extract(agenda_.begin());
    now_ = std::max(now_, node.key().first);
    auto& [cpu, act] = node.mapped();
    if (cpu >= 0 && in_softirq_[static_cast<size_t>(cpu)]) {
      At(1us, cpu, std::move(act));  // the softirq goes first
    } else {
      act();
    }
  }
}

// --- Time and chance -----------------------------------------------------------------------

void SimulatedKernel::At(Nanos delay, int cpu, Act act) {
  agenda_.emplace(std::pair(now_ + delay, order_++), std::pair(cpu, std::move(act)));
}

Nanos SimulatedKernel::Span(Nanos mean) {
  std::exponential_distribution<double> span(1.0 / static_cast<double>(mean.count()));
  return Nanos(static_cast<int64_t>(span(random_)) + 1);
}

bool SimulatedKernel::Chance(double probability) {
  return std::uniform_real_distribution<double>(0, 1)(random_) < probability;
}

size_t SimulatedKernel::Pick(size_t n) {
  return std::uniform_int_distribution<size_t>(0, n - 1)(random_);
}

Nanos SimulatedKernel::Stamp() {
  now_ = std::max(now_, last_stamp_ + 1ns);
  last_stamp_ = now_;
  return now_;
}

// --- Setting up ----------------------------------------------------------------------------

SimPool* SimulatedKernel::AddPool(std::string name, int cpu, bool managed,
                                  const std::string& comm_format) {
  auto pool = std::make_unique<SimPool>();
  pool->name = std::move(name);
  pool->cpu = cpu;
  pool->concurrency_managed = managed;
  pool->softirq = comm_format.empty();
  for (int i = 0; i < options_.workers_per_pool && !pool->softirq; ++i) {
    auto worker = std::make_unique<SimWorker>();
    comms_.push_back(fmt::format(fmt::runtime(comm_format), i));
    worker->self = {next_pid_++, comms_.back(), std::max(cpu, 0), 0};
    worker->pool_name = pool->name;
    worker->pool = pool.get();
    pool->workers.push_back(std::move(worker));
  }
  pools_.push_back(std::move(pool));
  return pools_.back().get();
}

void SimulatedKernel::MakePools() {
  for (int cpu = 0; cpu < options_.cpus; ++cpu) {
    AddPool(fmt::format("cpu{}", cpu), cpu, true, fmt::format("kworker/{}:{{}}", cpu));
    AddPool(fmt::format("cpu{}-hi", cpu), cpu, true, fmt::format("kworker/{}:{{}}H", cpu));
    if (options_.bottom_halves) AddPool(fmt::format("bh{}", cpu), cpu, false, "");
  }
  AddPool("u8", -1, false, "kworker/u8:{}");
  AddPool("u9", -1, false, "kworker/u9:{}");
}

void SimulatedKernel::MakeWorkqueues() {
  const auto add = [this](std::string name, std::string_view pools, size_t max_active,
                          bool rescuer) {
    auto workqueue = std::make_unique<SimWorkqueue>();
    workqueue->name = std::move(name);
    workqueue->max_active = max_active;
    workqueue->has_rescuer = rescuer;
    for (const auto& pool : pools_) {
      // "cpu?" and "cpu?-hi": one pool per CPU.
      std::string kind = pool->name;
      if (pool->cpu >= 0) std::erase_if(kind, [](char c) { return c >= '0' && c <= '9'; });
      if (kind == pools) workqueue->pools.push_back(pool.get());
    }
    workqueues_.push_back(std::move(workqueue));
  };
  add("events", "cpu", 256, false);
  add("events_highpri", "cpu-hi", 256, false);
  add("narrow", "cpu", 2, true);
  add("events_unbound", "u8", 256, false);
  add("ordered", "u8", 1, true);
  add("wide", "u9", 3, false);
  if (options_.bottom_halves) add("events_bh", "bh", 256, false);
}

void SimulatedKernel::MakeWorks() {
  for (int i = 0; i < options_.works; ++i) {
    auto work = std::make_unique<SimWork>();
    work->address = WorkAddr{kFirstAddress + static_cast<uint64_t>(i) * 0x40};
    work->function = fmt::format("fn{}", i % 5);
    work->workqueue = workqueues_[Pick(workqueues_.size())].get();
    live_works_.push_back(work.get());
    works_.push_back(std::move(work));
  }
  for (const auto& workqueue : workqueues_) {
    if (!workqueue->has_rescuer) continue;
    auto rescuer = std::make_unique<SimWorker>();
    comms_.push_back(fmt::format("kworker/R-{}", workqueue->name.substr(0, 5)));
    rescuer->self = {next_pid_++, comms_.back(), 0, 0};
    rescuer->pool_name = fmt::format("rescuer:{}", comms_.back());
    rescuer->rescues = workqueue.get();
    rescuers_.push_back(std::move(rescuer));
  }
}

// --- What tasks do -------------------------------------------------------------------------

// The interrupted task, or the worker that executes on that CPU now.
Emitter SimulatedKernel::InterruptOn(int cpu) {
  const uint8_t flag = Chance(0.5) ? kFlagHardirq : kFlagSoftirq;
  for (const auto& pool : pools_) {
    for (const auto& worker : pool->workers) {
      if (worker->executing && worker->started && worker->self.cpu == cpu && Chance(0.7)) {
        return worker->self.In(flag | kFlagIrqsOff);
      }
    }
  }
  return {0, "<idle>", cpu, static_cast<uint8_t>(flag | kFlagIrqsOff)};
}

void SimulatedKernel::TaskActs(Emitter task) {
  SimWork* work = live_works_[Pick(live_works_.size())];
  if (Chance(options_.cancel)) {
    Grab(work, task);
  } else if (Chance(options_.mod)) {
    if (Grab(work, task)) Queue(work, task, Origin::Kind::kTask, nullptr);
  } else if (Chance(options_.flush)) {
    Flush(work, task);
  } else if (Chance(options_.interrupt)) {
    const Emitter irq = InterruptOn(task.cpu);
    Queue(work, irq, irq.flags & kFlagHardirq ? Origin::Kind::kHardirq : Origin::Kind::kSoftirq,
          nullptr);
  } else {
    Queue(work, task, Origin::Kind::kTask, nullptr);
  }
  if (Chance(0.1)) task.cpu = static_cast<int>(Pick(static_cast<size_t>(options_.cpus)));
  At(Span(options_.pause), task.cpu, [this, task] { TaskActs(task); });
}

// A worker has taken the work, and has not told so yet.
bool SimulatedKernel::InWindow(const SimWork* work) const {
  const auto opened_by = [work](const std::unique_ptr<SimWorker>& w) {
    return w->executing && !w->started && w->current.work == work;
  };
  return std::any_of(rescuers_.begin(), rescuers_.end(), opened_by) ||
         std::any_of(pools_.begin(), pools_.end(), [&](const auto& pool) {
           return std::any_of(pool->workers.begin(), pool->workers.end(), opened_by);
         });
}

// __queue_work().
void SimulatedKernel::Queue(SimWork* work, const Emitter& by, Origin::Kind origin,
                            const SimWork* parent) {
  if (work->pending || (options_.no_windows && InWindow(work))) return;
  work->pending = true;
  work->barrier_behind = false;
  SimPool* pool = PoolFor(work, by.cpu);
  work->queued_in = pool;
  work->item = out_.truth.size();
  TrueItem item;
  item.work = work->address;
  item.function = work->function;
  item.workqueue = work->workqueue->name;
  item.queued = Timestamp(Stamp());
  item.queue_cpu = Cpu{static_cast<int16_t>(by.cpu)};
  item.target_cpu = Cpu{static_cast<int16_t>(pool->cpu)};
  item.origin = origin;
  item.requeued_by_self = parent != nullptr && parent->address == work->address;
  out_.truth.push_back(item);
  out_.trace.Queue(now_, by, work->address, {work->function, work->workqueue->name, pool->cpu});
  SimPwq& pwq = pwqs_[{work->workqueue, pool}];
  work->inactive = pwq.active >= work->workqueue->max_active || !pwq.inactive.empty();
  if (work->inactive) {
    pwq.inactive.emplace_back(work, work->item);
  } else {
    Activate(work, work->item, pool, by);
  }
}

void SimulatedKernel::Activate(SimWork* work, size_t item, SimPool* pool, const Emitter& by) {
  ++pwqs_[{work->workqueue, pool}].active;
  work->inactive = false;
  out_.truth[item].activated = Timestamp(Stamp());
  out_.trace.Activate(now_, by, work->address);
  pool->worklist.push_back({work, item});
  if (pool->softirq) {
    At(Span(3us), pool->cpu, [this, pool] { RunBottomHalf(pool); });
  } else {
    Kick(pool);
    if (work->workqueue->has_rescuer && Chance(options_.rescue)) {
      At(Span(20us), -1, [this, pool] { Rescue(pool); });
    }
  }
}

void SimulatedKernel::ReleaseSlot(SimWorkqueue* workqueue, SimPool* pool, const Emitter& by) {
  SimPwq& pwq = pwqs_[{workqueue, pool}];
  assert(pwq.active > 0);
  --pwq.active;
  if (pwq.inactive.empty() || pwq.active >= workqueue->max_active) return;
  const auto [next, item] = pwq.inactive.front();
  pwq.inactive.pop_front();
  Activate(next, item, pool, by);
}

// try_to_grab_pending(): takes a pending work back, if it is still on a list.
bool SimulatedKernel::Grab(SimWork* work, const Emitter& by) {
  if (!work->pending || work->barrier_behind) return false;
  SimPool* pool = work->queued_in;
  SimPwq& pwq = pwqs_[{work->workqueue, pool}];
  out_.truth[work->item].grabbed = true;
  work->pending = false;
  if (work->inactive) {
    std::erase_if(pwq.inactive, [work](const auto& waiting) { return waiting.first == work; });
    if (options_.cancel_activates) {
      out_.truth[work->item].activated = Timestamp(Stamp());
      out_.trace.Activate(now_, by, work->address);
    }
    return true;
  }
  const auto is_it = [work](const SimEntry& e) { return e.work == work; };
  size_t removed = std::erase_if(pool->worklist, is_it);
  for (const auto& worker : pool->workers) removed += std::erase_if(worker->scheduled, is_it);
  for (const auto& rescuer : rescuers_) removed += std::erase_if(rescuer->scheduled, is_it);
  assert(removed == 1);
  ReleaseSlot(work->workqueue, pool, by);
  return true;
}

// flush_work(): a barrier behind the queued instance, or behind the one that executes.
void SimulatedKernel::Flush(SimWork* work, const Emitter& by) {
  if (work->workqueue->pools[0]->softirq) return;
  if (work->pending) {
    work->barrier_behind = true;
    return;
  }
  for (SimPool* pool : work->workqueue->pools) {
    SimWorker* worker = WorkerExecuting(work, pool);
    if (worker == nullptr) continue;
    TrueItem barrier;
    barrier.work = WorkAddr{kStackAddress + static_cast<uint64_t>(by.pid) * 0x4000};
    barrier.function = "wq_barrier_func";
    barrier.barrier = true;
    out_.truth.push_back(barrier);
    worker->scheduled.push_front({nullptr, out_.truth.size() - 1});
    return;
  }
}

}  // namespace wqprof::testing
