// SPDX-License-Identifier: Apache-2.0
// Verdicts of budgets and differences of runs, as text and for machines.
#ifndef WQPROF_RENDER_VERDICTS_H_
#define WQPROF_RENDER_VERDICTS_H_

#include <span>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "wqprof/budget.h"
#include "wqprof/render.h"

namespace wqprof {

// What text shows of a check.
struct CheckView {
  bool passes = false;  // each of them, not only their number
  bool files = true;    // the runs are files that can be looked at
};
// Schema wqprof.check/1.  Text: failures first, each with the run that it was worst in and the
// command that shows it.
std::string RenderCheck(const CheckResult& result, Format format, const TextStyle& style,
                        const CheckView& view = {});
// "4 limits: 2 kept, 1 broken, 1 inconclusive".
std::string CheckSummary(const CheckResult& result);

// The outcomes, failures first, without the instances that had too few items; as a table, and the
// command that shows what broke a limit ("" where nothing does).
std::vector<const RuleOutcome*> OutcomesByRank(const CheckResult& result);
Table OutcomeTable(const CheckResult& result, std::span<const RuleOutcome* const> outcomes);
std::string OutcomeCommand(const CheckResult& result, const RuleOutcome& outcome);
// What the runs are worth, in a line.
std::string CheckQuality(const CheckResult& result);

// A JUnit report: a test case for each limit and instance; what is inconclusive is an error.
std::string CheckJunit(const CheckResult& result);

// Workflow commands for GitHub, which mark the lines of the rules.  GitHub shows ten errors and
// ten warnings a step: the last one of too many says how many more there are.
std::string GithubAnnotations(const CheckResult& result);
// All of it in Markdown, for $GITHUB_STEP_SUMMARY.
std::string GithubSummary(const CheckResult& result);

// Schema wqprof.diff/1.  `top`: so many rows in text; 0 for all.  Text leaves out rows with too few
// items to compare, unless it is to show `all`.
std::string RenderDiff(const DiffResult& result, Format format, size_t top, const TextStyle& style,
                       bool all = false);

// The result in a sentence: what is proven to have changed.  Not escaped.
std::string DiffHeadline(const DiffResult& result);
// What so many runs can prove; "" of enough of them.
std::string DiffPower(const DiffResult& result);
// The rows that both groups have, as a table by the first of their metrics.
std::vector<const DiffRow*> ComparedRows(const DiffResult& result);
Table ComparedTable(const DiffResult& result, std::span<const DiffRow* const> rows);

}  // namespace wqprof

#endif  // WQPROF_RENDER_VERDICTS_H_
