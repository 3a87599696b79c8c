// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_MODEL_STOLEN_TRACKER_H_
#define WQPROF_MODEL_STOLEN_TRACKER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "model/by_cpu.h"
#include "wqprof/event.h"
#include "wqprof/model.h"

namespace wqprof {

// What interrupts and BH works take from the workers that they interrupt.  What nests counts once,
// for what is innermost: a softirq in an interrupt's tail, an interrupt in a BH work.  Costs
// nothing until the first such event comes.
class StolenTracker {
 public:
  // What can interrupt a worker, the innermost last.
  enum class Level : uint8_t { kSoftirq, kBhWork, kHardirq };
  // A time in which a CPU had been taken from `from`, once it is over.
  struct Interruption {
    Pid from = Pid::kNone;
    Timestamp begin = kUnseen;
    Nanos by_irq{0}, by_bh{0};
  };

  void Enter(Level level, const Event& e);
  // What ends with `e`, unless it goes on or its beginning was not seen.
  std::optional<Interruption> Leave(Level level, const Event& e);
  // A CPU switched tasks.  On PREEMPT_RT a softirq can be preempted: when it goes on is not
  // followed, and it is known whom it interrupted.
  std::optional<Pid> OnSwitch(Cpu cpu);
  void OnLoss(Timestamp at);
  bool seen() const { return irq_seen_ || bh_seen_; }

  // The worker with this index begins an execution.  REQUIRES: seen().
  void Begin(size_t worker);
  void Add(size_t worker, const Interruption& interruption);
  // It was interrupted, and may or may not have had the CPU.
  void Doubt(size_t worker) { RecordOf(worker).doubtful = true; }
  // Tells in `split` what was taken from the worker's execution, which began at `started`.
  void Fill(size_t worker, Timestamp started, RunSplit& split);

 private:
  // What goes on on one CPU.
  struct CpuState {
    std::array<uint32_t, 3> depth{};  // by Level
    Timestamp since = kUnseen;        // of the last change
    Interruption open;
    bool Busy() const { return depth[0] + depth[1] + depth[2] > 0; }
  };
  // Of a worker's execution.
  struct Record {
    Nanos by_irq{0}, by_bh{0};
    bool irqs_told = false;  // events of interrupts had been seen when it began
    bool doubtful = false;
  };
  static void Advance(CpuState& cpu, Timestamp at);
  Record& RecordOf(size_t worker);

  ByCpu<CpuState> cpus_;
  std::vector<Record> records_;  // by index of the worker
  bool irq_seen_ = false, bh_seen_ = false;
  Timestamp lost_ = kUnseen;  // the last loss
};

}  // namespace wqprof

#endif  // WQPROF_MODEL_STOLEN_TRACKER_H_
