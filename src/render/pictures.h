// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_RENDER_PICTURES_H_
#define WQPROF_RENDER_PICTURES_H_

#include <string>
#include <string_view>

#include "wqprof/render.h"

namespace wqprof {

// A bar over `fraction` of `width` columns, padded to `width`; never empty when there is
// something to show.
std::string Bar(double fraction, size_t width, bool utf8);

// One character a bin, at most `width` of them: neighbours are added up where there are more
// bins.  Heights are relative to the fullest bin; a bin with anything in it is never blank.
std::string SparkText(const Spark& spark, size_t width, bool utf8);

// `width` letters, dealt out to the segments by their fractions: the ones that rounding leaves
// over go to those that lost most by it.
std::string StackText(const Stack& stack, size_t width);

// Bold, or yellow, where colour is allowed.  Neither ever is the only carrier of a meaning.
std::string Emphasized(std::string_view text, const TextStyle& style);
std::string Warned(std::string_view text, const TextStyle& style);
// Bold red: what hurts.
std::string Alarmed(std::string_view text, const TextStyle& style);
// Less than the rest.
std::string Dimmed(std::string_view text, const TextStyle& style);

}  // namespace wqprof

#endif  // WQPROF_RENDER_PICTURES_H_
