// SPDX-License-Identifier: Apache-2.0
#include "model/interrupts.h"

namespace wqprof {

// Interrupts count once scheduler events show who was interrupted on its CPU.
void Interrupts::On(const Event& e) {
  const bool hardirq = e.kind == EventKind::kIrqEntry || e.kind == EventKind::kIrqExit;
  const auto level = hardirq ? StolenTracker::Level::kHardirq : StolenTracker::Level::kSoftirq;
  if (e.kind == EventKind::kSoftirqEntry) softirq_vecs_[e.cpu] = e.softirq.vec;
  if (e.kind == EventKind::kSoftirqExit) softirq_vecs_[e.cpu] = Event::Softirq::kUnknown;
  if (e.kind == EventKind::kIrqEntry || e.kind == EventKind::kSoftirqEntry) {
    stolen_.Enter(level, e);
  } else {
    Leave(level, e);
  }
}

void Interrupts::Leave(StolenTracker::Level level, const Event& e) {
  const auto over = stolen_.Leave(level, e);
  if (!over || !sched_.seen()) return;
  const ExecutionContext* worker = workers_.Find(over->from, e.cpu);
  if (worker == nullptr || worker->stack.empty() ||
      worker->stack.front().item.started > over->begin) {
    return;
  }
  const size_t index = worker->index;
  sched_.tracks().IsOnCpu(*worker) ? stolen_.Add(index, *over) : stolen_.Doubt(index);
}

void Interrupts::Preempt(Cpu cpu) {
  const auto interrupted = stolen_.OnSwitch(cpu);
  if (!interrupted) return;
  if (const ExecutionContext* worker = workers_.Find(*interrupted, cpu)) {
    stolen_.Doubt(worker->index);
  }
}

}  // namespace wqprof
