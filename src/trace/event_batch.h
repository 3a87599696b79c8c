// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TRACE_EVENT_BATCH_H_
#define WQPROF_TRACE_EVENT_BATCH_H_

#include <memory>
#include <utility>
#include <vector>

#include "wqprof/event.h"

namespace wqprof {

// An allocator for memory that is about to be overwritten: what a resize adds is not cleared.
template <typename T>
struct UninitializedAllocator : std::allocator<T> {
  template <typename U>
  struct rebind {
    using other = UninitializedAllocator<U>;
  };
  template <typename U, typename... Args>
  void construct(U* at, Args&&... args) {
    if constexpr (sizeof...(Args) == 0) {
      ::new (static_cast<void*>(at)) U;
    } else {
      ::new (static_cast<void*>(at)) U(std::forward<Args>(args)...);
    }
  }
};

// Decoded events of one CPU.
using EventBatch = std::vector<Event, UninitializedAllocator<Event>>;

}  // namespace wqprof

#endif  // WQPROF_TRACE_EVENT_BATCH_H_
