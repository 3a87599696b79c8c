// SPDX-License-Identifier: Apache-2.0
// How a machine's workqueues and worker pools were set up, as a recording keeps it.
#ifndef WQPROF_WORKQUEUE_CONFIG_H_
#define WQPROF_WORKQUEUE_CONFIG_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wqprof {

// What the kernel counts of each workqueue, by the names of its pool_workqueue_stats.
enum class WorkqueueCounter {
  kStarted,
  kCompleted,
  kCpuTime,  // ns, by ticks
  kCpuIntensive,
  kCmWakeup,
  kRepatriated,
  kMayday,
  kRescued,
};
inline constexpr size_t kWorkqueueCounters = 8;

// Since the workqueue was made; absent where the kernel does not count that.
using WorkqueueCounters = std::array<std::optional<uint64_t>, kWorkqueueCounters>;

// One workqueue.  What is not known is absent.
struct WorkqueueSetup {
  std::string name;      // as the kernel keeps it; several may have the same
  uint64_t address = 0;  // 0: unknown
  std::optional<std::vector<std::string>> flags;  // "WQ_UNBOUND", ...
  std::optional<bool> unbound, ordered;
  std::optional<int> max_active, min_active;
  std::optional<int> rescuer;  // its pid
  // Of an unbound one: what its workers get.
  std::optional<int> nice;
  std::string cpus;            // "0-3"; "" unknown
  std::string affinity_scope;  // "cache"; "" unknown
  std::optional<bool> affinity_strict;
  std::vector<int> pools;  // ids, of an unbound one
  WorkqueueCounters begin, end;

  bool Has(std::string_view flag) const;
  // Counted between the two readings; absent without both.
  std::optional<uint64_t> Counted(WorkqueueCounter counter) const;

  friend bool operator==(const WorkqueueSetup&, const WorkqueueSetup&) = default;
};

// One worker pool.
struct PoolSetup {
  int id = 0;
  std::optional<int> cpu;  // absent: unbound, or unknown
  std::optional<int> node, nice, workers, idle;
  std::string cpus;
  bool bh = false;

  friend bool operator==(const PoolSetup&, const PoolSetup&) = default;
};

// All of a machine that could be read.
struct WorkqueueConfig {
  std::string source;      // "bpf" (all of it), "sysfs" (what is shown there and in /proc)
  std::string limited_by;  // why it is not "bpf"
  std::vector<WorkqueueSetup> workqueues;
  std::vector<PoolSetup> pools;
  // Of the kernel's module `workqueue`, e.g. cpu_intensive_thresh_us.
  std::vector<std::pair<std::string, std::string>> parameters;
  bool cut = false;  // there were more than were read

  bool empty() const { return workqueues.empty() && pools.empty(); }
  // The workqueue of that name, or one of several that are set up alike; nullptr when there is
  // none, or they differ.
  const WorkqueueSetup* Find(std::string_view name) const;
  // How many have that name.
  size_t CountOf(std::string_view name) const;
  const PoolSetup* Pool(int id) const;
  std::string_view Parameter(std::string_view name) const;
  // Executions that the kernel counted between the two readings, of all workqueues; absent where
  // it does not count, or only one was made.
  std::optional<uint64_t> Started() const;

  friend bool operator==(const WorkqueueConfig&, const WorkqueueConfig&) = default;
};

// One configuration of what was read when a recording began and when it ended.
WorkqueueConfig JoinReadings(const WorkqueueConfig& begin, WorkqueueConfig end);

// As a recording keeps it (doc/trace-dat.md).
std::string ConfigToJson(const WorkqueueConfig& config);
// Absent when the text is none.  Takes of hostile text what has the right form, within limits.
std::optional<WorkqueueConfig> ParseConfig(std::string_view json);

// "started" of kStarted: its key in JSON.
std::string_view CounterKey(WorkqueueCounter counter);

}  // namespace wqprof

#endif  // WQPROF_WORKQUEUE_CONFIG_H_
