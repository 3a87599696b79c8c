// SPDX-License-Identifier: Apache-2.0
// From events to the lives of works and the occupancy of pools (doc/kernel.md §2, §3, §8).
#ifndef WQPROF_MODEL_H_
#define WQPROF_MODEL_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wqprof/event_source.h"
#include "wqprof/split.h"
#include "wqprof/stream_copy.h"
#include "wqprof/types.h"

namespace wqprof {

enum class PoolId : uint32_t { kUnknown = 0 };

enum class PoolKind : uint8_t { kUnknown, kPerCpu, kHighpri, kUnbound, kRescuer, kBh, kBhHighpri };
// "per-cpu", "highpri", "unbound", "rescuer", "bh", "bh-highpri", "unknown".
std::string_view ToString(PoolKind kind);

// A worker pool, or a rescuer, named as doc/spec.md §1 does: "cpu3-hi", "u8", "rescuer:xfs-log".
struct Pool {
  PoolId id = PoolId::kUnknown;
  PoolKind kind = PoolKind::kUnknown;
  Cpu cpu = Cpu::kNone;  // per-CPU and BH pools
  std::string name = "unknown";
};

// What a worker's comm says about its pool (doc/kernel.md §3.1).  Only the prefix counts: text
// after the worker's number, as /proc shows it, is ignored.
struct WorkerComm {
  PoolKind kind = PoolKind::kUnknown;
  int number = -1;  // CPU of a per-CPU pool, id of an unbound pool
};
WorkerComm ParseWorkerComm(std::string_view comm);

// What became of one life of a work.
enum class ItemState : uint8_t {
  kDone,         // started and ended, as far as that was recorded and not lost
  kSuperseded,   // stolen or re-queued before it started
  kPending,      // at the end of the trace not started: pending, inactive or cancelled
  kRunning,      // at the end of the trace started, not ended
  kBeforeTrace,  // queued (or started) before the trace began
  kBarrier,      // wq_barrier_func: never queued
  kUnmatched,    // a start without a queue event, or an end without a start, that nothing explains
  // Of traces without some of the four events; what came after was not recorded at all.
  kQueued,   // queued, or activated
  kStarted,  // started
};
inline constexpr ItemState kLastItemState = ItemState::kStarted;
// "done", "superseded", ...: the words of wqprof.works/1.
std::string_view ToString(ItemState state);

// Who queued an item.
struct Origin {
  enum class Kind : uint8_t { kUnknown, kTask, kHardirq, kSoftirq, kNmi, kWork };
  Kind kind = Kind::kUnknown;
  Pid pid = Pid::kNone;  // kTask, kWork: the task that queued
  // kWork: the function then executing; kSoftirq: delayed_work_timer_fn, if that was seen.
  NameId function = NameId::kUnknown;
  // The comm of the task, or the function; kUnknown for interrupts and where it is not known.
  NameId NameIn(const EventSource& source) const {
    return kind == Kind::kTask ? source.CommOf(pid) : function;
  }
};
std::string_view ToString(Origin::Kind kind);

// Index of an item's split; see Completed.
enum class SplitId : uint32_t { kNone = 0 };

// One life of a work: queued -> (inactive) -> activated -> started -> ended.
// A time that was not seen is kUnseen.
struct WorkItem {
  uint64_t id = 0;  // 1, 2, ... in the order of its first event seen
  WorkAddr work{};
  Timestamp queued = kUnseen, activated = kUnseen, started = kUnseen, ended = kUnseen;
  // Of a delayed work, with timer events: when its timer was started last before it queued the
  // item, when it was to expire (that time and the delay asked for; a timer of the kernel counts
  // in jiffies, and may expire up to one before), and how often it was started before that.
  Timestamp armed = kUnseen, due = kUnseen;
  uint32_t rearmed = 0;
  NameId function = NameId::kUnknown;
  NameId workqueue = NameId::kUnknown;  // known from the queue event only
  Origin origin;
  NameId stack = NameId::kUnknown;  // in which it was queued, see stack_text.h
  uint64_t parent = 0;          // id of the item whose execution queued it; 0: none, or not known
  Cpu queue_cpu = Cpu::kNone;   // where the queue event was emitted
  Cpu target_cpu = Cpu::kNone;  // the pool's CPU that it names; kNone: unbound
  Cpu run_cpu = Cpu::kNone, end_cpu = Cpu::kNone;
  Pid worker = Pid::kNone;         // pid of the start event; for a BH work the interrupted task
  PoolId pool = PoolId::kUnknown;  // that executed it
  PoolId waited_in = PoolId::kUnknown;  // on whose worklist it was; not `pool` if rescued
  SplitId split = SplitId::kNone;       // see Completed::SplitOf
  // Items of its workqueue that were active when it was queued, if it was inactive then; -1:
  // it was not, or that is unknown.
  int32_t inactive_behind = -1;
  ItemState state = ItemState::kPending;
  bool softirq = false;           // executed as BH work
  bool requeued_by_self = false;  // queued by its own execution
  bool reentrant = false;         // the same address executed elsewhere at once
  bool collided = false;          // waited for its own previous execution to end
  bool ambiguous = false;     // the PENDING window could not be excluded (doc/kernel.md, rule 5)
  bool wait_tainted = false;  // a loss may have hidden a part of its wait
  bool run_tainted = false;   // ... or of its execution
  // Pending: a later item of its pool has started, though its list is first in, first out: it was
  // cancelled.
  bool overtaken = false;

