// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_GLOB_H_
#define WQPROF_GLOB_H_

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace wqprof {

// Whether the glob (*, ?, [...], \ before one of them) matches all of `name`.
bool MatchesGlob(const std::string& glob, std::string_view name);

// A glob that begins with '!' excludes what the rest of it matches.
inline bool IsExclusion(std::string_view glob) { return glob.starts_with('!'); }

// Whether a list of globs lets something through, which any of `spellings` names: no exclusion
// matches, and another glob does if there is any.
bool PassesGlobs(const std::vector<std::string>& globs,
                 std::initializer_list<std::string_view> spellings);

}  // namespace wqprof

#endif  // WQPROF_GLOB_H_
