// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_RENDER_FLUSH_TABLE_H_
#define WQPROF_RENDER_FLUSH_TABLE_H_

#include <string>
#include <string_view>
#include <vector>

#include "wqprof/columns.h"
#include "wqprof/render.h"

namespace wqprof {

// Who waited for works to end, for which, and behind what.
Table FlushTable(const Report& report);

// What was watched for it, as a column of facts about the source; null where it was not asked for.
ColumnOf<Report> FlushSourceColumn();

// How often such functions were called, and what is not known; none where it was not asked for.
void AddFlushNotes(const FlushLog* log, std::vector<std::string>& notes);

// The words of a finding that a task waited in a flush.
std::string FlushFindingText(const Finding& finding);
std::string FlushFindingBecause(const Finding& finding);

}  // namespace wqprof

#endif  // WQPROF_RENDER_FLUSH_TABLE_H_