  bool tainted() const { return wait_tainted || run_tainted; }
  // Its start was seen, and matched to its queue event where those were recorded.
  bool executed() const {
    return state == ItemState::kStarted || state == ItemState::kRunning ||
           (state == ItemState::kDone && started != kUnseen);
  }
  // Where it ran, or was queued if it never ran.
  Cpu cpu() const { return run_cpu != Cpu::kNone ? run_cpu : queue_cpu; }
  // The pool that executed it, or on whose worklist it waits.
  PoolId its_pool() const { return started != kUnseen ? pool : waited_in; }
  // Inlined: g++ 12 returns an optional by a byte that it reads back as a word, which waits for it.
  [[gnu::always_inline]] std::optional<Nanos> ActivationWait() const {
    return Between(queued, activated);
  }
  [[gnu::always_inline]] std::optional<Nanos> DispatchWait() const {
    return Between(activated, started);
  }
  [[gnu::always_inline]] std::optional<Nanos> Latency() const { return Between(queued, started); }
  [[gnu::always_inline]] std::optional<Nanos> Execution() const { return Between(started, ended); }
  [[gnu::always_inline]] std::optional<Nanos> Total() const { return Between(queued, ended); }
};

// An execution that kept one of the pool's workers during a gap.
struct GapHolder {
  NameId function = NameId::kUnknown;
  NameId workqueue = NameId::kUnknown;
  Pid worker = Pid::kNone;
  NameId comm = NameId::kUnknown;
  NameId stack = NameId::kUnknown;   // in which its work was queued
  Timestamp begin = kUnseen;         // of the execution
  Nanos overlap{0};                  // with the gap
  std::optional<RunSplit> split;     // of the overlap; with scheduler events
  TaskSeen preempted_by;             // the task that had its CPU meanwhile
  Nanos idled{0};                    // of that wait for its CPU, how long the CPU idled
  char asleep_in = 0;                // the letter of its state, when it slept as the gap ended ...
  Timestamp asleep_since = kUnseen;  // ... and since when
};

// What the workers of a pool, and its CPU, did over a gap; with scheduler events.
struct GapPicture {
  static constexpr size_t kParts = 240;  // equal ones, of the gap
  // What a worker did for the most of a part: kWaited for a CPU, kAwake on its CPU without
  // executing, kSlept within an execution.
  enum class Did : uint8_t { kUnknown, kIdle, kWaited, kAwake, kExecuted, kSlept };
  struct Worker {
    Pid pid = Pid::kNone;
    NameId comm = NameId::kUnknown;
    std::array<Did, kParts> did{};
  };
  // A task had the CPU.
  struct Run {
    TaskSeen task;
    Timestamp begin = kUnseen, end = kUnseen;
  };
  std::vector<Worker> workers;  // the one that ended the gap, and those that executed in it
  std::vector<Run> runs;        // of the CPU of a per-CPU pool, by time; the last ones
};

// A time in which a pool had activated items waiting and started none.
struct PoolGap {
  PoolId pool = PoolId::kUnknown;
  Timestamp begin = kUnseen;
  Timestamp end = kUnseen;  // the start that ended it, or the end of the trace
  uint64_t waiting = 0;     // items waiting when it ended
  bool at_end = false;      // the trace ended first
  // As the pool starts nothing in a gap, each worker has at most one execution in it.
  std::vector<GapHolder> holders;
  // What the worker did in it that ended the gap or, of one that goes on, that was woken to end it
  // and does not execute yet; with scheduler events.
  std::optional<WaitSplit> starter;
  NameId starter_comm = NameId::kUnknown;
  Pid starter_pid = Pid::kNone;
  TaskSeen starter_preempted_by;  // the task that had its CPU longest before it
  Nanos starter_idled{0};  // awake, it waited so long while the CPU on which it then ran idled
  std::optional<Nanos> cpu_idle;  // so long the CPU of a per-CPU pool idled; with scheduler events
  bool collided = false;          // the item that ended the gap waited for its own execution to end
  bool rescued = false;  // a rescuer ended the gap; its item before this one is a holder, too
  Nanos creation{0};     // longest that a worker of the pool slept over making another one
  std::shared_ptr<const GapPicture> picture;  // null unless wanted
};

// How busy a pool was.  Sums are in ns of trace time; divide by the trace's duration.
struct PoolOccupancy {
  Pool pool;
  uint64_t executions = 0;   // starts on it, barriers included
  uint64_t workers = 0;      // distinct workers seen executing
  uint32_t busy_max = 0;     // most executions open at once
  Nanos busy_sum{0};         // integral of the number of open executions
  Nanos busy_any{0};         // time with at least one open execution
  uint64_t backlog_max = 0;  // most activated items waiting at once
  Nanos backlog_sum{0};      // integral of the number waiting
};

// How busy one worker was.  A pid that served two pools in turn is two workers.
struct WorkerOccupancy {
  Pid pid = Pid::kNone;
  NameId comm = NameId::kUnknown;
  PoolId pool = PoolId::kUnknown;
  uint64_t executions = 0;
  Nanos busy{0};
};

// Waits for activation: of the items of one workqueue on one CPU, or of an unbound one, as
// those share the limit (max_active).  Workqueues of one name count as one.  Only items that
// were activated in the end count; who held the slots is as far as the trace saw it.
struct ActivationAccount {
  // Items of one function that were active, on the worklist or executing, meanwhile.
  struct Holder {
    NameId function = NameId::kUnknown;  // kUnknown: all further ones
    Nanos held{0};                       // summed over the items that waited
  };
  // A task that activated items other than by ending one.
  struct Activator {
    NameId comm = NameId::kUnknown;  // kUnknown: in an interrupt, or a name not known
    uint64_t count = 0;
  };
  NameId workqueue = NameId::kUnknown;
  Cpu cpu = Cpu::kNone;  // kNone: unbound
  uint64_t items = 0;
  Nanos waited{0}, worst{0};
  Nanos at_limit{0};          // time in which at least one of them waited
  uint64_t inactive_max = 0;  // most that were queued and not activated at once
  // Fewest and most items that were seen active when one was queued that had to wait; absent
  // where that is not known of any.
  std::optional<uint32_t> active_min, active_max;
  std::vector<Holder> holders;
  Nanos unheld{0};               // of `waited`: no item of it was seen active
  uint64_t released_by_end = 0;  // activated as an item of it ended
  std::vector<Activator> activators;
  bool shared_by_pools = false;  // the end in one pool activated an item of another
};

// Items of one pool that waited, activated, while its CPU idled; or, of an unbound pool, while one
// of those CPUs idled on which it had executed before.  Each waited so for kLongIdle or more.
inline constexpr Nanos kLongIdle = std::chrono::milliseconds(1);
struct IdleWaitAccount {
  PoolId pool = PoolId::kUnknown;
  uint64_t items = 0;
  Nanos waited{0};  // time in which at least one of them waited so
  Nanos worst{0};   // of one item
};

// A change of one pool: from `at` on so many activated items wait, and so many executions are open.
// As in PoolOccupancy an item counts once it is known which pool serves it, and an execution that
// began before the trace never does: that one is known by its end only.
struct PoolStep {
  Timestamp at = kUnseen;
  PoolId pool = PoolId::kUnknown;
  uint32_t backlog = 0;
  uint32_t busy = 0;
  uint32_t unused = 0;  // batches are copied in whole words
};

// A span in which events of one CPU are missing.
struct LossSpan {
  Timestamp begin = kUnseen;  // kUnseen: since before the first event
  Timestamp end = kUnseen;
  Cpu cpu = Cpu::kNone;
};

// A span in which a worker had an execution open, and not its CPU.
struct RunPart {
  enum class Kind : uint8_t { kPreempted, kBlocked, kBlockedInD, kRunnable };
  Timestamp started = kUnseen;  // the execution's start, which with its worker names it
  Timestamp begin = kUnseen, end = kUnseen;
  Pid worker = Pid::kNone;
  PoolId pool = PoolId::kUnknown;
  Kind kind = Kind::kPreempted;
};

// A task that slept, uninterruptibly, until a barrier woke it: it waited for the work behind which
// the barrier was.  It may have waited before it slept, and after it was woken.
struct BarrierWait {
  // It went to sleep; kUnseen: before the recording began, or while events were missing.
  Timestamp begin = kUnseen;
  Timestamp end = kUnseen;  // the barrier woke it
  Pid task = Pid::kNone;
  NameId comm = NameId::kUnknown;
  // What the barrier's worker executed right before it, as far as it was known then; without an
  // end: that is not known.
  WorkItem behind;
};

// What is open at the last event: how a recording that goes on stands.
struct OpenState {
  // One pool that has anything open.
  struct InPool {
    PoolId pool = PoolId::kUnknown;
    uint64_t backlog = 0;  // activated items that wait; not those that a later one has overtaken
    uint64_t busy = 0;     // executions that are open
    std::optional<PoolGap> gap;  // it goes on, so that at_end is set; at least the gap floor long
    // In a gap of a per-CPU pool: the task that has its CPU, and since when; with scheduler events.
    TaskSeen on_cpu;
    Timestamp on_cpu_since = kUnseen;
  };
  // The outermost execution of one worker, or of a CPU's softirqs.
  struct Execution {
    NameId function = NameId::kUnknown;
    NameId workqueue = NameId::kUnknown;
    PoolId pool = PoolId::kUnknown;
    Pid worker = Pid::kNone;  // kNone: softirqs
    NameId comm = NameId::kUnknown;
    Cpu cpu = Cpu::kNone;  // where it started
    Timestamp begin = kUnseen;
    bool softirq = false;
    std::optional<RunSplit> split;  // of what lies behind `since`; with scheduler events
    WorkItem item;                  // all that is known of it by now
  };
  Timestamp at = kUnseen;  // the last event
  std::vector<InPool> pools;
  std::vector<Execution> executions;
};

// What a Reconstructor completed since it was asked last.
struct Completed {
  template <typename T>
  using Batch = std::vector<T, UninitializedAllocator<T>>;
  Batch<WorkItem> items;    // in the order in which they were complete
  Batch<ItemSplit> splits;  // of those items that have one
  std::vector<PoolGap> gaps;
  Batch<PoolStep> pool_steps;              // by time; none unless wanted
  std::vector<LossSpan> losses;            // in the order of their ends
  Batch<RunPart> run_parts;                // of executions that ended; none unless wanted
  std::vector<BarrierWait> barrier_waits;  // by end; none unless wanted
  Timestamp trace_begin = kUnseen;         // first event of the trace; kUnseen: not come yet

