// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_INTERVAL_UNION_H_
#define WQPROF_INTERVAL_UNION_H_

#include <algorithm>
#include <iterator>
#include <vector>

#include "wqprof/types.h"

namespace wqprof {

// How much time a set of intervals covers that arrive roughly in order of their ends.  Only
// the latest gaps are kept: an interval counts from the end of what was let go.
class IntervalUnion {
 public:
  // REQUIRES: from <= to.
  void Add(Timestamp from, Timestamp to) {
    from = std::max(from, settled_);
    if (from >= to) return;
    // From the first that it touches to the last, all become one.
    const auto first = std::lower_bound(recent_.begin(), recent_.end(), from,
                                        [](const Span& s, Timestamp t) { return s.to < t; });
    auto last = first;
    for (; last != recent_.end() && last->from <= to; ++last) {
      from = std::min(from, last->from);
      to = std::max(to, last->to);
    }
    recent_.insert(recent_.erase(first, last), {from, to});
    if (recent_.size() < 2 * kKept) return;
    const auto kept = recent_.begin() + kKept;
    for (auto span = recent_.begin(); span != kept; ++span) {
      settled_sum_ = AddSaturated(settled_sum_, span->to - span->from);
    }
    settled_ = std::prev(kept)->to;
    recent_.erase(recent_.begin(), kept);
  }
  Nanos Sum() const {
    Nanos sum = settled_sum_;
    for (const Span& span : recent_) sum = AddSaturated(sum, span.to - span.from);
    return sum;
  }

 private:
  // [from, to)
  struct Span {
    Timestamp from, to;
  };
  static constexpr size_t kKept = 64;
  std::vector<Span> recent_;  // disjoint, in order
  Timestamp settled_ = kUnseen;
  Nanos settled_sum_{0};
};

}  // namespace wqprof

#endif  // WQPROF_INTERVAL_UNION_H_
