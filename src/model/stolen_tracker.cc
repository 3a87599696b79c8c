// SPDX-License-Identifier: Apache-2.0
#include "model/stolen_tracker.h"

namespace wqprof {

void StolenTracker::Advance(CpuState& cpu, Timestamp at) {
  const auto depth = [&](Level level) { return cpu.depth[static_cast<size_t>(level)]; };
  if (cpu.Busy() && at > cpu.since) {
    const bool bh = depth(Level::kBhWork) > 0 && depth(Level::kHardirq) == 0;
    (bh ? cpu.open.by_bh : cpu.open.by_irq) += at - cpu.since;
  }
  cpu.since = at;
}

void StolenTracker::Enter(Level level, const Event& e) {
  (level == Level::kBhWork ? bh_seen_ : irq_seen_) = true;
  CpuState& cpu = cpus_[e.cpu];
  if (!cpu.Busy()) cpu.open = {e.pid, e.at, {}, {}};
  Advance(cpu, e.at);
  ++cpu.depth[static_cast<size_t>(level)];
}

std::optional<StolenTracker::Interruption> StolenTracker::Leave(Level level, const Event& e) {
  (level == Level::kBhWork ? bh_seen_ : irq_seen_) = true;
  CpuState& cpu = cpus_[e.cpu];
  uint32_t& depth = cpu.depth[static_cast<size_t>(level)];
  if (depth == 0) return std::nullopt;
  Advance(cpu, e.at);
  --depth;
  if (cpu.Busy()) return std::nullopt;
  return cpu.open;
}

std::optional<Pid> StolenTracker::OnSwitch(Cpu on) {
  CpuState& cpu = cpus_[on];
  if (!cpu.Busy()) return std::nullopt;
  const Pid from = cpu.open.from;
  cpu = {};
  return from;
}

void StolenTracker::OnLoss(Timestamp at) {
  lost_ = at;
  for (CpuState& cpu : cpus_) cpu = {};
}

StolenTracker::Record& StolenTracker::RecordOf(size_t worker) {
  if (worker >= records_.size()) records_.resize(worker + 1);
  return records_[worker];
}

void StolenTracker::Begin(size_t worker) {
  Record& record = RecordOf(worker);
  record = {};
  record.irqs_told = irq_seen_;
}

void StolenTracker::Add(size_t worker, const Interruption& interruption) {
  Record& record = RecordOf(worker);
  record.by_irq += interruption.by_irq;
  record.by_bh += interruption.by_bh;
}

void StolenTracker::Fill(size_t worker, Timestamp started, RunSplit& split) {
  const Record& record = RecordOf(worker);
  const bool lost = lost_ != kUnseen && started <= lost_;
  if (lost || record.doubtful || record.by_irq + record.by_bh > split.on_cpu) return;
  if (record.irqs_told) split.stolen_irq = record.by_irq;
  if (bh_seen_) split.stolen_bh = record.by_bh;
}

}  // namespace wqprof
