// SPDX-License-Identifier: Apache-2.0
// What the workers of the simulated machine do.
#include <fmt/format.h>

#include <algorithm>
#include <cassert>

#include "support/simulated_kernel.h"

namespace wqprof::testing {
namespace {

using namespace std::chrono_literals;

constexpr uint64_t kLinkedBarrier = 0xffffc90000f00000;

}  // namespace

// A work that executes in a pool of its workqueue goes there again: it must not run twice at
// once.
SimPool* SimulatedKernel::PoolFor(SimWork* work, int cpu) {
  for (SimPool* pool : work->workqueue->pools) {
    if (WorkerExecuting(work, pool) != nullptr) return pool;
  }
  const auto& pools = work->workqueue->pools;
  return pools.size() == 1 ? pools[0] : pools[static_cast<size_t>(cpu)];
}

// find_worker_executing_work(): by address and function.
SimWorker* SimulatedKernel::WorkerExecuting(const SimWork* work, const SimPool* pool) {
  const auto executes = [&](const SimWorker& w) {
    return w.executing && w.pool == pool && w.current.work != nullptr &&
           w.current_address == work->address && w.current_function == work->function;
  };
  for (const auto& worker : pool->workers) {
    if (executes(*worker)) return worker.get();
  }
  for (const auto& rescuer : rescuers_) {
    if (executes(*rescuer)) return rescuer.get();
  }
  return nullptr;
}

// Wakes an idle worker, when concurrency management wants one to run.
void SimulatedKernel::Kick(SimPool* pool) {
  if (pool->worklist.empty()) return;
  if (pool->concurrency_managed) {
    for (const auto& worker : pool->workers) {
      if (worker->running) return;
    }
  }
  for (const auto& worker : pool->workers) {
    if (worker->busy) continue;
    worker->busy = true;
    worker->running = pool->concurrency_managed;
    if (pool->cpu < 0)
      worker->self.cpu = static_cast<int>(Pick(static_cast<size_t>(options_.cpus)));
    SimWorker* woken = worker.get();
    At(Span(5us), woken->self.cpu, [this, woken] {
      if (options_.sched_events) {
        out_.trace.Switch(Stamp(), woken->self.cpu, {0, "swapper", woken->self.cpu, 0}, woken->self,
                          'R');
      }
      Take(woken);
    });
    return;
  }
}

// A rescuer takes what its workqueue has on the pool's list.
void SimulatedKernel::Rescue(SimPool* pool) {
  for (const auto& rescuer : rescuers_) {
    if (rescuer->busy) continue;
    SimWorker* r = rescuer.get();
    std::deque<SimEntry> left;
    for (const SimEntry& entry : pool->worklist) {
      const bool mine = entry.work != nullptr && entry.work->workqueue == r->rescues &&
                        WorkerExecuting(entry.work, pool) == nullptr;
      (mine ? r->scheduled : left).push_back(entry);
    }
    if (r->scheduled.empty()) continue;
    pool->worklist = std::move(left);
    r->pool = pool;
    r->busy = true;
    r->self.cpu = pool->cpu >= 0 ? pool->cpu : 0;
    At(Span(5us), r->self.cpu, [this, r] { Take(r); });
    return;
  }
}

bool SimulatedKernel::TakeEntry(SimWorker* worker, SimEntry& entry) {
  while (true) {
    std::deque<SimEntry>& list =
        worker->scheduled.empty() ? worker->pool->worklist : worker->scheduled;
    if (list.empty() || (worker->rescues != nullptr && worker->scheduled.empty())) return false;
    entry = list.front();
    list.pop_front();
    // Executing elsewhere: that worker does it next (collision).
    SimWorker* other = entry.work != nullptr ? WorkerExecuting(entry.work, worker->pool) : nullptr;
    if (other == nullptr || other == worker) return true;
    other->scheduled.push_back(entry);
  }
}

// worker_thread() up to the start event.
void SimulatedKernel::Take(SimWorker* worker) {
  SimEntry entry;
  if (!TakeEntry(worker, entry)) {
    worker->busy = worker->running = false;
    if (worker->rescues == nullptr) Kick(worker->pool);
    return;
  }
  worker->current = entry;
  worker->executing = true;
  worker->started = false;
  if (worker->pool->cpu < 0) Kick(worker->pool);  // each wakes the next one
  if (entry.work == nullptr) {
    worker->current_address = out_.truth[entry.item].work;
    worker->current_function = out_.truth[entry.item].function;
  } else {
    SimWork* work = entry.work;
    worker->current_address = work->address;
    worker->current_function = work->function;
    work->pending = false;  // the window opens
    if (work->barrier_behind) {
      work->barrier_behind = false;
      TrueItem barrier;
      barrier.work = WorkAddr{kLinkedBarrier};
      barrier.function = "wq_barrier_func";
      barrier.barrier = true;
      out_.truth.push_back(barrier);
      worker->scheduled.push_front({nullptr, out_.truth.size() - 1});
    }
    if (Chance(options_.window)) {
      const int other_cpu = (worker->self.cpu + 1) % options_.cpus;
      At(100ns, other_cpu, [this, work, other_cpu, worker] {
        if (std::find(live_works_.begin(), live_works_.end(), work) == live_works_.end()) return;
        if (!worker->started && worker->current.work == work) ++out_.windows;
        Queue(work, {1, "swarm", other_cpu, 0}, Origin::Kind::kTask, nullptr);
      });
    }
  }
  At(Span(Chance(0.1) ? 20us : 300ns), worker->self.cpu, [this, worker] { Start(worker); });
}

void SimulatedKernel::EmitStart(const Emitter& by, WorkAddr work, const std::string& function,
                                size_t item, const std::string& pool) {
  TrueItem& truth = out_.truth[item];
  truth.started = Timestamp(Stamp());
  truth.run_cpu = Cpu{static_cast<int16_t>(by.cpu)};
  truth.worker = Pid{by.pid};
  truth.pool = pool;
  truth.softirq = (by.flags & kFlagSoftirq) != 0;
  out_.trace.Start(now_, by, work, {function});
}

void SimulatedKernel::EmitEnd(const Emitter& by, WorkAddr work, const std::string& function,
                              size_t item) {
  out_.truth[item].ended = Timestamp(Stamp());
  out_.truth[item].end_cpu = Cpu{static_cast<int16_t>(by.cpu)};
  out_.trace.End(now_, by, work, {function});
}

void SimulatedKernel::Start(SimWorker* worker) {
  EmitStart(worker->self, worker->current_address, worker->current_function, worker->current.item,
            worker->pool_name);
  worker->started = true;
  const Nanos length = Span(Chance(0.05) ? 200us : 10us);
  if (worker->current.work != nullptr) ActWithin(worker, length);
  if (worker->pool->concurrency_managed && Chance(options_.block)) {
    At(length / 4, worker->self.cpu, [this, worker, work = worker->current.item] {
      if (!worker->executing || worker->current.item != work) return;
      worker->running = false;  // blocks: the pool may run another one
      Kick(worker->pool);
    });
  }
  At(length, worker->self.cpu, [this, worker] { End(worker); });
}

// What the function itself does while it runs.
void SimulatedKernel::ActWithin(SimWorker* worker, Nanos length) {
  const auto queue_by_worker = [this, worker](SimWork* work, Nanos delay) {
    At(delay, worker->self.cpu, [this, worker, work, parent = worker->current] {
      const bool still = worker->executing && worker->current.item == parent.item;
      const bool alive =
          std::find(live_works_.begin(), live_works_.end(), work) != live_works_.end();
      if (still && alive) Queue(work, worker->self, Origin::Kind::kWork, parent.work);
    });
  };
  if (Chance(options_.requeue)) queue_by_worker(worker->current.work, length / 3);
  if (Chance(options_.child)) queue_by_worker(live_works_[Pick(live_works_.size())], length / 2);
  if (Chance(options_.reuse)) {
    At(length / 5, worker->self.cpu, [this, worker, item = worker->current.item] {
      if (worker->executing && worker->current.item == item) Reuse(worker);
    });
  }
}

// The function frees its work; another one is born at the same address.
void SimulatedKernel::Reuse(SimWorker* worker) {
  SimWork* old = worker->current.work;
  const auto at = std::find(live_works_.begin(), live_works_.end(), old);
  if (at == live_works_.end() || old->pending) return;
  auto work = std::make_unique<SimWork>();
  work->address = old->address;
  work->function = fmt::format("reborn{}", next_name_++ % 7);
  work->workqueue = workqueues_[Pick(workqueues_.size())].get();
  *at = work.get();
  works_.push_back(std::move(work));
}

void SimulatedKernel::End(SimWorker* worker) {
  // An unbound worker may have been moved meanwhile.
  if (worker->pool->cpu < 0 && Chance(0.2)) {
    const size_t cpu = Pick(static_cast<size_t>(options_.cpus));
    if (!in_softirq_[cpu]) worker->self.cpu = static_cast<int>(cpu);
  }
  EmitEnd(worker->self, worker->current_address, worker->current_function, worker->current.item);
  worker->executing = worker->started = false;
  worker->running = worker->pool->concurrency_managed && worker->rescues == nullptr;
  const SimEntry done = std::exchange(worker->current, {});
  if (done.work != nullptr) ReleaseSlot(done.work->workqueue, worker->pool, worker->self);
  At(Span(300ns), worker->self.cpu, [this, worker] { Take(worker); });
}

// A bottom half runs in the softirq that interrupted whatever was there.
void SimulatedKernel::RunBottomHalf(SimPool* pool) {
  if (pool->worklist.empty()) return;
  const SimEntry entry = pool->worklist.front();
  pool->worklist.pop_front();
  Emitter by = InterruptOn(pool->cpu);
  by.flags = kFlagSoftirq;
  SimWork* work = entry.work;
  const WorkAddr address = work->address;
  const std::string function = work->function;
  work->pending = false;
  in_softirq_[static_cast<size_t>(pool->cpu)] = true;
  EmitStart(by, address, function, entry.item, pool->name);
  At(Span(2us), -1, [this, by, address, function, entry, pool] {
    if (Chance(options_.child)) {
      Queue(live_works_[Pick(live_works_.size())], by, Origin::Kind::kWork, entry.work);
    }
    EmitEnd(by, address, function, entry.item);
    in_softirq_[static_cast<size_t>(pool->cpu)] = false;
    ReleaseSlot(entry.work->workqueue, pool, by);
  });
}

}  // namespace wqprof::testing
