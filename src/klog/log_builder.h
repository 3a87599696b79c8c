// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_KLOG_LOG_BUILDER_H_
#define WQPROF_KLOG_LOG_BUILDER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "klog/dump.h"
#include "klog/tasks.h"
#include "wqprof/kernel_log.h"

namespace wqprof::klog {

// The rows of a log while it is read: each message once, as many as there is room for.
class LogBuilder {
 public:
  KernelLog& log() { return log_; }
  void set_boot(uint32_t boot) { boot_ = boot; }
  uint32_t boot() const { return boot_; }

  // Counts a line that names a message and could not be read.
  void Unread(std::string_view text);

  // Return whether the text is such a message.
  bool AddHog(const LogTime& at, std::string_view text);
  bool AddFlush(const LogTime& at, std::string_view text);
  bool AddDrain(const LogTime& at, std::string_view text);
  // The same; `index` is that of the row, to which further lines may belong.
  bool AddLeak(const LogTime& at, std::string_view text, std::optional<size_t>& index);
  bool AddFreeze(const LogTime& at, std::string_view text, std::optional<size_t>& index);

  // Rows of workers that were complained about; nothing when there is no room.
  std::optional<size_t> AddBlocked(const LogTime& at, const LoggedBlocked& blocked);
  std::optional<size_t> AddSoftLockup(const LogTime& at, const LoggedSoftLockup& soft);

  // Who has the lock that a blocked task waits for, whom the line before named if this one does
  // not.
  void AddOwner(const LogTime& at, const OwnerRecord& owner, std::optional<size_t> before);

  // Leaves out tasks that turned out to be no workers; gives the others the work that a dump shows
  // in flight on them, where their own dump does not name it.
  void EndComplaints();

  // Puts what a dump said in its place.
  void AddDump(Dump dump, const TaskFacts& facts);

 private:
  using Index = absl::flat_hash_map<std::string, size_t>;
  template <typename Row>
  Row* NewRow(std::vector<Row>& rows);
  template <typename Row>
  Row* RowOf(std::vector<Row>& rows, Index& index, std::string key);
  void Keep(const Dump::Workqueue& workqueue, LoggedPwq pwq);

  KernelLog log_;
  uint32_t boot_ = 0;
  // What a worker executed at the time of the newest dump, by boot and pid.
  struct InFlight {
    std::optional<Nanos> at;
    std::string workqueue, function;
  };
  absl::flat_hash_map<uint64_t, InFlight> in_flight_;
  Index hogs_, workqueues_, blocked_, soft_lockups_, other_soft_lockups_, flushes_, pools_;
  absl::flat_hash_map<std::string, std::pair<size_t, size_t>> pwqs_;
};

}  // namespace wqprof::klog

#endif  // WQPROF_KLOG_LOG_BUILDER_H_
