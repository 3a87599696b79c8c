// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_RENDER_FINDING_TEXT_H_
#define WQPROF_RENDER_FINDING_TEXT_H_

#include <string>
#include <vector>

#include "wqprof/render.h"

namespace wqprof {

// A finding in words.  Not escaped; what is not known is "".
struct FindingWords {
  std::string text;     // what happened, and how bad it was
  std::string because;  // who or what made items wait
  std::string delayed;  // what waited
  std::vector<std::string> tries;
  std::string next;  // the command that tells more
};
FindingWords WordsOf(const Finding& finding, const Report& report, const Invocation& by);

// What was looked for, as far as the recording allows it: "stalls of 10.0ms or more, ...".
std::string LookedFor(const Report& report);

Table FindingTable(const Report& report, const Invocation& by);

}  // namespace wqprof

#endif  // WQPROF_RENDER_FINDING_TEXT_H_
