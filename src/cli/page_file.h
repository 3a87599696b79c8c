// SPDX-License-Identifier: Apache-2.0
// Pages of HTML, by every command that writes one.
#ifndef WQPROF_CLI_PAGE_FILE_H_
#define WQPROF_CLI_PAGE_FILE_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "cli/analysis_options.h"
#include "cli/log_view.h"
#include "cli/result_file.h"
#include "cli/threshold.h"
#include "wqprof/analyze.h"

namespace wqprof {

// Writes `page` to `file`.  A file that is there and is no page is refused: it may be the
// recording.
absl::Status WritePageFile(ResultFile& file, std::string_view page);

// Whether `file` ("": none) can hold a page of a command that writes text to standard output.
absl::Status CheckPageBesideText(const std::string& file);

// What a report's page is made of.
struct ReportPageRequest {
  const AnalysisOptions& input;
  const Threshold& threshold;
  ItemFilter filter;
  ResultFile& file;
  LogCollector* log = nullptr;  // that took the source's lines that are no events; may be null
};
// Reads `source` to its end and writes its page; returns the exit code.
int WriteReportPage(EventSource& source, const ReportPageRequest& request);

}  // namespace wqprof

#endif  // WQPROF_CLI_PAGE_FILE_H_
