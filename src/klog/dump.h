// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_KLOG_DUMP_H_
#define WQPROF_KLOG_DUMP_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "klog/records.h"
#include "wqprof/kernel_log.h"

namespace wqprof::klog {

// One snapshot of workqueues and pools, as it came, and what it was printed for.
struct Dump {
  enum class Backtraces : uint8_t { kNone, kRunning, kBusy };
  struct Workqueue {
    std::string name;
    std::optional<uint32_t> flags;
    std::vector<LoggedPwq> pwqs;
  };
  std::optional<Nanos> at;
  bool freezable_only = false;
  std::vector<Workqueue> workqueues;
  std::vector<LoggedPoolState> pools;
  // Backtraces of stalled pools' workers: of the running ones (6.4 to 6.19), or of all busy ones.
  Backtraces backtraces = Backtraces::kNone;
  bool goes_on = false;  // the log has lines behind their heading: an empty list is empty
  std::vector<std::pair<uint32_t, int32_t>> traced;  // pool id, pid
  std::vector<size_t> lockups;                       // indexes of those that it explains
  std::optional<size_t> freeze;
};

// Reads the lines of a dump that one CPU or task prints.
class DumpReader {
 public:
  enum class Line : uint8_t { kOther, kTaken, kCut, kUnread };

  // Begins a dump at `at`.
  void Begin(std::optional<Nanos> at, bool freezable_only);
  bool open() const { return open_; }
  Dump& dump() { return dump_; }
  // Ends the dump and hands it out.
  Dump Take();

  // kCut: a list or a record is not whole; kUnread: its content is lost, and lists that follow
  // are not taken for another pool's.
  Line Add(std::string_view text, std::optional<Nanos> at);
  // A dump of a task begins: maybe of a worker of a stalled pool.
  void AddTrace(int32_t pid);
  // Lists below belong to workqueue `name`, whose line has another form.
  void SetWorkqueue(std::string name, std::optional<uint32_t> flags);
  // The record is lost: what follows it has no place.
  void Lose() { in_pwq_ = false; }

 private:
  static constexpr size_t kMaxPwqs = 4096;
  Line AddPwq(std::string_view text, std::optional<Nanos> at);
  Line AddPool(std::string_view text, std::optional<Nanos> at);

  Dump dump_;
  bool open_ = false;
  bool in_pwq_ = false;  // lists belong to the last pwq
  size_t pwqs_ = 0;
  std::optional<uint32_t> traced_pool_;
};

}  // namespace wqprof::klog

#endif  // WQPROF_KLOG_DUMP_H_
