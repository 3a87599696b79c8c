// SPDX-License-Identifier: Apache-2.0
// Messages of kernels from 4.5 to 7.x, and what a log that is made of them says.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <string_view>

#include "klog/records.h"
#include "klog/wall_time.h"
#include "klog/work_list.h"
#include "wqprof/kernel_log.h"
#include "wqprof/log_line.h"

namespace wqprof {
namespace {

using std::chrono::seconds;

KernelLog Read(std::string_view text) {
  LogLineReader lines;
  KernelLogReader reader;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    reader.Add(lines.Read(text.substr(0, end)));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return reader.Finish();
}

// {"vmstat_update": 1, ...}; inactive ones only with `inactive`.
std::map<std::string, uint64_t> Waiting(const std::vector<LoggedWaiting>& rows,
                                        bool inactive = false) {
  std::map<std::string, uint64_t> out;
  for (const LoggedWaiting& row : rows) {
    if (row.inactive == inactive) out[row.function] += row.count;
  }
  return out;
}

using Counts = std::map<std::string, uint64_t>;

LoggedPool Pool(std::string_view text, std::optional<uint32_t> id = std::nullopt) {
  klog::Scan scan(text);
  LoggedPool pool;
  EXPECT_TRUE(klog::TakePool(scan, pool)) << text;
  pool.id = id;
  klog::NamePool(pool);
  return pool;
}

TEST(Pool, HasTheNameThatTracesGiveIt) {
  EXPECT_EQ(Pool("cpus=3 node=0 flags=0x0 nice=0").name, "cpu3");
  EXPECT_EQ(Pool("cpus=3 flags=0x1 nice=-20").name, "cpu3-hi");
  EXPECT_EQ(Pool("cpus=1 node=0 flags=0x1 bh").name, "bh1");
  EXPECT_EQ(Pool("cpus=1 node=0 flags=0x1 bh-hi").name, "bh1-hi");
  EXPECT_EQ(Pool("cpus=0-3,8 flags=0x4 nice=0", 18).name, "u18");
}

TEST(Pool, ThatIsUnboundHasNoNameWithoutItsId) {
  EXPECT_EQ(Pool("cpus=0-1 node=0 flags=0x4 nice=0").name, "unknown");
}

TEST(Pool, OfOneCpuThatIsDisassociatedIsToldByItsId) {
  // Of an offline CPU, before and since the pools of BH; and an unbound one of a small machine.
  EXPECT_EQ(Pool("cpus=3 node=0 flags=0x4 nice=0", 6).name, "cpu3");
  EXPECT_EQ(Pool("cpus=3 node=0 flags=0x4 nice=0", 14).name, "cpu3");
  EXPECT_EQ(Pool("cpus=0 flags=0x4 nice=0", 8).name, "u8");
}

LoggedPwq List(std::string_view line) {
  LoggedPwq pwq;
  const auto head = klog::ReadListHead(line);
  EXPECT_TRUE(head.has_value()) << line;
  EXPECT_TRUE(klog::ReadList(*head, "wq", line.size(), pwq)) << line;
  return pwq;
}

TEST(List, HasItsCommaBehindOrBetweenBlanks) {
  EXPECT_EQ(Waiting(List("    pending: a, b [m], a").waiting), (Counts{{"a", 2}, {"b [m]", 1}}));
  EXPECT_EQ(Waiting(List("    pending: 9*a ,b").waiting), (Counts{{"a", 9}, {"b", 1}}));
}

TEST(List, CalledDelayedIsOfInactiveWorks) {
  EXPECT_EQ(Waiting(List("    delayed: a, a").waiting, true), (Counts{{"a", 2}}));
  EXPECT_EQ(Waiting(List("    inactive: 3*a").waiting, true), (Counts{{"a", 3}}));
}

TEST(List, InFlightTellsWorkersRescuersAndAges) {
  const LoggedPwq pwq = List("    in-flight: 27:f for 56s ,88(RESCUER):g [m] ,bh-hi:h for 0s");
  ASSERT_EQ(pwq.in_flight.size(), 3u);
  EXPECT_EQ(pwq.in_flight[0].worker_pid, 27);
  EXPECT_EQ(pwq.in_flight[0].seconds, 56u);
  EXPECT_TRUE(pwq.in_flight[1].rescuer);
  EXPECT_EQ(pwq.in_flight[1].function, "g [m]");
  EXPECT_FALSE(pwq.in_flight[2].worker_pid.has_value());
  EXPECT_EQ(pwq.in_flight[2].seconds, 0u);
}

TEST(List, WithoutACommaIsLinkedBehindTheWorker) {
  const LoggedPwq pwq = List("    in-flight: 12:f BAR(901), 13:g g");
  ASSERT_EQ(pwq.in_flight.size(), 4u);
  EXPECT_EQ(pwq.in_flight[1].barrier_of_pid, 901);
  EXPECT_EQ(pwq.in_flight[1].worker_pid, 12);
  EXPECT_TRUE(pwq.in_flight[1].linked);
  EXPECT_EQ(pwq.in_flight[3].function, "g");
  EXPECT_EQ(pwq.in_flight[3].worker_pid, 13);
  EXPECT_FALSE(pwq.in_flight[3].seconds.has_value());
}

TEST(List, ThatIsCutLosesTheNameAtItsEnd) {
  std::string line = "    pending:";
  while (line.size() < 990) line += " psi_avgs_work,";
  line += " psi";
  LoggedPwq pwq;
  EXPECT_FALSE(klog::ReadList(*klog::ReadListHead(line), "wq", line.size(), pwq));
  EXPECT_EQ(Waiting(pwq.waiting).count("psi"), 0u);
  EXPECT_EQ(Waiting(pwq.waiting).at("psi_avgs_work"), 66u);
}

constexpr std::string_view kOfFourFive =
    "[   61.0] BUG: workqueue lockup - pool cpus=1 node=0 flags=0x0 nice=0 stuck for 31s!\n"
    "[   61.0] Showing busy workqueues and worker pools:\n"
    "[   61.0] workqueue events: flags=0x0\n"
    "[   61.0]   pwq 2: cpus=1 node=0 flags=0x0 nice=0 active=3/256\n"
    "[   61.0]     in-flight: 17:spin_fn [mod]\n"
    "[   61.0]     pending: vmstat_shepherd, cache_reap\n"
    "[   61.0] pool 2: cpus=1 node=0 flags=0x0 nice=0 hung=31s workers=2 idle: 32\n";

TEST(Lockup, IsJoinedWithTheDumpBehindIt) {
  const KernelLog log = Read(kOfFourFive);
  ASSERT_EQ(log.lockups.size(), 1u);
  const Lockup& lockup = log.lockups[0];
  EXPECT_EQ(lockup.pool.name, "cpu1");
  EXPECT_EQ(lockup.pool.id, 2u);
  EXPECT_EQ(lockup.begin_since_boot, seconds(30));
  EXPECT_EQ(Waiting(lockup.waiting), (Counts{{"vmstat_shepherd", 1}, {"cache_reap", 1}}));
  ASSERT_EQ(lockup.in_flight.size(), 1u);
  EXPECT_EQ(lockup.in_flight[0].function, "spin_fn [mod]");
  EXPECT_EQ(lockup.workers, 2u);
  EXPECT_EQ(lockup.idle, 1u);
  // Whether the worker runs or sleeps is not in the log.
  EXPECT_EQ(lockup.cause, StallCause::kUnknown);
  EXPECT_EQ(log.unread_lines, 0u);
}

TEST(Lockup, ReportedAgainIsTheSameEpisode) {
  const std::string again =
      "[   91.5] BUG: workqueue lockup - pool cpus=1 node=0 flags=0x0 nice=0 stuck for 61s!\n"
      "[  200.0] BUG: workqueue lockup - pool cpus=1 node=0 flags=0x0 nice=0 stuck for 30s!\n";
  const KernelLog log = Read(std::string(kOfFourFive) + again);
  ASSERT_EQ(log.lockups.size(), 2u);
  EXPECT_EQ(log.lockups[0].reports, 2u);
  EXPECT_EQ(log.lockups[0].stuck_s, 61u);
  EXPECT_EQ(log.lockups[1].begin_since_boot, seconds(170));
  // What the first dump told stays: no other followed.
  EXPECT_EQ(log.lockups[0].in_flight.size(), 1u);
}

TEST(Lockup, OfTwoPoolsAtOnceSharesOneDump) {
  const KernelLog log = Read(
      "[ 80.0] BUG: workqueue lockup - pool cpus=0 node=0 flags=0x0 nice=0 stuck for 40s!\n"
      "[ 80.0] BUG: workqueue lockup - pool cpus=3 node=0 flags=0x0 nice=-20 stuck for 33s!\n"
      "[ 80.1] Showing busy workqueues and worker pools:\n"
      "[ 80.1] workqueue a: flags=0x8\n"
      "[ 80.1]   pwq 0: cpus=0 node=0 flags=0x0 nice=0 active=1/256 refcnt=2\n"
      "[ 80.1]     pending: f\n"
      "[ 80.1]   pwq 7: cpus=3 node=0 flags=0x0 nice=-20 active=1/256 refcnt=2 MAYDAY\n"
      "[ 80.1]     pending: g\n");
  ASSERT_EQ(log.lockups.size(), 2u);
  EXPECT_EQ(Waiting(log.lockups[0].waiting), (Counts{{"f", 1}}));
  EXPECT_EQ(log.lockups[1].pool.name, "cpu3-hi");
  EXPECT_EQ(Waiting(log.lockups[1].waiting), (Counts{{"g", 1}}));
  // The dump has no line for these pools: all of their workers are idle.
  EXPECT_EQ(log.lockups[0].cause, StallCause::kStarved);
  EXPECT_TRUE(log.workqueues[0].pwqs[1].mayday);
}

TEST(Lockup, OfCpusThatWriteAtOnceIsToldApartByTheirCallers) {
  const KernelLog log = Read(
      "[ 80.0][    C0] BUG: workqueue lockup - pool cpus=0 flags=0x0 nice=0 stuck for 40s!\n"
      "[ 80.0][    C0] Showing busy workqueues and worker pools:\n"
      "[ 80.0][   T28] workqueue other: flags=0x0\n"
      "[ 80.0][    C0] workqueue events: flags=0x0\n"
      "[ 80.0][   T28]   pwq 9: cpus=4 flags=0x0 nice=0 active=1 refcnt=2\n"
      "[ 80.0][    C0]   pwq 0: cpus=0 flags=0x0 nice=0 active=1 refcnt=2\n"
      "[ 80.0][   T28]     pending: not_mine\n"
      "[ 80.0][    C0]     pending: mine\n");
  ASSERT_EQ(log.lockups.size(), 1u);
  EXPECT_EQ(Waiting(log.lockups[0].waiting), (Counts{{"mine", 1}}));
}

// A lockup of cpu1 in 6.4 or later: `in_flight` is 17:f, and `more` follows the dump.
KernelLog ReadWithBacktraces(std::string_view more, std::string_view pool = "workers=2 idle: 32") {
  return Read(std::string("[ 61.0] BUG: workqueue lockup - pool cpus=1 node=0 flags=0x0 nice=0 "
                          "stuck for 31s!\n"
                          "[ 61.0] Showing busy workqueues and worker pools:\n"
                          "[ 61.0] workqueue events: flags=0x0\n"
                          "[ 61.0]   pwq 6: cpus=1 node=0 flags=0x0 nice=0 active=3 refcnt=4\n"
                          "[ 61.0]     in-flight: 17:f\n"
                          "[ 61.0]     pending: g\n"
                          "[ 61.0] pool 6: cpus=1 node=0 flags=0x0 nice=0 hung=31s ") +
              std::string(pool) + "\n" + std::string(more));
}

TEST(Cause, IsAHogWhenTheKernelShowsARunningWorker) {
  const KernelLog log = ReadWithBacktraces(
      "[ 61.1] Showing backtraces of running workers in stalled CPU-bound worker pools:\n"
      "[ 61.1] pool 6:\n"
      "[ 61.1] task:kworker/1:0     state:R  running task     stack:0     pid:17    tgid:17    "
      "ppid:2      flags:0x00004008\n"
      "[ 61.1] Workqueue: events f\n"
      "[ 61.1] Call Trace:\n"
      "[ 61.1]  <TASK>\n"
      "[ 61.1]  __schedule+0x3b4/0xa40\n"
      "[ 61.1]  ? preempt_count_add+0x1/0x2\n"
      "[ 61.1]  try_address+0x51/0x80\n"
      "[ 61.1]  bit_xfer+0x1f/0x400\n");
  ASSERT_EQ(log.lockups.size(), 1u);
  EXPECT_EQ(log.lockups[0].cause, StallCause::kCpuHog);
  EXPECT_EQ(log.lockups[0].in_flight[0].at, "try_address");
  EXPECT_NE(log.lockups[0].text.find("try_address"), std::string::npos);
}

TEST(Cause, IsSleepWhenNoWorkerRuns) {
  const std::string heading =
      "[ 61.1] Showing backtraces of running workers in stalled CPU-bound worker pools:\n";
  EXPECT_EQ(ReadWithBacktraces(heading + "[ 61.2] usb 1-1: reset\n").lockups[0].cause,
            StallCause::kAllBlocked);
  // A log that ends with the heading may have been cut there.
  EXPECT_EQ(ReadWithBacktraces(heading).lockups[0].cause, StallCause::kUnknown);
}

TEST(Cause, IsSleepWhenABusyWorkerIsInDState) {
  const KernelLog log = ReadWithBacktraces(
      "[ 61.1] Showing backtraces of busy workers in stalled CPU-bound worker pools:\n"
      "[ 61.1] pool 6:\n"
      "[ 61.1] task:kworker/1:0 state:D stack:0 pid:17 tgid:17 ppid:2 task_flags:0x4208060 "
      "flags:0x00004000\n"
      "[ 61.1] Call Trace:\n"
      "[ 61.1]  __schedule+0x3b4/0xa40\n"
      "[ 61.1]  schedule_preempt_disabled+0x15/0x30\n"
      "[ 61.1]  __mutex_lock.constprop.0+0x3a/0x700\n");
  EXPECT_EQ(log.lockups[0].cause, StallCause::kAllBlocked);
  EXPECT_EQ(log.lockups[0].in_flight[0].at, "__mutex_lock.constprop.0");
}

TEST(Cause, IsNoIdleWorkerWhenAManagerMakesOne) {
  const KernelLog log = ReadWithBacktraces("", "workers=1 manager: 931");
  EXPECT_EQ(log.lockups[0].cause, StallCause::kNoIdleWorker);
  EXPECT_EQ(log.lockups[0].manager_pid, 931);
  EXPECT_EQ(log.lockups[0].idle, 0u);
}

TEST(Cause, OfALineWithoutADumpIsUnknown) {
  const KernelLog log = Read("BUG: workqueue lockup - pool cpus=1 flags=0x0 nice=0 stuck for 31s!");
  ASSERT_EQ(log.lockups.size(), 1u);
  EXPECT_EQ(log.lockups[0].cause, StallCause::kUnknown);
  EXPECT_EQ(log.lockups[0].begin_since_boot, std::nullopt);
}

TEST(UnboundPool, HasItsIdFromTheOnlyOneThatHangsForAsLong) {
  const KernelLog log = Read(
      "[ 90.0] BUG: workqueue lockup - pool cpus=0-1 node=0 flags=0x4 nice=0 stuck for 35s!\n"
      "[ 90.0] Showing busy workqueues and worker pools:\n"
      "[ 90.0] workqueue a: flags=0x2\n"
      "[ 90.0]   pwq 9: cpus=0-1 node=0 flags=0x4 nice=0 active=1 refcnt=2\n"
      "[ 90.0]     pending: f\n"
      "[ 90.0]   pwq 10: cpus=0-1 node=0 flags=0x4 nice=0 active=1 refcnt=2\n"
      "[ 90.0]     in-flight: 5:g\n"
      "[ 90.0] pool 9: cpus=0-1 node=0 flags=0x4 nice=0 hung=35s workers=3 idle: 7\n"
      "[ 90.0] pool 10: cpus=0-1 node=0 flags=0x4 nice=0 hung=0s workers=3 idle: 8\n");
  ASSERT_EQ(log.lockups.size(), 1u);
  EXPECT_EQ(log.lockups[0].pool.name, "u9");
  EXPECT_EQ(Waiting(log.lockups[0].waiting), (Counts{{"f", 1}}));
}

TEST(Record, ThatMailHasBrokenIsJoined) {
  const KernelLog log = Read(
      "[ 61.0] Showing busy workqueues and worker pools:\n"
      "[ 61.0] workqueue events: flags=0x0\n"
      "[ 61.0]   pwq 2: cpus=1 node=0 flags=0x0 nice=0\n"
      "active=1/256 refcnt=2\n"
      "[ 61.0]     pending: f\n");
  EXPECT_EQ(log.unread_lines, 0u);
  ASSERT_EQ(log.workqueues.size(), 1u);
  EXPECT_EQ(Waiting(log.workqueues[0].pwqs[0].waiting), (Counts{{"f", 1}}));
}

TEST(Record, WhoseRestIsLostTakesItsListsWithIt) {
  const KernelLog log = Read(
      "[ 61.0] Showing busy workqueues and worker pools:\n"
      "[ 61.0] workqueue events: flags=0x0\n"
      "[ 61.0]   pwq 2: cpus=1 node=0 flags=0x0 nice=0 active=1/256\n"
      "[ 61.0]     pending: f\n"
      "[ 61.0]   pwq 4: cpus=2 node=0 fl\n"
      "[ 61.0]     pending: of_another_pool\n");
  EXPECT_EQ(log.unread_lines, 1u);
  ASSERT_EQ(log.workqueues[0].pwqs.size(), 1u);
  EXPECT_EQ(Waiting(log.workqueues[0].pwqs[0].waiting), (Counts{{"f", 1}}));
}

TEST(Hog, KeepsTheHighestCountOfAFunction) {
  std::string text;
  for (const int n : {4, 5, 7, 11, 19, 35, 67, 64}) {
    text += "workqueue: f [m] hogged CPU for >10000us " + std::to_string(n) +
            " times, consider switching to WQ_UNBOUND\n";
  }
  const KernelLog log = Read(text);
  ASSERT_EQ(log.hogs.size(), 1u);
  EXPECT_EQ(log.hogs[0].function, "f [m]");
  EXPECT_EQ(log.hogs[0].times, 67u);
  EXPECT_EQ(log.hogs[0].reports, 8u);
}

TEST(Hog, OfTwoBootsAreTwo) {
  const KernelLog log = Read(
      "[  900.0] workqueue: f hogged CPU for >10000us 64 times\n"
      "[    0.000000] Linux version 6.8.0 (gcc)\n"
      "[   12.0] workqueue: f hogged CPU for >13333us 4 times\n");
  ASSERT_EQ(log.boots.size(), 2u);
  EXPECT_EQ(log.boots[1].kernel, "6.8.0");
  ASSERT_EQ(log.hogs.size(), 2u);
  EXPECT_EQ(log.hogs[1].boot, 1u);
  EXPECT_EQ(log.hogs[1].times, 4u);
}

TEST(Flush, NamesQueuesWithColonsAndTasks) {
  const KernelLog log = Read(
      "workqueue: WQ_MEM_RECLAIM vfs_xq:30:f [m] is flushing !WQ_MEM_RECLAIM xfs-sync/vdc:0x0\n"
      "workqueue: PF_MEMALLOC task 812(kswapd 0) is flushing !WQ_MEM_RECLAIM events:g\n");
  ASSERT_EQ(log.flush_dependencies.size(), 2u);
  EXPECT_EQ(log.flush_dependencies[0].from_workqueue, "vfs_xq:30");
  EXPECT_EQ(log.flush_dependencies[0].from_function, "f [m]");
  EXPECT_EQ(log.flush_dependencies[0].to_workqueue, "xfs-sync/vdc");
  EXPECT_EQ(log.flush_dependencies[0].to_function, "");
  EXPECT_EQ(log.flush_dependencies[1].from_comm, "kswapd 0");
  EXPECT_EQ(log.flush_dependencies[1].from_pid, 812);
}

TEST(Blocked, TellsTheWorkTheFrameAndTheOwnerOfTheLock) {
  const KernelLog log = Read(
      "[ 245.0][   T33] INFO: task kworker/u8:0:11 blocked for more than 122 seconds.\n"
      "[ 245.0][   T33]       Not tainted 6.16.0 #1\n"
      "[ 245.0][   T33] task:kworker/u8:0  state:D stack:0     pid:11 tgid:11 ppid:2 flags:0x4000\n"
      "[ 245.0][    C1] usb 1-1: new device\n"
      "[ 245.0][   T33] Workqueue: netns cleanup_net\n"
      "[ 245.0][   T33] Call Trace:\n"
      "[ 245.0][   T33]  <TASK>\n"
      "[ 245.0][   T33]  __schedule+0x1/0x2\n"
      "[ 245.0][   T33]  schedule+0x1/0x2\n"
      "[ 245.0][   T33]  rwsem_down_write_slowpath+0x1/0x2\n"
      "[ 245.0][   T33] INFO: task kworker/u8:0:11 is blocked on a mutex likely owned by task "
      "bash:812.\n"
      "[ 368.0][   T33] INFO: task kworker/u8:0:11 blocked for more than 245 seconds.\n"
      "[ 368.0][   T33] INFO: task bash:812 blocked for more than 122 seconds.\n");
  ASSERT_EQ(log.blocked.size(), 1u);
  const LoggedBlocked& row = log.blocked[0];
  EXPECT_EQ(row.worker, "kworker/u8:0");
  EXPECT_EQ(row.pid, 11);
  EXPECT_EQ(row.workqueue, "netns");
  EXPECT_EQ(row.function, "cleanup_net");
  EXPECT_EQ(row.frame, "rwsem_down_write_slowpath");
  EXPECT_EQ(row.seconds, 245u);
  EXPECT_EQ(row.owner, "bash");
  EXPECT_EQ(row.owner_pid, 812);
}

TEST(SoftLockup, OfAWorkerTellsWhereItWas) {
  for (const std::string prefix : {"", "watchdog: ", "NMI watchdog: "}) {
    const KernelLog log =
        Read("[ 44.0] " + prefix + "BUG: soft lockup - CPU#1 stuck for 26s! [kworker/1:1:37]\n" +
             "[ 44.0] CPU: 1 PID: 37 Comm: kworker/1:1 Not tainted 6.1.0 #1\n"
             "[ 44.0] Workqueue: events_long spin [mod]\n"
             "[ 44.0] RIP: 0010:delay_tsc+0x4a/0x70\n"
             "[ 44.0] Call Trace:\n"
             "[ 44.0]  <TASK>\n"
             "[ 44.0]  spin+0x10/0x20 [mod]\n");
    ASSERT_EQ(log.soft_lockups.size(), 1u) << prefix;
    EXPECT_EQ(log.soft_lockups[0].cpu, 1u);
    EXPECT_EQ(log.soft_lockups[0].function, "spin [mod]");
    EXPECT_EQ(log.soft_lockups[0].frame, "delay_tsc");
    EXPECT_EQ(log.soft_lockups[0].seconds, 26u);
  }
}

TEST(Rescuer, WithANameOfItsOwnIsAWorkerIfItHasAWorkqueue) {
  const KernelLog log = Read(
      "[ 45.0] INFO: task nfsiod:300 blocked for more than 120 seconds.\n"
      "[ 45.0] Workqueue: nfsiod rpc_async_release [sunrpc]\n"
      "[ 46.0] INFO: task bash:301 blocked for more than 120 seconds.\n"
      "[ 47.0] watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [xfs-log/sda:302]\n"
      "[ 47.0] Workqueue: xfs-log/sda xlog_ioend_work [xfs]\n");
  ASSERT_EQ(log.blocked.size(), 1u);
  EXPECT_EQ(log.blocked[0].worker, "nfsiod");
  EXPECT_EQ(log.blocked[0].function, "rpc_async_release [sunrpc]");
  ASSERT_EQ(log.soft_lockups.size(), 1u);
  EXPECT_EQ(log.soft_lockups[0].workqueue, "xfs-log/sda");
}

TEST(SoftLockup, OfAnotherTaskExplainsAPoolThatNobodyHolds) {
  const KernelLog log = Read(
      "[ 40.0] watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [qemu-kvm:900]\n"
      "[ 61.0] BUG: workqueue lockup - pool cpus=1 flags=0x0 nice=0 stuck for 31s!\n"
      "[ 61.0] Showing busy workqueues and worker pools:\n"
      "[ 61.0] workqueue events: flags=0x0\n"
      "[ 61.0]   pwq 2: cpus=1 flags=0x0 nice=0 active=1/256 refcnt=2\n"
      "[ 61.0]     pending: f\n");
  EXPECT_TRUE(log.soft_lockups.empty());
  EXPECT_EQ(log.lockups[0].cause, StallCause::kStarved);
  EXPECT_NE(log.lockups[0].text.find("qemu-kvm"), std::string::npos) << log.lockups[0].text;
}

TEST(Leak, HasTwoFormsOverTwoLinesEach) {
  const KernelLog log = Read(
      "BUG: workqueue leaked lock or atomic: kworker/0:1/0x00000001/123\n"
      "     last function: f [m]\n"
      "BUG: workqueue leaked atomic, lock or RCU: kworker/1:2[45]\n"
      "     preempt=0x00000000 lock=0->1 RCU=0->1 workfn=g\n");
  ASSERT_EQ(log.leaks.size(), 2u);
  EXPECT_EQ(log.leaks[0].worker, "kworker/0:1");
  EXPECT_EQ(log.leaks[0].pid, 123);
  EXPECT_EQ(log.leaks[0].function, "f [m]");
  EXPECT_EQ(log.leaks[0].what, "atomic");
  EXPECT_EQ(log.leaks[1].function, "g");
  EXPECT_EQ(log.leaks[1].what, "lock, RCU");
}

TEST(Freeze, NamesTheWorksThatDidNotEnd) {
  const KernelLog log = Read(
      "[ 9.0] Freezing of tasks failed after 20.01 seconds (0 tasks refusing to freeze, "
      "wq_busy=1):\n"
      "[ 9.0] Showing busy workqueues and worker pools:\n"
      "[ 9.0] workqueue events: flags=0x0\n"
      "[ 9.0]   pwq 0: cpus=0 flags=0x0 nice=0 active=1/256 refcnt=2\n"
      "[ 9.0]     in-flight: 5:not_freezable\n"
      "[ 9.0] workqueue hub: flags=0x4\n"
      "[ 9.0]   pwq 0: cpus=0 flags=0x0 nice=0 active=1/256 refcnt=2\n"
      "[ 9.0]     in-flight: 6:hub_event\n");
  ASSERT_EQ(log.freezes.size(), 1u);
  EXPECT_DOUBLE_EQ(log.freezes[0].seconds, 20.01);
  ASSERT_EQ(log.freezes[0].in_flight.size(), 1u);
  EXPECT_EQ(log.freezes[0].in_flight[0].function, "hub_event");
}

TEST(Drain, IsToldWithItsTries) {
  const KernelLog log = Read("workqueue my wq: drain_workqueue() isn't complete after 10 tries");
  ASSERT_EQ(log.drains.size(), 1u);
  EXPECT_EQ(log.drains[0].workqueue, "my wq");
  EXPECT_EQ(log.drains[0].by, "drain_workqueue");
  EXPECT_EQ(log.drains[0].tries, 10u);
}

TEST(Boots, AreToldByMarksOfTheJournal) {
  const KernelLog log = Read(
      "May 07 18:00:00 box kernel: workqueue: f hogged CPU for >10000us 4 times\n"
      "-- Boot 0f1e2d3c4b5a69788796a5b4c3d2e1f0 --\n"
      "May 07 19:00:00 box kernel: Linux version 6.8.0 (x)\n"
      "May 07 19:01:00 box kernel: workqueue: f hogged CPU for >10000us 4 times\n");
  EXPECT_EQ(log.boots.size(), 2u);
  EXPECT_EQ(log.boots[1].begin, "May 07 19:00:00");
  EXPECT_EQ(log.hogs.size(), 2u);
}

TEST(Boots, DoNotComeFromAPieceThatWasPastedLate) {
  const KernelLog log = Read(
      "[  853.1] BUG: workqueue lockup - pool cpus=0 flags=0x0 nice=0 stuck for 101s!\n"
      "[  822.5] BUG: workqueue lockup - pool cpus=0 flags=0x0 nice=0 stuck for 71s!\n");
  EXPECT_EQ(log.boots.size(), 1u);
  ASSERT_EQ(log.lockups.size(), 1u);
  EXPECT_EQ(log.lockups[0].stuck_s, 101u);
}

TEST(Prefix, ThatNobodyKnowsIsTakenOff) {
  const std::string_view messages[] = {
      "BUG: workqueue lockup - pool cpus=2 node=0 flags=0x0 nice=0 stuck for 34s!",
      "Showing busy workqueues and worker pools:",
      "workqueue events: flags=0x0",
      "  pwq 10: cpus=2 node=0 flags=0x0 nice=0 active=4 refcnt=5",
      "    in-flight: 61:f [m]",
      "    pending: 2*psi_avgs_work, vmstat_shepherd",
      "pool 10: cpus=2 node=0 flags=0x0 nice=0 hung=34s workers=3 idle: 70 71"};
  for (const std::string prefix :
       {"00573 ", "1700000000.100001 box kernel: ", "[  +0.000010] ", "\t[  612.1] ",
        "<6>1 2026-11-28T18:04:17.1+01:00 box kernel - - - [  612.1] ",
        "11-28 18:04:17.123     0     0 I [  612.1] ", "[2026-11-28 18:04:17] [  612.1] "}) {
    std::string text;
    for (const std::string_view message : messages) text += prefix + std::string(message) + "\n";
    const KernelLog log = Read(text);
    ASSERT_EQ(log.lockups.size(), 1u) << prefix;
    EXPECT_EQ(log.lockups[0].pool.id, 10u) << prefix;
    EXPECT_EQ(Waiting(log.lockups[0].waiting),
              (Counts{{"psi_avgs_work", 2}, {"vmstat_shepherd", 1}}))
        << prefix;
    EXPECT_EQ(log.lockups[0].in_flight.size(), 1u) << prefix;
    EXPECT_EQ(log.lockups[0].workers, 3u) << prefix;
    EXPECT_EQ(log.lockups[0].begin_since_boot.has_value(), prefix.find("612") != prefix.npos);
  }
}

TEST(Blocked, WithoutADumpOfItsOwnHasTheWorkThatIsInFlightOnIt) {
  const KernelLog log = Read(
      "[ 150.0] Showing busy workqueues and worker pools:\n"
      "[ 150.0] workqueue events: flags=0x0\n"
      "[ 150.0]   pwq 6: cpus=3 flags=0x0 nice=0 active=1/256 refcnt=4\n"
      "[ 150.0]     in-flight: 13:b_work [m]\n"
      "[ 160.0] INFO: task kworker/3:1:13 blocked for more than 120 seconds.\n"
      "[ 900.0] INFO: task kworker/3:2:14 blocked for more than 120 seconds.\n");
  ASSERT_EQ(log.blocked.size(), 2u);
  EXPECT_EQ(log.blocked[0].function, "b_work [m]");
  EXPECT_EQ(log.blocked[0].workqueue, "events");
  EXPECT_EQ(log.blocked[1].function, "");
}

TEST(WallTime, IsShiftedInTheWayItIsWritten) {
  const auto shifted = [](std::string_view text, int64_t by) {
    const auto time = klog::ParseWallTime(text);
    return time ? klog::WallText(*time, by) : "none";
  };
  EXPECT_EQ(shifted("2026-11-28T00:00:17.301+0100", -57), "2026-11-27T23:59:20+0100");
  EXPECT_EQ(shifted("May  7 18:23:21", -57), "May  7 18:22:24");
  EXPECT_EQ(shifted("Jan  1 00:00:10", -20), "Dec 31 23:59:50");
  EXPECT_EQ(shifted("Sat Nov 28 18:04:17 2026", -86400), "Fri Nov 27 18:04:17 2026");
  EXPECT_EQ(shifted("2026-02-30T00:00:00", 0), "none");
  EXPECT_EQ(shifted("yesterday", 0), "none");
}

TEST(Log, OfAHostileWriterStaysBounded) {
  std::string text;
  for (int i = 0; i < 6000; ++i) {
    text += "workqueue: f" + std::to_string(i) + " hogged CPU for >1us 4 times\n" +
            "BUG: workqueue lockup - pool cpus=" + std::to_string(i) +
            " flags=0x0 nice=0 stuck for 99999999999999s!\n";
  }
  const KernelLog log = Read(text);
  EXPECT_EQ(log.hogs.size(), KernelLog::kMaxRows);
  EXPECT_EQ(log.lockups.size(), KernelLog::kMaxRows);
  EXPECT_EQ(log.rows_left_out, 2 * (6000 - KernelLog::kMaxRows));
  EXPECT_TRUE(log.truncated);
}

TEST(Log, WithoutAnythingOfWorkqueuesIsEmpty) {
  const KernelLog log = Read("[    1.0] usb 1-1: new device\n[    2.0] EXT4-fs (sda): mounted\n");
  EXPECT_TRUE(log.empty());
  EXPECT_EQ(log.messages, 0u);
  EXPECT_EQ(log.lines, 2u);
}

TEST(WorkqueueFlags, HaveTheirKernelNames) {
  EXPECT_EQ(WorkqueueFlagNames(0x6000a), (std::vector<std::string>{"WQ_UNBOUND", "WQ_MEM_RECLAIM",
                                                                   "__WQ_ORDERED", "__WQ_LEGACY"}));
  EXPECT_EQ(WorkqueueFlagNames(0x400), (std::vector<std::string>{"0x400"}));
}

}  // namespace
}  // namespace wqprof
