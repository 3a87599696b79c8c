// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_RENDER_TOP_TABLES_H_
#define WQPROF_RENDER_TOP_TABLES_H_

#include <string>

#include "wqprof/render_top.h"

namespace wqprof {

// The first column of each table of a live view: what the row is known by.  It is not shown.
inline constexpr std::string_view kTopKey = "row";

// The rows of the page of `view`, filtered and sorted.  `columns`: how wide the screen is.
Table TopTable(const Window& window, const TopFacts& facts, const TopView& view, size_t columns);
std::string TopKeyOf(const Table& table, size_t row);
// The items of a function that waited longest.
Table SlowestTable(const TopFacts& facts, const WindowFunction& function);

// The same as the keys of rows.
std::string KeyOf(const WindowFunction& row);
std::string KeyOf(const WindowPool& row);
std::string KeyOf(const WindowWorker& row);
std::string KeyOf(const Stall& row);

// Who keeps a pool that is stalled: "hog_fn on kworker/0:1[10]", or the task that has its CPU; "?"
// when that is not known.  Not escaped.
std::string HeldBy(const Stall& stall, const std::optional<Task>& on_cpu);

}  // namespace wqprof

#endif  // WQPROF_RENDER_TOP_TABLES_H_
