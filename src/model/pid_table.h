// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_MODEL_PID_TABLE_H_
#define WQPROF_MODEL_PID_TABLE_H_

#include <bitset>
#include <cstddef>
#include <cstdint>

#include "absl/container/flat_hash_map.h"
#include "model/by_cpu.h"
#include "wqprof/types.h"

namespace wqprof {

// Which worker, as an index, a pid stands for.  Most pids that events name are no worker's.
class PidTable {
 public:
  static constexpr size_t kNone = SIZE_MAX;

  // kNone: nobody.
  size_t Find(Pid pid) const {
    const auto it = MayBeWorker(pid) ? indices_.find(ToInt(pid)) : indices_.end();
    return it == indices_.end() ? kNone : it->second;
  }
  // The same for an event on this CPU, which is mostly of the worker that was seen there last.
  [[gnu::always_inline]] size_t Find(Pid pid, Cpu cpu) {
    Recent& recent = recent_[cpu];
    if (recent.pid == pid && pid != Pid::kNone) return recent.index;
    return MayBeWorker(pid) ? Look(recent, pid) : kNone;
  }
  void Set(Pid pid, size_t index) {
    indices_[ToInt(pid)] = index;
    maybe_.set(BitOf(pid));
    // Another CPU may remember that this pid is no worker.
    for (Recent& recent : recent_) {
      if (recent.pid == pid) recent.index = index;
    }
  }
  // The pid stands for nobody any more.
  void Erase(Pid pid) {
    if (indices_.erase(ToInt(pid)) == 0) return;
    for (Recent& recent : recent_) {
      if (recent.pid == pid) recent = {};
    }
  }

 private:
  // The worker seen last on a CPU: its end follows its start.
  struct Recent {
    Pid pid = Pid::kNone;
    size_t index = 0;
  };
  // A bit for every pid (modulo their number) that may be a worker's.
  static constexpr size_t kBits = 1 << 15;
  static size_t BitOf(Pid pid) { return static_cast<uint32_t>(ToInt(pid)) % kBits; }
  bool MayBeWorker(Pid pid) const { return maybe_.test(BitOf(pid)); }
  [[gnu::noinline]] size_t Look(Recent& recent, Pid pid) const {
    recent = {pid, Find(pid)};
    return recent.index;
  }

  absl::flat_hash_map<int32_t, size_t> indices_;
  ByCpu<Recent> recent_;
  std::bitset<kBits> maybe_;
};

}  // namespace wqprof

#endif  // WQPROF_MODEL_PID_TABLE_H_
