// SPDX-License-Identifier: Apache-2.0
// The tables of each command's JSON document.  The results must outlive them.
#ifndef WQPROF_RENDER_TABLES_H_
#define WQPROF_RENDER_TABLES_H_

#include <vector>

#include "wqprof/render.h"
#include "wqprof/render_chains.h"
#include "wqprof/render_interval.h"
#include "wqprof/render_verdicts.h"

namespace wqprof {

std::vector<Table> StallsTables(const Report& report, const Invocation& by = {});
std::vector<Table> ChainTables(const Report& report, const ChainReport& chains);
// Their rows do not count.
std::vector<Table> TimelineTables(const Report& report);
std::vector<Table> CheckTables(const CheckResult& result);
std::vector<Table> DiffTables(const DiffResult& result);

}  // namespace wqprof

#endif  // WQPROF_RENDER_TABLES_H_
