// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_BUDGET_LINT_H_
#define WQPROF_BUDGET_LINT_H_

#include <vector>

#include "wqprof/budget.h"

namespace wqprof {

// Finds rules that are written well but cannot do what they are for: that can never fail, or
// never pass, or ask of a quantity what it does not have.
void LintBudget(const Budget& budget, std::vector<BudgetProblem>& problems);

// Whether so many runs on each side can show a regression in any of `instances` at this
// confidence, and what to do when not; "" when they can.
std::string WhyNeverFails(const Rule& rule, size_t base_runs, size_t new_runs, size_t instances);

}  // namespace wqprof

#endif  // WQPROF_BUDGET_LINT_H_
