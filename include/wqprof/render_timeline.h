// SPDX-License-Identifier: Apache-2.0
#ifndef WQPROF_RENDER_TIMELINE_H_
#define WQPROF_RENDER_TIMELINE_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "wqprof/render.h"
#include "wqprof/timeline.h"

namespace wqprof {

// What of a timeline is shown.
struct TimelineView {
  std::vector<std::string> pools;  // globs of names; empty: those that stalled, else the busiest
  size_t columns = 80;             // of a line of text
  size_t lanes = 8;                // of each pool, the busiest; 0: all
};

// Lanes in text, or the series (schema wqprof.timeline/1).  `report` has the facts of the
// recording.  kNotFound: no pool has such a name.
absl::StatusOr<std::string> RenderTimeline(const Report& report, const Timeline& timeline,
                                           Format format, const TimelineView& view,
                                           const TextStyle& style);

// Changes of pools one by one (schema wqprof.steps/1); CSV or NDJSON.
std::string StepsHeading(Format format);
void AppendStep(std::string& out, Format format, std::string_view pool, const PoolStep& step);

}  // namespace wqprof

#endif  // WQPROF_RENDER_TIMELINE_H_
