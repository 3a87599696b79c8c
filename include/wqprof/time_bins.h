// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TIME_BINS_H_
#define WQPROF_TIME_BINS_H_

#include <algorithm>
#include <cassert>
#include <cstddef>

#include "wqprof/types.h"

namespace wqprof {

// A number of bins of equal width that cover the time from a begin on.  The width doubles until the
// last time that was asked for lies in a bin; who keeps something by bin then makes one of two.
class TimeBins {
 public:
  // `width` at first, > 0.
  TimeBins(size_t bins, Nanos width) : bins_(bins), width_(width) { assert(width > Nanos(0)); }

  bool begun() const { return begin_ != kUnseen; }
  void Begin(Timestamp at) { begin_ = at; }
  Timestamp begin() const { return begin_; }
  Timestamp end() const { return EdgeOf(bins_); }
  Nanos width() const { return width_; }
  size_t size() const { return bins_; }

  // How often the width must double before `at` lies in a bin; the caller folds what it keeps as
  // often.  Times too far away for int64 stay outside.
  int Reach(Timestamp at) {
    int doublings = 0;
    constexpr Nanos kWidest{int64_t{1} << 50};
    while (at >= end() && width_ < kWidest) {
      width_ *= 2;
      ++doublings;
    }
    return doublings;
  }

  // Calls f(bin, part) for each bin that [from, to) touches.
  template <typename F>
  void Spread(Timestamp from, Timestamp to, F&& f) const {
    from = std::max(from, begin_);
    to = std::min(to, end());
    if (from >= to) return;
    for (size_t bin = static_cast<size_t>((from - begin_) / width_); from < to; ++bin) {
      const Timestamp until = std::min(to, EdgeOf(bin + 1));
      f(bin, until - from);
      from = until;
    }
  }
  // The bin that `at` lies in, at most the last one.  REQUIRES: at >= begin().
  size_t BinOf(Timestamp at) const {
    return std::min(bins_ - 1, static_cast<size_t>(Elapsed(begin_, at) / width_));
  }

  // Makes one of each two; `merge` adds its second argument to its first.
  template <typename V, typename F>
  static void Fold(V& series, F&& merge) {
    const size_t half = series.size() / 2;
    for (size_t i = 0; i < half; ++i) {
      if (i != 0) series[i] = series[2 * i];
      merge(series[i], series[2 * i + 1]);
    }
    std::fill(series.begin() + static_cast<ptrdiff_t>(half), series.end(),
              typename V::value_type{});
  }

 private:
  // Where the first `bins` bins end, the last of all times if that is beyond it.
  Timestamp EdgeOf(size_t bins) const {
    const Nanos span = width_ * static_cast<int64_t>(bins);
    return begin_ > Timestamp::max() - span ? Timestamp::max() : begin_ + span;
  }

  const size_t bins_;
  Nanos width_;
  Timestamp begin_ = kUnseen;
};

}  // namespace wqprof

#endif  // WQPROF_TIME_BINS_H_
