// SPDX-License-Identifier: Apache-2.0
#include "wqprof/analyze.h"

namespace wqprof {

absl::StatusOr<Report> Analyze(EventSource& source, const AnalyzeOptions& options) {
  Pipeline pipeline(source);
  Analyzer analyzer(source, pipeline.model(), options);
  pipeline.Attach(analyzer);
  if (const absl::Status status = pipeline.Run(); !status.ok()) return status;
  return analyzer.Snapshot();
}

}  // namespace wqprof
