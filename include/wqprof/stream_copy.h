// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_STREAM_COPY_H_
#define WQPROF_STREAM_COPY_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WQPROF_PLAIN_COPY  // it does not see the other kind
#endif
#endif
#if !defined(__x86_64__) || defined(__SANITIZE_THREAD__)
#define WQPROF_PLAIN_COPY
#endif
#if !defined(WQPROF_PLAIN_COPY)
#include <emmintrin.h>
#endif

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

// Copies `n` objects for a reader on another core.  The lines go past our cache: memory that is
// used again and again for such copies would else be fetched from the reader's cache line by
// line before it is overwritten, which takes longer than all that is done with it.
// The reader must learn of the copy by a release of this thread, which orders it.
template <typename T>
void StreamCopy(T* to, const T* from, size_t n) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) % 8 == 0 && alignof(T) == 8);
#if !defined(WQPROF_PLAIN_COPY)
  char* out = reinterpret_cast<char*>(to);
  const char* in = reinterpret_cast<const char*>(from);
  const char* const end = in + n * sizeof(T);
  const auto word = [&] {
    long long value;
    std::memcpy(&value, in, 8);
    _mm_stream_si64(reinterpret_cast<long long*>(out), value);
    in += 8;
    out += 8;
  };
  if (reinterpret_cast<uintptr_t>(out) % 16 != 0 && in != end) word();
  for (; end - in >= 16; in += 16, out += 16) {
    _mm_stream_si128(reinterpret_cast<__m128i*>(out),
                     _mm_loadu_si128(reinterpret_cast<const __m128i*>(in)));
  }
  if (in != end) word();
  _mm_sfence();
#else
  std::memcpy(to, from, n * sizeof(T));
#endif
}

// Batches that go from a thread that fills them to one that takes them, and come back to be filled
// again.  Each side may be another thread each time, if what makes them take turns orders them.
template <typename Batch, size_t kBatches>
class BatchRing {
 public:
  // For who fills them.
  bool has_room() const {
    return filled_.load(std::memory_order_relaxed) - returned_.load(std::memory_order_acquire) <
           kBatches;
  }
  // What is to be filled, as the taker left it.  REQUIRES: has_room().
  Batch& next() { return batches_[filled_.load(std::memory_order_relaxed) % kBatches]; }
  // Passes it on.
  void Pass() {
    filled_.store(filled_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
  // Whether all that was passed on came back.
  bool all_back() const {
    return filled_.load(std::memory_order_relaxed) == returned_.load(std::memory_order_acquire);
  }

  // For who takes them.
  bool ready() const { return taken_ < filled_.load(std::memory_order_acquire); }
  // The oldest one, which stays with the taker until it is returned.  REQUIRES: ready().
  Batch& Take() { return batches_[taken_++ % kBatches]; }
  // Gives back all that was taken; false: there was none.
  bool Return() {
    if (returned_.load(std::memory_order_relaxed) == taken_) return false;
    returned_.store(taken_, std::memory_order_release);
    return true;
  }

 private:
  std::array<Batch, kBatches> batches_;
  size_t taken_ = 0;  // the taker's
  std::atomic<size_t> filled_{0}, returned_{0};
};

}  // namespace wqprof

#undef WQPROF_PLAIN_COPY
#endif  // WQPROF_STREAM_COPY_H_
