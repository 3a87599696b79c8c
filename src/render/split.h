// SPDX-License-Identifier: Apache-2.0
// Where the time of many items went, by the parts that scheduler events show.
#ifndef WQPROF_RENDER_SPLIT_H_
#define WQPROF_RENDER_SPLIT_H_

#include <string>
#include <vector>

#include "render/named_rows.h"
#include "wqprof/columns.h"
#include "wqprof/render.h"

namespace wqprof {

// The sums of a row's splits for machines: an object in JSON, columns in CSV.
Columns<Measures> SplitColumns();

// The same for people: a table of the dispatch waits and one of the executions, with the rows
// that have any.
Table WaitSplitTable(const NamedRows& rows);
Table RunSplitTable(const NamedRows& rows);
// What the letters of both tables' bars stand for.
std::string SplitLegend();

}  // namespace wqprof

#endif  // WQPROF_RENDER_SPLIT_H_
