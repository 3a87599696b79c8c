// SPDX-License-Identifier: Apache-2.0
#include "live/flush_probe.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <map>
#include <set>
#include <utility>

#include "live/metadata.h"

namespace wqprof {
namespace {

// The kernel has room for what comes in a hundred times that.
constexpr auto kPeriod = std::chrono::milliseconds(50);

}  // namespace

FlushProbe::FlushProbe(Nanos floor, bool live) : floor_(floor), live_(live) {
  // Signals are for the thread that records.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { Run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

FlushProbe::~FlushProbe() {
  if (thread_.joinable()) End();
}

void FlushProbe::Run() {
  auto watch = FlushWatch::Load(floor_);
  const FlushWatch::Taker take = [this](FlushWait wait, uint64_t function) {
    Keep(std::move(wait), function);
  };
  std::unique_lock lock(mutex_);
  if (!watch.ok()) why_not_ = std::string(watch.status().message());
  if (watch.ok()) state_ = (*watch)->Look();
  loading_ = false;
  changed_.notify_all();
  if (!watch.ok()) {
    log_.limited_by = why_not_;
    log_.floor = floor_;
    return;
  }
  while (!ending_) {
    changed_.wait_for(lock, kPeriod, [this] { return ending_; });
    lock.unlock();
    FlushLog state;
    if (live_) state = (*watch)->Look();
    (*watch)->Take(take);
    lock.lock();
    state_ = std::move(state);
  }
  lock.unlock();
  log_ = (*watch)->End(take);
  log_.left_out = longest_.left_out();
  log_.waits = longest_.Take();
}

void FlushProbe::Keep(FlushWait wait, uint64_t function) {
  // Named when all is over: one look at the symbols is enough.
  if (function != 0) wait.function = fmt::format("{:#x}", function);
  if (live_) {
    const std::lock_guard lock(mutex_);
    recent_.push_back(wait);
    ++fresh_;
    if (recent_.size() > kMostFlushWaits) recent_.pop_front();
  }
  longest_.Add(std::move(wait));
}

std::vector<FlushWait> FlushProbe::Latest() {
  std::vector<FlushWait> out;
  {
    const std::lock_guard lock(mutex_);
    const size_t count = std::min(std::exchange(fresh_, 0), recent_.size());
    out.assign(recent_.end() - static_cast<ptrdiff_t>(count), recent_.end());
  }
  NameFunctions(out);
  return out;
}

FlushLog FlushProbe::Look(Timestamp since) {
  FlushLog out;
  {
    const std::lock_guard lock(mutex_);
    out = state_;
    for (const FlushWait& wait : recent_) {
      if (wait.end >= since) out.waits.push_back(wait);
    }
  }
  out.begin = std::max(out.begin, since);
  NameFunctions(out.waits);
  return out;
}

std::string FlushProbe::WaitUntilLoaded() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !loading_; });
  return why_not_;
}

FlushLog FlushProbe::End() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    changed_.notify_all();
  }
  thread_.join();
  NameFunctions(log_.waits);
  return std::move(log_);
}

void FlushProbe::NameFunctions(std::vector<FlushWait>& waits) {
  std::set<uint64_t> unknown;
  const auto address_of = [](const FlushWait& wait) {
    return std::strtoull(wait.function.c_str(), nullptr, 16);
  };
  for (const FlushWait& wait : waits) {
    if (!names_.contains(address_of(wait))) unknown.insert(address_of(wait));
  }
  unknown.erase(0);
  if (!unknown.empty()) {
    const std::map<uint64_t, std::string> found = ReadKernelSymbols().NamesOf(unknown);
    // What has no name is not asked for again.
    for (const uint64_t address : unknown) {
      const auto name = found.find(address);
      names_[address] = name != found.end() ? name->second : "";
    }
  }
  for (FlushWait& wait : waits) {
    const auto name = names_.find(address_of(wait));
    if (name != names_.end() && !name->second.empty()) wait.function = name->second;
  }
}

}  // namespace wqprof
