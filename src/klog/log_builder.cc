// SPDX-License-Identifier: Apache-2.0
#include "klog/log_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "klog/episodes.h"
#include "klog/records.h"

namespace wqprof::klog {
namespace {

constexpr size_t kLongestUnread = 500;
constexpr uint32_t kFreezable = 0x4;
// What names the owner of a lock follows the complaint at once.
constexpr Nanos kAtOnce = std::chrono::seconds(10);
// Complaints among which a waiter is looked for.
constexpr size_t kRecent = 16;
constexpr size_t kMostWorkers = 16384;
constexpr uint64_t kMostSeconds = 1'000'000'000;

uint64_t KeyOf(uint32_t boot, int32_t pid) {
  return uint64_t{boot} << 32 | static_cast<uint32_t>(pid);
}

}  // namespace

// A new row, or null when there is no room.
template <typename Row>
Row* LogBuilder::NewRow(std::vector<Row>& rows) {
  if (rows.size() == KernelLog::kMaxRows) {
    ++log_.rows_left_out;
    return nullptr;
  }
  Row& row = rows.emplace_back();
  row.boot = boot_;
  return &row;
}

// The row that `key` names in this boot; null when it is new and there is no room.
template <typename Row>
Row* LogBuilder::RowOf(std::vector<Row>& rows, Index& index, std::string key) {
  key += fmt::format("\n{}", boot_);
  if (const auto it = index.find(key); it != index.end()) return &rows[it->second];
  Row* const row = NewRow(rows);
  if (row != nullptr) index[key] = rows.size() - 1;
  return row;
}

void LogBuilder::Unread(std::string_view text) {
  ++log_.unread_lines;
  if (log_.first_unread.empty()) log_.first_unread = text.substr(0, kLongestUnread);
}

bool LogBuilder::AddHog(const LogTime& at, std::string_view text) {
  LoggedHog hog;
  const Reading reading = ReadHog(text, hog);
  if (reading == Reading::kOther) return false;
  if (reading == Reading::kCut) {
    Unread(text);
    return true;
  }
  LoggedHog* const row = RowOf(log_.hogs, hogs_, hog.function);
  if (row == nullptr) return true;
  if (row->reports++ == 0) row->first = at;
  row->last = at;
  row->function = hog.function;
  row->times = std::max(row->times, hog.times);
  row->threshold_us = hog.threshold_us;
  return true;
}

bool LogBuilder::AddFlush(const LogTime& at, std::string_view text) {
  LoggedFlush flush;
  const Reading reading = ReadFlush(text, flush);
  if (reading == Reading::kOther) return false;
  if (reading == Reading::kCut) {
    Unread(text);
    return true;
  }
  const std::string key =
      fmt::format("{}\n{}\n{}\n{}\n{}", flush.from_workqueue, flush.from_function, flush.from_comm,
                  flush.to_workqueue, flush.to_function);
  if (LoggedFlush* const row = RowOf(log_.flush_dependencies, flushes_, key)) {
    flush.boot = row->boot;
    flush.at = row->to_workqueue.empty() ? at : row->at;
    *row = std::move(flush);
  }
  return true;
}

bool LogBuilder::AddDrain(const LogTime& at, std::string_view text) {
  LoggedDrain drain;
  if (ReadDrain(text, drain) != Reading::kRead) return false;
  drain.boot = boot_;
  drain.at = at;
  if (LoggedDrain* const row = NewRow(log_.drains)) *row = std::move(drain);
  return true;
}

bool LogBuilder::AddLeak(const LogTime& at, std::string_view text, std::optional<size_t>& index) {
  LoggedLeak leak;
  const Reading reading = ReadLeak(text, leak);
  if (reading == Reading::kOther) return false;
  index.reset();
  if (reading == Reading::kCut) {
    Unread(text);
  } else if (LoggedLeak* const row = NewRow(log_.leaks)) {
    leak.boot = boot_;
    leak.at = at;
    *row = std::move(leak);
    index = log_.leaks.size() - 1;
  }
  return true;
}

bool LogBuilder::AddFreeze(const LogTime& at, std::string_view text, std::optional<size_t>& index) {
  LoggedFreeze freeze;
  if (ReadFreeze(text, freeze) != Reading::kRead) return false;
  index.reset();
  if (LoggedFreeze* const row = NewRow(log_.freezes)) {
    freeze.boot = boot_;
    freeze.at = at;
    *row = std::move(freeze);
    index = log_.freezes.size() - 1;
  }
  return true;
}

std::optional<size_t> LogBuilder::AddBlocked(const LogTime& at, const LoggedBlocked& blocked) {
  const std::string key = fmt::format("{} {}", blocked.worker, blocked.pid);
  LoggedBlocked* const row = RowOf(log_.blocked, blocked_, key);
  if (row == nullptr) return std::nullopt;
  if (row->reports++ == 0) row->at = at;
  row->worker = blocked.worker;
  row->pid = blocked.pid;
  row->seconds = std::max(row->seconds, blocked.seconds);
  return static_cast<size_t>(row - log_.blocked.data());
}

std::optional<size_t> LogBuilder::AddSoftLockup(const LogTime& at, const LoggedSoftLockup& soft) {
  std::vector<LoggedSoftLockup>& rows =
      soft.is_worker ? log_.soft_lockups : log_.other_soft_lockups;
  const std::string key = fmt::format("{} {} {}", soft.worker, soft.pid, soft.cpu);
  LoggedSoftLockup* const row =
      RowOf(rows, soft.is_worker ? soft_lockups_ : other_soft_lockups_, key);
  if (row == nullptr) return std::nullopt;
  if (row->reports++ == 0) row->at = at;
  row->is_worker = soft.is_worker;
  row->worker = soft.worker;
  row->pid = soft.pid;
  row->cpu = soft.cpu;
  row->seconds = std::max(row->seconds, soft.seconds);
  return static_cast<size_t>(row - rows.data());
}

void LogBuilder::AddOwner(const LogTime& at, const OwnerRecord& owner,
                          std::optional<size_t> before) {
  LoggedBlocked* row = nullptr;
  if (owner.waiter_pid) {
    const size_t size = log_.blocked.size();
    for (size_t i = size; i > 0 && i + kRecent > size && row == nullptr; --i) {
      LoggedBlocked& one = log_.blocked[i - 1];
      if (one.pid == *owner.waiter_pid && one.boot == boot_) row = &one;
    }
  } else if (before) {
    row = &log_.blocked[*before];
    const bool late = row->at.stamp && at.stamp && *at.stamp - *row->at.stamp > kAtOnce;
    if (late && row->reports == 1) row = nullptr;
  }
  if (row == nullptr || !row->owner.empty()) return;
  row->owner = owner.comm;
  row->owner_pid = owner.pid;
  row->lock = owner.lock;
}

// The newest state of a workqueue in a pool is kept.
void LogBuilder::Keep(const Dump::Workqueue& workqueue, LoggedPwq pwq) {
  const std::string key =
      fmt::format("{}\n{}\n{} {}", boot_, workqueue.name, *pwq.pool.id, pwq.pool.cpus);
  if (const auto it = pwqs_.find(key); it != pwqs_.end()) {
    log_.workqueues[it->second.first].pwqs[it->second.second] = std::move(pwq);
    return;
  }
  if (pwqs_.size() >= 4 * KernelLog::kMaxRows) {
    ++log_.rows_left_out;
    return;
  }
  LoggedWorkqueue* const row = RowOf(log_.workqueues, workqueues_, workqueue.name);
  if (row == nullptr) return;
  row->workqueue = workqueue.name;
  if (workqueue.flags) row->flags = workqueue.flags;
  pwqs_[key] = {static_cast<size_t>(row - log_.workqueues.data()), row->pwqs.size()};
  row->pwqs.push_back(std::move(pwq));
}

void LogBuilder::EndComplaints() {
  // Who has a workqueue is a worker, whatever its name.
  std::erase_if(log_.blocked, [](const LoggedBlocked& row) {
    return row.function.empty() && !IsWorkerComm(row.worker);
  });
  std::erase_if(log_.other_soft_lockups, [this](LoggedSoftLockup& row) {
    if (row.function.empty()) return false;
    row.is_worker = true;
    if (log_.soft_lockups.size() < KernelLog::kMaxRows) log_.soft_lockups.push_back(row);
    return true;
  });
  const auto name = [this](auto& row) {
    if (!row.function.empty()) return;
    const auto it = in_flight_.find(KeyOf(row.boot, row.pid));
    if (it == in_flight_.end()) return;
    // It must have executed it all the time.
    const auto lasted = std::chrono::seconds(std::min<uint64_t>(row.seconds, kMostSeconds));
    if (!row.at.stamp || !it->second.at) return;
    const auto seen = *it->second.at, now = *row.at.stamp;
    if (seen < now - lasted || seen > now + kAtOnce) return;
    row.function = it->second.function;
    row.workqueue = it->second.workqueue;
  };
  for (LoggedBlocked& row : log_.blocked) name(row);
  for (LoggedSoftLockup& row : log_.soft_lockups) name(row);
}

void LogBuilder::AddDump(Dump dump, const TaskFacts& facts) {
  for (const size_t index : dump.lockups) Episodes::Join(dump, facts, log_.lockups[index]);
  for (Dump::Workqueue& workqueue : dump.workqueues) {
    const bool freezable = !workqueue.flags || (*workqueue.flags & kFreezable) != 0;
    for (LoggedPwq& pwq : workqueue.pwqs) {
      AddFacts(facts, dump.at, pwq.in_flight);
      for (const LoggedExecution& execution : pwq.in_flight) {
        if (!execution.worker_pid || execution.linked || in_flight_.size() >= kMostWorkers)
          continue;
        in_flight_[KeyOf(boot_, *execution.worker_pid)] = {dump.at, execution.workqueue,
                                                           execution.function};
      }
      if (dump.freeze && freezable) {
        LoggedFreeze& freeze = log_.freezes[*dump.freeze];
        freeze.in_flight.insert(freeze.in_flight.end(), pwq.in_flight.begin(), pwq.in_flight.end());
      }
      Keep(workqueue, std::move(pwq));
    }
  }
  for (LoggedPoolState& pool : dump.pools) {
    const std::string key = fmt::format("{} {}", *pool.pool.id, pool.pool.cpus);
    pool.boot = boot_;
    if (LoggedPoolState* const row = RowOf(log_.pools, pools_, key)) *row = std::move(pool);
  }
}

}  // namespace wqprof::klog
