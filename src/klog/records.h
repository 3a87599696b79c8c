// SPDX-License-Identifier: Apache-2.0
// One message each: what the kernel printed in it.  Nothing here remembers anything.
#ifndef WQPROF_KLOG_RECORDS_H_
#define WQPROF_KLOG_RECORDS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "klog/scan.h"
#include "wqprof/kernel_log.h"

namespace wqprof::klog {

// A function as %ps prints it: "name", "name [module]", "0xffffffffc0a31000"; an offset behind the
// name is dropped.
bool TakeFunction(Scan& scan, std::string& out);

// " cpus=0-31 node=1 flags=0x4 nice=0", with or without the blank.  The name is set later, by
// NamePool(), once the id is known.
bool TakePool(Scan& scan, LoggedPool& pool);
// Gives the pool its name and its CPU.  An unbound pool has a name only with its id.
void NamePool(LoggedPool& pool);
// Whether both may be the same pool; ids count only where both are known.
bool MaySame(const LoggedPool& a, const LoggedPool& b);

// How far a message could be read.
enum class Reading : uint8_t {
  kOther,  // another message
  kCut,    // of this kind, but it ends too early
  kRead
};

struct LockupRecord {
  LoggedPool pool;
  uint64_t stuck_s = 0;
};
Reading ReadLockup(std::string_view text, LockupRecord& out);

Reading ReadHog(std::string_view text, LoggedHog& out);
Reading ReadFlush(std::string_view text, LoggedFlush& out);

// "workqueue NAME: flags=0x.."
Reading ReadWorkqueue(std::string_view text, std::string& name, uint32_t& flags);
// "pwq N: ..."
Reading ReadPwq(std::string_view text, LoggedPwq& out);
// "pool N: ... hung=.. workers=.."
Reading ReadPool(std::string_view text, LoggedPoolState& out);
// "pool N:" alone: backtraces of its workers follow.
std::optional<uint32_t> ReadPoolHeading(std::string_view text);

// "workqueue NAME: drain_workqueue() isn't complete after N tries"
Reading ReadDrain(std::string_view text, LoggedDrain& out);
// The first of its two lines; `preempt_count` where that line has it.
Reading ReadLeak(std::string_view text, LoggedLeak& out);
// The second.
bool ReadLeakDetails(std::string_view text, LoggedLeak& leak);
Reading ReadFreeze(std::string_view text, LoggedFreeze& out);

Reading ReadBlocked(std::string_view text, LoggedBlocked& out);
Reading ReadSoftLockup(std::string_view text, LoggedSoftLockup& out);

// Who likely has the lock that a task waits for.
struct OwnerRecord {
  std::string comm, lock;
  std::optional<int32_t> pid;         // of the owner
  std::optional<int32_t> waiter_pid;  // of the task that waits
};
bool ReadOwner(std::string_view text, OwnerRecord& out);

// The first line of a task's dump: "task:kworker/1:0 state:D stack:0 pid:27 ...", in older kernels
// "kworker/1:0   D    0    27      2 0x80000000", of a CPU "CPU: 1 PID: 27 Comm: kworker/1:0 ...".
struct TaskRecord {
  std::string_view comm;
  int32_t pid = 0;
  char state = '\0';
};
bool ReadTask(std::string_view text, TaskRecord& out);

// "Workqueue: NAME FUNCTION (DESCRIPTION)" in a task's dump.
bool ReadWorkerOf(std::string_view text, std::string& workqueue, std::string& function);

// A line of a call trace, or the place where a CPU was.
struct FrameRecord {
  std::string function;
  bool sure = true;          // no '?' before it
  bool instruction = false;  // "RIP: ..." or "pc : ..."
};
bool ReadFrame(std::string_view text, FrameRecord& out);
// Of the scheduler, or of an interrupt on its way in or out: not where a task is.
bool IsSchedulerFrame(std::string_view function);

// The release of "Linux version 6.9.0 ...".
std::optional<std::string_view> ReadLinuxVersion(std::string_view text);

// Whether a task of this name is a worker (or was one: rescuers before 6.9 have any name).
inline bool IsWorkerComm(std::string_view comm) { return comm.starts_with("kworker/"); }

}  // namespace wqprof::klog

#endif  // WQPROF_KLOG_RECORDS_H_
