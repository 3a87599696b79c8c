// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_CLI_NO_MATCH_H_
#define WQPROF_CLI_NO_MATCH_H_

#include <string>

#include "cli/analysis_options.h"
#include "wqprof/report.h"

namespace wqprof {

// Why `report`, made with the filters of `options`, lacks what was asked for: globs that match
// nothing, with the name that was probably meant, or a recording without any work.  "" when
// nothing is amiss.  Reads the recording once more to learn the names in it.
std::string ExplainNoMatch(const Report& report, const AnalysisOptions& options);

// The same for a list of items, of which none passed.
std::string ExplainNoItems(const AnalysisOptions& options);

}  // namespace wqprof

#endif  // WQPROF_CLI_NO_MATCH_H_