  // Null without scheduler events.
  const ItemSplit* SplitOf(const WorkItem& item) const {
    return item.split == SplitId::kNone ? nullptr : &splits[static_cast<size_t>(item.split) - 1];
  }
};

// What matching could not decide, or decided with doubt.  Counts of items, or of events where
// no item could be made.
struct MatchQuality {
  uint64_t executed = 0;  // starts matched to their queue event
  uint64_t superseded = 0;
  uint64_t barriers = 0;
  uint64_t unmatched_starts = 0;
  uint64_t unmatched_ends = 0;
  uint64_t before_trace = 0;
  uint64_t pending_at_end = 0;
  uint64_t running_at_end = 0;
  uint64_t tainted = 0;
  uint64_t ambiguous = 0;
  uint64_t negative_latencies = 0;
  uint64_t lost_ends = 0;          // a worker started anew without an end event
  uint64_t unseen_switches = 0;    // a worker executed that by its last switch had no CPU
  uint64_t stray_activations = 0;  // activate without a queued work: cancelled (<= 6.9)
};

// Matches events into items and keeps the account of pools and workers.  It cannot fail:
// what does not fit is counted, and no item is ever guessed across a loss.
// Memory grows with the works that are pending or executing, not with the trace.
class Reconstructor {
 public:
  struct Options {
    Nanos gap_floor = std::chrono::milliseconds(10);  // shortest PoolGap reported
    bool pool_steps = false;                          // each PoolStep is reported
    Timestamp picture_of = kUnseen;                   // gaps that begin then have a picture
    // Of workers that showed no sign of life for long nothing is kept once there are thousands, not
    // even for Workers(): a recording may go on for days.
    bool forget_workers = false;
    // Each RunPart that lasts so long is reported, with scheduler events.
    Nanos run_part_floor = Nanos::max();
    bool barrier_waits = false;  // each BarrierWait is reported, with scheduler events
    // Items have their ItemSplit::wait, and their ItemSplit::run.
    bool wait_splits = true, run_splits = true;
    // Barriers are handed out among the items; else they are counted only.
    bool barriers = true;
  };
  // Items of works alone.
  static Options Nothing() {
    return {
        .gap_floor = Nanos::max(), .wait_splits = false, .run_splits = false, .barriers = false};
  }
  // `source` gives names and facts of the trace and must outlive this object.
  explicit Reconstructor(const EventSource& source, Options options);
  explicit Reconstructor(const EventSource& source) : Reconstructor(source, Options{}) {}
  ~Reconstructor();

