// SPDX-License-Identifier: Apache-2.0
#include "model/sched_tracker.h"

#include <algorithm>
#include <utility>

namespace wqprof {

SchedTracker::Track& SchedTracker::TrackOf(const ExecutionContext& worker, bool created) {
  const size_t i = worker.index;
  if (i >= tracks_.size()) tracks_.resize(i + 1);
  if (!tracks_[i]) {
    tracks_[i] = std::make_unique<Track>(Track{WorkerHistory(created)});
    tracks_[i]->listed = true;
    known_.push_back(tracks_[i].get());
    // An execution may be open since before the first scheduler event.
    if (!worker.stack.empty()) {
      tracks_[i]->history.SetExecuting(worker.stack.front().item.started, true);
    }
  }
  return *tracks_[i];
}

void SchedTracker::Set(Track& track, Timestamp at, TaskState state) {
  track.history.SetState(at, state);
  if (!track.listed) known_.push_back(&track);
  track.listed = true;
  wants_trim_ |= track.history.size() > track.trim_at;
}

bool SchedTracker::OnSwitch(const Event& e) {
  seen_ = true;
  const Event::Switch& s = e.sched_switch;
  CpuRuns& runs = runs_[e.cpu];
  if (e.at >= keep_from_) [[unlikely]]
    KeepRun(e, runs);
  runs.Switch(e.at, {s.prev_comm, e.pid, s.prev_prio}, e.pid == kIdleTask,
              {s.next_comm, s.next, s.next_prio});
  idle_.OnSwitch(e);
  if (ExecutionContext* prev = workers_.FindTaskOn(e.cpu, e.pid, s.prev_comm)) {
    Track& track = TrackOf(*prev);
    WasOnCpu(*prev, track);
    const bool runnable = s.preempted || s.prev_state == 'R';
    if (runnable) {
      track.awake_since = e.at;
      Set(track, e.at, TaskState::kPreempted);
    } else {
      // TASK_IDLE alone is no idle worker: a work may sleep in it, too.
      Set(track, e.at,
          s.prev_state == 'I'   ? TaskState::kSleepingIdle
          : s.prev_state == 'D' ? TaskState::kSleepingD
                                : TaskState::kSleeping);
    }
  }
  if (ExecutionContext* next = workers_.FindTaskOn(e.cpu, s.next, s.next_comm)) {
    Track& track = TrackOf(*next);
    NoteWait(track, e, runs);
    const TaskState before = track.history.state();
    if (before == TaskState::kUnknown) WasRunnable(track);
    track.maybe_slept = kUnseen;
    Set(track, e.at, TaskState::kOnCpu);
    return before != TaskState::kUnknown && before != TaskState::kPreempted &&
           before != TaskState::kOnCpu;
  }
  return false;
}

void SchedTracker::OnWake(const Event& e) {
  seen_ = wakes_seen_ = true;
  ExecutionContext* worker = workers_.FindTask(e.wake.target, e.wake.comm);
  if (worker == nullptr) return;
  Track& track = TrackOf(*worker);
  const TaskState state = track.history.state();
  // Waking a task that runs, or waits for its CPU, changes nothing.
  if (state == TaskState::kOnCpu || state == TaskState::kPreempted ||
      state == TaskState::kRunnable) {
    return;
  }
  if (track.awake_since == kUnseen) track.awake_since = e.at;
  if (state == TaskState::kUnknown) WasAsleep(track, e.at);
  Set(track, e.at, e.kind == EventKind::kWaking ? TaskState::kWoken : TaskState::kRunnable);
}

// Since when every change of a worker's state was recorded; kUnseen: not at all.
Timestamp SchedTracker::KnownSince() const {
  const Timestamp covered = source_.stats().covered_from;
  return losing_ || covered == kUnseen ? kUnseen : std::max(covered, last_loss_);
}

// A worker that has no CPU by its events executes all the same: some of them are hidden, by a
// filter or otherwise, and what it did is not known.
bool SchedTracker::Contradict(Track& track) {
  const Timestamp since = track.history.since();
  const bool unexplained = !losing_ && (last_loss_ == kUnseen || last_loss_ < since);
  track.hidden |= unexplained;
  track.history.Rewrite(since, TaskState::kUnknown, TaskState::kUnknown);
  track.awake_since = kUnseen;
  return unexplained;
}

// Asleep over what is not known.  Without an execution a worker mostly sleeps as an idle one.
void SchedTracker::WasAsleep(Track& track, Timestamp until) {
  const Timestamp since = KnownSince();
  if (since == kUnseen || since >= until || track.hidden) return;
  track.history.Rewrite(since, TaskState::kSleepingIdle, TaskState::kSleeping);
  track.maybe_slept = since;
}

// Where wake-ups are not recorded, it may as well have slept.
void SchedTracker::WasRunnable(Track& track) {
  const Timestamp since = KnownSince();
  if (since == kUnseen || !wakes_seen_ || track.hidden) return;
  track.history.Rewrite(since, TaskState::kRunnable, TaskState::kRunnable);
}

// A worker leaves its CPU, or executes on it: if it was not seen to get it, it had it before.
void SchedTracker::WasOnCpu(const ExecutionContext& worker, Track& track) {
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
  const Timestamp told =
      worker.stack.empty() ? worker.last_event : worker.stack.front().item.started;
  if (told != kUnseen && told > last_loss_) Set(track, told, TaskState::kOnCpu);
}

// A worker gets its CPU: for how long it waited, and who had that CPU.
void SchedTracker::NoteWait(Track& track, const Event& e, const CpuRuns& runs) {
  const Timestamp since = std::exchange(track.awake_since, kUnseen);
  if (since == kUnseen || e.at - since <= track.Longest()) return;
  track.waited_for = e.cpu;
  track.waited_since = since;
  track.waited_until = e.at;
  const TaskSeen last = e.pid == kIdleTask
                            ? TaskSeen()
                            : TaskSeen{e.sched_switch.prev_comm, e.pid, e.sched_switch.prev_prio};
  const bool idled = idle_.Between(e.cpu, since, e.at) * 2 >= e.at - since;
  track.had_cpu = idled ? TaskSeen() : runs.LongestIn(since, e.at, last);
}

// A fork alone does not mean that switches were recorded.
void SchedTracker::OnCreated(const ExecutionContext& worker) {
  if (seen_ && FindTrack(worker) == nullptr) TrackOf(worker, true);
}

void SchedTracker::OnNamed(const ExecutionContext& worker, Timestamp at) {
  seen_ = true;
  if (FindTrack(worker) != nullptr) return;
  // It names itself, hence runs.
  Set(TrackOf(worker, true), at, TaskState::kOnCpu);
}

void SchedTracker::OnLoss(Timestamp at) {
  last_loss_ = at;
  losing_ = true;
  for (Track* const track : known_) {
    track->history.SetState(at, TaskState::kUnknown);
    track->awake_since = track->maybe_slept = kUnseen;
    track->listed = false;
  }
  known_.clear();
  idle_.OnLoss();
  for (CpuRuns& runs : runs_) runs.OnLoss();
}

bool SchedTracker::OnRuns(const ExecutionContext& worker, Timestamp at) {
  if (!seen_) return false;
  Track& track = TrackOf(worker);
  if (track.maybe_slept != kUnseen) {
    // It was woken before it had left its CPU.
    WasOnCpu(worker, track);
    Set(track, at, TaskState::kOnCpu);
  }
  const TaskState state = track.history.state();
  return state != TaskState::kOnCpu && state != TaskState::kUnknown && Contradict(track);
}

void SchedTracker::OnExecuting(const ExecutionContext& worker, Timestamp at, bool executing) {
  if (!seen_) return;
  Track& track = TrackOf(worker);
  track.history.SetExecuting(at, executing);
  track.waited_since = track.waited_until = kUnseen;
  track.had_cpu = TaskSeen();
  wants_trim_ |= track.history.size() > track.trim_at;
}

void SchedTracker::Trim(Timestamp oldest) {
  wants_trim_ = false;
  for (size_t i = 0; i < tracks_.size(); ++i) {
    Track* const track = tracks_[i].get();
    if (track == nullptr || track->history.size() <= track->trim_at) continue;
    // What a worker still executes is not reported yet.
    const auto& open = workers_[i].stack;
    const bool needed = !open.empty() && track->history.size() < kMostSteps;
    track->history.Trim(needed ? std::min(oldest, open.front().item.started) : oldest);
    track->trim_at = std::max(kMinTrim, 2 * track->history.size());
  }
  idle_.Trim(oldest);
}

void SchedTracker::Forget(std::span<const size_t> workers) {
  std::vector<std::unique_ptr<Track>> gone;
  for (const size_t i : workers) {
    if (i < tracks_.size() && tracks_[i] != nullptr) gone.push_back(std::move(tracks_[i]));
  }
  std::sort(gone.begin(), gone.end());
  std::erase_if(known_, [&](const Track* track) {
    return std::binary_search(gone.begin(), gone.end(), track, [](const auto& a, const auto& b) {
      return std::to_address(a) < std::to_address(b);
    });
  });
}

std::optional<WorkerTime> SchedTracker::Between(const ExecutionContext& worker, Timestamp from,
                                                Timestamp to) const {
  if (!seen_ || from > to) return std::nullopt;
  if (const Track* track = FindTrack(worker)) return track->history.Between(from, to);
  WorkerTime unknown;
  unknown.idle[static_cast<size_t>(TaskState::kUnknown)] = to - from;
  return unknown;
}

TaskSeen SchedTracker::PreemptedBy(const ExecutionContext& worker) const {
  const Track* track = FindTrack(worker);
  return track ? track->had_cpu : TaskSeen();
}

Nanos SchedTracker::IdledBefore(const ExecutionContext& worker, Timestamp from,
                                Timestamp to) const {
  const Track* track = FindTrack(worker);
  if (track == nullptr || track->waited_since == kUnseen) return Nanos(0);
  return idle_.Between(track->waited_for, std::max(from, track->waited_since),
                       std::min(to, track->waited_until));
}

Timestamp SchedTracker::AwakeSince(const ExecutionContext& worker) const {
  const Track* track = FindTrack(worker);
  if (track == nullptr || !worker.stack.empty()) return kUnseen;
  const TaskState state = track->history.state();
  const bool waits =
      state == TaskState::kWoken || state == TaskState::kRunnable || state == TaskState::kPreempted;
  return waits ? track->awake_since : kUnseen;
}

TaskSeen SchedTracker::HadCpuMeanwhile(const ExecutionContext& worker, Cpu cpu,
                                       Timestamp now) const {
  const Timestamp since = AwakeSince(worker);
  const CpuRuns* const runs = runs_.Find(cpu);
  if (since == kUnseen || runs == nullptr) return {};
  const bool idled = idle_.Between(cpu, since, now) * 2 >= now - since;
  return idled ? TaskSeen() : runs->LongestIn(since, now, {});
}

// Some kernels drop single events and do not count them.
void SchedTracker::SwitchIsMissing(const Event& e, CpuRuns& runs) {
  runs.Found(e.at, {source_.CommOf(e.pid), e.pid, TaskSeen::kNoPrio});
  idle_.OnTask(e.cpu, e.at);
}

void SchedTracker::KeepRun(const Event& e, const CpuRuns& runs) {
  if (e.pid == kIdleTask || !runs.now().seen()) return;
  std::deque<GapPicture::Run>& kept = kept_runs_[e.cpu];
  const Event::Switch& s = e.sched_switch;
  kept.push_back({{s.prev_comm, e.pid, s.prev_prio}, runs.last_switch(), e.at});
  if (kept.size() > kMostRuns) kept.pop_front();
}

std::vector<GapPicture::Run> SchedTracker::RunsOn(Cpu cpu, Timestamp from, Timestamp to) const {
  std::vector<GapPicture::Run> out;
  const auto add = [&](GapPicture::Run run) {
    run.begin = std::max(run.begin, from);
    run.end = std::min(run.end, to);
    if (run.begin < run.end) out.push_back(run);
  };
  if (const auto* const kept = kept_runs_.Find(cpu)) {
    for (const GapPicture::Run& run : *kept) add(run);
  }
  const Run now = RunOn(cpu);
  if (now.task.seen()) add({now.task, now.since, to});
  return out;
}

SchedTracker::Run SchedTracker::RunOn(Cpu cpu) const {
  const CpuRuns* const runs = runs_.Find(cpu);
  if (runs == nullptr) return {};
  const TaskSeen task = runs->now();
  return task.seen() && task.pid != kIdleTask ? Run{task, runs->last_switch()} : Run();
}

SchedTracker::Sleep SchedTracker::SleepOf(const ExecutionContext& worker) const {
  const Track* track = FindTrack(worker);
  if (track == nullptr) return {};
  switch (track->history.state()) {
    case TaskState::kSleeping:
      return {'S', track->history.since()};
    case TaskState::kSleepingD:
      return {'D', track->history.since()};
    case TaskState::kSleepingIdle:
      return {'I', track->history.since()};
    default:
      return {};
  }
}

bool SchedTracker::IsOnCpu(const ExecutionContext& worker) const {
  const Track* track = FindTrack(worker);
  return track != nullptr && track->history.state() == TaskState::kOnCpu;
}

bool SchedTracker::SwitchedSince(Cpu cpu, Timestamp since) const {
  const CpuRuns* runs = runs_.Find(cpu);
  return runs != nullptr && runs->last_switch() > since;
}

}  // namespace wqprof
