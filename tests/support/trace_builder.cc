// SPDX-License-Identifier: Apache-2.0
#include "support/trace_builder.h"

#include <algorithm>
#include <cassert>
#include <set>
#include <string>

namespace wqprof::testing {

TraceBuilder::TraceBuilder() {
  info_.path = "test";
  info_.format = "test";
  info_.clock = "mono";
  info_.cpus = 2;
  info_.noted_events = WorkqueueEvents::All();
}

Event TraceBuilder::Blank(Nanos at, const Emitter& by, EventKind kind) {
  Event event{};
  event.at = Timestamp(at);
  event.pid = Pid{by.pid};
  event.cpu = Cpu{static_cast<int16_t>(by.cpu)};
  event.kind = kind;
  event.flags = by.flags;
  if (!by.comm.empty() && !comms_.contains(event.pid)) Comm(by.pid, by.comm);
  return event;
}

TraceBuilder& TraceBuilder::Add(const Event& event) {
  assert(events_.empty() || events_.back().at <= event.at);
  events_.push_back(event);
  next_ = 0;
  return *this;
}

TraceBuilder& TraceBuilder::Replace(std::vector<Event> events) {
  events_ = std::move(events);
  next_ = 0;
  return *this;
}

TraceBuilder& TraceBuilder::AddWork(Nanos at, const Emitter& by, EventKind kind, WorkAddr work,
                                    const Job& job) {
  Event event = Blank(at, by, kind);
  event.work = {work,
                names_->Intern(job.function),
                names_->Intern(job.workqueue),
                Cpu{static_cast<int16_t>(job.target_cpu)},
                Cpu{static_cast<int16_t>(job.requested_cpu)},
                0};
  return Add(event);
}

TraceBuilder& TraceBuilder::Queue(Nanos at, const Emitter& by, WorkAddr work, const Job& job) {
  return AddWork(at, by, EventKind::kQueueWork, work, job);
}

TraceBuilder& TraceBuilder::Activate(Nanos at, const Emitter& by, WorkAddr work) {
  return AddWork(at, by, EventKind::kActivateWork, work, {"", "", -1, -1});
}

TraceBuilder& TraceBuilder::Start(Nanos at, const Emitter& by, WorkAddr work, const Job& job) {
  return AddWork(at, by, EventKind::kExecuteStart, work, {job.function, "", -1, -1});
}

TraceBuilder& TraceBuilder::End(Nanos at, const Emitter& by, WorkAddr work, const Job& job) {
  return AddWork(at, by, EventKind::kExecuteEnd, work, {job.function, "", -1, -1});
}

TraceBuilder& TraceBuilder::EndWithoutFunction(Nanos at, const Emitter& by, WorkAddr work) {
  return AddWork(at, by, EventKind::kExecuteEnd, work, {"", "", -1, -1});
}

TraceBuilder& TraceBuilder::Put(Nanos at, const Emitter& by, WorkAddr work, const Job& job) {
  return Queue(at, by, work, job).Activate(at, by, work);
}

TraceBuilder& TraceBuilder::Run(Nanos from, Nanos to, const Emitter& by, WorkAddr work,
                                const Job& job) {
  return Start(from, by, work, job).End(to, by, work, job);
}

TraceBuilder& TraceBuilder::AddLoss(Nanos at, int cpu, EventKind kind, int64_t count) {
  Event event = Blank(at, {-1, "", cpu, 0}, kind);
  event.loss = {count < 0 ? 0 : static_cast<uint64_t>(count), count >= 0};
  return Add(event);
}

TraceBuilder& TraceBuilder::LossBegin(Nanos at, int cpu, int64_t count) {
  return AddLoss(at, cpu, EventKind::kLossBegin, count);
}

TraceBuilder& TraceBuilder::LossEnd(Nanos at, int cpu, int64_t count) {
  return AddLoss(at, cpu, EventKind::kLossEnd, count);
}

TraceBuilder& TraceBuilder::Loss(Nanos from, Nanos to, int cpu, int64_t count) {
  return LossBegin(from, cpu, count).LossEnd(to, cpu, count);
}

TraceBuilder& TraceBuilder::Switch(Nanos at, int cpu, const Emitter& from, const Emitter& to,
                                   char prev_state, bool preempted) {
  Event event = Blank(at, from.On(cpu), EventKind::kSwitch);
  if (!to.comm.empty() && !comms_.contains(Pid{to.pid})) Comm(to.pid, to.comm);
  event.sched_switch = {
      Pid{to.pid}, names_->Intern(from.comm), names_->Intern(to.comm), 120, 120, prev_state,
      preempted};
  info_.has_sched = true;
  return Add(event);
}

TraceBuilder& TraceBuilder::Wake(EventKind kind, Nanos at, const Emitter& by,
                                 const Emitter& target) {
  Event event = Blank(at, by, kind);
  if (!target.comm.empty() && !comms_.contains(Pid{target.pid})) Comm(target.pid, target.comm);
  event.wake = {Pid{target.pid}, names_->Intern(target.comm), 120, Cpu{0}};
  event.wake.target_cpu = static_cast<Cpu>(target.cpu);
  return Add(event);
}

TraceBuilder& TraceBuilder::Waking(Nanos at, const Emitter& by, const Emitter& target) {
  return Wake(EventKind::kWaking, at, by, target);
}

TraceBuilder& TraceBuilder::Wakeup(Nanos at, const Emitter& by, const Emitter& target) {
  return Wake(EventKind::kWakeup, at, by, target);
}

TraceBuilder& TraceBuilder::Arm(Nanos at, const Emitter& by, WorkAddr work,
                                uint32_t timeout_jiffies, int hz) {
  Event event = Blank(at, by, EventKind::kTimerStart);
  event.timer = {WorkAddr{ToInt(work) + 32}, NameId::kDelayedTimer, timeout_jiffies,
                 static_cast<uint32_t>(at.count() * hz / 1'000'000'000)};
  info_.has_timers = true;
  return Add(event);
}

TraceBuilder& TraceBuilder::Expire(Nanos at, const Emitter& by, WorkAddr work) {
  Event event = Blank(at, by, EventKind::kTimerExpire);
  event.timer = {WorkAddr{ToInt(work) + 32}, NameId::kDelayedTimer, 0, 0};
  return Add(event);
}

TraceBuilder& TraceBuilder::Stack(Nanos at, const Emitter& by, std::string_view stack) {
  Event event = Blank(at, by, EventKind::kQueueStack);
  event.queue_stack = {names_->Intern(stack)};
  return Add(event);
}

TraceBuilder& TraceBuilder::Rename(Nanos at, const Emitter& by, int pid, std::string_view comm) {
  Event event = Blank(at, by, EventKind::kRename);
  event.task = {Pid{pid}, names_->Intern(comm)};
  return Add(event);
}

TraceBuilder& TraceBuilder::Fork(Nanos at, const Emitter& by, int child, std::string_view comm) {
  Event event = Blank(at, by, EventKind::kFork);
  event.task = {Pid{child}, names_->Intern(comm)};
  return Add(event);
}

TraceBuilder& TraceBuilder::Exit(Nanos at, const Emitter& by) {
  Event event = Blank(at, by, EventKind::kExit);
  event.task = {Pid{by.pid}, names_->Intern(by.comm)};
  return Add(event);
}

TraceBuilder& TraceBuilder::Tick(Nanos at, int cpu) {
  Event event = Blank(at, {0, "", cpu, 0}, EventKind::kTimerCancel);
  event.timer = {WorkAddr{0x1000}, names_->Intern("tick_fn"), 0, 0};
  return Add(event);
}

TraceBuilder& TraceBuilder::Interrupt(Nanos at, const Emitter& by, EventKind kind) {
  return Add(Blank(at, by, kind));
}

TraceBuilder& TraceBuilder::Softirq(Nanos at, const Emitter& by, uint64_t vec) {
  Event event = Blank(at, by, EventKind::kSoftirqEntry);
  event.softirq = {vec};
  return Add(event);
}

TraceBuilder& TraceBuilder::Comm(int pid, std::string_view comm) {
  comms_[Pid{pid}] = names_->Intern(comm);
  return *this;
}

TraceBuilder& TraceBuilder::CoveredFrom(Nanos at) {
  covered_from_ = Timestamp(at);
  return *this;
}

TraceBuilder& TraceBuilder::WithoutActivate() {
  return Noted(
      WorkqueueEvents{EventKind::kQueueWork, EventKind::kExecuteStart, EventKind::kExecuteEnd});
}

TraceBuilder& TraceBuilder::Noted(std::optional<WorkqueueEvents> events) {
  info_.noted_events = events;
  return *this;
}

TraceBuilder& TraceBuilder::Uname(std::string_view text) {
  info_.uname = std::string(text);
  return *this;
}

TraceBuilder& TraceBuilder::Only(WorkqueueEvents kept) {
  std::erase_if(events_, [&](const Event& event) {
    return event.kind <= EventKind::kExecuteEnd && !kept.Has(event.kind);
  });
  return *this;
}

TraceBuilder& TraceBuilder::Clock(std::string_view name, bool is_ns) {
  info_.clock = std::string(name);
  info_.clock_is_ns = is_ns;
  return *this;
}

TraceBuilder& TraceBuilder::BatchSize(size_t events) {
  batch_size_ = events;
  return *this;
}

void TraceBuilder::Rewind() {
  next_ = 0;
  stats_ = ReadStats{};
  std::set<Cpu> seen;
  for (const Event& event : events_) {
    if (stats_.begin == kUnseen) stats_.begin = event.at;
    stats_.end = event.at;
    if (seen.insert(event.cpu).second) stats_.covered_from = event.at;
    if (event.kind == EventKind::kLossBegin) {
      ++stats_.lost_gaps;
      if (!event.loss.known) {
        stats_.lost_events.reset();
      } else if (stats_.lost_events) {
        *stats_.lost_events += event.loss.count;
      }
    } else if (event.kind != EventKind::kLossEnd) {
      ++stats_.events;
      stats_.queue_stacks += event.kind == EventKind::kQueueStack ? 1 : 0;
      if (event.kind <= EventKind::kExecuteEnd) stats_.seen_events.Add(event.kind);
    }
  }
  if (covered_from_ != kUnseen) stats_.covered_from = covered_from_;
}

absl::StatusOr<std::span<const Event>> TraceBuilder::Next() {
  if (next_ == 0) Rewind();
  const size_t n = std::min(batch_size_, events_.size() - next_);
  const std::span<const Event> batch(events_.data() + next_, n);
  next_ += n;
  return batch;
}

NameId TraceBuilder::CommOf(Pid pid) const {
  const auto it = comms_.find(pid);
  return it == comms_.end() ? NameId::kUnknown : it->second;
}

}  // namespace wqprof::testing
