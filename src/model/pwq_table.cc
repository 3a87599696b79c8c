// SPDX-License-Identifier: Apache-2.0
#include "model/pwq_table.h"

namespace wqprof {

PwqId PwqTable::Of(NameId workqueue, Cpu target, Cpu source) {
  // An unbound workqueue may have a pool per NUMA node or pod: the submitting CPU decides.
  const bool unbound = target == Cpu::kNone;
  const uint64_t key = static_cast<uint64_t>(ToInt(workqueue)) << 32 |
                       static_cast<uint64_t>(unbound) << 16 |
                       static_cast<uint16_t>(ToInt(unbound ? source : target));
  Recent& recent = recent_[(key * 0x9e3779b97f4a7c15) >> (64 - kRecentBits)];
  if (recent.key != key) [[unlikely]] {
    const auto [it, added] = ids_.try_emplace(key, static_cast<PwqId>(states_.size()));
    if (added) states_.emplace_back();
    recent = {key, it->second};
  }
  return recent.pwq;
}

}  // namespace wqprof
