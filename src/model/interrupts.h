// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_MODEL_INTERRUPTS_H_
#define WQPROF_MODEL_INTERRUPTS_H_

#include <cstdint>

#include "model/by_cpu.h"
#include "model/sched_tracker.h"
#include "model/stolen_tracker.h"
#include "model/worker_table.h"
#include "wqprof/event.h"

namespace wqprof {

// Interrupts and softirqs of each CPU, and the workers from which they take it.
class Interrupts {
 public:
  Interrupts(WorkerTable& workers, const SchedTracker& sched) : workers_(workers), sched_(sched) {}

  // An entry or exit of an interrupt or a softirq.
  [[gnu::noinline]] void On(const Event& e);
  // A BH work started or ended.
  void EnterBhWork(const Event& e) { stolen_.Enter(StolenTracker::Level::kBhWork, e); }
  void LeaveBhWork(const Event& e) { Leave(StolenTracker::Level::kBhWork, e); }
  void OnSwitch(Cpu cpu) {
    if (stolen_.seen()) Preempt(cpu);
  }
  // Events of `cpu` are missing from `at` on.
  void OnLoss(Cpu cpu, Timestamp at) {
    softirq_vecs_[cpu] = Event::Softirq::kUnknown;
    stolen_.OnLoss(at);
  }

  // The softirq that a CPU is in, where events of softirqs say it.
  uint64_t SoftirqOn(Cpu cpu) { return softirq_vecs_[cpu]; }
  // The worker with this index begins an execution.
  void BeginRun(size_t worker) {
    if (stolen_.seen()) stolen_.Begin(worker);
  }
  // Notes in `split` what was taken from the worker's execution, which began at `started`.
  void Fill(size_t worker, Timestamp started, RunSplit& split) {
    if (stolen_.seen()) stolen_.Fill(worker, started, split);
  }

 private:
  [[gnu::noinline]] void Leave(StolenTracker::Level level, const Event& e);
  void Preempt(Cpu cpu);

  WorkerTable& workers_;
  const SchedTracker& sched_;
  StolenTracker stolen_;
  ByCpu<uint64_t> softirq_vecs_{Event::Softirq::kUnknown};
};

}  // namespace wqprof

#endif  // WQPROF_MODEL_INTERRUPTS_H_
