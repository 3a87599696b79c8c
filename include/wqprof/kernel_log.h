// SPDX-License-Identifier: Apache-2.0
// What a kernel log says about workqueues: the watchdog's dumps, functions that hogged a CPU,
// workers that hang.  A log is no trace: it has snapshots and complaints, but no items and no
// latencies.
#ifndef WQPROF_KERNEL_LOG_H_
#define WQPROF_KERNEL_LOG_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "wqprof/log_line.h"
#include "wqprof/report.h"
#include "wqprof/types.h"

namespace wqprof {

// When the kernel printed something, as far as the log shows.
struct LogTime {
  std::optional<Nanos> stamp;  // since boot
  std::string wall;            // as the log writes it; "" unknown
};

// One boot of the machine.  Stamps of two boots do not mix.
struct LoggedBoot {
  std::optional<Nanos> first, last;  // since boot, of its first and its last line with a stamp
  std::string begin;                 // wall time of its first line that has one
  std::string kernel;                // release; "" unknown
};

// A worker pool as the kernel prints it.
struct LoggedPool {
  std::string name = "unknown";  // "cpu3", "cpu3-hi", "bh3", "u9"
  std::optional<uint32_t> id;
  std::string cpus;  // "3", "0-31,64-95"
  std::optional<int32_t> node, nice;
  bool bh = false;
  bool high = false;  // nice -20, or bh-hi
  uint32_t flags = 0;
  // The CPU of a per-CPU or BH pool; absent for an unbound one.
  std::optional<uint32_t> cpu;
};

// Works of one function that have not started.
struct LoggedWaiting {
  std::string function, workqueue;
  uint64_t count = 1;
  bool inactive = false;                  // not even activated: max_active, or a freeze
  std::optional<int32_t> barrier_of_pid;  // a flush's barrier, and the task that waits in it
};

// A work that executes, or that is linked behind one and runs on the same worker after it.
struct LoggedExecution {
  std::string function, workqueue;
  std::optional<int32_t> worker_pid;  // absent for BH
  uint64_t count = 1;                 // of linked ones
  bool rescuer = false;
  bool linked = false;
  std::optional<uint64_t> seconds;  // for how long, where the kernel prints it (7.0 and later)
  std::optional<int32_t> barrier_of_pid;
  char state = '\0';  // of the task: 'R', 'D', 'S', ...; 0 unknown
  std::string at;     // the first frame of its backtrace that is not the scheduler's
};

// A pool that started nothing although works were pending, until the watchdog complained:
// one episode, however often it was reported.
struct Lockup {
  uint64_t id = 0;    // 1, 2, ... in the order of the log
  uint32_t boot = 0;  // index into KernelLog::boots
  LoggedPool pool;
  std::optional<Nanos> begin_since_boot;
  std::string begin;     // wall time, in the way the log writes it
  uint64_t stuck_s = 0;  // the longest reported
  uint64_t reports = 0;
  // Of the dump that followed; absent when it did not show it.
  std::optional<uint64_t> workers, idle;
  std::optional<int32_t> manager_pid;
  bool dumped = false;  // a dump followed at all
  std::vector<LoggedWaiting> waiting;
  std::vector<LoggedExecution> in_flight;
  StallCause cause = StallCause::kUnknown;
  std::string text;  // who holds it, who waits and why, in plain words
};

// A pool's own line in a dump, the newest one.  The kernel leaves out pools whose workers all idle.
struct LoggedPoolState {
  uint32_t boot = 0;
  std::optional<Nanos> at;
  LoggedPool pool;
  std::optional<uint64_t> hung_s, workers, idle;
  std::optional<int32_t> manager_pid;
};

// The works of one workqueue in one pool, from the newest dump.
struct LoggedPwq {
  std::optional<Nanos> at;
  LoggedPool pool;
  int64_t active = 0;
  std::optional<int64_t> max_active;  // to 6.8
  bool mayday = false;                // waits for its rescuer
  std::vector<LoggedWaiting> waiting;
  std::vector<LoggedExecution> in_flight;
};

struct LoggedWorkqueue {
  uint32_t boot = 0;
  std::string workqueue;  // "" when the line was lost
  std::optional<uint32_t> flags;
  std::vector<LoggedPwq> pwqs;
};

// A function of which the kernel said that it hogged a CPU; the highest count.
struct LoggedHog {
  uint32_t boot = 0;
  std::string function;
  uint64_t threshold_us = 0;
  uint64_t times = 0;
  uint64_t reports = 0;
  LogTime first, last;
};

// A work or a task that reclaims memory and waits for a workqueue that cannot promise to run then.
struct LoggedFlush {
  uint32_t boot = 0;
  LogTime at;
  std::string from_workqueue, from_function;  // "": a task did it
  std::string from_comm;
  std::optional<int32_t> from_pid;
  std::string to_workqueue, to_function;  // function "": the whole workqueue was flushed
};

// A worker that the hung-task detector found.
struct LoggedBlocked {
  uint32_t boot = 0;
  LogTime at;
  std::string worker;  // its comm
  int32_t pid = 0;
  std::string workqueue, function, frame;  // "" unknown
  uint64_t seconds = 0;                    // the longest reported
  uint64_t reports = 0;
  std::string owner;  // comm of the task that likely holds the lock
  std::optional<int32_t> owner_pid;
  std::string lock;  // "mutex", "semaphore", "rw-semaphore"
};

// A task that kept a CPU in the kernel for longer than the soft-lockup detector allows.
struct LoggedSoftLockup {
  uint32_t boot = 0;
  LogTime at;
  uint32_t cpu = 0;
  std::string worker;  // its comm
  int32_t pid = 0;
  bool is_worker = true;
  std::string workqueue, function, frame;
  uint64_t seconds = 0;
  uint64_t reports = 0;
};

// A work that returned with a lock held or preemption off.
struct LoggedLeak {
  uint32_t boot = 0;
  LogTime at;
  std::string worker;
  int32_t pid = 0;
  std::string function;
  std::string what;  // "atomic", "lock", "RCU", several by comma
};

// A suspend that failed.
struct LoggedFreeze {
  uint32_t boot = 0;
  LogTime at;
  double seconds = 0;
  uint64_t wq_busy = 0, tasks = 0;
  std::vector<LoggedExecution> in_flight;  // of freezable workqueues
};

// A workqueue that is drained or destroyed, and whose works go on.
struct LoggedDrain {
  uint32_t boot = 0;
  LogTime at;
  std::string workqueue;
  std::string by;  // "drain_workqueue", "destroy_workqueue", ...
  uint64_t tries = 0;
};

// Something worth knowing, in plain words, with what to do about it.
struct LogFinding {
  uint64_t id = 0;
  uint32_t boot = 0;
  std::string kind;      // "lockup", "hogged_cpu", "max_active", "flush_dependency", ...
  std::string severity;  // "high", "medium", "low"
  std::string text, because;
  std::vector<std::string> tries;
  std::string pool, workqueue, function;
  uint64_t count = 0;
};

// All that a log says about workqueues.
struct KernelLog {
  // Rows of each list that are kept; further ones are counted in `rows_left_out`.
  static constexpr size_t kMaxRows = 2000;

