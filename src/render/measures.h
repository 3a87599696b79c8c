// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_RENDER_MEASURES_H_
#define WQPROF_RENDER_MEASURES_H_

#include <span>
#include <vector>

#include "wqprof/render.h"

namespace wqprof {

// The columns that every table of items has: counts, the measures of doc/spec.md §2, and what text
// shows of them.  The picture of the latencies has one scale for all rows.
class MeasureColumns {
 public:
  // `all` are the measures of the rows to come.
  explicit MeasureColumns(std::span<const Measures* const> all);
  void AppendColumns(std::vector<Column>& columns) const;
  // `measures` must outlive the cells.
  void AppendCells(std::vector<Cell>& cells, const Measures& measures) const;

 private:
  Spark Picture(const Histogram& histogram) const;
  Nanos low_{0}, high_{0};  // range of the picture
  bool timers_ = false;     // any row has a timer_slack
};

}  // namespace wqprof

#endif  // WQPROF_RENDER_MEASURES_H_
