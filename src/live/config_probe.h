// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_LIVE_CONFIG_PROBE_H_
#define WQPROF_LIVE_CONFIG_PROBE_H_

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "wqprof/workqueue_config.h"
#include "wqprof/workqueue_reader.h"

namespace wqprof {

// Reads the configuration of workqueues beside a recording, which never waits for it to begin: what
// takes time is done on a thread of its own.
class ConfigProbe {
 public:
  // Begins to load what reads it.
  ConfigProbe();
  ~ConfigProbe();
  ConfigProbe(const ConfigProbe&) = delete;
  ConfigProbe& operator=(const ConfigProbe&) = delete;

  // Events are recorded from now on: a first reading is taken as soon as that can be done.
  void Begin();
  // Whether Now() would wait.
  bool Loading();
  // The configuration as it is now.
  WorkqueueConfig Now();
  // The same, with what the kernel counted since the first reading, if there was one.
  WorkqueueConfig SinceBegin();

 private:
  void Run();
  // REQUIRES: the lock is held, and nothing loads.
  WorkqueueConfig Read();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::unique_ptr<WorkqueueWalk> walk_;  // absent: only sysfs is there
  std::string why_not_;
  std::optional<WorkqueueConfig> first_;
  bool begun_ = false, ending_ = false;
  bool loading_ = true;
  std::thread thread_;
};

}  // namespace wqprof

#endif  // WQPROF_LIVE_CONFIG_PROBE_H_
