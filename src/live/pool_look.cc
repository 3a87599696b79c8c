// SPDX-License-Identifier: Apache-2.0
#include "wqprof/workqueue_reader.h"

#ifdef WQPROF_BPF

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <map>
#include <memory>
#include <utility>

#include "live/bpf/state_records.h"
#include "live/bpf_iterator.h"
#include "live/metadata.h"
#include "live/worker_proc.h"
#include "pool_look.skel.h"

namespace wqprof {
namespace {

// Of task->__state.
constexpr unsigned kInterruptible = 1, kUninterruptible = 2;

// Unloads the program.
struct Destroy {
  void operator()(pool_look* skeleton) const { pool_look::destroy(skeleton); }
};
using Skeleton = std::unique_ptr<pool_look, Destroy>;

// The tick that the kernel counts time by.
Nanos Jiffy() {
  timespec tick{};
  clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
  return std::chrono::seconds(tick.tv_sec) + Nanos(tick.tv_nsec);
}

// A time that began in the future was read while it changed.
std::optional<Nanos> Elapsed(uint64_t jiffies) {
  constexpr uint64_t kFuture = 1ULL << 40;
  return jiffies < kFuture ? std::optional(Jiffy() * static_cast<int64_t>(jiffies)) : std::nullopt;
}

TaskDoes StateOf(const state_worker& from) {
  if (from.pid == 0) return TaskDoes::kUnknown;
  if ((from.has & STATE_ON_CPU) != 0) return TaskDoes::kOnCpu;
  if (from.task_state == 0) return TaskDoes::kRunnable;
  if ((from.task_state & kInterruptible) != 0) return TaskDoes::kSleeping;
  return (from.task_state & kUninterruptible) != 0 ? TaskDoes::kBlocked : TaskDoes::kUnknown;
}

WorkerState WorkerOf(const state_worker& from) {
  WorkerState out;
  out.comm = bpf::NameOf(from.comm);
  if (from.pid != 0) {
    out.pid = Pid{from.pid};
    if (from.cpu >= 0 && from.cpu < STATE_CPUS) out.cpu = static_cast<Cpu>(from.cpu);
  }
  out.state = StateOf(from);
  out.executes = from.work != 0;
  out.rescuer = (from.has & STATE_RESCUER) != 0;
  if (!out.executes) return out;
  out.work = from.work;
  out.function_address = from.function;
  out.workqueue = bpf::NameOf(from.name);
  out.description = bpf::NameOf(from.description);
  constexpr uint64_t kNegative = 1ULL << 63;
  if ((from.has & STATE_HAS_CPU_TIME) != 0 && from.cpu_time_ns < kNegative) {
    out.cpu_time = Nanos(static_cast<int64_t>(from.cpu_time_ns));
  }
  if ((from.has & STATE_HAS_START) != 0) out.running = Elapsed(from.running_jiffies);
  return out;
}

PoolState PoolOf(int id, const state_pool& from, int cpus) {
  PoolState out;
  out.setup.id = id;
  out.setup.bh = (from.notes & STATE_BH) != 0;
  if (from.cpu >= 0) out.setup.cpu = from.cpu;
  if (from.node >= 0) out.setup.node = from.node;
  if ((from.notes & STATE_HAS_ATTRS) != 0) out.setup.nice = from.nice;
  if ((from.notes & STATE_HAS_MASK) != 0) out.setup.cpus = bpf::CpusOfMask(from.mask, cpus);
  out.setup.workers = from.workers;
  out.setup.idle = from.idle;
  out.running = from.running;
  out.active = from.active;
  out.pending = from.pending;
  out.inactive = 0;
  out.more_pending = (from.notes & STATE_MORE_PENDING) != 0;
  out.more_inactive = (from.notes & STATE_MORE_INACTIVE) != 0;
  out.more_taken = (from.notes & STATE_MORE_SCHEDULED) != 0;
  out.more_workers = (from.notes & STATE_MORE_WORKERS) != 0;
  if (from.pending > 0 && (from.notes & STATE_HAS_PROGRESS) != 0)
    out.stuck = Elapsed(from.stuck_jiffies);
  if (from.manager > 0) out.manager = Pid{from.manager};
  return out;
}

WaitingWorks::Place PlaceOf(int list) {
  switch (list) {
    case STATE_INACTIVE:
      return WaitingWorks::Place::kInactive;
    case STATE_SCHEDULED:
      return WaitingWorks::Place::kTaken;
    default:
      return WaitingWorks::Place::kPending;
  }
}

WaitingWorks WaitingOf(const state_key& key, const state_works& from) {
  WaitingWorks out;
  out.place = PlaceOf(key.list);
  out.workqueue = bpf::NameOf(from.name);
  out.function_address = key.function;
  out.work = from.work;
  out.count = from.count;
  if (from.max_active > 0) out.max_active = from.max_active;
  if (key.worker > 0) out.worker = Pid{key.worker};
  return out;
}

// What the program left in its maps.
class Taken {
 public:
  Taken(const pool_look& skeleton, int cpus) : skeleton_(skeleton), cpus_(cpus) {}

