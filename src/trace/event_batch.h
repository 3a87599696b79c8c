// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TRACE_EVENT_BATCH_H_
#define WQPROF_TRACE_EVENT_BATCH_H_

#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "wqprof/event.h"

namespace wqprof {

// An allocator for memory that is about to be overwritten: what a resize adds is not cleared.
template <typename T>
struct UninitializedAllocator : std::allocator<T> {
  // Only of such types does an allocation hold objects that nobody has made.
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);
  template <typename U>
  struct rebind {
    using other = UninitializedAllocator<U>;
  };
  void construct(T*) {}
  template <typename... Args>
  void construct(T* at, Args&&... args) {
    ::new (static_cast<void*>(at)) T(std::forward<Args>(args)...);
  }
};

// Decoded events of one CPU.
using EventBatch = std::vector<Event, UninitializedAllocator<Event>>;

}  // namespace wqprof

#endif  // WQPROF_TRACE_EVENT_BATCH_H_
