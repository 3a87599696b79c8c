// SPDX-License-Identifier: Apache-2.0
// Merged lines of a fleet, in each format.
#ifndef WQPROF_RENDER_HIST_H_
#define WQPROF_RENDER_HIST_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "wqprof/hist.h"
#include "wqprof/render.h"

namespace wqprof {

// `merged` must outlive them.
std::vector<Table> MergeTables(const MergedHists& merged);

// As a report is shown; View's split, fold and by do not count.
absl::StatusOr<std::string> RenderMerged(const MergedHists& merged, Format format, const View& view,
                                         const TextStyle& style);

}  // namespace wqprof

#endif  // WQPROF_RENDER_HIST_H_
