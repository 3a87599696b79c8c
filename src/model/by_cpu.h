// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_MODEL_BY_CPU_H_
#define WQPROF_MODEL_BY_CPU_H_

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "wqprof/types.h"

namespace wqprof {

// A T for every CPU that was asked for.  An unknown CPU shares that of CPU 0.
template <typename T>
class ByCpu {
 public:
  explicit ByCpu(T fill = T()) : fill_(std::move(fill)) {}

  T& operator[](Cpu cpu) {
    const size_t i = IndexOf(cpu);
    if (i >= values_.size()) [[unlikely]]
      Grow(i + 1);
    return values_[i];
  }
  // Null if it was never asked for.
  const T* Find(Cpu cpu) const {
    const size_t i = IndexOf(cpu);
    return i < values_.size() ? &values_[i] : nullptr;
  }
  auto begin() { return values_.begin(); }
  auto end() { return values_.end(); }

 private:
  static size_t IndexOf(Cpu cpu) { return static_cast<size_t>(std::max(ToInt(cpu), 0)); }
  // Rarely, and kept out of the way of the callers.
  [[gnu::noinline]] void Grow(size_t size) { values_.resize(size, fill_); }

  T fill_;
  std::vector<T> values_;
};

}  // namespace wqprof

#endif  // WQPROF_MODEL_BY_CPU_H_
