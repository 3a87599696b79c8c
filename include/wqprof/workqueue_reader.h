// SPDX-License-Identifier: Apache-2.0
// How the workqueues and worker pools of this machine are set up, and what they do.
#ifndef WQPROF_WORKQUEUE_READER_H_
#define WQPROF_WORKQUEUE_READER_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "wqprof/workqueue_config.h"
#include "wqprof/workqueue_state.h"

namespace wqprof {

// A walk over all workqueues by a BPF program of ours.  It only reads.
class WorkqueueWalk {
 public:
  // Takes some 50 ms, nearly all of it to read the kernel's BTF.  The error says in one clause what
  // is missing: the build, rights, BTF.
  static absl::StatusOr<std::unique_ptr<WorkqueueWalk>> Load();
  virtual ~WorkqueueWalk() = default;
  // Takes less than a millisecond.  Counters are those of `end`.
  virtual absl::StatusOr<WorkqueueConfig> Read() = 0;
};

// What sysfs shows of workqueues (those with WQ_SYSFS), and /proc of their workers.
WorkqueueConfig ReadSysfsConfig();

// What each pool executes and what waits on it, by a BPF program of ours that only reads: a look
// and no snapshot, as the kernel goes on meanwhile.  The error says in one clause what is missing.
absl::StatusOr<WorkqueueState> LookAtPools();
// What /proc shows of it: workers that execute something.
WorkqueueState LookAtWorkersInProc();

// Settings of all workqueues.
std::vector<std::pair<std::string, std::string>> WorkqueueParameters();

// "0-3,8" of a mask of CPUs, lowest first.
std::string CpuList(const std::vector<bool>& cpus);

}  // namespace wqprof

#endif  // WQPROF_WORKQUEUE_READER_H_
