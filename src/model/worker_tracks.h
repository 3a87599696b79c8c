// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_MODEL_WORKER_TRACKS_H_
#define WQPROF_MODEL_WORKER_TRACKS_H_

#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "model/idle_tracker.h"
#include "model/worker_history.h"
#include "model/worker_table.h"
#include "wqprof/model.h"

namespace wqprof {

// What scheduler events show of one worker.
struct SchedTrack {
  WorkerHistory history;
  size_t trim_at = 0;
  Timestamp awake_since = kUnseen;  // and not on its CPU
  // Taken to have slept since then until it was woken, by its first event; kUnseen: no longer.
  Timestamp maybe_slept = kUnseen;
  bool listed = false;  // among those whose state is known
  bool hidden = false;  // some of its events are not in the trace
  // The longest wait for its CPU since its last start or end, and who had that; none when the CPU
  // mostly idled.
  Cpu waited_for = Cpu::kNone;
  Timestamp waited_since = kUnseen, waited_until = kUnseen;
  TaskSeen had_cpu = {};
  Nanos Longest() const { return wqprof::Between(waited_since, waited_until).value_or(Nanos(0)); }
};

// The states of all workers over time.
class WorkerTracks {
 public:
  // How a worker sleeps: the letter of its state, 0 when it does not, or that is not known.
  struct Sleep {
    char letter = 0;
    Timestamp since = kUnseen;
  };

  // Scheduler events are in the trace: until then nothing is known of anybody.
  void See() { seen_ = true; }
  bool seen() const { return seen_; }

  // Made if need be; `created`: the worker was just made, and waited for until now.
  SchedTrack& Of(const ExecutionContext& worker, bool created = false) {
    const size_t i = worker.index;
    if (i < tracks_.size() && tracks_[i]) [[likely]]
      return *tracks_[i];
    return Make(worker, created);
  }
  const SchedTrack* Find(const ExecutionContext& worker) const {
    const size_t i = worker.index;
    return i < tracks_.size() ? tracks_[i].get() : nullptr;
  }
  void Set(SchedTrack& track, Timestamp at, TaskState state);
  void SetExecuting(SchedTrack& track, Timestamp at, bool executing);
  // From here on nobody's state is known.
  void Lose(Timestamp at);
  // Whether histories have grown so long that Trim() pays.
  bool wants_trim() const { return wants_trim_; }
  // What was before `oldest` may be forgotten, but for what `workers` still execute.
  void Trim(Timestamp oldest, const WorkerTable& workers);
  // The workers with these indices are forgotten.
  void Forget(std::span<const size_t> workers);

  // What the worker did in [from, to).  Absent without scheduler events.
  std::optional<WorkerTime> Between(const ExecutionContext& worker, Timestamp from,
                                    Timestamp to) const;
  // The same as a split of a wait or of an execution.
  template <typename Split>
  std::optional<Split> SplitOf(const ExecutionContext& worker, Timestamp from, Timestamp to) const {
    if (!seen_ || from > to) return std::nullopt;
    std::optional<Split> split(std::in_place);
    AddTo(*split, worker, from, to);
    return split;
  }
  // REQUIRES: seen(), from <= to.
  template <typename Split>
  void AddTo(Split& split, const ExecutionContext& worker, Timestamp from, Timestamp to) const {
    const SchedTrack* const track = Find(worker);
    if (track == nullptr) {
      split.unknown += to - from;
      return;
    }
    track->history.Sum(from, to, [&split](TaskState state, bool executing, Nanos part) {
      wqprof::AddTo(split, state, executing, part);
    });
  }
  // Calls f(begin, end, state) for what the worker did in [from, to) while it executed.
  template <typename F>
  void ForEachState(const ExecutionContext& worker, Timestamp from, Timestamp to, F&& f) const {
    const SchedTrack* const track = Find(worker);
    if (track != nullptr) track->history.ForEach(from, to, std::forward<F>(f));
  }
  // The task that had the worker's CPU while it waited longest for it, since its last start or end;
  // none when the CPU mostly idled.
  TaskSeen PreemptedBy(const ExecutionContext& worker) const;
  // How long that CPU idled within that wait, between two times.
  Nanos IdledBefore(const ExecutionContext& worker, Timestamp from, Timestamp to,
                    const IdleTracker& idle) const;
  // Since when a worker without an execution has been awake, and not yet come to one; kUnseen: it
  // sleeps, or that is not known.
  Timestamp AwakeSince(const ExecutionContext& worker) const;
  Sleep SleepOf(const ExecutionContext& worker) const;
  bool IsOnCpu(const ExecutionContext& worker) const;

 private:
  static constexpr size_t kMinTrim = 1024;
  // An execution with more changes than that within it is known in part only.
  static constexpr size_t kMostSteps = 1 << 20;

  SchedTrack& Make(const ExecutionContext& worker, bool created);

  bool seen_ = false;
  std::vector<std::unique_ptr<SchedTrack>> tracks_;  // by index of the context
  std::vector<SchedTrack*> known_;  // whose state was known at some time since the last loss
  bool wants_trim_ = false;
};

}  // namespace wqprof

#endif  // WQPROF_MODEL_WORKER_TRACKS_H_
