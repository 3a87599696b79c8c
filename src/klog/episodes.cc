// SPDX-License-Identifier: Apache-2.0
#include "klog/episodes.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <limits>

#include "fmt/format.h"

namespace wqprof::klog {
namespace {

using std::chrono::seconds;

// Begins of one episode, as its reports give them, differ by less.
constexpr int64_t kTolerance = 3;
// Reports of one look of the watchdog come within it.
constexpr Nanos kOneLook = seconds(5);
constexpr uint64_t kMostSeconds = uint64_t{1} << 32;
// Episodes of equal pools that may go on at the same time.
constexpr size_t kRecent = 4;

std::string KeyOf(const LoggedPool& pool, uint32_t boot) {
  return fmt::format("{} {} {} {} {}{} {}", boot, pool.cpus, pool.node.value_or(-1),
                     pool.nice.value_or(0), pool.bh, pool.high, pool.cpu.has_value());
}

Nanos Begin(Nanos stamp, uint64_t stuck) {
  return stamp - seconds(static_cast<int64_t>(std::min(stuck, kMostSeconds)));
}

// Ids of the pools of `dump` that may be the stuck one.
std::vector<uint32_t> Candidates(const Dump& dump, const LoggedPool& pool) {
  std::vector<uint32_t> ids;
  const auto add = [&](const LoggedPool& other) {
    if (other.id && MaySame(pool, other)) ids.push_back(*other.id);
  };
  for (const Dump::Workqueue& workqueue : dump.workqueues) {
    for (const LoggedPwq& pwq : workqueue.pwqs) add(pwq.pool);
  }
  for (const LoggedPoolState& state : dump.pools) add(state.pool);
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

// The id of the stuck pool: the only one it can be, or the only one that hangs for as long.
std::optional<uint32_t> IdOf(const Dump& dump, const Lockup& lockup) {
  const std::vector<uint32_t> ids = Candidates(dump, lockup.pool);
  if (ids.size() == 1) return ids.front();
  std::vector<uint32_t> hung;
  for (const LoggedPoolState& state : dump.pools) {
    if (!std::binary_search(ids.begin(), ids.end(), *state.pool.id) || !state.hung_s) continue;
    const uint64_t a = *state.hung_s, b = lockup.stuck_s;
    if ((a < b ? b - a : a - b) <= 2) hung.push_back(*state.pool.id);
  }
  if (hung.size() == 1) return hung.front();
  return std::nullopt;
}

}  // namespace

bool Episodes::Continues(const Recent& recent, const Lockup& lockup, const LockupRecord& record,
                         std::optional<Nanos> stamp, const std::optional<WallTime>& begin) {
  if (stamp && lockup.begin_since_boot) {
    // Of equal unbound pools, each is reported once in a look.
    if (!record.pool.cpu && recent.reported && *stamp - *recent.reported < kOneLook) return false;
    const Nanos between = Begin(*stamp, record.stuck_s) - *lockup.begin_since_boot;
    return std::abs(between.count()) <= Nanos(seconds(kTolerance)).count();
  }
  if (begin && recent.begin) {
    return std::abs(SecondsBetween(*recent.begin, *begin)) <= kTolerance;
  }
  // Without any time, a pool that has been stuck for longer is still stuck.
  return record.stuck_s >= lockup.stuck_s;
}

std::optional<size_t> Episodes::Add(const LockupRecord& record, uint32_t boot,
                                    std::optional<Nanos> stamp, const std::optional<WallTime>& wall,
                                    KernelLog& log) {
  std::optional<WallTime> begin = wall;
  if (begin) begin->seconds -= static_cast<int64_t>(std::min(record.stuck_s, kMostSeconds));
  const std::string key = KeyOf(record.pool, boot);
  if (!recent_.contains(key) && log.lockups.size() == KernelLog::kMaxRows) {
    ++log.rows_left_out;
    return std::nullopt;
  }
  std::vector<Recent>& recent = recent_[key];
  auto it = std::find_if(recent.begin(), recent.end(), [&](const Recent& one) {
    return Continues(one, log.lockups[one.index], record, stamp, begin);
  });
  if (it == recent.end()) {
    if (log.lockups.size() == KernelLog::kMaxRows) {
      ++log.rows_left_out;
      return std::nullopt;
    }
    if (recent.size() == kRecent) recent.erase(recent.begin());
    recent.push_back({log.lockups.size(), begin, stamp});
    it = recent.end() - 1;
    Lockup lockup;
    lockup.id = log.lockups.size() + 1;
    lockup.boot = boot;
    lockup.pool = record.pool;
    if (begin) lockup.begin = WallText(*begin, 0);
    log.lockups.push_back(std::move(lockup));
  }
  Lockup& lockup = log.lockups[it->index];
  it->reported = stamp;
  ++lockup.reports;
  lockup.stuck_s = std::max(lockup.stuck_s, record.stuck_s);
  if (stamp) {
    // The kernel cuts off parts of a second: the earliest begin is the nearest.
    const Nanos at = Begin(*stamp, record.stuck_s);
    lockup.begin_since_boot = std::min(at, lockup.begin_since_boot.value_or(at));
  }
  return it->index;
}

void AddFacts(const TaskFacts& facts, std::optional<Nanos> at,
              std::vector<LoggedExecution>& in_flight) {
  for (LoggedExecution& execution : in_flight) {
    if (!execution.worker_pid || execution.linked) continue;
    const TaskFact* const fact = facts.Find(*execution.worker_pid, execution.function, at);
    if (fact == nullptr) continue;
    execution.state = fact->state;
    execution.at = fact->frame;
  }
}

void Episodes::Join(const Dump& dump, const TaskFacts& facts, Lockup& lockup) {
  const std::optional<uint32_t> id = IdOf(dump, lockup);
  if (!id) {
    lockup.dumped |= !dump.workqueues.empty();
    return;
  }
  lockup.pool.id = id;
  NamePool(lockup.pool);
  lockup.dumped = true;
  lockup.waiting.clear();
  lockup.in_flight.clear();
  for (const Dump::Workqueue& workqueue : dump.workqueues) {
    for (const LoggedPwq& pwq : workqueue.pwqs) {
      if (pwq.pool.id != id) continue;
      lockup.waiting.insert(lockup.waiting.end(), pwq.waiting.begin(), pwq.waiting.end());
      lockup.in_flight.insert(lockup.in_flight.end(), pwq.in_flight.begin(), pwq.in_flight.end());
    }
  }
  lockup.workers.reset();
  lockup.idle.reset();
  lockup.manager_pid.reset();
  for (const LoggedPoolState& state : dump.pools) {
    if (state.pool.id != id) continue;
    lockup.workers = state.workers;
    lockup.idle = state.idle;
    lockup.manager_pid = state.manager_pid;
  }
  AddFacts(facts, dump.at, lockup.in_flight);
  bool traced = false;
  for (const auto& [pool, pid] : dump.traced) {
    traced |= pool == *id;
    if (dump.backtraces != Dump::Backtraces::kRunning || pool != *id) continue;
    for (LoggedExecution& execution : lockup.in_flight) {
      if (execution.worker_pid == pid && !execution.linked) execution.state = 'R';
    }
  }
  const bool none_runs = dump.backtraces == Dump::Backtraces::kRunning && dump.goes_on &&
                         lockup.pool.cpu && !lockup.pool.bh && !traced;
  lockup.cause = CauseOf(lockup, none_runs);
}

StallCause CauseOf(const Lockup& lockup, bool none_runs) {
  if (!lockup.dumped) return StallCause::kUnknown;
  if (lockup.pool.bh) return StallCause::kSoftirqDelay;
  const std::vector<LoggedExecution>& in_flight = lockup.in_flight;
  if (in_flight.empty()) {
    // A dump leaves out a pool whose workers all idle; one that lists no waiting work was cut.
    if (lockup.waiting.empty()) return StallCause::kUnknown;
    if (lockup.idle == uint64_t{0}) {
      return lockup.manager_pid ? StallCause::kNoIdleWorker : StallCause::kUnknown;
    }
    return StallCause::kStarved;
  }
  bool any_runs = false, any_linked = false, all_sleep = true, all_rescuers = true;
  for (const LoggedExecution& execution : in_flight) {
    any_linked |= execution.linked && !execution.barrier_of_pid;
    if (execution.linked) continue;
    all_rescuers &= execution.rescuer;
    any_runs |= execution.state == 'R';
    all_sleep &= execution.state != '\0' && execution.state != 'R';
  }
  if (all_rescuers) return StallCause::kBehindItem;
  // Unbound pools may run as many works at once as they have workers.
  if (any_runs && lockup.pool.cpu) return StallCause::kCpuHog;
  if (lockup.idle == uint64_t{0} && lockup.manager_pid) return StallCause::kNoIdleWorker;
  if (all_sleep || none_runs) return StallCause::kAllBlocked;
  return any_linked ? StallCause::kBehindItem : StallCause::kUnknown;
}

}  // namespace wqprof::klog
