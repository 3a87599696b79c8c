// SPDX-License-Identifier: Apache-2.0
#include "model/sched_tracker.h"

#include <algorithm>
#include <utility>

namespace wqprof {

bool SchedTracker::OnSwitch(const Event& e) {
  tracks_.See();
  cpus_.OnSwitch(e);
  const Event::Switch& s = e.sched_switch;
  if (ExecutionContext* prev = workers_.FindTaskOn(e.cpu, e.pid, s.prev_comm)) {
    SchedTrack& track = tracks_.Of(*prev);
    WasOnCpu(*prev, track);
    const bool runnable = s.preempted || s.prev_state == 'R';
    if (runnable) {
      track.awake_since = e.at;
      tracks_.Set(track, e.at, TaskState::kPreempted);
    } else {
      // TASK_IDLE alone is no idle worker: a work may sleep in it, too.
      tracks_.Set(track, e.at,
                  s.prev_state == 'I'   ? TaskState::kSleepingIdle
                  : s.prev_state == 'D' ? TaskState::kSleepingD
                                        : TaskState::kSleeping);
    }
  }
  if (ExecutionContext* next = workers_.FindTaskOn(e.cpu, s.next, s.next_comm)) {
    SchedTrack& track = tracks_.Of(*next);
    NoteWait(track, e);
    const TaskState before = track.history.state();
    if (before == TaskState::kUnknown) WasRunnable(track);
    track.maybe_slept = kUnseen;
    tracks_.Set(track, e.at, TaskState::kOnCpu);
    return before != TaskState::kUnknown && before != TaskState::kPreempted &&
           before != TaskState::kOnCpu;
  }
  return false;
}

void SchedTracker::OnWake(const Event& e) {
  tracks_.See();
  wakes_seen_ = true;
  ExecutionContext* worker = workers_.FindTask(e.wake.target, e.wake.comm);
  if (worker == nullptr) return;
  SchedTrack& track = tracks_.Of(*worker);
  const TaskState state = track.history.state();
  // Waking a task that runs, or waits for its CPU, changes nothing.
  if (state == TaskState::kOnCpu || state == TaskState::kPreempted ||
      state == TaskState::kRunnable) {
    return;
  }
  if (track.awake_since == kUnseen) track.awake_since = e.at;
  if (state == TaskState::kUnknown) WasAsleep(track, e.at);
  tracks_.Set(track, e.at, e.kind == EventKind::kWaking ? TaskState::kWoken : TaskState::kRunnable);
}

// Since when every change of a worker's state was recorded; kUnseen: not at all.
Timestamp SchedTracker::KnownSince() const {
  const Timestamp covered = source_.stats().covered_from;
  return losing_ || covered == kUnseen ? kUnseen : std::max(covered, last_loss_);
}

// A worker that has no CPU by its events executes all the same: some of them are hidden, by a
// filter or otherwise, and what it did is not known.
bool SchedTracker::Contradict(SchedTrack& track) {
  const Timestamp since = track.history.since();
  const bool unexplained = !losing_ && (last_loss_ == kUnseen || last_loss_ < since);
  track.hidden |= unexplained;
  track.history.Rewrite(since, TaskState::kUnknown, TaskState::kUnknown);
  track.awake_since = kUnseen;
  return unexplained;
}

// Asleep over what is not known.  Without an execution a worker mostly sleeps as an idle one.
void SchedTracker::WasAsleep(SchedTrack& track, Timestamp until) {
  const Timestamp since = KnownSince();
  if (since == kUnseen || since >= until || track.hidden) return;
  track.history.Rewrite(since, TaskState::kSleepingIdle, TaskState::kSleeping);
  track.maybe_slept = since;
}

// Where wake-ups are not recorded, it may as well have slept.
void SchedTracker::WasRunnable(SchedTrack& track) {
  const Timestamp since = KnownSince();
  if (since == kUnseen || !wakes_seen_ || track.hidden) return;
  track.history.Rewrite(since, TaskState::kRunnable, TaskState::kRunnable);
}

// A worker leaves its CPU, or executes on it: if it was not seen to get it, it had it before.
void SchedTracker::WasOnCpu(const ExecutionContext& worker, SchedTrack& track) {
  const Timestamp slept = std::exchange(track.maybe_slept, kUnseen);
  const bool unknown = track.history.state() == TaskState::kUnknown;
  if (slept == kUnseen && !unknown) return;
  const Timestamp since = slept != kUnseen ? slept : KnownSince();
  if (since != kUnseen && !track.hidden) {
    track.history.Rewrite(since, TaskState::kOnCpu, TaskState::kOnCpu);
    track.awake_since = kUnseen;
    return;
  }
  // It had the CPU since its last event there.
  const Timestamp last =
      worker.stack.empty() ? worker.last_event : worker.stack.front().item.started;
  if (last != kUnseen && last > last_loss_) tracks_.Set(track, last, TaskState::kOnCpu);
}

// A worker gets its CPU: for how long it waited, and who had that CPU.
void SchedTracker::NoteWait(SchedTrack& track, const Event& e) {
  const Timestamp since = std::exchange(track.awake_since, kUnseen);
  if (since == kUnseen || e.at - since <= track.Longest()) return;
  track.waited_for = e.cpu;
  track.waited_since = since;
  track.waited_until = e.at;
  const TaskSeen last = e.pid == kIdleTask
                            ? TaskSeen()
                            : TaskSeen{e.sched_switch.prev_comm, e.pid, e.sched_switch.prev_prio};
  track.had_cpu = cpus_.LongestIn(e.cpu, since, e.at, last);
}

// A fork alone does not mean that switches were recorded.
void SchedTracker::OnCreated(const ExecutionContext& worker) {
  if (seen() && tracks_.Find(worker) == nullptr) tracks_.Of(worker, true);
}

void SchedTracker::OnNamed(const ExecutionContext& worker, Timestamp at) {
  tracks_.See();
  if (tracks_.Find(worker) != nullptr) return;
  // It names itself, hence runs.
  tracks_.Set(tracks_.Of(worker, true), at, TaskState::kOnCpu);
}

void SchedTracker::OnLoss(Timestamp at) {
  last_loss_ = at;
  losing_ = true;
  tracks_.Lose(at);
  cpus_.OnLoss();
}

bool SchedTracker::Runs(const ExecutionContext& worker, Timestamp at) {
  SchedTrack& track = tracks_.Of(worker);
  if (track.maybe_slept != kUnseen) {
    // It was woken before it had left its CPU.
    WasOnCpu(worker, track);
    tracks_.Set(track, at, TaskState::kOnCpu);
  }
  const TaskState state = track.history.state();
  return state != TaskState::kOnCpu && state != TaskState::kUnknown && Contradict(track);
}

void SchedTracker::Trim(Timestamp oldest) {
  tracks_.Trim(oldest, workers_);
  cpus_.idle().Trim(oldest);
}

}  // namespace wqprof
