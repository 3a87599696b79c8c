// SPDX-License-Identifier: Apache-2.0
// The part of a recording that is drawn or exported.
#ifndef WQPROF_CLI_TIME_WINDOW_H_
#define WQPROF_CLI_TIME_WINDOW_H_

#include <memory>
#include <optional>

#include "absl/status/statusor.h"
#include "cli/analysis_options.h"
#include "cli/options.h"
#include "cli/threshold.h"
#include "wqprof/types.h"

namespace wqprof {

// Around what the window lies, as the user gave it; with neither --time or everything counts.
struct WindowOptions {
  std::optional<size_t> stall, item;  // numbers of `stalls`, ids of `works`
  Threshold threshold;                // of stalls
};

// From the first to the last; kUnseen: open.
struct TimeWindow {
  Timestamp from = kUnseen, to = kUnseen;
};

// --time, --stall, --item, --threshold.
void AddWindowOptions(Command& command, AnalysisOptions* input, WindowOptions* window);

// Looks up the stall or the item, if one was asked for: reads the whole recording.  Absent: there
// is none, and a note says so.  kInvalidArgument: the input cannot be read twice.
absl::StatusOr<std::optional<TimeWindow>> FindWindow(const AnalysisOptions& input,
                                                     const WindowOptions& options);
// Without such a request the window is what --time says; see ResolveFilter().
absl::Status ResolveWindow(const AnalysisOptions& input, std::unique_ptr<EventSource>& source,
                           TimeWindow& window);

}  // namespace wqprof

#endif  // WQPROF_CLI_TIME_WINDOW_H_
