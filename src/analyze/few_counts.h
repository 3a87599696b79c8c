// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_ANALYZE_FEW_COUNTS_H_
#define WQPROF_ANALYZE_FEW_COUNTS_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace wqprof {

// Counts one more of `key`, unless it is new and there are `most` others: of a few keys, which are
// looked through faster than hashed.
template <typename Key>
void CountFew(std::vector<std::pair<Key, uint64_t>>& counts, const Key& key, size_t most) {
  for (auto& [known, count] : counts) {
    if (known != key) continue;
    ++count;
    return;
  }
  if (counts.size() < most) counts.emplace_back(key, 1);
}

}  // namespace wqprof

#endif  // WQPROF_ANALYZE_FEW_COUNTS_H_
