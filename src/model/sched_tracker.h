// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_MODEL_SCHED_TRACKER_H_
#define WQPROF_MODEL_SCHED_TRACKER_H_

#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "model/by_cpu.h"
#include "model/cpu_runs.h"
#include "model/idle_tracker.h"
#include "model/worker_history.h"
#include "model/worker_table.h"
#include "wqprof/event.h"

namespace wqprof {

// Follows the workers through the scheduler's events.  Costs nothing until the first one comes.
//
// A worker's first event shows what it did before, back to the beginning of the trace or the last
// loss, as any change would have been recorded: one that leaves its CPU had it, one that gets a CPU
// without being woken waited for it, one that is woken slept, unless it had not left its CPU yet,
// which its next event shows.
class SchedTracker {
 public:
  SchedTracker(const EventSource& source, WorkerTable& workers)
      : source_(source), workers_(workers) {}

  // Whether the task that is switched in slept before: a preempted worker may have taken an
  // item already, and its event be about to come.
  bool OnSwitch(const Event& e);
  void OnWake(const Event& e);
  // A task was made that has a worker's name: until then it was waited for.
  void OnCreated(const ExecutionContext& worker);
  // A new task took a worker's name: the same, on kernels that name it late.
  void OnNamed(const ExecutionContext& worker, Timestamp at);
  // From here on events of some CPU are missing: nobody's state is known.
  void OnLoss(Timestamp at);
  // ... to here; of another CPU they may still be.
  void OnLossEnd(Timestamp at, bool others_open) {
    last_loss_ = at;
    losing_ = others_open;
  }
  // Any event but a switch, of whatever task: it has the CPU, also where the switch to it is
  // missing.
  void OnTask(const Event& e) {
    if (!seen_ || ToInt(e.pid) <= ToInt(kIdleTask)) return;
    CpuRuns& runs = runs_[e.cpu];
    if (runs.now().seen() && runs.now().pid != e.pid) [[unlikely]]
      SwitchIsMissing(e, runs);
  }
  // An event comes from the worker itself, so that it has a CPU.  Whether its events say that it
  // has none: a switch to it is missing, and no loss explains that.
  bool OnRuns(const ExecutionContext& worker, Timestamp at);
  // A worker began or ended its outermost execution.
  void OnExecuting(const ExecutionContext& worker, Timestamp at, bool executing);
  // The workers with these indices are forgotten.
  void Forget(std::span<const size_t> workers);
  // Whether histories have grown so long that Trim() pays.
  bool wants_trim() const { return wants_trim_ || idle_.wants_trim(); }
  // No item waits since before `oldest`: what was before it may be forgotten, but for executions
  // that are open.
  void Trim(Timestamp oldest);

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
    const Track* const track = FindTrack(worker);
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
    const Track* const track = FindTrack(worker);
    if (track != nullptr) track->history.ForEach(from, to, std::forward<F>(f));
  }
  // The task that had the worker's CPU while it waited longest for it, since its last start
  // or end; none when the CPU mostly idled.
  TaskSeen PreemptedBy(const ExecutionContext& worker) const;
  // How long that CPU idled within that wait, between two times.
  Nanos IdledBefore(const ExecutionContext& worker, Timestamp from, Timestamp to) const;
  // Since when a worker without an execution has been awake, and not yet come to one; kUnseen: it
  // sleeps, or that is not known.
  Timestamp AwakeSince(const ExecutionContext& worker) const;
  // The task that had a CPU longest since the worker that still waits for it was woken; none when
  // the CPU mostly idled.
  TaskSeen HadCpuMeanwhile(const ExecutionContext& worker, Cpu cpu, Timestamp now) const;
  // How a worker sleeps: the letter of its state, 0 when it does not, or that is not known.
  struct Sleep {
    char letter = 0;
    Timestamp since = kUnseen;
  };
  Sleep SleepOf(const ExecutionContext& worker) const;
  bool IsOnCpu(const ExecutionContext& worker) const;
  // The task that has a CPU now, and since when; none: it idles, or that is not known.
  struct Run {
    TaskSeen task;
    Timestamp since = kUnseen;
  };
  Run RunOn(Cpu cpu) const;
  // From now on the last runs of each CPU that end after `begin` are kept.
  void KeepRuns(Timestamp begin) { keep_from_ = begin; }
  // Those kept, as far as they lie between two times, the one that goes on too.
  std::vector<GapPicture::Run> RunsOn(Cpu cpu, Timestamp from, Timestamp to) const;
  IdleTracker& idle() { return idle_; }
  const IdleTracker& idle() const { return idle_; }
  // Whether a CPU switched tasks after `since`.
  bool SwitchedSince(Cpu cpu, Timestamp since) const;

  bool seen() const { return seen_; }

 private:
  // What is kept of one worker.
  struct Track {
    WorkerHistory history;
    size_t trim_at = kMinTrim;
    Timestamp awake_since = kUnseen;  // and not on its CPU
    // Taken to have slept since then until it was woken, by its first event; kUnseen: no longer.
    Timestamp maybe_slept = kUnseen;
    bool listed = false;  // in known_
    bool hidden = false;  // some of its events are not in the trace
    // The longest wait for its CPU, and who had that.
    Cpu waited_for = Cpu::kNone;
    Timestamp waited_since = kUnseen, waited_until = kUnseen;
    TaskSeen had_cpu = {};
    Nanos Longest() const { return wqprof::Between(waited_since, waited_until).value_or(Nanos(0)); }
  };
  static constexpr size_t kMinTrim = 1024;
  static constexpr size_t kMostRuns = 1024;  // kept, of each CPU
  // An execution with more changes than that within it is known in part only.
  static constexpr size_t kMostSteps = 1 << 20;
  Track& TrackOf(const ExecutionContext& worker, bool created = false);
  const Track* FindTrack(const ExecutionContext& worker) const {
    const size_t i = worker.index;
    return i < tracks_.size() ? tracks_[i].get() : nullptr;
  }
  void Set(Track& track, Timestamp at, TaskState state);
  Timestamp KnownSince() const;
  bool Contradict(Track& track);
  void WasAsleep(Track& track, Timestamp until);
  void WasRunnable(Track& track);
  void WasOnCpu(const ExecutionContext& worker, Track& track);
  void NoteWait(Track& track, const Event& e, const CpuRuns& runs);
  void KeepRun(const Event& e, const CpuRuns& runs);
  void SwitchIsMissing(const Event& e, CpuRuns& runs);

  const EventSource& source_;
  WorkerTable& workers_;
  bool seen_ = false, wakes_seen_ = false;
  bool losing_ = false;                         // events of some CPU are missing now
  Timestamp last_loss_ = kUnseen;               // its end, if that is known yet
  std::vector<std::unique_ptr<Track>> tracks_;  // by index of the context
  std::vector<Track*> known_;  // whose state was known at some time since the last loss
  ByCpu<CpuRuns> runs_;
  Timestamp keep_from_ = Timestamp::max();
  ByCpu<std::deque<GapPicture::Run>> kept_runs_;
  IdleTracker idle_;
  bool wants_trim_ = false;
};

}  // namespace wqprof

#endif  // WQPROF_MODEL_SCHED_TRACKER_H_
