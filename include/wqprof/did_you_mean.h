// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_DID_YOU_MEAN_H_
#define WQPROF_DID_YOU_MEAN_H_

#include <span>
#include <string>
#include <string_view>

namespace wqprof {

// Insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`.
size_t EditDistance(std::string_view a, std::string_view b);

// The candidate that `word` was probably meant to be, or "" when none is near: up to a third
// of the letters (at least one) may be wrong.  Of equally near ones the first.
std::string NearestWord(std::string_view word, std::span<const std::string> candidates);

// " (did you mean 'x'?)", or "" when no candidate is near.
std::string DidYouMean(std::string_view word, std::span<const std::string> candidates);

}  // namespace wqprof

#endif  // WQPROF_DID_YOU_MEAN_H_
