// SPDX-License-Identifier: Apache-2.0
#include "wqprof/workqueue_reader.h"

#ifdef WQPROF_BPF

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cerrno>

#include "live/bpf/walk_records.h"
#include "live/bpf_iterator.h"
#include "workqueue_walk.skel.h"

namespace wqprof {
namespace {

using bpf::CpusOfMask;
using bpf::NameOf;
using bpf::WhyNot;

constexpr std::string_view kScopePrefix = "WQ_AFFN_";

#define WQPROF_NAME(name) #name,
constexpr std::string_view kFlagNames[] = {WALK_FLAGS(WQPROF_NAME)};
constexpr std::string_view kScopeNames[] = {WALK_SCOPES(WQPROF_NAME)};
#undef WQPROF_NAME

// "WQ_UNBOUND", ...; bits that have no name here as one number.
std::vector<std::string> FlagNames(uint32_t flags, const walk_meanings& meanings) {
  std::vector<std::string> out;
  for (size_t i = 0; i < std::size(kFlagNames); ++i) {
    if ((flags & meanings.flags[i]) == 0) continue;
    out.emplace_back(kFlagNames[i]);
    flags &= ~meanings.flags[i];
  }
  if (flags != 0) out.push_back(fmt::format("{:#x}", flags));
  return out;
}

// "cache" of WQ_AFFN_CACHE, as sysfs writes it.
std::string ScopeName(int scope, const walk_meanings& meanings) {
  for (size_t i = 0; i < std::size(kScopeNames); ++i) {
    if (meanings.scopes[i] != scope) continue;
    if (kScopeNames[i] == "WQ_AFFN_DFL") return "default";
    std::string name(kScopeNames[i].substr(kScopePrefix.size()));
    for (char& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    return name;
  }
  return fmt::format("{}", scope);
}

WorkqueueCounters CountersOf(const walk_workqueue& from, const walk_meanings& meanings) {
  WorkqueueCounters out;
  if ((from.has & WALK_HAS_STATS) == 0) return out;
  for (size_t i = 0; i < kWorkqueueCounters; ++i) {
    const int at = meanings.counters[i];
    if (at < 0 || at >= WALK_STATS) continue;
    out[i] = from.stats[at];
    // The kernel adds up microseconds.
    if (i == static_cast<size_t>(WorkqueueCounter::kCpuTime)) out[i] = from.stats[at] * 1000;
  }
  return out;
}

// The ids of its pools, the lowest first.
std::vector<int> PoolsOf(const walk_workqueue& from) {
  std::vector<int> out;
  for (size_t word = 0; word < std::size(from.pools); ++word) {
    for (uint64_t bits = from.pools[word]; bits != 0; bits &= bits - 1) {
      out.push_back(static_cast<int>(word * 64) + std::countr_zero(bits));
    }
  }
  return out;
}

WorkqueueSetup SetupOf(const walk_workqueue& from, const walk_meanings& meanings) {
  WorkqueueSetup out;
  out.name = NameOf(from.name);
  out.address = from.address;
  out.flags = FlagNames(from.flags, meanings);
  out.unbound = out.Has("WQ_UNBOUND");
  out.ordered = out.Has("__WQ_ORDERED");
  // Softirqs have no limit.
  if (!out.Has("WQ_BH")) out.max_active = from.max_active;
  if ((from.has & WALK_HAS_MIN_ACTIVE) != 0 && *out.unbound) out.min_active = from.min_active;
  if (from.rescuer != 0) out.rescuer = from.rescuer;
  out.end = CountersOf(from, meanings);
  if (!*out.unbound) return out;
  if ((from.has & WALK_HAS_ATTRS) != 0) out.nice = from.nice;
  if ((from.has & WALK_HAS_AFFINITY) != 0) {
    out.affinity_scope = ScopeName(from.affinity_scope, meanings);
    out.affinity_strict = from.affinity_strict != 0;
  }
  out.pools = PoolsOf(from);
  return out;
}

PoolSetup SetupOf(int id, const walk_pool& from, int cpus) {
  PoolSetup out;
  out.id = id;
  if (from.cpu >= 0) out.cpu = from.cpu;
  if (from.node >= 0) out.node = from.node;
  if ((from.has & WALK_HAS_ATTRS) != 0) out.nice = from.nice;
  out.workers = from.workers;
  out.idle = from.idle;
  if ((from.has & WALK_HAS_MASK) == 0) return out;
  out.cpus = CpusOfMask(from.mask, cpus);
  return out;
}

// The loaded program.
class LoadedWalk : public WorkqueueWalk {
 public:
  explicit LoadedWalk(workqueue_walk* skeleton, int cpus) : skeleton_(skeleton), cpus_(cpus) {}
  ~LoadedWalk() override { workqueue_walk::destroy(skeleton_); }

  absl::StatusOr<WorkqueueConfig> Read() override {
    walk_state& state = skeleton_->bss->state;
    state = {.walk = ++walks_};
    const absl::Status status = bpf::VisitTasks(*skeleton_->progs.walk_workqueues);
    if (!status.ok()) return status;
    // A rescuer exists as long as the machine runs.
    if (state.first == 0) return absl::UnavailableError("no rescuer is there to start from");
    WorkqueueConfig out;
    out.source = "bpf";
    out.cut = state.cut != 0 || state.done == 0;
    out.parameters = WorkqueueParameters();
    std::vector<bool> used(WALK_POOLS), bh(WALK_POOLS);
    TakeWorkqueues(state.workqueues, out, used, bh);
    TakePools(out, used, bh);
    return out;
  }

 private:
  // Also finds which pools they use, and which of these are for bottom halves.
  void TakeWorkqueues(uint32_t count, WorkqueueConfig& out, std::vector<bool>& used,
                      std::vector<bool>& bh) {
    const int map = bpf_map__fd(skeleton_->maps.workqueues);
    const auto record = std::make_unique<walk_workqueue>();
    for (uint32_t i = 0; i < count && bpf_map_lookup_elem(map, &i, record.get()) == 0; ++i) {
      out.workqueues.push_back(SetupOf(*record, skeleton_->bss->meanings));
      const bool is_bh = out.workqueues.back().Has("WQ_BH");
      for (const int id : PoolsOf(*record)) {
        used[static_cast<size_t>(id)] = true;
        if (is_bh) bh[static_cast<size_t>(id)] = true;
      }
    }
  }

  void TakePools(WorkqueueConfig& out, const std::vector<bool>& used, const std::vector<bool>& bh) {
    const int map = bpf_map__fd(skeleton_->maps.pools);
    const auto record = std::make_unique<walk_pool>();
    for (int id = 0; id < WALK_POOLS; ++id) {
      if (!used[static_cast<size_t>(id)]) continue;
      if (bpf_map_lookup_elem(map, &id, record.get()) != 0 || record->walk != walks_) continue;
      out.pools.push_back(SetupOf(id, *record, cpus_));
      out.pools.back().bh = bh[static_cast<size_t>(id)];
    }
  }

  workqueue_walk* const skeleton_;
  const int cpus_;
  uint32_t walks_ = 0;
};

}  // namespace

absl::StatusOr<std::unique_ptr<WorkqueueWalk>> WorkqueueWalk::Load() {
  bpf::BeSilent();
  workqueue_walk* const skeleton = workqueue_walk::open();
  if (skeleton == nullptr) return absl::UnavailableError(WhyNot(errno));
  const int cpus = bpf::PossibleCpus();
  auto walk = std::make_unique<LoadedWalk>(skeleton, cpus);
  bpf_map__set_max_entries(skeleton->maps.pools, bpf::MostPools(cpus));
  skeleton->rodata->mask_bytes = bpf::MaskBytes(cpus);
  if (const int error = workqueue_walk::load(skeleton); error != 0) {
    return absl::UnavailableError(WhyNot(-error));
  }
  return walk;
}

}  // namespace wqprof

#else

namespace wqprof {

absl::StatusOr<std::unique_ptr<WorkqueueWalk>> WorkqueueWalk::Load() {
  return absl::UnimplementedError("this wqprof was built without BPF");
}

}  // namespace wqprof

#endif