  std::vector<PoolState> Pools() {
    TakePools();
    TakeWorkers();
    TakeWaiting();
    TakeCpus();
    std::vector<PoolState> out;
    for (auto& [id, pool] : pools_) out.push_back(std::move(pool));
    return out;
  }

 private:
  template <class Value>
  bool Look(const bpf_map* map, uint32_t index, Value& value) const {
    return bpf_map_lookup_elem(bpf_map__fd(map), &index, &value) == 0;
  }

  void TakePools() {
    state_pool pool;
    const uint32_t most = bpf::MostPools(cpus_);
    for (uint32_t id = 0; id < most && Look(skeleton_.maps.pools, id, pool); ++id) {
      if ((pool.notes & STATE_SEEN) == 0) continue;
      pools_.emplace(static_cast<int>(id), PoolOf(static_cast<int>(id), pool, cpus_));
    }
  }

  void TakeWorkers() {
    state_worker worker;
    const uint32_t count = skeleton_.bss->state.workers;
    for (uint32_t i = 0; i < count && Look(skeleton_.maps.workers, i, worker); ++i) {
      const auto pool = pools_.find(worker.pool);
      if (pool != pools_.end()) pool->second.workers.push_back(WorkerOf(worker));
    }
  }

  // In the order in which they stand in their lists.
  void TakeWaiting() {
    const int map = bpf_map__fd(skeleton_.maps.groups);
    std::vector<std::pair<state_key, state_works>> found;
    state_key key{}, next;
    const state_key* last = nullptr;
    while (found.size() < STATE_GROUPS && bpf_map_get_next_key(map, last, &next) == 0) {
      key = next;
      last = &key;
      state_works works;
      if (bpf_map_lookup_elem(map, &key, &works) == 0) found.emplace_back(key, works);
    }
    std::sort(found.begin(), found.end(),
              [](const auto& a, const auto& b) { return a.second.order < b.second.order; });
    for (const auto& [of, works] : found) {
      const auto pool = pools_.find(of.pool);
      if (pool == pools_.end()) continue;
      pool->second.waiting.push_back(WaitingOf(of, works));
      if (of.list == STATE_INACTIVE) *pool->second.inactive += works.count;
    }
  }

  void TakeCpus() {
    for (auto& [id, pool] : pools_) {
      state_task task;
      if (!pool.setup.cpu || *pool.setup.cpu >= cpus_) continue;
      if (!Look(skeleton_.maps.cpus, static_cast<uint32_t>(*pool.setup.cpu), task)) continue;
      pool.read_from_cpu = task.reader != 0;
      if (task.seen == 0 || task.reader != 0) continue;
      pool.on_cpu = CpuTask{std::string(bpf::NameOf(task.comm)), Pid{task.pid}, task.prio};
    }
  }

  const pool_look& skeleton_;
  const int cpus_;
  std::map<int, PoolState> pools_;
};

}  // namespace

absl::StatusOr<WorkqueueState> LookAtPools() {
  bpf::BeSilent();
  const Skeleton skeleton(pool_look::open());
  if (skeleton == nullptr) return absl::UnavailableError(bpf::WhyNot(errno));
  const int cpus = bpf::PossibleCpus();
  bpf_map__set_max_entries(skeleton->maps.pools, bpf::MostPools(cpus));
  bpf_map__set_max_entries(skeleton->maps.cpus, static_cast<uint32_t>(cpus));
  skeleton->rodata->mask_bytes = bpf::MaskBytes(cpus);
  if (const int error = pool_look::load(skeleton.get()); error != 0) {
    return absl::UnavailableError(bpf::WhyNot(-error));
  }
  const absl::Status status = bpf::VisitTasks(*skeleton->progs.look_at_pools);
  if (!status.ok()) return status;
  const struct state_walk& walk = skeleton->bss->state;
  if (walk.first == 0) return absl::UnavailableError("no rescuer is there to start from");
  WorkqueueState out;
  out.source = "bpf";
  out.cut = walk.cut != 0 || walk.done == 0;
  out.took = Nanos(static_cast<int64_t>(walk.end_ns - walk.begin_ns));
  out.pools = Taken(*skeleton, cpus).Pools();
  AddFunctionNames(out);
  AddStacks(out);
  AddMachine(out);
  return out;
}

}  // namespace wqprof

#else

namespace wqprof {

absl::StatusOr<WorkqueueState> LookAtPools() {
  return absl::UnimplementedError("this wqprof was built without BPF");
}

}  // namespace wqprof

#endif
