// SPDX-License-Identifier: Apache-2.0
#include "wqprof/glob.h"

#include <fnmatch.h>

#include <algorithm>

namespace wqprof {

bool MatchesGlob(const std::string& glob, std::string_view name) {
  return fnmatch(glob.c_str(), std::string(name).c_str(), 0) == 0;
}

bool PassesGlobs(const std::vector<std::string>& globs,
                 std::initializer_list<std::string_view> spellings) {
  const auto any_matches = [&](const std::string& glob) {
    return std::any_of(spellings.begin(), spellings.end(),
                       [&](std::string_view name) { return MatchesGlob(glob, name); });
  };
  bool wanted = false, asked = false;
  for (const std::string& glob : globs) {
    if (IsExclusion(glob)) {
      if (any_matches(glob.substr(1))) return false;
    } else {
      asked = true;
      wanted = wanted || any_matches(glob);
    }
  }
  return wanted || !asked;
}

}  // namespace wqprof
