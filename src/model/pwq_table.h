// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_MODEL_PWQ_TABLE_H_
#define WQPROF_MODEL_PWQ_TABLE_H_

#include <array>
#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "wqprof/model.h"
#include "wqprof/name_table.h"

namespace wqprof {

// Index of a pool_workqueue of a PwqTable.
enum class PwqId : uint32_t {};

// A pool_workqueue: the items of one workqueue that one pool serves.
struct PwqState {
  PoolId pool = PoolId::kUnknown;  // known from the first start on
  int64_t waiting = 0;             // activated items
};

// The pool_workqueues, by what queue events say: those of one workqueue for one CPU have one.
class PwqTable {
 public:
  // That of `workqueue` for the CPU that the queue event names as target, or for an unbound one the
  // CPU that it was emitted on.
  PwqId Of(NameId workqueue, Cpu target, Cpu source);
  PwqState& operator[](PwqId id) { return states_[static_cast<size_t>(id)]; }
  const PwqState& operator[](PwqId id) const { return states_[static_cast<size_t>(id)]; }

 private:
  // One asked for lately: a queue event asks by name each time.
  struct Recent {
    uint64_t key = UINT64_MAX;  // nobody's: the middle of a key is zeros
    PwqId pwq{};
  };
  static constexpr int kRecentBits = 6;

  std::vector<PwqState> states_;
  absl::flat_hash_map<uint64_t, PwqId> ids_;
  std::array<Recent, 1 << kRecentBits> recent_;
};

}  // namespace wqprof

#endif  // WQPROF_MODEL_PWQ_TABLE_H_
