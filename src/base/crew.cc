// SPDX-License-Identifier: Apache-2.0
#include "wqprof/crew.h"

#include <algorithm>
#include <chrono>
#include <system_error>

namespace wqprof {
namespace {

// A step takes some ten microseconds, and so does it to wake a thread, or longer where a
// hypervisor has to start its CPU: who has nothing to do looks about for that long first.
constexpr auto kLookAbout = std::chrono::microseconds(50);

void Relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#endif
}

// Whether `f` became true meanwhile.
template <typename F>
bool LookAboutFor(F&& f) {
  const auto until = std::chrono::steady_clock::now() + kLookAbout;
  do {
    for (int i = 0; i < 32; ++i) {
      if (f()) return true;
      Relax();
    }
  } while (std::chrono::steady_clock::now() < until);
  return false;
}

// Of the crew that this thread helps, if any.
thread_local const Crew* my_crew = nullptr;
thread_local size_t my_hand = 0;

}  // namespace

Crew::Crew(int helpers) {
  try {
    for (int i = 0; i < helpers; ++i) {
      threads_.emplace_back([this, hand = static_cast<size_t>(i) + 1] { Run(hand); });
    }
  } catch (const std::system_error&) {
    // Under a limit there are fewer of them, or none: the result is the same.
  }
}

Crew::~Crew() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  work_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

// REQUIRES: mutex_ is held.
void Crew::Enqueue(Job& job) {
  job.place_ = Job::Place::kQueued;
  queue_.push_back(&job);
  queued_.store(queue_.size(), std::memory_order_relaxed);
  if (idle_ > 0) work_.notify_one();
}

void Crew::Schedule(Job& job) {
  std::lock_guard lock(mutex_);
  if (job.place_ == Job::Place::kIdle) {
    Enqueue(job);
  } else if (job.place_ == Job::Place::kRuns) {
    job.place_ = Job::Place::kRecalled;
  }
}

// REQUIRES: it stands in the queue no more.
void Crew::DoStep(Job& job, Lock& lock) {
  queued_.store(queue_.size(), std::memory_order_relaxed);
  job.place_ = Job::Place::kRuns;
  lock.unlock();
  const bool more = job.Step();
  lock.lock();
  if (more || job.place_ == Job::Place::kRecalled) {
    Enqueue(job);
  } else {
    job.place_ = Job::Place::kIdle;
  }
  steps_done_.fetch_add(1, std::memory_order_relaxed);
  if (waiting_ > 0) done_.notify_all();
}

size_t Crew::hand() const { return my_crew == this ? my_hand : 0; }

void Crew::Run(size_t hand) {
  my_crew = this;
  my_hand = hand;
  Lock lock(mutex_);
  while (!stop_) {
    if (!queue_.empty()) {
      Job& job = *queue_.front();
      queue_.pop_front();
      DoStep(job, lock);
      continue;
    }
    lock.unlock();
    const bool found =
        LookAboutFor([this] { return stop_ || queued_.load(std::memory_order_relaxed) > 0; });
    lock.lock();
    if (found) continue;
    ++idle_;
    work_.wait(lock, [this] { return stop_ || !queue_.empty(); });
    --idle_;
  }
}

void Crew::Help(Job& job) {
  Lock lock(mutex_);
  if (!queue_.empty()) {
    const auto wanted = job.place_ == Job::Place::kQueued
                            ? std::find(queue_.begin(), queue_.end(), &job)
                            : queue_.begin();
    Job& next = **wanted;
    queue_.erase(wanted);
    DoStep(next, lock);
    return;
  }
  // Its step may have ended just now.
  if (job.place_ == Job::Place::kIdle) return;
  const uint64_t seen = steps_done_.load(std::memory_order_relaxed);
  const auto changed = [&] { return steps_done_.load(std::memory_order_relaxed) != seen; };
  lock.unlock();
  const bool found = LookAboutFor(changed);
  lock.lock();
  if (found) return;
  ++waiting_;
  done_.wait(lock, changed);
  --waiting_;
}

void Crew::Forget(Job& job) {
  Lock lock(mutex_);
  while (job.place_ != Job::Place::kIdle) {
    if (job.place_ == Job::Place::kQueued) {
      queue_.erase(std::find(queue_.begin(), queue_.end(), &job));
      queued_.store(queue_.size(), std::memory_order_relaxed);
      job.place_ = Job::Place::kIdle;
      return;
    }
    ++waiting_;
    done_.wait(lock);
    --waiting_;
  }
}

}  // namespace wqprof
