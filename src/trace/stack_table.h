// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TRACE_STACK_TABLE_H_
#define WQPROF_TRACE_STACK_TABLE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <shared_mutex>
#include <span>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "wqprof/name_table.h"
#include "wqprof/symbols.h"

namespace wqprof {

// The stacks of a trace, each stored and named once.  Memory is bounded by the number of distinct
// ones, and by kMaxStacks.  Thread-safe.
class StackTable {
 public:
  // Of later ones it is only known that there are others.
  static constexpr size_t kMaxStacks = 1 << 14;
  // Of a deeper stack the outer frames are not known.
  static constexpr size_t kMaxFrames = 128;

  // Whether frames are missing, then the addresses from the innermost outwards.
  using Key = std::vector<uint64_t>;
  struct Entry {
    Key key;
    NameId name = NameId::kUnknown;
  };

  // Both must outlive this object.
  StackTable(const Symbols& symbols, NameTable& names) : symbols_(symbols), names_(names) {}
  // Stacks keep the functions that StackText() leaves out.  REQUIRES: before the first one.
  void KeepWhole() { whole_ = true; }
  // Stays where it is.
  const Entry& Get(const Key& key);

 private:
  NameId NameOf(const Key& key);

  const Symbols& symbols_;
  NameTable& names_;
  bool whole_ = false;
  std::shared_mutex mutex_;
  absl::flat_hash_map<Key, std::unique_ptr<Entry>> stacks_;
  Entry other_;
};

// Names stacks for one thread at a time; those that come again are found without a lock.
class StackNamer {
 public:
  explicit StackNamer(StackTable& table) : table_(table) {
    key_.reserve(StackTable::kMaxFrames + 1);
  }
  // `whole`: those are all frames, and not only the innermost ones.
  NameId NameOf(std::span<const uint64_t> frames, bool whole);

 private:
  StackTable& table_;
  StackTable::Key key_;
  static constexpr int kBits = 10;
  std::array<const StackTable::Entry*, 1 << kBits> recent_{};
};

}  // namespace wqprof

#endif  // WQPROF_TRACE_STACK_TABLE_H_
