// SPDX-License-Identifier: Apache-2.0
// The results of an analysis, as plain values: the only input of every renderer.
#ifndef WQPROF_REPORT_H_
#define WQPROF_REPORT_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "wqprof/event_source.h"
#include "wqprof/flush_waits.h"
#include "wqprof/histogram.h"
#include "wqprof/measure.h"
#include "wqprof/model.h"
#include "wqprof/pipeline.h"

namespace wqprof {

// How far the numbers can be trusted.  What each counter means stands in kAnomalies (anomaly.h).
struct Quality {
  std::optional<uint64_t> lost_events = 0;  // absent: lost, number unknown
  uint64_t lost_gaps = 0;
  MatchQuality match;
  uint64_t time_reversals = 0, unread_lines = 0, unread_records = 0;
  uint64_t corrupt_pages = 0;
  bool truncated = false;
  bool unfinished = false;    // the recorder was killed
  bool incomplete = false;    // by its own note it lacks events that were recorded
  uint64_t disturbances = 0;  // times that somebody else changed the buffer while it recorded
  // Executions that the kernel itself counted while it was recorded; absent: unknown.
  std::optional<uint64_t> counted_starts;
  uint64_t seen_starts = 0;  // start events, barriers' too
  // Of the counted ones, beyond what may be under way at either end: not seen, with no loss known.
  uint64_t missing_starts = 0;
  // Matched starts of all non-barrier starts that the trace should explain; absent: none.
  std::optional<double> paired_fraction;
  // Nothing lost, damaged or unexplained: no anomaly that is a doubt.
  bool complete() const;
};
Quality QualityOf(const RunFacts& facts);

// The splits of a set of items, summed up.  The items are those whose dispatch wait, or
// execution, is in the histograms, as far as scheduler events show it.
struct SplitSums {
  uint64_t waits = 0, runs = 0;
  WaitSplit wait;
  RunSplit run;
};

// The measures of doc/spec.md §2 over a set of items.
struct Measures {
  uint64_t queued = 0;    // queue events
  uint64_t executed = 0;  // starts matched to their queue event
  uint64_t superseded = 0;
  std::array<Histogram, kMeasures.size()> durations;  // by Measure
  SplitSums split;
  const Histogram& operator[](Measure measure) const {
    return durations[static_cast<size_t>(measure)];
  }
  Histogram& operator[](Measure measure) { return durations[static_cast<size_t>(measure)]; }
  void Merge(const Measures& other);
  // Counts `item`; what a loss or an edge of the trace touches stays out of the histograms, and so
  // does what is not `wanted`.  `its_split` may be null.
  void Add(const WorkItem& item, const ItemSplit* its_split, MeasureSet wanted = MeasureSet::All());
  // Counts it only: of a trace whose clock does not count nanoseconds there are no durations.
  void Count(const WorkItem& item);
};

struct FunctionRow {
  std::string workqueue;  // "" when no queue event named it
  std::string function;   // without the module; an address when no symbol covers it
  std::string module;     // "" for vmlinux
  Measures measures;
};

struct WorkqueueRow {
  std::string workqueue;
  Measures measures;
};

// Items by where they came from: "task ptyload", "softirq", "work xfs_end_io", ...
struct OriginRow {
  std::string kind;
  std::string name;  // comm or function; "" for interrupts
  Measures measures;
};

// Items by the kernel stack in which they were queued.
struct StackRow {
  std::string stack;  // as StackText() writes it; "" not known
  Measures measures;
};

struct PoolRow {
  PoolOccupancy occupancy;
  // Whether the counts and sums of executions that were open, or of items that waited, are known:
  // the events that they need were recorded.
  bool busy_known = true, backlog_known = true;
  // NaN when that is not known, or the trace's clock does not count nanoseconds.
  double busy_mean = 0, busy_fraction = 0, backlog_mean = 0;
  std::optional<Nanos> stalled;               // absent likewise
  std::optional<IdleWaitAccount> idle_waits;  // with scheduler events
  Histogram execution;
  Measures measures;  // of the items that ran there
};

struct CpuRow {
  Cpu cpu = Cpu::kNone;  // where the items ran
  Measures measures;
};

// Who queued items: a kind of Origin with its comm or function.
struct OriginCount {
  std::string kind, name;
  uint64_t count = 0;
};

// In which kernel stack items were queued.
struct StackCount {
  std::string stack;  // as StackText() writes it
  uint64_t count = 0;
};

// What one worker executed of one function.
struct WorkerFunctionRow {
  std::string function, workqueue;
  uint64_t executions = 0;
  Nanos busy{0};                     // wall time of those that ended
  std::optional<Nanos> on_cpu;       // of that; with scheduler events
  std::vector<OriginCount> origins;  // most first; some of them where there are many
};

struct WorkerRow {
  WorkerOccupancy occupancy;
  bool busy_known = true;  // starts and ends were recorded
  std::string comm;        // "" unknown
  std::string pool;
  double busy_fraction = 0;
  Measures measures;
  std::vector<WorkerFunctionRow> functions;  // longest first; none unless taken, as the measures
};

// Waits for activation of one workqueue: on one CPU, or of all of an unbound one.  See
// ActivationAccount.
struct ActivationRow {
  // A function whose items were active meanwhile; "": all further ones.
  struct Holder {
    std::string function;
    Nanos held{0};
  };
  // A task that activated items, other than by ending one; "": an interrupt, or unknown.
  struct Activator {
    std::string comm;
    uint64_t count = 0;
  };
  std::string workqueue;
  Cpu cpu = Cpu::kNone;  // kNone: unbound
  uint64_t items = 0;    // that waited, and were activated in the end
  Nanos waited{0}, worst{0};
  Nanos at_limit{0};  // time in which at least one of them waited
  double inactive_mean = 0;
  uint64_t inactive_max = 0;
  std::optional<uint32_t> active_min, active_max;  // seen active when one that had to wait came
  std::vector<Holder> holders;                     // the longest first
  Nanos unheld{0};                                 // of `waited`: none was seen active
  uint64_t released_by_end = 0;
  std::vector<Activator> activators;
  bool shared_by_pools = false;  // an end in one pool activated an item of another
};

// Items of one function that waited through a stall.
struct DelayedRow {
  std::string function, workqueue;
  uint64_t count = 0;
  uint64_t first = 0;  // of them: had not waited through an earlier stall that was found
  Nanos worst_wait{0};
  std::vector<OriginCount> origins;  // most first
  std::vector<StackCount> stacks;    // likewise; none where they were not recorded
};

// What a wait in a flush was behind: of the executions of that work, or of that workqueue, which
// ended within the wait, the last one.
struct FlushBehind {
  uint64_t item = 0;  // 0: which one is not known
  std::string function, workqueue;
  std::optional<Nanos> executed, waited;  // absent: not seen whole
};

// Waits of one kind for one function's works, or for one workqueue.
struct FlushRow {
  FlushKind kind = FlushKind::kFlushWork;
  std::string function, module;  // "" of a workqueue
  std::string workqueue;         // of a work as far as executions show it
  Histogram wait;                // of those of FlushLog::floor or longer that were kept
  // Of the longest one.
  std::string comm;
  Pid task = Pid::kNone;
  Timestamp begin = kUnseen;
  std::optional<FlushBehind> behind;  // absent: no such execution was seen
  bool at_least = false;              // all times of the waits are lower bounds
  uint64_t long_waits = 0;            // of Report::stall_threshold or longer ...
  Nanos long_time{0};                 // ... and the time in which at least one of them went on
};

// A task as the scheduler's events show it.
struct Task {
  std::string comm;
  Pid pid = Pid::kNone;
  std::optional<int> prio;  // the kernel's, see PolicyOf()
};
// "deadline" (prio -1), "rt" (0 to 99), "fair" (100 to 139); "" when the trace does not show it.  A
// trace does not distinguish FIFO and RR, and a task of SCHED_IDLE looks like any fair one.
std::string_view PolicyOf(const Task& task);

// An execution that kept a worker of a stalled pool.  Times on CPU and off it are known
// only when scheduler events were recorded.
struct StallHolder {
  std::string function, workqueue, worker;
  Pid worker_pid = Pid::kNone;
  Timestamp begin = kUnseen;
  Nanos overlap{0};
  std::optional<Nanos> on_cpu, preempted, blocked;
  std::optional<Nanos> blocked_in_d;  // of blocked: in TASK_UNINTERRUPTIBLE
  std::optional<Task> preempted_by;
  std::string asleep_in;  // "S", "D" or "I": how it slept as the stall ended; "": it did not
  Timestamp asleep_since = kUnseen;
  std::string stack;  // in which its work was queued; "" not known
};

// The worker that ended a stall or, of one that goes on, was woken to end it, and what it did until
// then; with scheduler events.
struct StallStarter {
  std::string worker;
  Pid worker_pid = Pid::kNone;
  WaitSplit wait;
  std::optional<Task> preempted_by;  // the task that had its CPU longest
  Nanos idled{0};                    // awake, it waited so long for a CPU that idled
};

enum class StallCause : uint8_t {
  kUnknown,
  kCpuHog,
  kAllBlocked,
  kNoIdleWorker,
  kStarved,
  kBehindItem,
  kSoftirqDelay,
  kIdleCpu
};
std::string_view ToString(StallCause cause);

// A pool had activated items waiting and started none for at least the threshold.
struct Stall {
  uint64_t id = 0;  // 1, 2, ... by time
  std::string pool;
  Timestamp begin = kUnseen;
  Nanos duration{0};
  bool at_end = false;  // not over when the trace ended: duration is a lower bound
  uint64_t delayed_items = 0;
  Nanos worst_latency{0};
  StallCause cause = StallCause::kUnknown;
  std::vector<StallHolder> holders;
  std::optional<StallStarter> starter;
  std::optional<Nanos> cpu_idle;  // so long the CPU of a per-CPU pool idled
  std::vector<DelayedRow> delayed;
};

enum class FindingKind : uint8_t {
  kStall,           // a pool started nothing while items waited, once or again and again
  kActivationWait,  // items of a workqueue waited for a slot of max_active
  kDispatchWait,    // items waited for a worker, apart from stalls
  kLongExecution,   // an item kept the CPU of a per-CPU pool, and caused no stall
  kIdleCpu,         // items waited although their CPU idled, apart from the above
  kLoop,            // works queue each other, or themselves, without pause
  kFlushWait,       // a task waited for works to end
  kPendingAtEnd,    // an item waited still when the trace ended
  kLostEvents,
  kUnmatched,  // starts without a queue event, which nothing explains
};
// "stall", "activation_wait", ...
std::string_view ToString(FindingKind kind);

// By the longest wait of one item and the share of the trace: high from 100 ms or 10 % on, medium
// from 10 ms or 1 % on.
enum class Severity : uint8_t { kLow, kMedium, kHigh };
std::string_view ToString(Severity severity);

// Something worth knowing, as data: the words are made by the renderer.
struct Finding {
  // Who kept others waiting: executions of a work, or a task that had the CPU.
  struct Culprit {
    std::string function, workqueue;  // "" for a task
    std::optional<Task> task;
    Nanos time{0};  // of all waits, as far as this one had a part in them
  };
  // Items of one function that waited.
  struct Delayed {
    std::string function, workqueue;
    uint64_t count = 0;
    Nanos worst{0};
  };
  uint64_t id = 0;  // 1, 2, ... from the worst
  FindingKind kind = FindingKind::kStall;
  Severity severity = Severity::kLow;
  StallCause cause = StallCause::kUnknown;  // of a stall: that of most of its time
  // What it is about; "" if not about one.  Workqueue and function are those that waited, of a
  // stall, a long execution and a loop those that made others wait.
  std::string pool, workqueue, function;
  Cpu cpu = Cpu::kNone;                // of a per-CPU pool, or of the items that waited
  std::vector<std::string> others;     // further workqueues that waited so, functions of the loop
  std::vector<Culprit> culprits;       // most time first
  std::vector<Delayed> delayed;        // longest wait first
  std::vector<uint64_t> stall_ids;     // longest first
  std::vector<uint64_t> item_ids;      // those that waited longest
  uint64_t count = 0;                  // stalls, items, executions, rounds, or events
  Nanos worst{0};                      // longest wait of one item; a long execution's length
  Nanos total{0};                      // wall time in which at least one item waited so
  Nanos stretch{0};                    // longest time of stalls in a row
  uint64_t stretches = 0;              // of stalls in a row
  double share = 0;                    // total as a part of the trace
  std::optional<uint32_t> active_max;  // items that were active while others waited for a slot
  Nanos waited{0};                     // summed over the items
  WaitSplit wait;                      // of a dispatch wait, with scheduler events
  double cpu_share = 0;                // of a loop: executed time as a part of one CPU
  bool at_end = false;                 // went on when the trace ended: times are lower bounds
  bool inactive = false;               // pending at the end: not activated
  bool rescued = false;                // a rescuer executed most of the items that waited
  FlushKind flush = FlushKind::kFlushWork;  // of a flush
  std::optional<Task> flusher;              // who waited longest in it
  std::optional<FlushBehind> behind;        // what that was behind; absent: not seen
  bool at_least = false;                    // of a flush: times are lower bounds
  bool unheld = false;                      // while items waited for a slot none was seen active
};

// Waits of 1 ms or more, before activation or after it, of all items that the filters let through.
struct LongWaits {
  uint64_t items = 0;
  Nanos worst{0};
  std::string function, workqueue;  // of the worst
};
inline constexpr Nanos kLongWait = std::chrono::milliseconds(1);

// Everything that `report` knows.  Rows are ordered by name; renderers sort as asked.
struct Report {
  TraceInfo source;
  ReadStats read;
  // What rests on one that is not in it is absent.
  WorkqueueEvents recorded = WorkqueueEvents::All();
  Nanos duration{0};
  Quality quality;
  std::vector<FunctionRow> functions;
  std::vector<WorkqueueRow> workqueues;
  std::vector<OriginRow> origins;
  std::vector<StackRow> stacks;  // none where no stack was recorded
  std::vector<CpuRow> cpus;
  std::vector<PoolRow> pools;             // by kind, CPU, name
  std::vector<WorkerRow> workers;         // by pool, pid
  std::vector<ActivationRow> activation;  // by workqueue, CPU
  // By kind, function, workqueue; none without TraceInfo::flushes.
  std::vector<FlushRow> flushes;
  std::vector<Stall> stalls;  // by time; the longest kMaxStalls of them
  uint64_t stalls_total = 0;
  Nanos stall_threshold{0};
  LongWaits long_waits;
  std::vector<Finding> findings;
  std::vector<std::string> filters;  // what was left out on request, in words
};
// A report that has nothing but facts, duration and quality.
Report ReportOf(const RunFacts& facts);

}  // namespace wqprof

#endif  // WQPROF_REPORT_H_
