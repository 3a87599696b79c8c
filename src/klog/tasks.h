// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_KLOG_TASKS_H_
#define WQPROF_KLOG_TASKS_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "klog/records.h"
#include "wqprof/kernel_log.h"

namespace wqprof::klog {

// What a dump of a task says about it.
struct TaskFact {
  std::optional<Nanos> at;
  char state = '\0';
  std::string workqueue, function;
  std::string frame;
};

// What the tasks of one boot did when they were seen last, by pid.
class TaskFacts {
 public:
  TaskFact& Of(int32_t pid);
  // Nothing when the task was not seen, or did another work then, or at another time.
  const TaskFact* Find(int32_t pid, const std::string& function, std::optional<Nanos> at) const;
  void Clear() { facts_.clear(); }

 private:
  static constexpr size_t kMaxTasks = 4096;
  absl::flat_hash_map<int32_t, TaskFact> facts_;
  TaskFact beyond_;  // of those that found no room
};

// Follows the dump of one task in the records of one CPU or task: whose it is, its first frame.
class TaskTrace {
 public:
  // A complaint about `pid` came; its dump is expected next.
  void Expect(int32_t pid, char state, std::optional<Nanos> at, TaskFacts& facts);
  // Takes `text` if it belongs to a dump of a task.  `header` is set when another task's begins.
  bool Add(std::string_view text, std::optional<Nanos> at, TaskFacts& facts, bool& header);
  // Whose dump it is; absent between dumps.
  std::optional<int32_t> pid() const { return pid_; }

 private:
  bool AddFrame(std::string_view text, TaskFact& fact);
  std::optional<int32_t> pid_;
  std::optional<Nanos> begin_;
  bool in_interrupt_ = false;
};

}  // namespace wqprof::klog

#endif  // WQPROF_KLOG_TASKS_H_