  uint64_t lines = 0;
  uint64_t messages = 0;  // lines that are about workqueues or workers
  std::vector<LoggedBoot> boots;
  std::vector<Lockup> lockups;
  std::vector<LoggedPoolState> pools;
  std::vector<LoggedWorkqueue> workqueues;
  std::vector<LoggedHog> hogs;
  std::vector<LoggedFlush> flush_dependencies;
  std::vector<LoggedBlocked> blocked;
  std::vector<LoggedSoftLockup> soft_lockups;        // of workers
  std::vector<LoggedSoftLockup> other_soft_lockups;  // of other tasks: they keep a CPU as well
  std::vector<LoggedLeak> leaks;
  std::vector<LoggedFreeze> freezes;
  std::vector<LoggedDrain> drains;
  std::vector<LogFinding> findings;  // the worst first
  uint64_t unread_lines = 0;         // that name a workqueue message and could not be read
  std::string first_unread;          // the first of them
  uint64_t rows_left_out = 0;
  bool truncated = false;  // a list or a record was cut; counts are lower bounds

  // Whether there is anything to report.
  bool empty() const;
};

// The names of a workqueue's flags: "WQ_UNBOUND", ...; unknown bits as "0x400".
std::vector<std::string> WorkqueueFlagNames(uint32_t flags);

// Reads a log line by line.  Any text is a log; what is not about workqueues is passed over.
// Memory is bounded by KernelLog::kMaxRows, time is linear in the text.
class KernelLogReader {
 public:
  KernelLogReader();
  ~KernelLogReader();
  KernelLogReader(const KernelLogReader&) = delete;
  KernelLogReader& operator=(const KernelLogReader&) = delete;

  // The next line, in the order of the log.
  void Add(const LogLine& line);
  // Whether anything so far was about workqueues.
  bool found() const;
  // What was read.  REQUIRES: called once, after the last line.
  KernelLog Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wqprof

#endif  // WQPROF_KERNEL_LOG_H_
