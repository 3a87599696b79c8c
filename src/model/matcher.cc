// SPDX-License-Identifier: Apache-2.0
#include "model/matcher.h"

#include <algorithm>
#include <cassert>
#include <optional>
#include <utility>
#include <vector>

namespace wqprof {
namespace {

// A worker that showed no sign of life for so long may be forgotten.  The kernel ends one that was
// idle for five minutes, but less is enough to know what an item waited for.
constexpr Nanos kLongIdleWorker = std::chrono::seconds(10);

// After so many events it is asked whether what is long over can be forgotten.
constexpr uint32_t kTrimEvery = 512;

}  // namespace

void Matcher::Want(const Reconstructor::Options& options) {
  gaps_.Want(options);
  splitter_.Want(options);
  if (options.barriers) outlet_.WantBarriers();
  if (options.barrier_waits) barriers_.Want();
  if (options.pool_steps) tables_.occupancy.levels().ReportSteps();
  if (options.picture_of != kUnseen) tables_.sched.cpus().KeepRuns(options.picture_of);
  forgets_workers_ |= options.forget_workers;
}

inline void Matcher::Handle(const Event& e) {
  if (!settled_ && e.kind <= EventKind::kExecuteEnd) [[unlikely]]
    See(e.kind);
  if (tables_.sched.seen() && e.kind != EventKind::kSwitch) tables_.sched.cpus().OnTask(e);
  switch (e.kind) {
    case EventKind::kQueueWork:
      queueing_.OnQueue(e);
      break;
    case EventKind::kActivateWork:
      queueing_.OnActivate(e);
      break;
    case EventKind::kExecuteStart:
      if (barriers_.wanted()) barriers_.OnStart(e);
      executions_.OnStart(e);
      break;
    case EventKind::kExecuteEnd:
      executions_.OnEnd(e);
      break;
    case EventKind::kQueueStack:
      queueing_.OnStack(e);
      break;
    case EventKind::kSwitch:
      OnSwitch(e);
      break;
    case EventKind::kWaking:
    case EventKind::kWakeup:
      OnWake(e);
      break;
    case EventKind::kTimerStart:
      queueing_.timers().OnStart(e);
      break;
    case EventKind::kTimerExpire:
      queueing_.timers().OnExpire(e);
      break;
    case EventKind::kIrqEntry:
    case EventKind::kIrqExit:
    case EventKind::kSoftirqEntry:
    case EventKind::kSoftirqExit:
      interrupts_.On(e);
      break;
    case EventKind::kLossBegin:
      OnLossBegin(e);
      break;
    case EventKind::kLossEnd:
      OnLossEnd(e);
      break;
    default:
      HandleTask(e);
      break;
  }
}

// A task that may become a worker.
void Matcher::HandleTask(const Event& e) {
  if (e.kind != EventKind::kRename && e.kind != EventKind::kFork) return;
  if (e.kind == EventKind::kFork) tables_.workers.Renew(e.task.task);
  const ExecutionContext* const worker = tables_.workers.FindTask(e.task.task, e.task.comm);
  if (worker == nullptr) return;
  if (e.kind == EventKind::kFork) {
    tables_.sched.OnCreated(*worker);
  } else {
    tables_.sched.OnNamed(*worker, e.at);
  }
}

void Matcher::OnWake(const Event& e) {
  tables_.sched.OnWake(e);
  if (barriers_.wanted() && e.kind == EventKind::kWaking) {
    barriers_.OnWaking(e, tables_.source.stats().covered_from);
  }
}

void Matcher::OnSwitch(const Event& e) {
  if (barriers_.wanted()) barriers_.OnSwitch(e);
  // A worker that wakes up has not yet taken what was queued before (rule 4).
  if (tables_.sched.OnSwitch(e)) {
    const auto& next = e.sched_switch;
    tables_.workers.FindTaskOn(e.cpu, next.next, next.next_comm)->last_event = e.at;
  }
  interrupts_.OnSwitch(e.cpu);
}

void Matcher::OnLossBegin(const Event& e) {
  tables_.losses.Begin(e.cpu, e.at);
  outlet_.OnLoss();
  activations_.Lost();
  barriers_.OnLoss(true);
  tables_.sched.OnLoss(e.at);
  queueing_.timers().OnLoss();
  interrupts_.OnLoss(e.cpu, e.at);
}

void Matcher::OnLossEnd(const Event& e) {
  tables_.losses.End(e.cpu, e.at);
  barriers_.OnLoss(tables_.losses.open());
  tables_.sched.OnLossEnd(e.at, tables_.losses.open());
  activations_.Lost();
}

void Matcher::See(EventKind kind) {
  settled_ = outlet_.recorded().settled();
  if (!settled_) {
    outlet_.See(kind);
  } else if (outlet_.recorded().Lacks(EventKind::kExecuteStart)) {
    // Ends of what is open now may be among the items that were held back.
    for (const SlabIndex index : tables_.works.Active()) tables_.works[index].unsure_end = true;
  }
}

inline void Matcher::Step(const Event& event) {
  gaps_.CountEvent();
  tables_.now = std::max(tables_.now, event.at);
  Handle(event);
  // Whatever is done now and then is done at the same events however they are handed in.
  orphans_.Expire();
  if (++since_trim_ >= kTrimEvery) [[unlikely]] {
    since_trim_ = 0;
    Trim();
  }
}

void Matcher::Add(std::span<const Event> events) {
  assert(!finished_);
  if (tables_.begin == kUnseen && !events.empty() && events[0].kind != EventKind::kLossBegin) {
    tables_.begin = events[0].at;
  }
  tables_.occupancy.SetCovered(tables_.source.stats().covered_from);
  for (size_t i = 0; i < events.size(); ++i) {
    const Event& event = events[i];
    while (ahead_.FirstIsBefore(event)) Step(ahead_.TakeFirst());
    Step(event);
    if (event.kind != EventKind::kQueueWork || event.work.activation == 0) continue;
    const Event activation = ActivationWithin(event);
    const bool next = ahead_.empty() && i + 1 < events.size() &&
                      ActivationsAhead::IsBefore(activation, events[i + 1]);
    next ? Step(activation) : ahead_.Add(activation);
  }
}

void Matcher::CatchUp() {
  while (!ahead_.empty()) Step(ahead_.TakeFirst());
}

void Matcher::Trim() {
  // Histories must reach back to the activation of the oldest item that still waits.
  if (tables_.sched.wants_trim()) tables_.sched.Trim(queueing_.OldestWait());
  if (forgets_workers_ && tables_.workers.wants_forget()) {
    const Timestamp now = std::max(tables_.now, Timestamp::min() + kLongIdleWorker);
    tables_.sched.tracks().Forget(tables_.workers.Forget(now - kLongIdleWorker));
  }
}

void Matcher::Finish() {
  assert(!finished_);
  CatchUp();
  finished_ = true;
  tables_.now = std::max(tables_.now, tables_.source.stats().end);
  tables_.losses.Finish(tables_.now);
  std::vector<WorkItem> rest;
  std::vector<PoolTracker::Waiting> waiting;
  for (const SlabIndex index : tables_.works.Active()) {
    queueing_.Finish(tables_.works[index], rest, waiting);
  }
  executions_.Finish(rest);
  std::sort(rest.begin(), rest.end(),
            [](const WorkItem& a, const WorkItem& b) { return a.id < b.id; });
  outlet_.Finish(rest);
  for (size_t i = 0; i < waiting.size(); ++i) {
    auto gap =
        tables_.occupancy.OpenGap(static_cast<PoolId>(i), waiting[i], tables_.now, gaps_.floor());
    if (gap) gaps_.Report(*std::move(gap), nullptr, false);
  }
}

void Matcher::Take(Completed& out) {
  outlet_.Take(out);
  tables_.occupancy.levels().TakeSteps(out.pool_steps);
  splitter_.TakeParts(out.run_parts);
  barriers_.Take(out.barrier_waits);
  out.losses = tables_.losses.TakeSpans();
  out.trace_begin = tables_.source.stats().begin;
}

}  // namespace wqprof
