// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_CREW_H_
#define WQPROF_CREW_H_

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

namespace wqprof {

// What one thread writes all the time lies at least this far from what another one uses: else
// their caches take the same line from each other at every event.
inline constexpr size_t kApart = 128;

// Memory that shares no cache line with other memory.
template <typename T>
struct ApartAllocator {
  using value_type = T;
  ApartAllocator() = default;
  template <typename U>
  explicit ApartAllocator(const ApartAllocator<U>&) {}
  T* allocate(size_t n) {
    const size_t bytes = (n * sizeof(T) + kApart - 1) / kApart * kApart;
    return static_cast<T*>(::operator new(bytes, std::align_val_t(kApart)));
  }
  void deallocate(T* p, size_t) { ::operator delete(p, std::align_val_t(kApart)); }
  bool operator==(const ApartAllocator&) const { return true; }
};

// Helping hands for the one thread that reads a trace.  They do steps of jobs: decode the next
// pages of a CPU, sum up the next items.  The reader never waits for work that nobody has begun:
// it does it itself, so that all cores are busy whatever share each kind of work has.
class Crew {
 public:
  // Work that is done step by step, never by two threads at once.
  class Job {
   public:
    virtual ~Job() = default;
    // Does one step.  Returns whether another one can be done right away.
    virtual bool Step() = 0;

   private:
    friend class Crew;
    // kRecalled: asked for again while it runs.
    enum class Place : uint8_t { kIdle, kQueued, kRuns, kRecalled };
    Place place_ = Place::kIdle;
  };

  // At most `helpers` threads besides the callers', fewer where the system gives no more; with 0
  // all is done in WaitUntil().
  explicit Crew(int helpers);
  // REQUIRES: no call is under way.  Jobs that wait are dropped, steps that run are finished.
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  int helpers() const { return static_cast<int>(threads_.size()); }
  // Who calls: helpers have the numbers from 1 to helpers(), any other thread has 0.  It names a
  // thread only while one thread besides the helpers does steps.
  size_t hand() const;
  // There is a step of `job` to do.  The job must outlive its steps: see Forget().
  void Schedule(Job& job);
  // Returns once `ready` does, which steps of `job` will bring about; does steps meanwhile.
  // `ready` must be safe to call from here while others do steps.
  template <typename F>
  void WaitUntil(Job& job, F&& ready) {
    while (!ready()) Help(job);
  }
  // No step of `job` runs, or will run.
  void Forget(Job& job);

 private:
  using Lock = std::unique_lock<std::mutex>;
  void Run(size_t hand);
  // Does a step, of `job` if that waits for one; else waits for the end of some step.
  void Help(Job& job);
  void DoStep(Job& job, Lock& lock);
  void Enqueue(Job& job);

  std::mutex mutex_;
  std::condition_variable work_, done_;
  std::deque<Job*> queue_;
  std::atomic<size_t> queued_{0};  // queue_'s length, for those who look without the mutex
  std::atomic<uint64_t> steps_done_{0};
  int idle_ = 0;     // helpers that sleep
  int waiting_ = 0;  // callers that sleep
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

}  // namespace wqprof

#endif  // WQPROF_CREW_H_
