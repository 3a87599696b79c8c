// SPDX-License-Identifier: Apache-2.0
// The program's operator new: large blocks ask for huge pages.  Symbols of a kernel, tables of
// many works and batches of events are megabytes that are written once and at once; each small
// page of them would be a page fault, which in a virtual machine costs as much as decoding
// hundreds of events.
#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
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
