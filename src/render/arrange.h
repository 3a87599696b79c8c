// SPDX-License-Identifier: Apache-2.0
// Which tables of a result are shown, in which order, and what stands below them.
#ifndef WQPROF_RENDER_ARRANGE_H_
#define WQPROF_RENDER_ARRANGE_H_

#include <string>
#include <string_view>
#include <vector>

#include "wqprof/render.h"

namespace wqprof {

inline constexpr size_t kLegendColumns = 100;

// nullptr: none has that key.
Table* FindTable(std::vector<Table>& tables, std::string_view key);
// Those with these keys, in their order.
std::vector<Table> PickTables(std::vector<Table> tables, const std::vector<std::string>& keys);
// Sorts those of the tables that have the column, the others as usual if `by_default` or if rows
// are cut, and cuts all but records; those that Fold() will see (`fold`) are not cut yet.
absl::Status ArrangeTables(std::vector<Table>& tables, const View& view, bool by_default,
                           bool fold = false);
bool HasMeasures(const Table& table);
// What the columns of measures mean, where any table has them.
void AppendMeasureLegend(std::string& out, const std::vector<Table>& tables,
                         const TextStyle& style);
// CSV holds one table.
absl::StatusOr<std::string> OneCsv(const std::vector<Table>& tables);

}  // namespace wqprof

#endif  // WQPROF_RENDER_ARRANGE_H_