  // Reports what `options` asks for as well: gaps from the shorter floor on, so that who wants
  // longer ones has to choose.  REQUIRES: before the first Add().
  void Want(const Options& options);

  // REQUIRES: time order, across calls too; not after Finish().
  void Add(std::span<const Event> events);
  // Nothing that comes yet is before what came: a recording that goes on is looked at now.
  void CatchUp();
  // The trace is over: what is open becomes pending or running, what was held back is handed out.
  void Finish();

  // Moves what was completed since the last call into `out`; what that held is dropped, its
  // memory is used again.
  void Take(Completed& out);

  const MatchQuality& quality() const;
  // A pool that an item, a gap or a step names.  Other threads that were given those may ask
  // while events are added.
  const Pool& pool(PoolId id) const;
  // Accounts up to the last event, pools and workers in order of their first start.
  std::vector<PoolOccupancy> Pools() const;
  std::vector<WorkerOccupancy> Workers() const;
  // What is open now.  Executions are split from `since` on, or from their begin.
  OpenState Open(Timestamp since) const;
  // In order of the first queue event of each.
  std::vector<ActivationAccount> Activations() const;
  // Of pools that have any; none without scheduler events.
  std::vector<IdleWaitAccount> IdleWaits() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wqprof

#endif  // WQPROF_MODEL_H_
