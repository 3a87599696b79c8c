// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TESTS_SUPPORT_SIMULATED_KERNEL_H_
#define WQPROF_TESTS_SUPPORT_SIMULATED_KERNEL_H_

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "support/pool_simulator.h"

namespace wqprof::testing {

struct SimPool;
struct SimWorker;
struct SimWork;

// A workqueue.  Its works go to one pool per CPU, or to one for all.
struct SimWorkqueue {
  std::string name;
  std::vector<SimPool*> pools;  // by CPU; one: unbound
  size_t max_active = 256;
  bool has_rescuer = false;
};

// The place of a workqueue in a pool (pool_workqueue): its max_active is counted here.
struct SimPwq {
  size_t active = 0;
  std::deque<std::pair<SimWork*, size_t>> inactive;  // with index of the true item
};

// A work_struct.
struct SimWork {
  WorkAddr address{};
  std::string function;
  SimWorkqueue* workqueue = nullptr;
  bool pending = false;
  size_t item = 0;               // true item of the queued instance
  SimPool* queued_in = nullptr;  // pool of the queued instance
  bool inactive = false;
  bool barrier_behind = false;  // a flush waits for the queued instance
};

// One queued instance on a pool's or a worker's list.
struct SimEntry {
  SimWork* work = nullptr;  // null: barrier
  size_t item = 0;
};

struct SimWorker {
  Emitter self;
  std::string comm;
  std::string pool_name;    // as the analysis tells it
  SimPool* pool = nullptr;  // a rescuer's changes
  SimWorkqueue* rescues = nullptr;
  bool busy = false;     // awake, or about to be
  bool running = false;  // counts for concurrency management
  SimEntry current;      // what it executes
  WorkAddr current_address{};
  std::string current_function;
  bool executing = false;
  bool started = false;  // its start event is out
  std::deque<SimEntry> scheduled;
};

struct SimPool {
  std::string name;
  int cpu = -1;
  bool concurrency_managed = false;
  bool softirq = false;
  std::deque<SimEntry> worklist;
  std::vector<std::unique_ptr<SimWorker>> workers;
};

// A machine with pools of workers, driven by an agenda of things to do at simulated times.
class SimulatedKernel {
 public:
  SimulatedKernel(const SimulationOptions& options, Simulation& out);
  void Run();

 private:
  using Act = std::function<void()>;

  // --- Time and chance
  void At(Nanos delay, int cpu, Act act);
  Nanos Span(Nanos mean);
  bool Chance(double probability);
  size_t Pick(size_t n);

  // --- Setting up
  void MakePools();
  void MakeWorkqueues();
  void MakeWorks();
  SimPool* AddPool(std::string name, int cpu, bool managed, const std::string& comm_format);

  // --- What tasks do
  void TaskActs(Emitter task);
  void Queue(SimWork* work, const Emitter& by, Origin::Kind origin, const SimWork* parent);
  void Activate(SimWork* work, size_t item, SimPool* pool, const Emitter& by);
  bool Grab(SimWork* work, const Emitter& by);
  void Flush(SimWork* work, const Emitter& by);
  bool InWindow(const SimWork* work) const;
  void ReleaseSlot(SimWorkqueue* workqueue, SimPool* pool, const Emitter& by);
  Emitter InterruptOn(int cpu);

  // --- What workers do
  SimPool* PoolFor(SimWork* work, int cpu);
  SimWorker* WorkerExecuting(const SimWork* work, const SimPool* pool);
  void Kick(SimPool* pool);
  void Rescue(SimPool* pool);
  void Take(SimWorker* worker);
  bool TakeEntry(SimWorker* worker, SimEntry& entry);
  void Start(SimWorker* worker);
  void ActWithin(SimWorker* worker, Nanos length);
  void End(SimWorker* worker);
  void Reuse(SimWorker* worker);
  void RunBottomHalf(SimPool* pool);

  // --- What is recorded
  Nanos Stamp();
  void EmitStart(const Emitter& by, WorkAddr work, const std::string& function, size_t item,
                 const std::string& pool);
  void EmitEnd(const Emitter& by, WorkAddr work, const std::string& function, size_t item);

  const SimulationOptions& options_;
  Simulation& out_;
  std::mt19937_64 random_;
  Nanos now_{1000};
  Nanos last_stamp_{0};
  uint64_t order_ = 0;
  // By time, then by order of arrival; with the CPU that is to act.
  std::map<std::pair<Nanos, uint64_t>, std::pair<int, Act>> agenda_;
  std::vector<bool> in_softirq_;  // by CPU: nothing else happens there meanwhile
  std::vector<std::unique_ptr<SimPool>> pools_;
  std::vector<std::unique_ptr<SimWorkqueue>> workqueues_;
  std::map<std::pair<SimWorkqueue*, SimPool*>, SimPwq> pwqs_;
  std::vector<std::unique_ptr<SimWork>> works_;
  std::vector<SimWork*> live_works_;
  std::vector<std::unique_ptr<SimWorker>> rescuers_;
  std::deque<std::string> comms_;  // stable texts for Emitter
  int next_pid_ = 100;
  uint64_t next_name_ = 0;
};

}  // namespace wqprof::testing

#endif  // WQPROF_TESTS_SUPPORT_SIMULATED_KERNEL_H_
