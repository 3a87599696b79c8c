// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_TESTS_SUPPORT_SANITIZED_H_
#define WQPROF_TESTS_SUPPORT_SANITIZED_H_

#include <cstddef>

namespace wqprof::testing {

// Of many variants of an input a test takes every one, or every fifth where a sanitizer makes each
// many times as slow.
#ifdef WQPROF_SANITIZED
inline constexpr size_t kVariantStep = 5;
#else
inline constexpr size_t kVariantStep = 1;
#endif

}  // namespace wqprof::testing

#endif  // WQPROF_TESTS_SUPPORT_SANITIZED_H_
