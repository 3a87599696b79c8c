// SPDX-License-Identifier: Apache-2.0
#include "model/worker_tracks.h"

#include <algorithm>

namespace wqprof {

SchedTrack& WorkerTracks::Make(const ExecutionContext& worker, bool created) {
  const size_t i = worker.index;
  if (i >= tracks_.size()) tracks_.resize(i + 1);
  tracks_[i] = std::make_unique<SchedTrack>(SchedTrack{WorkerHistory(created), kMinTrim});
  SchedTrack& made = *tracks_[i];
  made.listed = true;
  known_.push_back(&made);
  // An execution may be open since before the first scheduler event.
  if (!worker.stack.empty()) made.history.SetExecuting(worker.stack.front().item.started, true);
  return made;
}

void WorkerTracks::Set(SchedTrack& track, Timestamp at, TaskState state) {
  track.history.SetState(at, state);
  if (!track.listed) known_.push_back(&track);
  track.listed = true;
  wants_trim_ |= track.history.size() > track.trim_at;
}

void WorkerTracks::SetExecuting(SchedTrack& track, Timestamp at, bool executing) {
  track.history.SetExecuting(at, executing);
  track.waited_since = track.waited_until = kUnseen;
  track.had_cpu = TaskSeen();
  wants_trim_ |= track.history.size() > track.trim_at;
}

void WorkerTracks::Lose(Timestamp at) {
  for (SchedTrack* const track : known_) {
    track->history.SetState(at, TaskState::kUnknown);
    track->awake_since = track->maybe_slept = kUnseen;
    track->listed = false;
  }
  known_.clear();
}

void WorkerTracks::Trim(Timestamp oldest, const WorkerTable& workers) {
  wants_trim_ = false;
  for (size_t i = 0; i < tracks_.size(); ++i) {
    SchedTrack* const track = tracks_[i].get();
    if (track == nullptr || track->history.size() <= track->trim_at) continue;
    // What a worker still executes is not reported yet.
    const auto& open = workers[i].stack;
    const bool needed = !open.empty() && track->history.size() < kMostSteps;
    track->history.Trim(needed ? std::min(oldest, open.front().item.started) : oldest);
    track->trim_at = std::max(kMinTrim, 2 * track->history.size());
  }
}

void WorkerTracks::Forget(std::span<const size_t> workers) {
  std::vector<std::unique_ptr<SchedTrack>> gone;
  for (const size_t i : workers) {
    if (i < tracks_.size() && tracks_[i] != nullptr) gone.push_back(std::move(tracks_[i]));
  }
  std::sort(gone.begin(), gone.end());
  std::erase_if(known_, [&](const SchedTrack* track) {
    return std::binary_search(gone.begin(), gone.end(), track, [](const auto& a, const auto& b) {
      return std::to_address(a) < std::to_address(b);
    });
  });
}

std::optional<WorkerTime> WorkerTracks::Between(const ExecutionContext& worker, Timestamp from,
                                                Timestamp to) const {
  if (!seen_ || from > to) return std::nullopt;
  if (const SchedTrack* track = Find(worker)) return track->history.Between(from, to);
  WorkerTime unknown;
  unknown.idle[static_cast<size_t>(TaskState::kUnknown)] = to - from;
  return unknown;
}

TaskSeen WorkerTracks::PreemptedBy(const ExecutionContext& worker) const {
  const SchedTrack* track = Find(worker);
  return track ? track->had_cpu : TaskSeen();
}

Nanos WorkerTracks::IdledBefore(const ExecutionContext& worker, Timestamp from, Timestamp to,
                                const IdleTracker& idle) const {
  const SchedTrack* track = Find(worker);
  if (track == nullptr || track->waited_since == kUnseen) return Nanos(0);
  return idle.Between(track->waited_for, std::max(from, track->waited_since),
                      std::min(to, track->waited_until));
}

Timestamp WorkerTracks::AwakeSince(const ExecutionContext& worker) const {
  const SchedTrack* track = Find(worker);
  if (track == nullptr || !worker.stack.empty()) return kUnseen;
  const TaskState state = track->history.state();
  const bool waits =
      state == TaskState::kWoken || state == TaskState::kRunnable || state == TaskState::kPreempted;
  return waits ? track->awake_since : kUnseen;
}

WorkerTracks::Sleep WorkerTracks::SleepOf(const ExecutionContext& worker) const {
  const SchedTrack* track = Find(worker);
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

bool WorkerTracks::IsOnCpu(const ExecutionContext& worker) const {
  const SchedTrack* track = Find(worker);
  return track != nullptr && track->history.state() == TaskState::kOnCpu;
}

}  // namespace wqprof
