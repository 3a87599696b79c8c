// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_RENDER_WORKER_TABLE_H_
#define WQPROF_RENDER_WORKER_TABLE_H_

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "render/split.h"
#include "wqprof/columns.h"
#include "wqprof/render.h"
#include "wqprof/report.h"

namespace wqprof {

// Each worker with what it executed.
Table WorkerTable(const Report& report);
// Who queued something, most first.
Table OriginTable(const std::vector<OriginCount>& origins);

// The sums of the splits of some measures, by row of a table.
inline void AddSplits(Table& table, std::span<const Measures* const> all) {
  AddColumns(table, SplitColumns(), all);
}

template <class Row>
std::vector<const Measures*> MeasuresOf(const std::vector<Row>& rows) {
  std::vector<const Measures*> out;
  for (const Row& row : rows) out.push_back(&row.measures);
  return out;
}

// The measures of pools and workers are taken only on request: absent, not empty.
inline std::optional<const Histogram*> IfTaken(const Measures& measures, Measure measure) {
  const bool taken =
      measures.queued + measures.executed + measures[Measure::kExecution].count() > 0;
  return taken ? std::optional(&measures[measure]) : std::nullopt;
}

template <class Row>
ColumnOf<Row> TakenColumn(const MeasureSpec& measure) {
  Column column{std::string(measure.name), "", kMachine};
  column.about = measure.about;
  return {std::move(column),
          [id = measure.id](const Row& row) { return IfTaken(row.measures, id); }};
}

}  // namespace wqprof

#endif  // WQPROF_RENDER_WORKER_TABLE_H_
