// SPDX-License-Identifier: Apache-2.0
// Recordings as lines of a fleet.
#ifndef WQPROF_CLI_HIST_EXPORT_H_
#define WQPROF_CLI_HIST_EXPORT_H_

#include "cli/analysis_options.h"
#include "cli/options.h"
#include "cli/result_file.h"
#include "cli/threshold.h"
#include "wqprof/hist.h"

namespace wqprof {

// --label --top-series --original-names.  `options` must live as long as the command.
void AddHistOptions(Command& command, HistOptions* options, std::string_view group = kPlain);

// What they are written as.
enum class HistForm : uint8_t { kLines, kOpenMetrics, kOtlpJson };
// So many series of an exporter's metrics, unless --top-series says otherwise.
inline constexpr size_t kTopMetrics = 40;

// Writes the lines of each of the recordings (input.files; none: the default one), a request of
// OpenTelemetry's for each, or their sum as metrics.  Returns the exit code.
int ExportHist(const AnalysisOptions& input, const Threshold& threshold, const HistOptions& options,
               HistForm target, ResultFile& file);

}  // namespace wqprof

#endif  // WQPROF_CLI_HIST_EXPORT_H_
