// SPDX-License-Identifier: Apache-2.0
// How a report is shown, by every command that ends with one.
#ifndef WQPROF_CLI_REPORT_VIEW_H_
#define WQPROF_CLI_REPORT_VIEW_H_

#include <cstddef>
#include <optional>

#include "cli/analysis_options.h"
#include "cli/threshold.h"
#include "wqprof/analyze.h"
#include "wqprof/kernel_log.h"
#include "wqprof/render.h"

namespace wqprof {

// The options as the user gave them.
struct ReportView {
  View view;
  std::optional<size_t> top;
  Threshold threshold;
  bool live = false;  // of this box, without a file
};

// --by --sort --top --hist --split --threshold
void AddReportViewOptions(Command& command, ReportView* options);

// Groupings and durations that nobody will see are not summed up: each costs time per item.
void ChooseSums(const ReportView& shown_as, Format format, AnalyzeOptions& analyze);

// Writes the report; returns the exit code.
// With the kernel log of the same text, where there is one.
int ShowReport(const Report& report, const ReportView& shown_as, const AnalysisOptions& input,
               const KernelLog* log = nullptr);

}  // namespace wqprof

#endif  // WQPROF_CLI_REPORT_VIEW_H_
