// SPDX-License-Identifier: Apache-2.0
// The program's memory: the heap and large blocks outside of it ask for huge pages.  Symbols of a
// kernel, tables of many works and batches of events are megabytes that are written once and at
// once; each small page of them would be a page fault, which in a virtual machine costs as much as
// decoding hundreds of events.
#include <malloc.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <new>

// Sanitizers come with an operator new of their own.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define WQPROF_SANITIZED 1
#endif
#endif
#if !defined(WQPROF_SANITIZED) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

namespace {

constexpr std::size_t kHugePage = 2 << 20;
constexpr std::size_t kLarge = kHugePage / 4;
// Reserved for the heap at the start; only what is used of it takes memory.  Beyond it the heap has
// small pages.
constexpr int kHeap = 32 << 20;
constexpr std::size_t kLargest = PTRDIFF_MAX - kHugePage;  // malloc's own limit, rounded up

void* Allocate(std::size_t size, std::size_t alignment) {
  while (true) {
    void* block = nullptr;
    if (size < kLarge) {
      block = alignment <= alignof(std::max_align_t)
                  ? std::malloc(size)
                  : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    } else {
      const std::size_t whole =
          size > kLargest ? 0 : (size + kHugePage - 1) / kHugePage * kHugePage;
      if (whole != 0) block = std::aligned_alloc(kHugePage, whole);
      // Only advice: where it is not taken, nothing is lost.
      if (block != nullptr) madvise(block, whole, MADV_HUGEPAGE);
    }
    if (block != nullptr) return block;
    if (const std::new_handler handler = std::get_new_handler()) {
      handler();
    } else {
      throw std::bad_alloc();
    }
  }
}

#if defined(__GLIBC__)
std::uintptr_t Aligned(const void* at) {
  return (reinterpret_cast<std::uintptr_t>(at) + kHugePage - 1) / kHugePage * kHugePage;
}

// One heap for all threads, as those other than the first would get heaps that grow by one small
// page at a time.
[[gnu::constructor]] void ReserveHeap() {
  // A limit counts what is reserved as if it were used.
  for (const auto limit : {RLIMIT_DATA, RLIMIT_AS}) {
    rlimit told{};
    if (getrlimit(limit, &told) != 0 || told.rlim_cur != RLIM_INFINITY) return;
  }
  mallopt(M_ARENA_MAX, 1);
  mallopt(M_MMAP_THRESHOLD, static_cast<int>(kLarge));
  mallopt(M_TRIM_THRESHOLD, 2 * kHeap);
  mallopt(M_TOP_PAD, kHeap);
  // More than is there already, so that the heap grows.
  void* const block = std::malloc(kLarge / 2);
  mallopt(M_TOP_PAD, static_cast<int>(kLarge));
  const std::uintptr_t begin = Aligned(block), end = Aligned(sbrk(0)) - kHugePage;
  if (block == nullptr || begin >= end) return;
  madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
  // What lies before the first whole huge page stays empty, and takes no memory.
  const std::uintptr_t before = begin - reinterpret_cast<std::uintptr_t>(block);
  std::free(block);
  mallopt(M_MMAP_THRESHOLD, kHeap / 2);
  [[maybe_unused]] static const void* const gap = std::malloc(before);
  mallopt(M_MMAP_THRESHOLD, static_cast<int>(kLarge));
}
#endif

}  // namespace

void* operator new(std::size_t size) { return Allocate(size, 1); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return Allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }
void operator delete(void* block, std::align_val_t) noexcept { std::free(block); }
void operator delete(void* block, std::size_t, std::align_val_t) noexcept { std::free(block); }

#endif
