// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_MODEL_POOL_TABLE_H_
#define WQPROF_MODEL_POOL_TABLE_H_

#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "model/growing_table.h"
#include "wqprof/model.h"
#include "wqprof/name_table.h"

namespace wqprof {

// The pools that are known, by what names of workers and target CPUs show of them.
class PoolTable {
 public:
  PoolTable() { pools_.Add({}); }

  PoolId PerCpu(Cpu cpu, bool highpri) {
    return Find(highpri ? PoolKind::kHighpri : PoolKind::kPerCpu, ToInt(cpu), cpu, {});
  }
  PoolId Unbound(int number) { return Find(PoolKind::kUnbound, number, Cpu::kNone, {}); }
  PoolId Bh(Cpu cpu, bool highpri) {
    return Find(highpri ? PoolKind::kBhHighpri : PoolKind::kBh, ToInt(cpu), cpu, {});
  }
  PoolId Rescuer(NameId comm, std::string_view text) {
    return Find(PoolKind::kRescuer, static_cast<int>(ToInt(comm)), Cpu::kNone, text);
  }

  // See Reconstructor::pool().
  const Pool& operator[](PoolId id) const { return pools_[static_cast<size_t>(id)]; }
  // With the one that stands for an unknown pool.
  size_t size() const { return pools_.size(); }

 private:
  PoolId Find(PoolKind kind, int number, Cpu cpu, std::string_view comm);

  GrowingTable<Pool> pools_;
  absl::flat_hash_map<std::pair<int, int>, PoolId> ids_;
};

}  // namespace wqprof

#endif  // WQPROF_MODEL_POOL_TABLE_H_
