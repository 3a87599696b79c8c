// SPDX-License-Identifier: Apache-2.0
#include "wqprof/workqueue_config.h"

#include <algorithm>
#include <map>

namespace wqprof {
namespace {

constexpr std::array<std::string_view, kWorkqueueCounters> kCounterKeys = {
    "started",   "completed",   "cpu_time_ns", "cpu_intensive",
    "cm_wakeup", "repatriated", "mayday",      "rescued"};

bool Alike(const WorkqueueSetup& a, const WorkqueueSetup& b) {
  return a.flags == b.flags && a.unbound == b.unbound && a.ordered == b.ordered &&
         a.max_active == b.max_active;
}

}  // namespace

std::string_view CounterKey(WorkqueueCounter counter) {
  return kCounterKeys[static_cast<size_t>(counter)];
}

bool WorkqueueSetup::Has(std::string_view flag) const {
  return flags && std::find(flags->begin(), flags->end(), flag) != flags->end();
}

std::optional<uint64_t> WorkqueueSetup::Counted(WorkqueueCounter counter) const {
  const auto& first = begin[static_cast<size_t>(counter)];
  const auto& last = end[static_cast<size_t>(counter)];
  if (!first || !last || *last < *first) return std::nullopt;
  return *last - *first;
}

const WorkqueueSetup* WorkqueueConfig::Find(std::string_view name) const {
  const WorkqueueSetup* found = nullptr;
  for (const WorkqueueSetup& workqueue : workqueues) {
    if (workqueue.name != name) continue;
    if (found != nullptr && !Alike(*found, workqueue)) return nullptr;
    found = &workqueue;
  }
  return found;
}

size_t WorkqueueConfig::CountOf(std::string_view name) const {
  return static_cast<size_t>(
      std::count_if(workqueues.begin(), workqueues.end(),
                    [name](const WorkqueueSetup& workqueue) { return workqueue.name == name; }));
}

const PoolSetup* WorkqueueConfig::Pool(int id) const {
  const auto found = std::find_if(pools.begin(), pools.end(),
                                  [id](const PoolSetup& pool) { return pool.id == id; });
  return found == pools.end() ? nullptr : &*found;
}

std::string_view WorkqueueConfig::Parameter(std::string_view name) const {
  for (const auto& [key, value] : parameters) {
    if (key == name) return value;
  }
  return "";
}

std::optional<uint64_t> WorkqueueConfig::Started() const {
  std::optional<uint64_t> sum;
  for (const WorkqueueSetup& workqueue : workqueues) {
    const auto started = workqueue.Counted(WorkqueueCounter::kStarted);
    if (started) sum = sum.value_or(0) + *started;
  }
  return sum;
}

WorkqueueConfig JoinReadings(const WorkqueueConfig& begin, WorkqueueConfig end) {
  std::map<std::pair<uint64_t, std::string_view>, const WorkqueueSetup*> first;
  for (const WorkqueueSetup& workqueue : begin.workqueues) {
    first.emplace(std::pair(workqueue.address, std::string_view(workqueue.name)), &workqueue);
  }
  for (WorkqueueSetup& workqueue : end.workqueues) {
    const auto found = first.find({workqueue.address, workqueue.name});
    if (found != first.end()) {
      workqueue.begin = found->second->end;
    } else if (begin.source == "bpf") {
      // It was made meanwhile, and counts from 0.
      for (size_t i = 0; i < kWorkqueueCounters; ++i) {
        if (workqueue.end[i]) workqueue.begin[i] = 0;
      }
    }
    first.erase({workqueue.address, workqueue.name});
  }
  // Those that are gone were there while works were recorded.
  for (const WorkqueueSetup& workqueue : begin.workqueues) {
    if (!first.contains({workqueue.address, workqueue.name})) continue;
    WorkqueueSetup gone = workqueue;
    std::swap(gone.begin, gone.end);
    end.workqueues.push_back(std::move(gone));
  }
  for (const PoolSetup& pool : begin.pools) {
    if (end.Pool(pool.id) == nullptr) end.pools.push_back(pool);
  }
  return end;
}

}  // namespace wqprof
