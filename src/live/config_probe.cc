// SPDX-License-Identifier: Apache-2.0
#include "live/config_probe.h"

#include <csignal>
#include <utility>

namespace wqprof {

ConfigProbe::ConfigProbe() {
  // Signals are for the thread that records.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { Run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

ConfigProbe::~ConfigProbe() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

void ConfigProbe::Run() {
  auto walk = WorkqueueWalk::Load();
  std::unique_lock lock(mutex_);
  if (walk.ok()) {
    walk_ = *std::move(walk);
  } else {
    why_not_ = std::string(walk.status().message());
  }
  loading_ = false;
  changed_.notify_all();
  changed_.wait(lock, [this] { return begun_ || ending_; });
  // Only the walk has counters, for which a first reading is worth it.
  if (begun_ && walk_ != nullptr) first_ = Read();
}

void ConfigProbe::Begin() {
  const std::lock_guard lock(mutex_);
  begun_ = true;
  changed_.notify_all();
}

bool ConfigProbe::Loading() {
  const std::lock_guard lock(mutex_);
  return loading_;
}

WorkqueueConfig ConfigProbe::Read() {
  if (walk_ != nullptr) {
    auto config = walk_->Read();
    if (config.ok()) return *std::move(config);
    why_not_ = std::string(config.status().message());
  }
  WorkqueueConfig config = ReadSysfsConfig();
  config.limited_by = why_not_;
  return config;
}

WorkqueueConfig ConfigProbe::Now() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !loading_; });
  return Read();
}

WorkqueueConfig ConfigProbe::SinceBegin() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !loading_; });
  const bool counts = first_ && first_->source == "bpf";
  WorkqueueConfig now = Read();
  return counts && now.source == "bpf" ? JoinReadings(*first_, std::move(now)) : now;
}

}  // namespace wqprof
