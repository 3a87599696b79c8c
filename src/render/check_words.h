// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_RENDER_CHECK_WORDS_H_
#define WQPROF_RENDER_CHECK_WORDS_H_

#include <string>

#include "wqprof/budget.h"

namespace wqprof {

// An outcome in words, the same in every format that people read.
struct OutcomeWords {
  std::string verdict;   // "PASS", "FAIL", "WARN", "?", "skip"
  std::string what;      // rule and instance
  std::string value;     // "41.8ms", "+38%"
  std::string bounds;    // "[35.0ms, 49.0ms]"
  std::string limit;     // "≤ 10ms"
  std::string evidence;  // "n=4,455 runs=1", "5 v 5 runs p=0.004"
  std::string why;
  std::string place;  // "budget.toml:12:1"
};
OutcomeWords InWords(const CheckResult& result, const RuleOutcome& outcome);

// One sentence: what was measured, what was allowed, why.
std::string Sentence(const OutcomeWords& words, const RuleOutcome& outcome);

// "+38%", "-3%", "x12" for what grew beyond tenfold.
std::string ChangeText(double ratio);

}  // namespace wqprof

#endif  // WQPROF_RENDER_CHECK_WORDS_H_
