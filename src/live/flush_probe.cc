// SPDX-License-Identifier: Apache-2.0
#include "live/flush_probe.h"

#include <fmt/format.h>

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

FlushProbe::FlushProbe(Nanos floor) : floor_(floor) {
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
    (*watch)->Take(take);
    lock.lock();
  }
  lock.unlock();
  log_ = (*watch)->End(take);
  log_.left_out = longest_.left_out();
  log_.waits = longest_.Take();
}

void FlushProbe::Keep(FlushWait wait, uint64_t function) {
  // Named when all is over: one look at the symbols is enough.
  if (function != 0) wait.function = fmt::format("{:#x}", function);
  longest_.Add(std::move(wait));
}

void FlushProbe::WaitUntilLoaded(std::vector<std::string>& notes) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !loading_; });
  if (!why_not_.empty()) {
    notes.push_back("--flushes: who waits in flushes is not recorded: " + why_not_);
  }
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

void FlushProbe::NameFunctions(std::vector<FlushWait>& waits) const {
  std::set<uint64_t> addresses;
  const auto address_of = [](const FlushWait& wait) {
    return std::strtoull(wait.function.c_str(), nullptr, 16);
  };
  for (const FlushWait& wait : waits) addresses.insert(address_of(wait));
  addresses.erase(0);
  if (addresses.empty()) return;
  const std::map<uint64_t, std::string> names = ReadKernelSymbols().NamesOf(addresses);
  for (FlushWait& wait : waits) {
    const auto name = names.find(address_of(wait));
    if (name != names.end()) wait.function = name->second;
  }
}

}  // namespace wqprof
