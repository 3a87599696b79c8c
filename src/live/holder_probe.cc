// SPDX-License-Identifier: Apache-2.0
#include "wqprof/holder_probe.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <ctime>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include "live/task_stack.h"
#include "live/tracefs.h"

namespace wqprof {
namespace {

using Clock = std::chrono::steady_clock;

// Pools come and go; those that were asked about long ago may be asked about again.
constexpr size_t kMostPools = 1024;

Timestamp Now(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return Timestamp(std::chrono::seconds(time.tv_sec) + Nanos(time.tv_nsec));
}

// What the clock of the recording shows; kUnseen: nobody knows.
Timestamp StampNow(const std::string& clock, const std::optional<Nanos>& wall_offset) {
  // Cycles become times of CLOCK_MONOTONIC.
  if (clock == "mono" || clock == "x86-tsc") return Now(CLOCK_MONOTONIC);
  if (clock == "mono_raw") return Now(CLOCK_MONOTONIC_RAW);
  if (clock == "boot") return Now(CLOCK_BOOTTIME);
  if (clock == "tai") return Now(CLOCK_TAI);
  return wall_offset ? Now(CLOCK_REALTIME) - *wall_offset : kUnseen;
}

bool IsOurs(Pid task) { return Exists(fmt::format("/proc/self/task/{}", ToInt(task))); }

// A worker that waits for something to do.
bool IsIdle(const TaskStack& stack) {
  return !stack.frames.empty() &&
         (stack.frames.front() == "worker_thread" || stack.frames.front() == "rescuer_thread");
}

}  // namespace

struct HolderProbe::State {
  std::string clock;
  std::optional<Nanos> wall_offset;
  std::map<std::string, Clock::time_point> asked;  // pools, and when
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<HolderStack> questions;
  std::optional<std::vector<HolderStack>> answers;
  bool busy = false, ending = false;  // busy: until the answers are taken
  std::thread thread;

  void Run() {
    StackTaker taker([this] { return StampNow(clock, wall_offset); });
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [this] { return ending || !questions.empty(); });
      if (ending) return;
      std::vector<HolderStack> holders = std::move(questions);
      questions.clear();
      lock.unlock();
      holders = Look(taker, std::move(holders));
      lock.lock();
      answers = std::move(holders);
    }
  }

  std::vector<HolderStack> Look(StackTaker& taker, std::vector<HolderStack> holders) const {
    std::vector<Pid> tasks;
    for (const HolderStack& holder : holders) tasks.push_back(holder.pid);
    const std::vector<TaskStack> stacks = taker.Take(tasks);
    std::vector<HolderStack> out;
    for (size_t i = 0; i < holders.size(); ++i) {
      const TaskStack& stack = stacks[i];
      const bool says = !stack.frames.empty() || stack.in_user_space || !stack.why_not.empty();
      if (stack.does == TaskDoes::kUnknown || !says || IsIdle(stack)) continue;
      // One that has let go of the CPU holds nothing, unless it executes.
      const bool executes = holders[i].begin != kUnseen;
      if (!executes && stack.does != TaskDoes::kOnCpu && stack.why_not.empty()) continue;
      HolderStack& holder = holders[i];
      holder.at = holder.last = stack.at;
      holder.state = stack.does;
      holder.in_user_space = stack.in_user_space;
      holder.stack = stack.frames;
      holder.samples = stack.samples;
      holder.samples_alike = stack.samples_alike;
      holder.why_not = stack.why_not;
      out.push_back(std::move(holder));
    }
    return out;
  }

  // Whether a look at that pool is due; if so, it is taken now.
  bool IsDue(const std::string& pool, Clock::time_point now) {
    if (asked.size() >= kMostPools) asked.clear();
    const auto [last, first] = asked.try_emplace(pool, now);
    if (!first && now - last->second < kPeriod) return false;
    last->second = now;
    return true;
  }
};

HolderProbe::HolderProbe(const TraceInfo& info) : state_(std::make_unique<State>()) {
  state_->clock = info.clock;
  state_->wall_offset = info.wall_offset;
}

HolderProbe::~HolderProbe() {
  if (!state_->thread.joinable()) return;
  {
    const std::lock_guard lock(state_->mutex);
    state_->ending = true;
    state_->changed.notify_all();
  }
  state_->thread.join();
}

std::vector<HolderStack> HolderProbe::Ask(const std::vector<HolderStack>& holders) {
  std::vector<HolderStack> out;
  const std::lock_guard lock(state_->mutex);
  if (state_->busy) return out;
  std::map<std::string, size_t> of_pool;  // those of them that are due
  std::map<std::string, bool> due;
  for (const HolderStack& holder : holders) {
    if (out.size() == kMostOfLook) break;
    const auto [is_due, first] = due.try_emplace(holder.pool, false);
    if (first) is_due->second = state_->IsDue(holder.pool, Clock::now());
    if (!is_due->second || of_pool[holder.pool] == kMostOfPool || IsOurs(holder.pid)) continue;
    ++of_pool[holder.pool];
    out.push_back(holder);
  }
  if (out.empty()) return out;
  state_->busy = true;
  state_->questions = out;
  if (!state_->thread.joinable()) {
    // Signals are for the thread that records.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    state_->thread = std::thread([state = state_.get()] { state->Run(); });
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  state_->changed.notify_all();
  return out;
}

std::optional<std::vector<HolderStack>> HolderProbe::Take() {
  const std::lock_guard lock(state_->mutex);
  if (!state_->answers) return std::nullopt;
  state_->busy = false;
  return std::exchange(state_->answers, std::nullopt);
}

}  // namespace wqprof
